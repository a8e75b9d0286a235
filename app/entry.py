"""The way in, made from settings: who is let in, by which cookie, and from which pages elsewhere."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from access.authentication import Authenticator
from access.tokens import TokenSigner
from app.clock import Time
from app.counting import open_counters
from app.door import Door
from app.rate_limiting import TellAllowance, make_rate_limits
from app.settings import Settings
from app.signing_in import SessionCookie, SignInToSandbox

MAY_BE_SENT = ("authorization", "content-type", "idempotency-key", "x-request-id", "x-requested-with")
MAY_BE_READ = ("x-request-id", "retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


@dataclass(frozen=True, slots=True)
class Entry:
    door: Door
    cookie: SessionCookie
    close: Callable[[], Awaitable[None]]

    def middleware(self, settings: Settings) -> list[Middleware]:
        """Pages elsewhere ask with a bearer token: a cookie is never theirs to send."""
        found = [Middleware(TellAllowance)]
        if settings.allowed_origins:
            found.append(
                Middleware(
                    CORSMiddleware,
                    allow_origins=settings.allowed_origins,
                    allow_methods=("GET", "POST"),
                    allow_headers=MAY_BE_SENT,
                    expose_headers=MAY_BE_READ,
                    allow_credentials=False,
                )
            )
        if settings.sandbox_sign_in_key:
            found.append(
                Middleware(SignInToSandbox, door=self.door, cookie=self.cookie, key_id=settings.sandbox_sign_in_key)
            )
        return found


def make_entry(settings: Settings, time: Time) -> Entry:
    signer = TokenSigner(settings.token_secrets or [SecretStr(secrets.token_hex(32))])
    authenticator = Authenticator(
        now=time.credentials,
        signer=signer,
        live=not settings.sandbox,
        session_lifetime=timedelta(hours=settings.session_hours),
    )
    cookie = SessionCookie(secure=not settings.developing)
    opened = open_counters(settings.rate_limit_storage)
    rate_limits = make_rate_limits(settings, opened.counters, time)
    door = Door(authenticator, cookie.name, rate_limits, settings.public_url.removesuffix("/"))
    return Entry(door, cookie, opened.close)
