"""Domain errors as the API tells them. Whatever is not one of them is masked by the view."""

from graphql import GraphQLError

from access.callers import Caller
from access.scopes import Scope
from billing.errors import BillingError, InvalidInputs
from schema.request_errors import RequestErrorCode
from schema.types.errors import UserError


def user_errors(error: BillingError) -> list[UserError]:
    """One for each thing the client can mend."""
    problems: tuple[BillingError, ...] = error.problems if isinstance(error, InvalidInputs) else (error,)
    return [
        UserError(code=problem.code, message=f"{problem}."[:1000], field=problem.field, retryable=problem.retryable)
        for problem in problems
    ]


class NotAllowed(GraphQLError):  # noqa: N818  named for what is wrong, as all our errors
    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, extensions={"code": RequestErrorCode.FORBIDDEN})


def require(caller: Caller, scope: Scope) -> None:
    """Raises `NotAllowed`."""
    if not caller.may(scope):
        raise NotAllowed(f"This needs the scope {scope.value}.")
