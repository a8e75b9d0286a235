"""GraphiQL without a network: Strawberry's own page, its files served from here, under a strict content policy."""

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from strawberry.http.ides import get_graphql_ide_html

from app.content_policy import content_policy

ASSETS_PATH = "/graphiql-assets"

CDN = "https://unpkg.com/"
CDN_FILE = re.compile(
    rf'(?:src|href)="{re.escape(CDN)}(?P<package>(?:@[^/"@]+/)?[^/"@]+@[^/"]+)/(?P<file>[^"]+)"\s+'
    r'integrity="(?P<integrity>sha384-[^"]+)"'
)
REMOTE_ADDRESS = re.compile(r"https?://(?!www\.w3\.org/)[^\s\"'`]+")
DEFAULT_QUERY = re.compile(r"const EXAMPLE_QUERY = `.*?`;", re.DOTALL)

MISSING_PAGE = "GraphiQL is not here yet: its files are fetched once, and then served without a network.\n" + (
    "Run `make graphiql` and restart the service.\n"
)


class UnknownPage(ValueError):  # noqa: N818  named for what is wrong, as all our errors
    """The installed Strawberry's page is not the one this module knows how to serve."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page: of which npm package (`name@version`), and its hash as the page states it."""

    package: str
    file: str
    integrity: str

    @property
    def path(self) -> str:
        return f"{self.package}/{self.file}"

    def matches(self, content: bytes) -> bool:
        digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
        return self.integrity == f"sha384-{digest}"


def upstream_page() -> str:
    return get_graphql_ide_html(graphql_ide="graphiql")


def assets_of(html: str) -> list[Asset]:
    """Every file the page loads from the network; refuses a page that loads one without stating its hash."""
    assets = [Asset(*match.group("package", "file", "integrity")) for match in CDN_FILE.finditer(html)]
    unknown = set(REMOTE_ADDRESS.findall(html)) - {CDN + asset.path for asset in assets}
    if unknown or not assets:
        raise UnknownPage(
            f"GraphiQL's page loads files in an unknown way: {', '.join(sorted(unknown)) or 'none found'}"
        )
    return assets


class GraphiQL:
    """The page and the routes of its files. Without the files the page says how to get them."""

    def __init__(self, *, assets_directory: Path, default_query: str) -> None:
        html = upstream_page()
        self._files = {asset.path: assets_directory / asset.path for asset in assets_of(html)}
        self._html = _localised(html, default_query)
        self._policy = content_policy(self._html, "font-src data:", "img-src data:", "form-action 'none'")

    def page(self) -> Response:
        if not all(file.is_file() for file in self._files.values()):
            return PlainTextResponse(MISSING_PAGE, status_code=404)
        headers = {"content-security-policy": self._policy, "cache-control": "no-cache"}
        return HTMLResponse(self._html, headers=headers)

    def routes(self) -> list[Route]:
        return [Route(f"{ASSETS_PATH}/{{path:path}}", self._asset, methods=["GET"])]

    async def _asset(self, request: Request) -> Response:
        """Only the page's own files: any other path, however spelled, is not in the table."""
        file = self._files.get(request.path_params["path"])
        if file is None or not file.is_file():
            raise HTTPException(404)
        return FileResponse(file, headers={"cache-control": "public, max-age=31536000, immutable"})


def _localised(html: str, default_query: str) -> str:
    # A JSON string is a JavaScript string; "</" inside one would still end the script element.
    query = orjson.dumps(default_query).decode().replace("</", r"<\/")
    html, replaced = DEFAULT_QUERY.subn(lambda _: f"const EXAMPLE_QUERY = {query};", html)
    if replaced != 1:
        raise UnknownPage("GraphiQL's page has no default query to replace")
    return html.replace(CDN, f"{ASSETS_PATH}/")
