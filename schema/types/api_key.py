from datetime import datetime
from typing import Any, Self

import strawberry

from schema.types.enums import Scope
from schema.types.errors import UserError


@strawberry.type(description="A key of somebody who may ask for something. The key itself is shown once, at its birth.")
class ApiKey:
    id: strawberry.ID
    name: str
    prefix: str = strawberry.field(description="The beginning of the key, to tell it by.")
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None = strawberry.field(description="Null: never by itself.")
    revoked_at: datetime | None
    last_used_at: datetime | None = strawberry.field(description="To the minute.")

    COLUMNS = ("id", "name", "prefix", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        id_, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at = row
        return cls(
            id=id_,
            name=name,
            prefix=prefix,
            scopes=[Scope(scope) for scope in scopes],
            created_at=created_at,
            expires_at=expires_at,
            revoked_at=revoked_at,
            last_used_at=last_used_at,
        )


@strawberry.input(description="Whose key, good for what, and for how long.")
class CreateApiKeyInput:
    name: str = strawberry.field(description="1 to 100 characters: who or what will use it.")
    scopes: list[Scope] = strawberry.field(description="At least one.")
    expires_at: datetime | None = strawberry.field(default=None, description="Null: it does not expire by itself.")


@strawberry.type(description="The new key.")
class CreateApiKeyPayload:
    secret: str | None = strawberry.field(
        default=None, description="The key itself, this once: only its hash is kept. Null when it was refused."
    )
    api_key: ApiKey | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="Which key.")
class RevokeApiKeyInput:
    id: strawberry.ID = strawberry.field(description="Its id or its prefix.")


@strawberry.type(description="The key, which opens nothing any more; nor do its sessions and customer tokens.")
class RevokeApiKeyPayload:
    api_key: ApiKey | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)
