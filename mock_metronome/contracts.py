"""/api/v1/contracts"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time

from mock_kit.fields import Fields
from mock_metronome import engine
from mock_metronome.books import Books, find, refuse_when_full
from mock_metronome.errors import IllegalState
from mock_metronome.listing import listing
from mock_metronome.objects import Contract, ContractStatus
from mock_metronome.rates import BILLING_PERIODS, CURRENCY, RATE_CARDS, TIERS, Terms, standard_terms

Names = Mapping[str, str]


def create(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    """With `replaces_contract_id`, the successor of a contract: that one ends where this one starts."""
    now = books.clock.now()
    replaces = fields.optional_text("replaces_contract_id")
    contract = _read(books, fields, now=now)
    books.customer_for(contract.customer_id)
    books.refuse_used_key("contract", contract.uniqueness_key)
    refuse_when_full(books.contracts, most=books.most_objects, noun="contracts")
    old = _read_replaced(books, fields, replaces, successor=contract, now=now) if replaces else None
    _refuse_overlap(books, contract, beside=old)
    books.use_key("contract", contract.uniqueness_key)
    if old:
        engine.replace_contract(books, old, successor=contract, at=now)
    contract = books.save_contract(contract, event="contract.created", at=now)
    books.contracts_of.setdefault(contract.customer_id, []).append(contract.id)
    engine.schedule(books, contract, now=now)
    return contract.report(now=now)


def show(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    fields.finish()
    return find(books.contracts, names["id"], noun="contract").report(now=books.clock.now())


def index(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    now = books.clock.now()
    filters = ("customer_id", "status", "uniqueness_key")
    return listing(fields, books.contracts.values(), filters=filters, report=lambda contract: contract.report(now=now))


def change(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    """Only the end can be changed; null takes back an end that is still to come, a cancellation included."""
    now = books.clock.now()
    contract = find(books.contracts, names["id"], noun="contract")
    end_date = fields.optional_moment("end_date")
    fields.finish()
    if "end_date" not in fields:
        raise fields.invalid("end_date", "is required")
    if not contract.live:
        raise IllegalState(f"The contract is {contract.status.value}.")
    _check_end(fields, end_date, start=contract.start_date, now=now)
    changed = replace(contract, end_date=end_date, cancelled_at=contract.cancelled_at if end_date else None)
    _refuse_overlap(books, changed)
    return _save_end(books, contract, changed, now=now).report(now=now)


def cancel(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    """Now, or from an earlier or later instant; once it has ended by cancellation, nothing more happens."""
    now = books.clock.now()
    contract = find(books.contracts, names["id"], noun="contract")
    effective = fields.optional_moment("effective_date")
    fields.finish()
    if contract.status is ContractStatus.CANCELLED:
        return contract.report(now=now)
    if not contract.live:
        raise IllegalState("The contract has expired.")
    if effective is not None and effective < contract.start_date:
        raise fields.invalid("effective_date", "must not be before the contract's start_date")
    end_date = effective or max(now, contract.start_date)
    cancelled = replace(contract, end_date=end_date, cancelled_at=contract.cancelled_at or now)
    if end_date <= now or contract.status is ContractStatus.PENDING:
        return engine.end(books, cancelled, at=now).report(now=now)
    return _save_end(books, contract, cancelled, now=now).report(now=now)


def _save_end(books: Books, contract: Contract, changed: Contract, *, now: datetime) -> Contract:
    if changed == contract:
        return contract
    engine.schedule_end(books, changed)
    return books.save_contract(changed, event="contract.updated", at=now)


def _read(books: Books, fields: Fields, *, now: datetime) -> Contract:
    tier = fields.choice("tier", TIERS)
    billing_period = fields.choice("billing_period", tuple(BILLING_PERIODS))
    start = _midnight(fields, "start_date", fields.moment("start_date"))
    anchor = _read_anchor(fields, "billing_anchor_date", default=start, start=start)
    end_date = fields.optional_moment("end_date")
    _check_end(fields, end_date, start=start, now=now)
    contract = Contract(
        id=books.ids.uuid(),
        customer_id=fields.text("customer_id"),
        tier=tier,
        status=ContractStatus.PENDING if start > now else ContractStatus.ACTIVE,
        billing_period=billing_period,
        start_date=start,
        end_date=end_date,
        cancelled_at=None,
        rate_card_id=fields.optional_choice("rate_card_id", RATE_CARDS) or RATE_CARDS[0],
        terms=_read_terms(fields, tier=tier, billing_period=billing_period),
        anchor=anchor,
        credit_anchor=_read_anchor(fields, "credit_anchor_date", default=anchor, start=start),
        uniqueness_key=fields.optional_text("uniqueness_key", longest=128),
        created_at=now,
        updated_at=now,
    )
    fields.finish()
    return contract


def _read_replaced(books: Books, fields: Fields, contract_id: str, *, successor: Contract, now: datetime) -> Contract:
    field = "replaces_contract_id"
    old = books.contract_for(contract_id, customer_id=successor.customer_id, field=field)
    if old.status is not ContractStatus.ACTIVE:
        raise IllegalState(f"The contract to replace is {old.status.value}.", field=field)
    if not old.start_date <= successor.start_date <= now:
        raise fields.invalid("start_date", "must not be in the future, nor before the start of the replaced contract")
    return old


def _read_terms(fields: Fields, *, tier: str, billing_period: str) -> Terms:
    price_minor = fields.optional_integer("price", least=0)
    credits_per_month = fields.optional_integer("credits_per_month", least=0)
    currency = fields.optional_currency("currency")
    given = {"price": price_minor, "credits_per_month": credits_per_month, "currency": currency}
    if tier != "enterprise":
        for name, value in given.items():
            if value is not None:
                raise fields.invalid(name, "is only for the enterprise tier")
        return standard_terms(tier, billing_period=billing_period)
    if price_minor is None:
        raise fields.invalid("price", "is required for the enterprise tier")
    if credits_per_month is None:
        raise fields.invalid("credits_per_month", "is required for the enterprise tier")
    return Terms(price_minor, credits_per_month, currency or CURRENCY)


def _read_anchor(fields: Fields, name: str, *, default: datetime, start: datetime) -> datetime:
    anchor = _midnight(fields, name, fields.optional_moment(name) or default)
    if anchor > start:
        raise fields.invalid(name, "must not be after start_date")
    return anchor


def _midnight(fields: Fields, name: str, moment: datetime) -> datetime:
    if moment.time() != time(0):
        raise fields.invalid(name, "must be a UTC midnight")
    return moment


def _check_end(fields: Fields, end_date: datetime | None, *, start: datetime, now: datetime) -> None:
    if end_date is not None and end_date <= max(start, now):
        raise fields.invalid("end_date", "must be in the future and after start_date")


def _refuse_overlap(books: Books, contract: Contract, *, beside: Contract | None = None) -> None:
    for other_id in books.contracts_of.get(contract.customer_id, []):
        other = books.contracts[other_id]
        meets = other.overlaps(start=contract.start_date, end=contract.end_date)
        if meets and other.live and other_id not in (contract.id, beside and beside.id):
            raise IllegalState("The customer has another contract at that time.", field="customer_id")
