"""/session: a browser trades a key for a cookie, asks who it is, and signs out. In the sandbox it need not ask."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from access.callers import Caller
from access.errors import NotAdmitted
from access.sessions import NewSession, end_session
from app.door import Door, whereabouts_of
from app.own_pages import is_from_own_page
from app.settings import LOOPBACK
from models import ActorKind
from rest.answers import answer, failed, not_served
from rest.bodies import read_json
from schema.types.scalars import iso

HANDLERS = {HTTPException: not_served, Exception: failed}


class SignIn(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    key: SecretStr


@dataclass(frozen=True, slots=True)
class SessionCookie:
    secure: bool

    @property
    def name(self) -> str:
        """With its prefix a browser takes it only over https, from this very host, for all of it."""
        return "__Host-billing_session" if self.secure else "billing_session"

    def header(self, value: str, *, seconds: int) -> str:
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Strict{secure}"

    def opening(self, session: NewSession, door: Door) -> str:
        seconds = int((session.expires_at - door.authenticator.now()).total_seconds())
        return self.header(session.token.get_secret_value(), seconds=seconds)


def session_routes(door: Door, cookie: SessionCookie) -> list[BaseRoute]:
    async def sign_in(request: Request) -> Response:
        if not is_from_own_page(request, door.public_url) and "origin" in request.headers:
            raise HTTPException(403, "Sign in on our own page.")
        key = await _key(request)
        caller, session = await door.sign_in(request, key)
        answered = answer({**_who(caller), "expiresAt": iso(session.expires_at)})
        answered.headers["set-cookie"] = cookie.opening(session, door)
        return answered

    async def who(request: Request) -> Response:
        return answer(_who(await door.admit(request)))

    async def sign_out(request: Request) -> Response:
        caller = await door.admit(request)
        if caller.kind is ActorKind.SESSION:
            await end_session(caller, at=door.authenticator.now())
        return Response(status_code=204, headers={"set-cookie": cookie.header("", seconds=0)})

    by_method: dict[str, Callable[[Request], Awaitable[Response]]] = {"POST": sign_in, "GET": who, "DELETE": sign_out}
    told = [Middleware(ExceptionMiddleware, handlers=HANDLERS)]
    return [Route("/session", endpoint, methods=[method], middleware=told) for method, endpoint in by_method.items()]


async def _key(request: Request) -> SecretStr:
    try:
        return SignIn.model_validate(await read_json(request)).key
    except ValidationError:
        raise HTTPException(400, 'Send {"key": "bk_..."}.') from None


def _who(caller: Caller) -> dict[str, str | list[str] | None]:
    return {
        "kind": caller.kind.value,
        "name": caller.name,
        "keyId": caller.key_id,
        "entityId": caller.customer.entity_id if caller.customer else None,
        "scopes": sorted(scope.value for scope in caller.scopes),
        "expiresAt": iso(caller.expires_at) if caller.expires_at else None,
    }


class SignInToSandbox:
    """Middleware: whoever opens a page of the sandbox on this machine is signed in, with the key it began with."""

    def __init__(self, app: ASGIApp, *, door: Door, cookie: SessionCookie, key_id: str) -> None:
        self.app = app
        self.door = door
        self.cookie = cookie
        self.key_id = key_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _opens_page_here(Request(scope)) or await self._is_signed_in(Request(scope)):
            await self.app(scope, receive, send)
            return

        async def send_signed_in(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                whereabouts = whereabouts_of(Request(scope))
                session = await self.door.authenticator.sign_in_to_sandbox(self.key_id, whereabouts)
                if session is not None:
                    MutableHeaders(scope=message).append("set-cookie", self.cookie.opening(session, self.door))
            await send(message)

        await self.app(scope, receive, send_signed_in)

    async def _is_signed_in(self, request: Request) -> bool:
        try:
            await self.door.ask_again(request)
        except NotAdmitted:
            return False
        return True


def _opens_page_here(request: Request) -> bool:
    """By a name of this machine: a page elsewhere whose name was made to lead here must get no session."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and host in LOOPBACK
        and request.client is not None
        and request.client.host in LOOPBACK
        and not {"forwarded", "x-forwarded-for"} & set(request.headers)
    )


def _is_page(message: Message) -> bool:
    content_type = Headers(raw=message["headers"]).get("content-type", "")
    return message["status"] == 200 and content_type.startswith("text/html")
