"""/api/v1/credits"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from mock_kit.control import ConflictError
from mock_kit.fields import Fields
from mock_kit.moments import format_moment
from mock_metronome.books import Books, find, refuse_when_full
from mock_metronome.errors import IllegalState, NotFound
from mock_metronome.listing import listing
from mock_metronome.objects import Contract, Credit

CURRENCY = "credits"

Names = Mapping[str, str]


def create(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    now = books.clock.now()
    credit = _read(books, fields, now=now)
    books.customer_for(credit.customer_id)
    books.refuse_used_key("credit", credit.uniqueness_key)
    if credit.contract_id:
        contract = books.contract_for(credit.contract_id, customer_id=credit.customer_id)
        if credit.amount > 0:
            credit = _as_allowance(credit, contract, now=now)
    refuse_when_full(books.credits, most=books.most_objects, noun="credits")
    if credit.amount < 0:
        books.spend(credit.customer_id, amount=-credit.amount, currency=credit.currency, contract_id=credit.contract_id)
    books.use_key("credit", credit.uniqueness_key)
    return books.apply_credit(credit, at=now).report()


def show(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    fields.finish()
    return find(books.credits, names["id"], noun="credit").report()


def index(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    filters = ("customer_id", "contract_id", "uniqueness_key")
    return listing(fields, books.credits.values(), filters=filters, report=Credit.report)


def balance(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    customer = books.customer_for(fields.text("customer_id"))
    currency = fields.optional_text("currency") or CURRENCY
    fields.finish()
    return {
        "customer_id": customer.id,
        "balance": books.balance(customer.id, currency=currency),
        "currency": currency,
        "as_of": format_moment(books.clock.now()),
    }


def use(books: Books, fields: Fields) -> dict[str, object]:
    """POST /_mock/usage: what metered usage would have spent."""
    customer_id, amount = fields.text("customer_id"), fields.integer("amount", least=1)
    fields.finish()
    try:
        books.customer_for(customer_id)
        books.spend(customer_id, amount=amount, currency=CURRENCY)
    except NotFound as error:
        raise LookupError(error.message) from None
    except IllegalState as error:
        raise ConflictError(error.message) from None
    return {"customer_id": customer_id, "balance": books.balance(customer_id, currency=CURRENCY)}


def _read(books: Books, fields: Fields, *, now: datetime) -> Credit:
    amount = fields.integer("amount")
    expires_at = fields.optional_moment("expires_at")
    if amount == 0:
        raise fields.invalid("amount", "must not be 0")
    if expires_at is not None and (amount < 0 or expires_at <= now):
        raise fields.invalid("expires_at", "must be in the future, and absent when amount is negative")
    credit = Credit(
        id=books.ids.uuid(),
        customer_id=fields.text("customer_id"),
        contract_id=fields.optional_text("contract_id"),
        amount=amount,
        balance=max(amount, 0),
        currency=fields.optional_text("currency", longest=20) or CURRENCY,
        expires_at=expires_at,
        expired_at=None,
        reason=fields.optional_text("reason"),
        uniqueness_key=fields.optional_text("uniqueness_key", longest=128),
        created_at=now,
    )
    fields.finish()
    return credit


def _as_allowance(credit: Credit, contract: Contract, *, now: datetime) -> Credit:
    """The allowance of a contract lasts to the end of its credit month at most."""
    if not contract.live:
        raise IllegalState(f"The contract is {contract.status.value}.", field="contract_id")
    month_end = contract.credit_month_at(now).end
    return replace(credit, expires_at=min(credit.expires_at or month_end, month_end))
