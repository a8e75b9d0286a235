"""Whether a request that a browser signed with our cookie was made by one of our own pages.

The cookie is SameSite=Strict, which ignores ports and schemes: another program on this machine is the same site. So its
origin must be ours as well, and for all that may change something there must be a header no form can send.
"""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

SAFE = ("GET", "HEAD")
NOT_OF_ANOTHER_SITE = (None, "same-origin", "none")


def is_from_own_page(connection: HTTPConnection, public_url: str) -> bool:
    origin = connection.headers.get("origin")
    if connection.scope["type"] == "websocket":
        return origin is not None and _is_own(origin, connection, public_url)
    if connection.headers.get("sec-fetch-site") not in NOT_OF_ANOTHER_SITE:
        return False
    if connection.scope["method"] in SAFE:
        return origin is None or _is_own(origin, connection, public_url)
    return origin is not None and _is_own(origin, connection, public_url) and _no_form_sends(connection)


def _is_own(origin: str, connection: HTTPConnection, public_url: str) -> bool:
    if public_url:
        return origin == origin_of(public_url)
    return origin == f"{'https' if connection.url.scheme in ('https', 'wss') else 'http'}://{_host(connection)}"


def _host(connection: HTTPConnection) -> str:
    return connection.headers.get("host", "")


def _no_form_sends(connection: HTTPConnection) -> bool:
    media_type = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or "x-requested-with" in connection.headers


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
