"""Domain errors as the API tells them. Whatever is not one of them is masked by the view."""

from billing.errors import BillingError, InvalidInputs
from schema.types.errors import UserError


def user_errors(error: BillingError) -> list[UserError]:
    """One for each thing the client can mend."""
    problems: tuple[BillingError, ...] = error.problems if isinstance(error, InvalidInputs) else (error,)
    return [
        UserError(code=problem.code, message=f"{problem}."[:1000], field=problem.field, retryable=problem.retryable)
        for problem in problems
    ]
