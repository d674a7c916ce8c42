"""The interactive documentation at `/docs`, whole without internet: its script and style are of an installed package.

Called once by `app.py`. FastAPI's own pages load theirs from other hosts. Of `fastapi_swagger` only the files are used.
"""

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

PAGE = "/docs"
_FILES = "/docs/files"


def serve_docs(app: FastAPI) -> None:
    """Add the page, its files, and the way to it from `/`. No key is asked for: the page asks for one itself."""

    @app.get("/", include_in_schema=False)
    async def root(request: Request) -> RedirectResponse:
        return RedirectResponse(f"{_prefix(request)}{PAGE}")

    @app.get(PAGE, include_in_schema=False)
    async def page(request: Request) -> HTMLResponse:
        files = f"{_prefix(request)}{_FILES}"
        return get_swagger_ui_html(
            openapi_url=f"{_prefix(request)}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{files}/swagger-ui-bundle.js",
            swagger_css_url=f"{files}/swagger-ui.css",
            swagger_favicon_url=f"{files}/favicon-32x32.png",
            # Without this the page sends the description's address to a validator on the internet.
            swagger_ui_parameters={"validatorUrl": None},
        )

    app.mount(_FILES, StaticFiles(packages=[("fastapi_swagger", "resources")]))


def _prefix(request: Request) -> str:
    """The path under which a proxy shows us."""
    return str(request.scope.get("root_path", "")).rstrip("/")
