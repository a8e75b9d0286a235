"""Who is asking: from a request, or the WebSocket an operation came through, to the caller it is from."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from access.authentication import Authenticator, Bearer, Cookie, Credential
from access.callers import Caller, Whereabouts
from access.errors import NoCredentials, NotAdmitted
from access.rate_limits import LimitReached, RateLimits
from access.sessions import NewSession
from app.own_pages import is_from_own_page
from app.rate_limiting import note, too_many

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
    rate_limits: RateLimits
    public_url: str = ""

    async def admit(self, connection: HTTPConnection) -> Caller:
        """Raises HTTP 401, or 429."""
        try:
            note(connection, await self.rate_limits.charge_address(_address(connection)))
            caller = await self._let_in(connection)
            note(connection, await self.rate_limits.charge(caller, 1))
        except LimitReached as problem:
            note(connection, problem.allowance)
            raise too_many(problem) from None
        return caller

    async def sign_in(self, connection: HTTPConnection, key: SecretStr) -> tuple[Caller, NewSession]:
        """Raises HTTP 401, or 429."""
        try:
            note(connection, await self.rate_limits.charge_address(_address(connection)))
            return await self.authenticator.sign_in(key, whereabouts_of(connection))
        except NotAdmitted as problem:
            raise await self._failed(connection, problem) from None
        except LimitReached as problem:
            note(connection, problem.allowance)
            raise too_many(problem) from None

    async def charge(self, connection: HTTPConnection, caller: Caller, cost: int) -> None:
        """For what a request asks for beyond being one. Raises HTTP 429."""
        try:
            note(connection, await self.rate_limits.charge(caller, cost))
        except LimitReached as problem:
            note(connection, problem.allowance)
            raise too_many(problem) from None

    async def _let_in(self, connection: HTTPConnection) -> Caller:
        try:
            return await self.ask_again(connection)
        except NotAdmitted as problem:
            raise await self._failed(connection, problem) from None

    async def _failed(self, connection: HTTPConnection, problem: NotAdmitted) -> HTTPException:
        """Who shows nothing guesses nothing: only credentials that are not good count."""
        if not isinstance(problem, NoCredentials | NotOurPage):
            try:
                await self.rate_limits.charge_failure(_address(connection))
            except LimitReached as reached:
                note(connection, reached.allowance)
                return too_many(reached)
        return HTTPException(401, str(problem), CHALLENGE)

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


def _address(connection: HTTPConnection) -> str | None:
    return connection.client.host if connection.client else None


def whereabouts_of(connection: HTTPConnection) -> Whereabouts:
    return Whereabouts(address=_address(connection), request_id=getattr(connection.state, "request_id", None))
