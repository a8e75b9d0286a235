"""The exported pages as the service serves them."""

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.middleware import SecurityHeaders
from app.web_ui import web_ui_routes

INLINE = 'self.__data.push("</p>")'
PAGE = f'<html><script src="/theme.js"></script><body>{{name}}<script id="data">{INLINE}</script></body></html>'


@pytest.fixture
def built(tmp_path: Path) -> Path:
    pages = {"index.html": "home", "404.html": "nothing here", "customers/index.html": "customers"}
    pages |= {"webhooks/index.html": "webhooks"}
    pages |= {
        "webhooks/index.html": "webhooks",
        "customers/view/index.html": "one customer",
        "customers/new/index.html": "new customer",
    }
    for path, name in pages.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(PAGE.format(name=name))
    (tmp_path / "_next/static").mkdir(parents=True)
    (tmp_path / "_next/static/chunk-abc.js").write_text("//" + "x" * 4096)
    return tmp_path


@pytest.fixture
async def http(built: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with _serving(built) as client:
        yield client


def _serving(directory: Path) -> httpx.AsyncClient:
    api = [
        Route(path, lambda _: PlainTextResponse("the API"), methods=["POST"])
        for path in ("/graphql", "/webhooks/stripe")
    ]
    app = Starlette(
        routes=[*api, *web_ui_routes(directory, beside=api)],
        middleware=[Middleware(SecurityHeaders, api_prefixes=["/graphql"])],
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service.test")


async def test_a_page_may_run_its_own_scripts_and_no_other(http: httpx.AsyncClient) -> None:
    answer = await http.get("/")

    digest = base64.b64encode(hashlib.sha256(INLINE.encode()).digest()).decode()
    policy = answer.headers["content-security-policy"].split("; ")
    assert "home" in answer.text
    assert f"script-src 'self' 'sha256-{digest}'" in policy
    assert "style-src 'self'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/customers/", "customers"),
        ("/customers/view/?id=user_1", "one customer"),
        ("/customers/new/", "new customer"),
        ("/webhooks/", "webhooks"),
    ],
)
async def test_every_page_has_its_address(http: httpx.AsyncClient, path: str, page: str) -> None:
    answer = await http.get(path)

    assert (answer.status_code, page in answer.text) == (200, True)
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/customers", "http://service.test/customers/"),
        ("/customers/new", "http://service.test/customers/new/"),
        ("/customers/view?id=a", "http://service.test/customers/view/?id=a"),
        ("/favicon.ico", "/icon.svg"),
        ("/customers/user_42", "/customers/view/?id=user_42"),
        ("/customers/a:b@c.d", "/customers/view/?id=a%3Ab%40c.d"),
        ("/customers/a%26x=1", "/customers/view/?id=a%26x%3D1"),
        ("/operations/op_1", "/operations/?id=op_1"),
    ],
)
async def test_pretty_links_lead_to_their_pages(http: httpx.AsyncClient, path: str, location: str) -> None:
    answer = await http.get(path)

    assert (answer.status_code, answer.headers["location"]) == (307, location)


async def test_a_file_beside_a_page_is_no_customer(built: Path, http: httpx.AsyncClient) -> None:
    (built / "customers/index.txt").write_text("the page's data")

    answer = await http.get("/customers/index.txt?_rsc=1")

    assert (answer.status_code, answer.text) == (200, "the page's data")


@pytest.mark.parametrize("path", ["/nope", "/nope/", "/..%2f..%2fetc/passwd", "/%00", "/customers/view/nope.txt"])
async def test_what_there_is_not_is_told_as_a_page(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)

    assert answer.status_code == 404
    assert "nothing here" in answer.text or answer.text == "Not Found"


@pytest.mark.parametrize("path", ["/", "/customers/", "/customers/view/?id=user_1"])
async def test_a_page_that_has_not_changed_keeps_its_policy(http: httpx.AsyncClient, path: str) -> None:
    first = await http.get(path)

    again = await http.get(path, headers={"if-none-match": first.headers["etag"]})

    assert again.status_code == 304
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    assert "script-src 'self' 'sha256-" in again.headers["content-security-policy"]


async def test_the_page_that_says_what_there_is_not_may_run_its_scripts_too(http: httpx.AsyncClient) -> None:
    assert "'sha256-" in (await http.get("/nope")).headers["content-security-policy"]


async def test_hashed_files_are_kept_for_ever_and_travel_compressed(http: httpx.AsyncClient) -> None:
    answer = await http.get("/_next/static/chunk-abc.js", headers={"accept-encoding": "gzip"})

    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == "//" + "x" * 4096


async def test_the_api_is_untouched(http: httpx.AsyncClient) -> None:
    assert (await http.post("/graphql")).text == "the API"
    assert (await http.post("/webhooks/stripe")).text == "the API"
    assert (await http.get("/webhooks/stripe")).status_code == 405


async def test_a_page_is_read_and_takes_no_other_method(http: httpx.AsyncClient) -> None:
    assert (await http.head("/customers/")).status_code == 200
    assert (await http.post("/customers/")).status_code == 405
    assert (await http.post("/webhooks/paypal")).status_code == 404
    assert (await http.post("/%00")).status_code == 404


async def test_without_a_build_a_page_says_how_to_get_one(tmp_path: Path) -> None:
    async with _serving(tmp_path) as http:
        answer = await http.get("/")
        api = await http.post("/graphql")

    assert (answer.status_code, "make web" in answer.text) == (200, True)
    assert api.text == "the API"
