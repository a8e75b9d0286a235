"""The one kind of HTTP client that carries our provider keys, and the rule for where it may connect.

httpx logs every URL with its query at INFO, and stripe logs the provider's words at INFO and bodies at DEBUG: the
application keeps the loggers "httpx", "httpcore" and "stripe" at WARNING.
"""

import ipaddress
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache

import httpx

from integrations.errors import loggable

Clock = Callable[[], datetime]
"""Answers the present instant, aware, in UTC."""

CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0

# httpx scans its whole pool on every request, so a large pool costs more than it gives.
MAX_CONNECTIONS = 20

LAST_PORT = 65535


@dataclass(slots=True)
class Answered:
    """What a provider calls the request that it answered last, for its support; None when it gave no name."""

    request_id: str | None = None


_answered: ContextVar[Answered | None] = ContextVar("answered", default=None)


@contextmanager
def noting(answered: Answered) -> Iterator[None]:
    """Every answer to what is sent within is noted, the refusals and failures too."""
    token = _answered.set(answered)
    try:
        yield
    finally:
        _answered.reset(token)


async def _note(response: httpx.Response) -> None:
    if (answered := _answered.get()) is not None:
        answered.request_id = loggable(request_id_of(response))


def request_id_of(response: httpx.Response) -> str | None:
    identifier: str | None = response.headers.get("X-Request-Id") or response.headers.get("Request-Id")
    return identifier


def provider_http_client(
    base_url: str,
    *,
    connect_seconds: float = CONNECT_SECONDS,
    read_seconds: float = READ_SECONDS,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """One per provider and event loop. No proxies from the environment, no redirects: our keys go nowhere else."""
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=httpx.Timeout(read_seconds, connect=connect_seconds),
        limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
        headers={"User-Agent": "billing-service"},
        verify=_trusted_authorities(),
        trust_env=False,
        follow_redirects=False,
        event_hooks={"response": [_note]},
        transport=transport,
    )


@cache
def _trusted_authorities() -> ssl.SSLContext:
    """Read once for all clients: reading them is most of what making a client costs."""
    return httpx.create_ssl_context(trust_env=False)


def check_base_url(url: str, *, setting: str, sandbox: bool) -> str:
    """The address without a trailing slash, when keys may be sent there; else a ValueError naming the setting.

    https to a named host always; http, and addresses of this machine, only in the sandbox.
    """
    if problem := _base_url_problem(url, sandbox=sandbox):
        raise ValueError(f"{setting}: {problem}")
    return url.rstrip("/")


def _base_url_problem(url: str, *, sandbox: bool) -> str | None:
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "an address of printable ASCII characters is needed"
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "this is not an address"
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        return "an address starting with https:// is needed"
    if parsed.port is not None and not 1 <= parsed.port <= LAST_PORT:
        return "the port must be between 1 and 65535"
    if parsed.userinfo or parsed.query or parsed.fragment or "?" in url or "#" in url or "@" in url:
        return "the address must hold no user, query or fragment"
    return _host_problem(parsed, sandbox=sandbox)


def _host_problem(url: httpx.URL, *, sandbox: bool) -> str | None:
    if _is_loopback(url.host):
        return None if sandbox else "an address of this machine is only for the sandbox"
    if url.scheme == "http":
        return "http is only for this machine; https is needed"
    if _ip_address(url.host) or url.host.replace(".", "").isdigit():
        return "a host name is needed, not a bare IP address"
    return None


def _is_loopback(host: str) -> bool:
    address = _ip_address(host)
    return address.is_loopback if address else host == "localhost"


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """What Retry-After asks for, in either of its forms (RFC 9110 section 10.2.3); None when absent or odd.

    A date is counted from the answer's own Date: the provider's clock need not be ours.
    """
    asked = headers.get("Retry-After", "")
    if re.fullmatch(r"[0-9]{1,9}", asked):
        return float(asked)
    try:
        pause = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, pause.total_seconds())
