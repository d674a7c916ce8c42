# One image for worker and API: the command chooses (see docker-compose.yml).

FROM python:3.13-slim AS packages
COPY requirements.lock .
RUN python -m venv /venv && \
    /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home heddle
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /heddle
COPY --from=packages /venv /venv
COPY . .
RUN python -m compileall -q /heddle
USER heddle
EXPOSE 8006 9464
CMD ["python", "worker.py"]
