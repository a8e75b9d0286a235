import strawberry

from schema.types.enums import ErrorCode


@strawberry.type(
    description="Something a client can act on. Without an operation beside it, nothing was changed anywhere."
)
class UserError:
    code: ErrorCode
    message: str = strawberry.field(description="A sentence for people; programs go by the code.")
    field: str | None = strawberry.field(description="Path of the offending field within `input`, as `entity.email`.")
    retryable: bool = strawberry.field(description="Whether the very same request may succeed later.")


@strawberry.type(name="Warning", description="Something that did not work out but stopped nothing.")
class OperationWarning:
    code: ErrorCode
    message: str
    field: str | None = strawberry.field(description="Path of the field within `input` that it is about.")
