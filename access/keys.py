"""API keys: made, shown once, stored as a hash, found again, revoked."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr
from tortoise.transactions import in_transaction

from access import audit
from access.callers import Caller, Whereabouts
from access.errors import NotAdmitted
from access.scopes import Scope, granted
from billing.errors import ApiKeyNotFound, InvalidInput
from models import ActorKind, ApiKey, AuditOutcome

SECRET_BYTES = 32
SHOWN_CHARACTERS = 12  # of the secret, in the prefix: enough to be unique, nothing to guess the rest by
WELL_FORMED = re.compile(r"bk_(?:live|test)_[0-9a-f]{64}")
MAX_NAME_CHARACTERS = 100
USE_NOTED_EVERY = timedelta(minutes=1)
PREFIXES = {True: "bk_live_", False: "bk_test_"}


@dataclass(frozen=True, slots=True)
class NewKey:
    """`secret` is the key itself; nobody can show it again."""

    row: ApiKey
    secret: SecretStr


async def create_key(
    name: str, scopes: Collection[Scope], *, live: bool, at: datetime, expires_at: datetime | None = None
) -> NewKey:
    """Raises `InvalidInput`."""
    _check(name, scopes, at, expires_at)
    secret = f"{PREFIXES[live]}{secrets.token_hex(SECRET_BYTES)}"
    async with in_transaction():
        row = await ApiKey.create(
            name=name,
            prefix=prefix_of(secret),
            key_hash=hash_of(secret),
            scopes=sorted(scope.value for scope in set(scopes)),
            created_at=at,
            expires_at=expires_at,
        )
        await audit.record("createApiKey", AuditOutcome.SUCCEEDED, at=at, after=_facts(row))
    return NewKey(row, SecretStr(secret))


def _check(name: str, scopes: Collection[Scope], at: datetime, expires_at: datetime | None) -> None:
    if not (1 <= len(name) <= MAX_NAME_CHARACTERS and name.isprintable() and name.strip() == name):
        raise InvalidInput("name", f"must be 1 to {MAX_NAME_CHARACTERS} printable characters")
    if not scopes:
        raise InvalidInput("scopes", "must name at least one")
    if expires_at is not None and expires_at <= at:
        raise InvalidInput("expiresAt", "must lie in the future")


def prefix_of(secret: str) -> str:
    return secret[: len(PREFIXES[True]) + SHOWN_CHARACTERS]


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


async def revoke_key(key_id: str, *, at: datetime) -> ApiKey:
    """By its id or its prefix. Its sessions and customer tokens end with it. Once revoked, it stays as it is."""
    row = await ApiKey.get_or_none(id=key_id) or await ApiKey.get_or_none(prefix=key_id)
    if row is None:
        raise ApiKeyNotFound(key_id)
    async with in_transaction():
        before = _facts(row)
        if await ApiKey.filter(id=row.id, revoked_at=None).update(revoked_at=at):
            row = await ApiKey.get(id=row.id)
            await audit.record("revokeApiKey", AuditOutcome.SUCCEEDED, at=at, before=before, after=_facts(row))
    return row


def _facts(row: ApiKey) -> audit.Facts:
    return {
        "id": row.id,
        "prefix": row.prefix,
        "scopes": row.scopes,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
    }


async def usable_admin_key_exists(at: datetime) -> bool:
    """Whether anybody could come in and let others in."""
    rows = await ApiKey.filter(revoked_at=None)
    return any(is_good(row, at) and Scope.ADMIN in row.scopes for row in rows)


def is_good(row: ApiKey, at: datetime) -> bool:
    return row.revoked_at is None and (row.expires_at is None or row.expires_at > at)


async def caller_of_key(secret: str, whereabouts: Whereabouts, *, at: datetime) -> Caller:
    """Raises `NotAdmitted`."""
    if not WELL_FORMED.fullmatch(secret):
        raise NotAdmitted
    row = await ApiKey.get_or_none(prefix=prefix_of(secret))
    if row is None or not hmac.compare_digest(row.key_hash, hash_of(secret)) or not is_good(row, at):
        raise NotAdmitted
    await note_use(row, at)
    return caller_for(row, whereabouts)


def caller_for(row: ApiKey, whereabouts: Whereabouts) -> Caller:
    return Caller(
        kind=ActorKind.API_KEY,
        name=row.name,
        scopes=granted(row.scopes),
        key_id=row.id,
        expires_at=row.expires_at,
        whereabouts=whereabouts,
    )


async def note_use(row: ApiKey, at: datetime) -> None:
    last: datetime | None = row.last_used_at
    if last is None or at - last >= USE_NOTED_EVERY:
        await ApiKey.filter(id=row.id).update(last_used_at=at)
