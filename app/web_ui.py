"""The web UI: the exported pages of frontend/, each under a content policy that allows its own scripts and no other.

Next writes a page's data into inline scripts. They are known once the files are built, so their hashes are allowed by
name, and an injected script is refused.
"""

from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from app.content_policy import content_policy

NOT_FOUND = "404.html"
READING = ("GET", "HEAD")
MAY_ALSO = ("font-src 'self'", "img-src 'self' data:", "manifest-src 'self'", "form-action 'self'")
HASHED_FILES = "_next/static/"
FOR_EVER = "public, max-age=31536000, immutable"
ALWAYS_ASK = "no-cache"

MISSING_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Billing</title>
<h1>The service runs; its web UI is not built</h1>
<p>Run <code>make web</code> (it needs Node.js 20.9 or newer) and restart the service. All else works without:</p>
<ul>
<li><a href="/graphql">GraphiQL</a></li>
<li><a href="/health/ready">Health</a></li>
<li><a href="/api/customers">Customers, over REST</a></li>
</ul>
</html>
"""


def web_ui_routes(directory: Path, *, beside: Sequence[BaseRoute]) -> list[BaseRoute]:
    """To be put last: what no other route wants. Without the built pages, one that says how to get them.

    A path that a route in `beside` knows is never a page, whatever the method: `/webhooks/` is one, `/webhooks/stripe`
    is the API's.
    """
    if not (directory / "index.html").is_file():
        return [Route("/", _missing, methods=["GET"])]
    return [_Pages(WebUI(directory.resolve()), beside)]


class _Pages(Mount):
    def __init__(self, pages: "WebUI", beside: Sequence[BaseRoute]) -> None:
        super().__init__("/", GZipMiddleware(pages))
        self._beside = beside

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or any(route.matches(scope)[0] is not Match.NONE for route in self._beside):
            return Match.NONE, {}
        return super().matches(scope)


class WebUI:
    """An ASGI application. The files as they are now; a new build needs a restart."""

    def __init__(self, directory: Path) -> None:
        self._files = StaticFiles(directory=directory, html=True)
        self._policies = {
            page.relative_to(directory).as_posix(): content_policy(page.read_text("utf-8"), *MAY_ALSO)
            for page in directory.rglob("*.html")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = self._files.get_path(scope)
        response = await self._file(path, scope)
        if response.status_code == HTTPStatus.NOT_FOUND and (location := page_of(path)):
            response = RedirectResponse(location)
        response.headers["cache-control"] = FOR_EVER if path.startswith(HASHED_FILES) else ALWAYS_ASK
        if policy := self._policy_of(path, response.status_code):
            response.headers["content-security-policy"] = policy
        await response(scope, receive, send)

    async def _file(self, path: str, scope: Scope) -> Response:
        try:
            if scope["method"] not in READING and not self._files.lookup_path(path)[1]:
                raise HTTPException(404)
            return await self._files.get_response(path, scope)
        except ValueError:  # a NUL: no file is called that
            raise HTTPException(404) from None

    def _policy_of(self, path: str, status: int) -> str | None:
        """Also with a 304: a browser takes over its headers, for the page it has."""
        page = NOT_FOUND if status == HTTPStatus.NOT_FOUND else path
        return self._policies.get(page) or self._policies.get((PurePosixPath(page) / "index.html").as_posix())


def page_of(path: str) -> str | None:
    """What a pretty link, as /customers/user_42, stands for: pages are files, and nobody has a file of their own.

    Browsers ask for /favicon.ico by themselves wherever a page has not named its icon, or not yet.
    """
    match PurePosixPath(path).parts:
        case ("favicon.ico",):
            return "/icon.svg"
        case ("customers", entity_id):
            return f"/customers/view/?id={quote(entity_id, safe='')}"
        case ("operations", operation_id):
            return f"/operations/?id={quote(operation_id, safe='')}"
    return None


async def _missing(_: Request) -> Response:
    return HTMLResponse(MISSING_PAGE, headers={"cache-control": ALWAYS_ASK})
