import httpx
import pytest

from integrations.http import check_base_url, provider_http_client, retry_after_seconds
from tests.integrations.remote import Answer, Remote, connected, hanging_up

REAL = "https://api.metronome.com"
LOCAL = "http://127.0.0.1:3001"


@pytest.mark.parametrize("url", [REAL, LOCAL, "http://localhost:3001", "http://[::1]:3001", "https://127.0.0.1:3001"])
def test_the_sandbox_may_be_anywhere_safe_or_on_this_machine(url: str) -> None:
    assert check_base_url(url, setting="METRONOME_API_URL", sandbox=True) == url


def test_a_real_provider_may_be_reached_by_name_over_https_only() -> None:
    assert check_base_url(f"{REAL}/v1/", setting="METRONOME_API_URL", sandbox=False) == f"{REAL}/v1"


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.metronome.com",
        "ftp://api.metronome.com",
        "file:///etc/passwd",
        "http://api.metronome.com",
        "http://127.0.0.1.example.com",
        "http://169.254.169.254",
        "https://169.254.169.254",
        "https://[fe80::1]",
        "https://2852039166",
        "http://0.0.0.0:3001",
        "https://user@api.metronome.com",
        "https://:secret@api.metronome.com",
        "http://localhost@169.254.169.254",
        "http://127.0.0.1\\@example.com",
        "https://api.metronome.com/?to=x",
        "https://api.metronome.com/#x",
        "https://\u0430pi.metronome.com",
        "https://api.metronome.com\r\nX: y",
        "https://api.metronome.com:99999",
    ],
)
def test_everything_else_is_refused_naming_the_setting(url: str, sandbox: bool) -> None:
    with pytest.raises(ValueError, match=r"^METRONOME_API_URL: "):
        check_base_url(url, setting="METRONOME_API_URL", sandbox=sandbox)


@pytest.mark.parametrize("url", [LOCAL, "https://localhost", "https://127.0.0.1", "https://[::1]"])
def test_this_machine_is_refused_outside_the_sandbox(url: str) -> None:
    with pytest.raises(ValueError, match="STRIPE_API_BASE: an address of this machine is only for the sandbox"):
        check_base_url(url, setting="STRIPE_API_BASE", sandbox=False)


async def test_a_redirect_is_not_followed_with_our_keys() -> None:
    remote = Remote(Answer(302, b"", {"Location": "http://elsewhere.example/"}))
    async with connected(remote) as http:
        response = await http.get("/customers", headers={"Authorization": "Bearer x"})

    assert response.status_code == 302
    assert len(remote.seen) == 1


async def test_a_proxy_of_the_environment_does_not_get_our_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hanging_up() as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy)
        async with provider_http_client("http://127.0.0.1:1") as http:
            with pytest.raises(httpx.ConnectError):
                await http.get("/")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "1e3"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "9999999999"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Sun, 01 Mar 2026 12:00:09 GMT", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}, 9.0),
        ({"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}, 0.0),
        ({"Retry-After": "Sun, 01 Mar 2026 12:00:09 GMT"}, None),
        ({"Retry-After": "Sun, 01 Mar 2026 12:00:09", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}, None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers) == seconds
