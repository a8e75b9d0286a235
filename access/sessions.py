"""Browser sessions: opened with a key, found by the hash of a random token, ended by hand, by time or by the key."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import SecretStr
from tortoise.transactions import in_transaction

from access import audit
from access.callers import Caller, Whereabouts, acting_as
from access.errors import NotAdmitted
from access.keys import caller_for, hash_of, is_good, note_use
from models import ActorKind, AuditOutcome, Session

TOKEN_BYTES = 32
TOKEN_CHARACTERS = 43
KEPT_AFTER_THE_END = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class NewSession:
    token: SecretStr
    expires_at: datetime


async def open_session(caller: Caller, *, lifetime: timedelta, at: datetime) -> NewSession:
    """For whoever has shown a key."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with acting_as(caller):
        async with in_transaction():
            session = await Session.create(
                token_hash=hash_of(token), api_key_id=caller.key_id, created_at=at, expires_at=at + lifetime
            )
            facts = {"id": session.id, "expires_at": session.expires_at}
            await audit.record("signIn", AuditOutcome.SUCCEEDED, at=at, after=facts)
    return NewSession(SecretStr(token), session.expires_at)


async def caller_of_session(token: str, whereabouts: Whereabouts, *, at: datetime) -> Caller:
    """Raises `NotAdmitted`."""
    if len(token) != TOKEN_CHARACTERS or not token.isascii():
        raise NotAdmitted
    session = await Session.get_or_none(token_hash=hash_of(token), revoked_at=None).select_related("api_key")
    if session is None or session.expires_at <= at or not is_good(session.api_key, at):
        raise NotAdmitted
    await note_use(session.api_key, at)
    return replace(
        caller_for(session.api_key, whereabouts),
        kind=ActorKind.SESSION,
        credential_id=session.id,
        expires_at=session.expires_at,
    )


async def end_session(caller: Caller, *, at: datetime) -> None:
    with acting_as(caller):
        async with in_transaction():
            if await Session.filter(id=caller.credential_id, revoked_at=None).update(revoked_at=at):
                await audit.record("signOut", AuditOutcome.SUCCEEDED, at=at, asked={"id": caller.credential_id})


async def forget_ended_sessions(at: datetime) -> int:
    return await Session.filter(expires_at__lt=at - KEPT_AFTER_THE_END).delete()
