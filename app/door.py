"""Who is asking: from a request, or the WebSocket an operation came through, to the caller it is from."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from access.authentication import Authenticator, Bearer
from access.callers import Caller, Whereabouts
from access.errors import NoCredentials, NotAdmitted

SCHEME = "bearer "
CHALLENGE = {"www-authenticate": 'Bearer realm="billing"'}


class Door:
    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def admit(self, connection: HTTPConnection) -> Caller:
        """Raises HTTP 401."""
        try:
            return await self.ask_again(connection)
        except NotAdmitted as problem:
            raise HTTPException(401, str(problem), CHALLENGE) from None

    async def ask_again(self, connection: HTTPConnection) -> Caller:
        """Raises `NotAdmitted`."""
        return await self._authenticator.caller(credential_of(connection), whereabouts_of(connection))


def credential_of(connection: HTTPConnection) -> Bearer:
    """From the header; on a WebSocket, where a browser can send none, from the payload of `connection_init`."""
    given = connection.headers.getlist("authorization")
    if not given:
        given = _from_payload(getattr(connection.state, "connection_params", {}))
    if not given:
        raise NoCredentials
    if len(given) > 1 or not given[0].lower().startswith(SCHEME):
        raise NotAdmitted
    return Bearer(given[0][len(SCHEME) :].strip())


def _from_payload(payload: Mapping[str, object]) -> list[str]:
    found = [value for name, value in payload.items() if name.lower() == "authorization"]
    if not all(isinstance(value, str) for value in found):
        raise NotAdmitted
    return [str(value) for value in found]


def whereabouts_of(connection: HTTPConnection) -> Whereabouts:
    address = connection.client.host if connection.client else None
    return Whereabouts(address=address, request_id=getattr(connection.state, "request_id", None))
