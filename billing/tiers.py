"""What can be bought. The catalogue is data; a tier without a list price takes its terms from each customer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from billing.errors import EnterpriseTermsMissing, EnterpriseTermsNotAllowed, InvalidInput, InvalidInputs
from billing.money import MINIMUM_CHARGE_MINOR, Money, is_chargeable, maximum_charge, minimum_charge

MOST_CREDITS_PER_MONTH = 10**12


class Tier(StrEnum):
    FREE = "FREE"
    PRO = "PRO"
    TEAM = "TEAM"
    ENTERPRISE = "ENTERPRISE"

    @property
    def rank(self) -> int:
        """FREE 0 < PRO 1 < TEAM 2 < ENTERPRISE 3."""
        return list(Tier).index(self)


class BillingPeriod(StrEnum):
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


class EntityType(StrEnum):
    USER = "USER"
    ORGANIZATION = "ORGANIZATION"


@dataclass(frozen=True, slots=True)
class EnterpriseTerms:
    """What one customer agreed to: the price of one billing period, and credits per month."""

    price: Money
    credits_per_month: int

    def __post_init__(self) -> None:
        problems = []
        if not is_chargeable(self.price.currency):
            known = ", ".join(MINIMUM_CHARGE_MINOR)
            problems.append(InvalidInput("enterpriseTerms.price.currency", f"must be one that can be charged: {known}"))
        least, most = minimum_charge(self.price.currency), maximum_charge(self.price.currency)
        if not (self.price.is_zero or least <= self.price <= most):
            problems.append(InvalidInput("enterpriseTerms.price", f"must be zero, or {least} to {most}"))
        if not 0 <= self.credits_per_month <= MOST_CREDITS_PER_MONTH:
            problems.append(InvalidInput("enterpriseTerms.creditsPerMonth", f"must be 0 to {MOST_CREDITS_PER_MONTH}"))
        if problems:
            raise InvalidInputs(tuple(problems))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a customer is on: `price` buys one billing period, credits are released every month."""

    tier: Tier
    billing_period: BillingPeriod
    price: Money
    credits_per_month: int

    def __post_init__(self) -> None:
        if self.price.is_negative or self.credits_per_month < 0:
            raise ValueError(f"a plan costs and grants nothing negative: {self}")


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One tier. The prices and credits are None together, when each customer has terms of their own."""

    tier: Tier
    display_name: str
    monthly_price: Money | None
    yearly_price: Money | None
    credits_per_month: int | None
    features: tuple[str, ...]

    def price(self, billing_period: BillingPeriod) -> Money | None:
        return self.monthly_price if billing_period is BillingPeriod.MONTHLY else self.yearly_price


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every tier once, by rank."""

    entries: tuple[CatalogueEntry, ...]

    def entry(self, tier: Tier) -> CatalogueEntry:
        return self.entries[tier.rank]

    def plan_for(self, tier: Tier, billing_period: BillingPeriod, terms: EnterpriseTerms | None = None) -> Plan:
        entry = self.entry(tier)
        price, credits_per_month = entry.price(billing_period), entry.credits_per_month
        if price is None or credits_per_month is None:
            if terms is None:
                raise EnterpriseTermsMissing(tier)
            return Plan(tier, billing_period, terms.price, terms.credits_per_month)
        if terms is not None:
            raise EnterpriseTermsNotAllowed(tier)
        return Plan(tier, billing_period, price, credits_per_month)


class CatalogueInvalid(ValueError):  # noqa: N818  named as billing/errors.py names
    """The catalogue file contradicts itself; the text names the entry."""

    def __init__(self, where: str, sentence: str) -> None:
        super().__init__(f"catalogue, {where}: {sentence}")


def load_catalogue(text: str) -> Catalogue:
    try:
        document = json.loads(text)
    except ValueError as problem:
        raise CatalogueInvalid("file", f"is not JSON: {problem}") from problem
    _require_fields(document, {"currency", "tiers"}, "file")
    currency, raw_entries = document["currency"], document["tiers"]
    if not isinstance(raw_entries, list):
        raise CatalogueInvalid("file", "tiers must be a list")
    entries = [_entry(raw, f"entry {place}", currency) for place, raw in enumerate(raw_entries, start=1)]
    by_tier = {entry.tier: entry for entry in entries}
    if len(by_tier) < len(entries):
        raise CatalogueInvalid("file", "a tier appears twice")
    if missing := [tier for tier in Tier if tier not in by_tier]:
        raise CatalogueInvalid("file", f"tiers are missing: {', '.join(missing)}")
    return Catalogue(tuple(by_tier[tier] for tier in Tier))


_ENTRY_FIELDS = {"tier", "displayName", "monthlyPriceMinor", "yearlyPriceMinor", "creditsPerMonth", "features"}


def _entry(raw: object, place: str, currency: object) -> CatalogueEntry:
    fields = _require_fields(raw, _ENTRY_FIELDS, place)
    if fields["tier"] not in list(Tier):
        raise CatalogueInvalid(place, f"unknown tier {fields['tier']!r}")
    tier = Tier(str(fields["tier"]))
    terms = [_natural(fields, name, tier) for name in ("monthlyPriceMinor", "yearlyPriceMinor", "creditsPerMonth")]
    if None in terms and terms != [None, None, None]:
        raise CatalogueInvalid(tier, "prices and credits are all given, or all null")
    monthly_minor, yearly_minor, credits_per_month = terms
    return CatalogueEntry(
        tier=tier,
        display_name=_text(fields["displayName"], "displayName", tier),
        monthly_price=_price(monthly_minor, currency),
        yearly_price=_price(yearly_minor, currency),
        credits_per_month=credits_per_month,
        features=_features(fields["features"], tier),
    )


def _require_fields(raw: object, names: set[str], where: str) -> Mapping[str, object]:
    if not isinstance(raw, dict) or set(raw) != names:
        raise CatalogueInvalid(where, f"must be an object of exactly {', '.join(sorted(names))}")
    return raw


def _natural(fields: Mapping[str, object], name: str, where: str) -> int | None:
    number = fields[name]
    if number is None:
        return None
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise CatalogueInvalid(where, f"{name} must be null or an integer from 0, not {number!r}")
    return number


def _price(minor_units: int | None, currency: object) -> Money | None:
    if minor_units is None:
        return None
    try:
        price = Money(minor_units, str(currency))
    except InvalidInput as problem:
        raise CatalogueInvalid("file", str(problem)) from problem
    if not is_chargeable(price.currency):
        raise CatalogueInvalid("file", f"nothing can be charged in {price.currency}")
    return price


def _features(raw: object, where: str) -> tuple[str, ...]:
    if not isinstance(raw, list):
        raise CatalogueInvalid(where, "features must be a list")
    return tuple(_text(feature, "features", where) for feature in raw)


def _text(raw: object, name: str, where: str) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise CatalogueInvalid(where, f"{name} must hold text, not {raw!r}")
    return raw


CATALOGUE = load_catalogue(files("billing").joinpath("catalogue.json").read_text("utf-8"))


def plan_for(tier: Tier, billing_period: BillingPeriod, terms: EnterpriseTerms | None = None) -> Plan:
    return CATALOGUE.plan_for(tier, billing_period, terms)
