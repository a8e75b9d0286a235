"""The rate card "standard": prices per period in minor units, credits per month. Enterprise brings its own terms."""

from dataclasses import dataclass

TIERS = ("free", "pro", "team", "enterprise")
BILLING_PERIODS = {"monthly": 1, "yearly": 12}  # in months
RATE_CARDS = ("standard",)
CURRENCY = "USD"

PRICES_MINOR = {
    ("free", "monthly"): 0,
    ("free", "yearly"): 0,
    ("pro", "monthly"): 9_00,
    ("pro", "yearly"): 90_00,
    ("team", "monthly"): 29_00,
    ("team", "yearly"): 290_00,
}
CREDITS_PER_MONTH = {"free": 1_000, "pro": 10_000, "team": 50_000}


@dataclass(frozen=True, slots=True)
class Terms:
    price_minor: int
    credits_per_month: int
    currency: str


def standard_terms(tier: str, *, billing_period: str) -> Terms:
    return Terms(PRICES_MINOR[tier, billing_period], CREDITS_PER_MONTH[tier], CURRENCY)
