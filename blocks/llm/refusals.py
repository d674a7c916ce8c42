"""What a provider's HTTP status means: refused for good, or to be asked again later.

Used by the clients of this folder. Texts are for people, without what was asked.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from pydantic import SecretStr

from blocks.credentials import ApiKey, Redaction
from blocks.language_models import ModelRefused, ModelUnavailable

_LATER = frozenset({408, 409, 425, 429})
_LONGEST = 500
LONGEST_WAIT = 600.0
"""Seconds: nobody waits longer on a provider's word."""

_USED_UP = ("insufficient_quota", "billing", "credit balance")


def failure(
    provider: str, status: int, text: str, headers: Mapping[str, str], key: SecretStr | None
) -> ModelRefused | ModelUnavailable:
    """The error for an answer that is none. `text`: what the provider says of it, which is shown without the key."""
    is_used_up = status == 429 and any(word in text.lower() for word in _USED_UP)
    if (status in _LATER or status >= 500) and not is_used_up:
        what = "limits the rate of requests" if status == 429 else "cannot answer at the moment"
        return ModelUnavailable(f"{provider} {what} ({status}).", retry_after(headers))
    if key is not None:
        # Before the text is cut: half a key would not be found.
        text = Redaction.of({"": ApiKey(provider, key)})(text)
    shown = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return ModelRefused(f"{provider} refused the request ({status}): {shown or 'it gives no reason'}", status)


def broken_off(provider: str) -> ModelUnavailable:
    """The error for an answer that cannot be read, or that never came to its end."""
    return ModelUnavailable(f"{provider} gave an answer that cannot be read or broke off.")


def unreachable(provider: str, url: str, *, is_own: bool) -> ModelUnavailable:
    """The error for an endpoint that nobody could connect to: its host and port alone, for all else may be secret.

    `is_own`: whether the deployment says where the provider is.
    """
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    where = f"{host}:{parts.port}" if parts.port else f"{host}"
    if is_own:
        where = f"its endpoint {where}, which HEDDLE_LLM_BASE_URLS sets"
    return ModelUnavailable(f"{provider} could not be reached: no connection to {where}.")


def never_connected(error: BaseException) -> bool:
    """Whether an error of a client library says that there was no connection, by what it was raised from."""
    from httpx2 import ConnectError, ConnectTimeout

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, (ConnectError, ConnectTimeout)):
        cause = cause.__cause__
    return cause is not None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the provider wants to be asked again, within bounds; None when it does not say."""
    if (text := headers.get("retry-after-ms")) and text.isascii() and text.isdigit():
        return min(float(text[:20]) / 1000, LONGEST_WAIT)
    text = (headers.get("retry-after") or "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_WAIT)
