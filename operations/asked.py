"""A plan and a day, as a request asks for them: what it leaves open is read off the customer when the verb is decided.

So the same request stays the same request, whatever became of the customer, and whatever day it is sent again.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from billing.changes import Effective
from billing.errors import InvalidInput
from billing.tiers import BillingPeriod, EnterpriseTerms, Plan, Tier, plan_for
from models import Subscription
from operations.terms import money_json


@dataclass(frozen=True, slots=True)
class AskedPlan:
    """None: the customer's own."""

    tier: Tier | None
    billing_period: BillingPeriod | None
    terms: EnterpriseTerms | None

    def on(self, subscription: Subscription) -> Plan:
        """Raises a `BillingError` for terms that are missing or not allowed, or in another currency than before."""
        tier, billing_period = self.tier or subscription.tier, self.billing_period or subscription.billing_period
        wanted = plan_for(tier, billing_period, self.terms)
        if wanted.price.currency != subscription.currency:
            raise self._other_currency(wanted, subscription)
        return wanted

    def _other_currency(self, wanted: Plan, subscription: Subscription) -> InvalidInput:
        """It is the terms' where they were given, else that of the tier's list price."""
        before = subscription.currency
        if self.terms is not None:
            return InvalidInput("enterpriseTerms.price.currency", f"must be {before}, as it was before")
        why = f"{wanted.tier} is priced in {wanted.price.currency}, and this customer is billed in {before}"
        return InvalidInput("tier", f"must be one with terms of its own: {why}")

    def as_asked(self) -> dict[str, Any]:
        terms = self.terms
        return {
            "tier": self.tier,
            "billing_period": self.billing_period,
            "terms": [money_json(terms.price), terms.credits_per_month] if terms else None,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """`when` may be a day: today, or the end of the period."""

    entity_id: str
    plan: AskedPlan
    when: Effective | date

    def effective(self, today: date) -> Effective:
        if isinstance(self.when, Effective):
            return self.when
        return Effective.IMMEDIATELY if self.when == today else Effective.AT_PERIOD_END

    def plan_on(self, subscription: Subscription, today: date) -> Plan:
        if not isinstance(self.when, Effective) and self.when not in (today, subscription.period_end):
            days = f"today, {today}, or the end of the period, {subscription.period_end}"
            raise InvalidInput("effectiveDate", f"must be {days}")
        return self.plan.on(subscription)

    def as_asked(self) -> dict[str, Any]:
        return {**self.plan.as_asked(), "when": str(self.when)}
