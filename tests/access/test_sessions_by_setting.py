"""Sessions where settings decide: behind https, and in the sandbox, where nobody has to sign in."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from app.graphiql import assets_of, upstream_page
from tests.access.test_sessions import TIERS, cookie_of
from tests.keys import ADMIN_KEY, ADMIN_KEY_ID
from tests.service import PRODUCTION, SERVICE, Service, running_service


async def test_behind_https_the_cookie_is_secure_and_bound_to_this_host(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(sqlite_url, tmp_path, **PRODUCTION) as service:
        own = {"origin": "https://billing.example"}
        cookie = cookie_of(await service.http.post("/session", json={"key": ADMIN_KEY}, headers=own))
        sent = {**own, "cookie": f"{cookie.key}={cookie.value}"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url=SERVICE) as http:
            counted = await http.post("/graphql", json=TIERS, headers=sent)
            by_host = await http.post("/graphql", json=TIERS, headers={**sent, "origin": SERVICE})

    assert (cookie.key, cookie["secure"]) == ("__Host-billing_session", True)
    assert (counted.status_code, by_host.status_code) == (200, 401)


HTML = {"accept": "text/html"}


async def test_the_sandbox_signs_in_a_browser_on_this_machine(sqlite_url: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"sandbox_sign_in_key": ADMIN_KEY_ID, "graphiql_dir": graphiql_in(tmp_path)}
    async with running_service(sqlite_url, tmp_path, **settings) as service, local(service) as http:
        page = await http.get("/graphql", headers=HTML)
        answer = await http.post("/graphql", json=TIERS, headers={"origin": "http://127.0.0.1:3000"})
        again = await http.get("/graphql", headers=HTML)

    assert page.status_code == 200, page.text
    assert cookie_of(page).key == "billing_session"
    assert answer.json()["data"]["tiers"]
    assert "set-cookie" not in again.headers


@pytest.mark.parametrize(
    ("base_url", "client", "headers"),
    [
        ("http://evil.example:3000", "127.0.0.1", HTML),
        ("http://127.0.0.1.evil.example", "127.0.0.1", HTML),
        ("http://127.0.0.1:3000", "192.168.1.7", HTML),
        ("http://127.0.0.1:3000", "127.0.0.1", {**HTML, "x-forwarded-for": "203.0.113.9"}),
        ("http://127.0.0.1:3000", "127.0.0.1", {"accept": "application/json"}),
    ],
)
async def test_the_sandbox_signs_in_nobody_else(
    sqlite_url: str, tmp_path: Path, base_url: str, client: str, headers: dict[str, str]
) -> None:
    settings: dict[str, Any] = {"sandbox_sign_in_key": ADMIN_KEY_ID, "graphiql_dir": graphiql_in(tmp_path)}
    async with running_service(sqlite_url, tmp_path, **settings) as service:
        transport = httpx.ASGITransport(service.app, client=(client, 5000))
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as http:
            page = await http.get("/graphql", headers=headers)

    assert "set-cookie" not in page.headers


def graphiql_in(folder: Path) -> Path:
    for asset in assets_of(upstream_page()):
        (folder / asset.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / asset.path).write_text(asset.path)
    return folder


def local(service: Service) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(service.app, client=("127.0.0.1", 5000)), base_url="http://127.0.0.1:3000"
    )
