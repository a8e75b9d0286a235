"""Rate limits at the edge: made from settings, told in headers, 429 when they are reached."""

from collections.abc import Mapping

from limits import parse
from limits.aio.storage import MemoryStorage
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from access.counters import Counters, Counting
from access.rate_limits import Allowance, LimitReached, Limits, RateLimits
from app.clock import Time
from app.settings import Settings

ALLOWANCE = "allowance"
"""Where a request's state keeps what its answer tells of."""


def make_rate_limits(settings: Settings, counters: Counters, time: Time) -> RateLimits:
    limits = Limits(
        key=parse(settings.rate_limit_key),
        customer=parse(settings.rate_limit_customer),
        address=parse(settings.rate_limit_address),
        failures=parse(settings.rate_limit_failures),
    )
    return RateLimits(Counting(counters, MemoryStorage()), limits, time.credentials)


def note(connection: HTTPConnection, allowance: Allowance) -> None:
    """The tightest is told."""
    known: Allowance | None = getattr(connection.state, ALLOWANCE, None)
    if known is None or _share(allowance) <= _share(known):
        setattr(connection.state, ALLOWANCE, allowance)


def _share(allowance: Allowance) -> float:
    return -1 if allowance.retry_seconds else allowance.remaining / allowance.limit


def too_many(problem: LimitReached) -> HTTPException:
    headers: Mapping[str, str] = problem.allowance.headers
    return HTTPException(429, str(problem), dict(headers))


class TellAllowance:
    """Middleware: the headers of the limit that is nearest to being reached."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_allowance(message: Message) -> None:
            allowance = scope.get("state", {}).get(ALLOWANCE)
            if message["type"] == "http.response.start" and isinstance(allowance, Allowance):
                headers = MutableHeaders(scope=message)
                for name, value in allowance.headers.items():
                    headers[name] = value
            await send(message)

        await self.app(scope, receive, send_with_allowance)
