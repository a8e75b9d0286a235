import json
from collections.abc import Callable
from typing import Any

import pytest

from billing.errors import EnterpriseTermsMissing, EnterpriseTermsNotAllowed, ErrorCode, InvalidInput, InvalidInputs
from billing.money import Money
from billing.tiers import (
    CATALOGUE,
    BillingPeriod,
    CatalogueInvalid,
    EnterpriseTerms,
    Plan,
    Tier,
    load_catalogue,
    plan_for,
)

TERMS = EnterpriseTerms(Money(250_000, "EUR"), 1_000_000)


def test_tiers_rank_from_free_to_enterprise() -> None:
    assert [tier.rank for tier in (Tier.FREE, Tier.PRO, Tier.TEAM, Tier.ENTERPRISE)] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("tier", "monthly_minor", "yearly_minor", "credits_per_month"),
    [(Tier.FREE, 0, 0, 1_000), (Tier.PRO, 900, 9_000, 10_000), (Tier.TEAM, 2_900, 29_000, 50_000)],
)
def test_list_prices(tier: Tier, monthly_minor: int, yearly_minor: int, credits_per_month: int) -> None:
    monthly = Plan(tier, BillingPeriod.MONTHLY, Money(monthly_minor, "USD"), credits_per_month)
    yearly = Plan(tier, BillingPeriod.YEARLY, Money(yearly_minor, "USD"), credits_per_month)
    assert plan_for(tier, BillingPeriod.MONTHLY) == monthly
    assert plan_for(tier, BillingPeriod.YEARLY) == yearly


def test_the_catalogue_lists_every_tier_by_rank() -> None:
    assert [(entry.display_name, entry.features) for entry in CATALOGUE.entries] == [
        ("Free", ("Basic storage", "Public repositories")),
        ("Pro", ("Unlimited storage", "Private repos", "Priority support")),
        ("Team", ("Everything in Pro", "Team collaboration", "Analytics")),
        ("Enterprise", ("Everything in Team", "Custom integrations", "SLA")),
    ]
    enterprise = CATALOGUE.entry(Tier.ENTERPRISE)
    assert (enterprise.monthly_price, enterprise.yearly_price, enterprise.credits_per_month) == (None, None, None)


@pytest.mark.parametrize("billing_period", BillingPeriod)
def test_enterprise_takes_price_and_credits_from_its_terms(billing_period: BillingPeriod) -> None:
    plan = plan_for(Tier.ENTERPRISE, billing_period, TERMS)
    assert plan == Plan(Tier.ENTERPRISE, billing_period, Money(250_000, "EUR"), 1_000_000)


def test_enterprise_without_terms_is_refused() -> None:
    with pytest.raises(EnterpriseTermsMissing) as refusal:
        plan_for(Tier.ENTERPRISE, BillingPeriod.MONTHLY)
    assert (refusal.value.code, refusal.value.field) == (ErrorCode.ENTERPRISE_TERMS_REQUIRED, "enterpriseTerms")


@pytest.mark.parametrize("tier", [Tier.FREE, Tier.PRO, Tier.TEAM])
def test_terms_for_a_tier_with_a_list_price_are_refused(tier: Tier) -> None:
    with pytest.raises(EnterpriseTermsNotAllowed) as refusal:
        plan_for(tier, BillingPeriod.MONTHLY, TERMS)
    assert refusal.value.code == ErrorCode.ENTERPRISE_TERMS_NOT_ALLOWED


def test_negative_terms_are_refused_by_field_all_at_once() -> None:
    with pytest.raises(InvalidInputs) as refusal:
        EnterpriseTerms(Money(-1, "USD"), -1)
    fields = [problem.field for problem in refusal.value.problems]
    assert fields == ["enterpriseTerms.price", "enterpriseTerms.creditsPerMonth"]


def test_terms_of_nothing_for_nothing_are_a_plan() -> None:
    assert plan_for(Tier.ENTERPRISE, BillingPeriod.MONTHLY, EnterpriseTerms(Money.zero("USD"), 0)).price.is_zero


@pytest.mark.parametrize(("minor_units", "credits_per_month"), [(-1, 0), (0, -1)])
def test_no_plan_is_negative(minor_units: int, credits_per_month: int) -> None:
    with pytest.raises(ValueError, match="nothing negative"):
        Plan(Tier.ENTERPRISE, BillingPeriod.MONTHLY, Money(minor_units, "USD"), credits_per_month)


def test_terms_are_in_a_currency_that_the_processor_counts_as_we_do() -> None:
    for chargeable in ("USD", "EUR", "HUF", "JPY", "KRW"):
        assert EnterpriseTerms(Money(20_000, chargeable), 10**12).price == Money(20_000, chargeable)
    for other in ("ISK", "UGX", "MGA", "BHD", "JOD", "KWD", "OMR", "TND"):
        with pytest.raises(InvalidInputs) as refusal:
            EnterpriseTerms(Money(20_000, other), 10**12 + 1)
        fields = [problem.field for problem in refusal.value.problems]
        assert fields == ["enterpriseTerms.price.currency", "enterpriseTerms.creditsPerMonth"]


def _document() -> dict[str, Any]:  # free-form on purpose: the tests break it in every place
    entries = [
        {
            "tier": tier.value,
            "displayName": tier.title(),
            "monthlyPriceMinor": 100,
            "yearlyPriceMinor": 1000,
            "creditsPerMonth": 5,
            "features": ["Something"],
        }
        for tier in Tier
    ]
    return {"currency": "EUR", "tiers": entries}


def test_a_catalogue_may_list_its_tiers_in_any_order_and_price_every_one() -> None:
    document = _document()
    document["tiers"].reverse()
    catalogue = load_catalogue(json.dumps(document))
    assert [entry.tier for entry in catalogue.entries] == list(Tier)
    plan = catalogue.plan_for(Tier.ENTERPRISE, BillingPeriod.YEARLY)
    assert plan == Plan(Tier.ENTERPRISE, BillingPeriod.YEARLY, Money(1000, "EUR"), 5)


@pytest.mark.parametrize(
    ("breakage", "message"),
    [
        (lambda d: d.update(currency="euro"), "file: currency must be an ISO 4217 code"),
        (lambda d: d.update(currency="ISK"), "file: nothing can be charged in ISK"),
        (lambda d: d.update(tiers={}), "file: tiers must be a list"),
        (lambda d: d.update(extra=1), "file: must be an object of exactly currency, tiers"),
        (lambda d: d["tiers"].pop(), "file: tiers are missing: ENTERPRISE"),
        (lambda d: d["tiers"].append(d["tiers"][0]), "file: a tier appears twice"),
        (lambda d: d["tiers"][1].update(tier="GOLD"), "entry 2: unknown tier 'GOLD'"),
        (lambda d: d["tiers"][1].update(tier=["PRO"]), "entry 2: unknown tier"),
        (lambda d: d["tiers"][1].pop("features"), "entry 2: must be an object of exactly"),
        (lambda d: d["tiers"].__setitem__(1, "PRO"), "entry 2: must be an object of exactly"),
        (lambda d: d["tiers"][1].update(monthlyPriceMinor=9.5), "PRO: monthlyPriceMinor must be null or an integer"),
        (lambda d: d["tiers"][1].update(yearlyPriceMinor=-1), "PRO: yearlyPriceMinor must be null or an integer"),
        (lambda d: d["tiers"][1].update(creditsPerMonth=True), "PRO: creditsPerMonth must be null or an integer"),
        (lambda d: d["tiers"][1].update(creditsPerMonth=None), "PRO: prices and credits are all given, or all null"),
        (lambda d: d["tiers"][1].update(displayName=" "), "PRO: displayName must hold text"),
        (lambda d: d["tiers"][1].update(features="many"), "PRO: features must be a list"),
        (lambda d: d["tiers"][1].update(features=[1]), "PRO: features must hold text"),
    ],
)
def test_a_broken_catalogue_names_the_entry(breakage: Callable[[dict[str, Any]], None], message: str) -> None:
    document = _document()
    breakage(document)
    with pytest.raises(CatalogueInvalid) as refusal:
        load_catalogue(json.dumps(document))
    assert str(refusal.value).startswith(f"catalogue, {message}")


def test_a_catalogue_that_is_not_json_says_so() -> None:
    with pytest.raises(CatalogueInvalid, match="catalogue, file: is not JSON"):
        load_catalogue("{")


def test_an_invalid_input_names_its_field() -> None:
    problem = InvalidInput("entity.name", "must not be empty")
    assert (str(problem), problem.code, problem.retryable) == (
        "entity.name must not be empty",
        ErrorCode.INVALID_INPUT,
        False,
    )
