"""From the tier, period and terms of an input to a plan."""

from billing.errors import InvalidInput
from billing.money import Money
from billing.tiers import BillingPeriod, EnterpriseTerms, Plan, Tier, plan_for
from schema.types.onboarding import EnterpriseTermsInput


def enterprise_terms(given: EnterpriseTermsInput | None) -> EnterpriseTerms | None:
    if given is None:
        return None
    try:
        price = Money(given.price.minor_units, given.price.currency)
    except InvalidInput as problem:
        raise InvalidInput("enterpriseTerms.price.currency", problem.sentence) from None
    return EnterpriseTerms(price=price, credits_per_month=given.credits_per_month)


def plan(tier: Tier, billing_period: BillingPeriod, terms: EnterpriseTermsInput | None) -> Plan:
    return plan_for(tier, billing_period, enterprise_terms(terms))
