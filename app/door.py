"""Who is asking: from a request, or the WebSocket an operation came through, to the caller it is from."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from access.authentication import Authenticator, Bearer, Cookie, Credential
from access.callers import Caller, Whereabouts
from access.errors import NoCredentials, NotAdmitted
from app.own_pages import is_from_own_page

SCHEME = "bearer "
CHALLENGE = {"www-authenticate": 'Bearer realm="billing"'}


class NotOurPage(NotAdmitted):
    def __init__(self) -> None:
        super().__init__("A session counts only for our own pages: their origin, and JSON or X-Requested-With.")


@dataclass(frozen=True, slots=True)
class Door:
    authenticator: Authenticator
    cookie: str
    """The name of the session's cookie."""
    public_url: str = ""

    async def admit(self, connection: HTTPConnection) -> Caller:
        """Raises HTTP 401."""
        try:
            return await self.ask_again(connection)
        except NotAdmitted as problem:
            raise HTTPException(401, str(problem), CHALLENGE) from None

    async def ask_again(self, connection: HTTPConnection) -> Caller:
        """Raises `NotAdmitted`."""
        return await self.authenticator.caller(self._credential(connection), whereabouts_of(connection))

    def _credential(self, connection: HTTPConnection) -> Credential:
        """What was sent on purpose before what a browser sends by itself."""
        if (bearer := _bearer(connection)) is not None:
            return bearer
        if (token := connection.cookies.get(self.cookie)) is None:
            raise NoCredentials
        if not is_from_own_page(connection, self.public_url):
            raise NotOurPage
        return Cookie(SecretStr(token))


def _bearer(connection: HTTPConnection) -> Bearer | None:
    """From the header; on a WebSocket, where a browser can send none, from the payload of `connection_init`."""
    given = connection.headers.getlist("authorization")
    if not given:
        given = _from_payload(getattr(connection.state, "connection_params", {}))
    if not given:
        return None
    if len(given) > 1 or not given[0].lower().startswith(SCHEME):
        raise NotAdmitted
    return Bearer(SecretStr(given[0][len(SCHEME) :].strip()))


def _from_payload(payload: Mapping[str, object]) -> list[str]:
    found = [value for name, value in payload.items() if name.lower() == "authorization"]
    if not all(isinstance(value, str) for value in found):
        raise NotAdmitted
    return [str(value) for value in found]


def whereabouts_of(connection: HTTPConnection) -> Whereabouts:
    address = connection.client.host if connection.client else None
    return Whereabouts(address=address, request_id=getattr(connection.state, "request_id", None))
