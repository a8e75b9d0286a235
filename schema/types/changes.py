"""Changing, ending and resuming a subscription: what is asked, and what is answered."""

from datetime import date, datetime
from typing import Any, Self

import strawberry

from schema.types.enums import BillingPeriod, Effective, Provider, Tier
from schema.types.errors import UserError
from schema.types.money import Money
from schema.types.onboarding import EnterpriseTermsInput
from schema.types.payload import Payload
from schema.types.scalars import BigInt
from schema.types.subscription import Period


@strawberry.type(description="One line of a quote. All lines sum to its net.")
class QuoteLine:
    description: str
    amount: Money = strawberry.field(description="Below zero where something is credited.")


@strawberry.type(description="The invoice at the next boundary.")
class NextInvoice:
    on: date
    amount: Money
    due: Money = strawberry.field(description="What will be collected of it, after the account balance.")


@strawberry.type(description="One call that carrying the change out makes at a provider.")
class ProviderCall:
    provider: Provider
    method: str
    path: str


@strawberry.type(description="What a change of tier comes to, to the cent, for as long as it binds.")
class TierChangeQuote:
    id: strawberry.ID
    expires_at: datetime
    effective: Effective
    effective_on: date
    tier: Tier
    billing_period: BillingPeriod
    lines: list[QuoteLine]
    net: Money = strawberry.field(description="The sum of the lines; below zero it goes to the account balance.")
    due_now: Money = strawberry.field(description="What is collected at once.")
    from_account_balance: Money = strawberry.field(description="What the account balance pays of it.")
    to_account_balance: Money = strawberry.field(description="What is credited to the account balance.")
    carried: Money = strawberry.field(description="Too little to be charged: carried to the next invoice.")
    credits_change: BigInt
    period: Period = strawberry.field(description="The billing period after the change.")
    next_invoice: NextInvoice
    provider_calls: list[ProviderCall]

    @classmethod
    def from_terms(cls, quote_id: str, terms: dict[str, Any], expires_at: datetime) -> Self:
        start, end = terms["period"]
        following = terms["next_invoice"]
        return cls(
            id=strawberry.ID(quote_id),
            expires_at=expires_at,
            effective=Effective(terms["effective"]),
            effective_on=date.fromisoformat(terms["on"]),
            tier=Tier(terms["new"]["tier"]),
            billing_period=BillingPeriod(terms["new"]["billing_period"]),
            lines=[
                QuoteLine(description=each["description"], amount=_money(each["amount"])) for each in terms["lines"]
            ],
            net=_money(terms["net"]),
            due_now=_money(terms["due_now"]),
            from_account_balance=_money(terms["from_balance"]),
            to_account_balance=_money(terms["to_balance"]),
            carried=_money(terms["carried"]),
            credits_change=BigInt(terms["credits_change"]),
            period=Period(start=date.fromisoformat(start), end=date.fromisoformat(end)),
            next_invoice=NextInvoice(
                on=date.fromisoformat(following["on"]),
                amount=_money(following["amount"]),
                due=_money(following["due"]),
            ),
            provider_calls=[
                ProviderCall(provider=Provider(call["provider"]), method=call["method"], path=call["path"])
                for call in terms["provider_calls"]
            ],
        )


def _money(json: dict[str, Any]) -> Money:
    return Money.of(json["minor_units"], json["currency"])


@strawberry.input(description="Whose plan, and to what it would change.")
class QuoteTierChangeInput:
    entity_id: str
    tier: Tier
    billing_period: BillingPeriod | None = strawberry.field(default=None, description="Null: the present one.")
    effective: Effective = Effective.IMMEDIATELY
    enterprise_terms: EnterpriseTermsInput | None = strawberry.field(
        default=None, description="Required for ENTERPRISE, refused for every other tier."
    )


@strawberry.type(description="A quote, or why there is none.")
class QuoteTierChangePayload:
    quote: TierChangeQuote | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="Either a quote, or what to change to.")
class ChangeTierInput:
    entity_id: str
    quote_id: strawberry.ID | None = strawberry.field(
        default=None, description="Do exactly what was quoted, or answer STALE_QUOTE; then leave the rest out."
    )
    tier: Tier | None = None
    billing_period: BillingPeriod | None = strawberry.field(default=None, description="Null: the present one.")
    effective: Effective | None = strawberry.field(default=None, description="Null: IMMEDIATELY.")
    enterprise_terms: EnterpriseTermsInput | None = strawberry.field(
        default=None, description="Required for ENTERPRISE, refused for every other tier."
    )
    idempotency_key: str | None = None


@strawberry.input(description="Whose scheduled change.")
class WithdrawScheduledChangeInput:
    entity_id: str
    idempotency_key: str | None = None


@strawberry.input(description="Whose subscription ends, when, and what becomes of the unused time.")
class CancelInput:
    entity_id: str
    effective: Effective = strawberry.field(
        default=Effective.AT_PERIOD_END, description="AT_PERIOD_END keeps what was paid for; it can be taken back."
    )
    credit_unused_time: bool = strawberry.field(
        default=True,
        description="With IMMEDIATELY: credit the days that are left to the account balance, as far as they are paid "
        "for now, and the rest once the open invoice is paid.",
    )
    idempotency_key: str | None = None


@strawberry.input(description="Whose subscription goes on, and on which plan.")
class ReactivateInput:
    entity_id: str
    tier: Tier | None = strawberry.field(default=None, description="Null: the last one.")
    billing_period: BillingPeriod | None = strawberry.field(default=None, description="Null: the last one.")
    enterprise_terms: EnterpriseTermsInput | None = strawberry.field(
        default=None, description="For ENTERPRISE, when they shall differ from the last ones."
    )
    idempotency_key: str | None = None


@strawberry.type(description="What a change of tier came to, or how far it is.")
class ChangeTierPayload(Payload):
    pass


@strawberry.type(description="The subscription, which renews as it is.")
class WithdrawScheduledChangePayload(Payload):
    pass


@strawberry.type(description="The subscription that has ended, or will.")
class CancelPayload(Payload):
    pass


@strawberry.type(description="The subscription that goes on, or has started anew.")
class ReactivatePayload(Payload):
    pass
