"""A decided change as JSON: kept with a quote, and frozen into the operation that carries it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from billing.changes import ChangeTerms
from billing.credits import EntryKind, LedgerEntry
from billing.invoices import Line
from billing.money import Money
from billing.periods import Period
from billing.tiers import BillingPeriod, Plan, Tier

Json = dict[str, Any]


def money_json(money: Money) -> Json:
    return {"minor_units": money.minor_units, "currency": money.currency}


def money_of(json: Mapping[str, Any]) -> Money:
    return Money(json["minor_units"], json["currency"])


def plan_json(plan: Plan) -> Json:
    return {
        "tier": plan.tier.value,
        "billing_period": plan.billing_period.value,
        "price": money_json(plan.price),
        "credits_per_month": plan.credits_per_month,
    }


def plan_of(json: Mapping[str, Any]) -> Plan:
    return Plan(
        Tier(json["tier"]), BillingPeriod(json["billing_period"]), money_of(json["price"]), json["credits_per_month"]
    )


class Collection(StrEnum):
    """What becomes of the amount due."""

    CHARGED = "charged at once"
    INVOICED = "an open invoice"
    NOTHING = "nothing"


def terms_json(terms: ChangeTerms, *, has_card: bool) -> Json:
    """Only facts of the change: a quote and the change it quotes give the same."""
    return {
        "effective": terms.effective.value,
        "on": terms.on.isoformat(),
        "old": plan_json(terms.old),
        "new": plan_json(terms.new),
        "lines": [{"description": line.description, "amount": money_json(line.amount)} for line in terms.lines],
        "net": money_json(terms.settlement.total),
        "due_now": money_json(terms.due_now),
        "collection": _collection(terms, has_card=has_card).value,
        "from_balance": money_json(terms.settlement.from_balance),
        "to_balance": money_json(terms.settlement.to_balance),
        "carried": money_json(terms.settlement.carried),
        "balance_change": money_json(terms.settlement.balance_change),
        "credits_change": terms.credits_change,
        "period": [terms.period.start.isoformat(), terms.period.end.isoformat()],
        "anchor": terms.anchor.isoformat(),
        "paid_uncredited": money_json(terms.paid_uncredited),
        "next_invoice": {
            "on": terms.next_invoice.on.isoformat(),
            "amount": money_json(terms.next_invoice.amount),
            "due": money_json(terms.next_invoice.due),
        },
    }


def _collection(terms: ChangeTerms, *, has_card: bool) -> Collection:
    if terms.due_now.is_zero:
        return Collection.NOTHING
    return Collection.CHARGED if has_card else Collection.INVOICED


def entry_json(entry: LedgerEntry) -> Json:
    return {
        "amount": entry.amount,
        "kind": entry.kind.value,
        "at": entry.at.isoformat(),
        "key": entry.key,
        "grant": entry.grant,
        "expires_at": entry.expires_at.isoformat() if entry.expires_at else None,
    }


def entry_of(json: Mapping[str, Any]) -> LedgerEntry:
    expires_at = json["expires_at"]
    return LedgerEntry(
        amount=json["amount"],
        kind=EntryKind(json["kind"]),
        at=datetime.fromisoformat(json["at"]),
        key=json["key"],
        grant=json["grant"],
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
    )


def differences(quoted: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[str, ...]:
    """What no longer holds, as clauses for a person."""
    return tuple(
        f"{_NAMES[name]} was {_shown(quoted[name])} and is {_shown(current[name])} now"
        for name in _NAMES
        if quoted[name] != current[name]
    )


_NAMES = {
    "on": "the day",
    "old": "the plan",
    "new": "the new plan",
    "lines": "the lines",
    "due_now": "due now",
    "collection": "what is due",
    "balance_change": "the account balance's change",
    "credits_change": "the credits' change",
    "period": "the period",
    "next_invoice": "the next invoice",
}


def _shown(value: Any) -> str:
    match value:
        case {"minor_units": _, "currency": _}:
            return str(money_of(value))
        case {"tier": tier, "billing_period": billing_period}:
            return f"{tier} {billing_period}"
        case {"on": on, "due": due}:
            return f"{money_of(due)} on {on}"
        case [{"description": _}, *_]:
            return ", ".join(f"{line['description']} {money_of(line['amount'])}" for line in value)
        case []:
            return "none"
        case [start, end]:
            return f"{start} to {end}"
        case _:
            return str(value)


@dataclass(frozen=True, slots=True)
class Frozen:
    """What the steps of a change need of its terms, read back from the operation."""

    new: Plan
    lines: tuple[Line, ...]
    on: date
    net: Money
    due_now: Money
    collection: Collection
    balance_change: Money
    paid_uncredited: Money
    period: Period
    anchor: date
    withheld: Money
    unpaid: tuple[str, ...]
    credit_entries: tuple[LedgerEntry, ...]
    invoice_id: str | None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        terms = given["terms"]
        start, end = terms["period"]
        amounts = [(line["description"], money_of(line["amount"])) for line in terms["lines"]]
        return cls(
            new=plan_of(terms["new"]),
            lines=tuple(Line(description, 1, amount, amount) for description, amount in amounts),
            on=date.fromisoformat(terms["on"]),
            net=money_of(terms["net"]),
            due_now=money_of(terms["due_now"]),
            collection=Collection(terms["collection"]),
            balance_change=money_of(terms["balance_change"]),
            paid_uncredited=money_of(terms["paid_uncredited"]),
            period=Period(date.fromisoformat(start), date.fromisoformat(end)),
            anchor=date.fromisoformat(terms["anchor"]),
            withheld=money_of(given["withheld"]),
            unpaid=tuple(given["unpaid"]),
            credit_entries=tuple(entry_of(entry) for entry in given["credit_entries"]),
            invoice_id=given["invoice_id"],
        )
