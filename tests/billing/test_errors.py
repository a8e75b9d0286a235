import inspect
import re

import billing.errors
from billing.errors import (
    BillingError,
    CustomerBusy,
    ErrorCode,
    IllegalTransition,
    PaymentDeclined,
    ProviderUnavailable,
    RefundExceedsCaptured,
    RenewalPending,
)
from billing.money import Money

GROUPS = {"BillingError", "Conflict"}


def _classes() -> dict[str, type[BillingError]]:
    found = inspect.getmembers(billing.errors, inspect.isclass)
    return {name: found_class for name, found_class in found if issubclass(found_class, BillingError)}


def test_the_docstring_draws_every_error_under_its_parent() -> None:
    drawn: dict[str, str | None] = {}
    path: list[str] = []
    for indent, name in re.findall(r"^    ([│ ├└─]*)([A-Z]\w+)", billing.errors.__doc__ or "", re.MULTILINE):
        depth = len(indent) // 4
        path[depth:] = [name]
        drawn[name] = path[depth - 1] if depth else None
    parents = {name: (each.__base__ or object).__name__ for name, each in _classes().items()}
    assert drawn == {**parents, "BillingError": None}


def test_every_code_is_raised_by_some_error_and_says_what_it_means() -> None:
    raised = {each.code for name, each in _classes().items() if name not in GROUPS}
    assert raised == set(ErrorCode)
    assert all(code.meaning.endswith(".") for code in ErrorCode)
    assert all(code.value == code.name for code in ErrorCode)


def test_only_a_customer_in_motion_and_an_absent_provider_are_worth_the_same_request_again() -> None:
    retryable = {each for name, each in _classes().items() if name not in GROUPS and each.code.retryable}

    assert retryable == {CustomerBusy, RenewalPending, ProviderUnavailable}


def test_errors_write_their_own_sentences() -> None:
    assert str(IllegalTransition("CANCELLED", "RENEWED")) == "a subscription that is CANCELLED does not allow RENEWED"
    assert str(PaymentDeclined("insufficient_funds")) == "the payment was declined: insufficient_funds"
    refused = RefundExceedsCaptured(asked=str(Money(1000, "USD")), refundable=str(Money(900, "USD")))
    assert str(refused) == "10.00 USD was asked for, 9.00 USD can be refunded"
    assert refused.field == "amount"
