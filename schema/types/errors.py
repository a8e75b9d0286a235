import strawberry

from schema.types.enums import ErrorCode


@strawberry.type(description="Something a client can act on. Nothing was changed when there is one.")
class UserError:
    code: ErrorCode
    message: str
    field: str | None = strawberry.field(description="Path of the offending field within `input`, as `entity.email`.")
    retryable: bool = strawberry.field(description="The very same request may succeed later.")


@strawberry.type(description="Something that did not work out but stopped nothing.")
class Warning:  # noqa: A001  its name in the schema
    code: ErrorCode
    message: str
    field: str | None
