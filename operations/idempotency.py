"""The same request is the same operation: by the caller's key, and by what was asked."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

import orjson

from access.callers import who_asks
from billing.errors import IdempotencyConflict, InvalidInput
from models import IdempotencyKey

MAX_KEY_CHARACTERS = 255


def input_hash(kind: str, given: Mapping[str, object]) -> str:
    canonical = orjson.dumps([str(kind), given], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def check_key(key: str | None) -> None:
    if key is not None and not (1 <= len(key) <= MAX_KEY_CHARACTERS and key.isprintable()):
        raise InvalidInput("idempotencyKey", f"must be 1 to {MAX_KEY_CHARACTERS} printable characters")


async def answered_by(key: str | None, hashed: str) -> str | None:
    """The id of the operation that this key stands for; a key used with other input is refused."""
    known = await IdempotencyKey.get_or_none(key=_stored(key)) if key is not None else None
    if key is None or known is None:
        return None
    if known.input_hash != hashed:
        raise IdempotencyConflict(key)
    return known.operation_id


async def remember(key: str | None, operation_id: str, hashed: str, at: datetime) -> None:
    """Called in the transaction that accepts the operation."""
    if key is not None:
        await IdempotencyKey.create(key=_stored(key), operation_id=operation_id, input_hash=hashed, created_at=at)


def _stored(key: str) -> str:
    """Customers name their requests each for themselves: nobody learns which names others have used."""
    own = who_asks().customer
    return key if own is None else f"{own.id}:{hashlib.sha256(key.encode()).hexdigest()}"
