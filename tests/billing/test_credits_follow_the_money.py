"""A search over the changes of plan within one credit month, all credits spent before any of them or not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import chain
from random import Random

import pytest

from billing.credits import (
    EntryKind,
    LedgerEntry,
    allowance_key,
    balance,
    change_allowance,
    draw,
    grant_month,
    grants_left,
)
from billing.money import Money
from billing.periods import credit_month_at, midnight, period_at
from billing.proration import prorate
from billing.tiers import BillingPeriod, Plan, Tier, plan_for

TIERS = (Tier.FREE, Tier.PRO, Tier.TEAM)
LEAP_FEBRUARY, FEBRUARY, APRIL, JANUARY = date(2028, 2, 1), date(2027, 2, 1), date(2027, 4, 1), date(2027, 1, 1)


@dataclass(frozen=True, slots=True)
class Life:
    """In the month that begins on `begun`. `dearest` is the largest allowance there was a right to at any time."""

    begun: date
    plan: Plan
    ledger: tuple[LedgerEntry, ...]
    paid: Money
    spent: Money
    due_minor: Fraction
    allowed: Fraction
    dearest: Fraction
    steps: int = 0

    @classmethod
    def begin(cls, plan: Plan, begun: date) -> "Life":
        month = credit_month_at(begun, begun)
        granted = grant_month((), owner="c", credits_per_month=plan.credits_per_month, month=month, at=midnight(begun))
        allowed = Fraction(plan.credits_per_month)
        return cls(begun, plan, granted, plan.price, plan.price, Fraction(plan.price.minor_units), allowed, allowed)

    def change(self, new: Plan, on: date) -> "Life":
        month = credit_month_at(self.begun, on)
        period = period_at(self.begun, self.plan.billing_period, on)
        made = prorate(self.plan, new, period, on, paid_uncredited=self.paid, anchor=self.begun)
        changes = change_allowance(
            self.ledger, owner="c", old=self.plan, new=new, month=month, at=midnight(on), key=f"{self.steps}"
        )
        dearer_minor = new.price.minor_units - self.plan.price.minor_units
        more = new.credits_per_month - self.plan.credits_per_month
        allowed = self.allowed + Fraction(more * month.days_left(on), month.days)
        return replace(
            self,
            plan=new,
            ledger=self.ledger + changes,
            paid=self.paid - made.credited + made.charged,
            spent=self.spent + made.net,
            due_minor=self.due_minor + Fraction(dearer_minor * period.days_left(on), period.days),
            allowed=allowed,
            dearest=max(self.dearest, allowed),
            steps=self.steps + 1,
        )

    def spend(self, on: date) -> "Life":
        left = balance(self.ledger, midnight(on))
        used = draw(self.ledger, amount=left, at=midnight(on), key=f"use {self.steps}") if left else ()
        return replace(self, ledger=self.ledger + used)

    def check(self) -> None:
        """The money to half a cent for each leg, the credits to half a credit for each change."""
        half = Fraction(self.steps, 2)
        assert abs(self.spent.minor_units - self.due_minor) <= self.steps
        given = sum(entry.amount for entry in self.ledger if entry.kind is not EntryKind.USAGE)
        owed = sum(entry.amount for entry in self.ledger if entry.kind is EntryKind.ADJUSTMENT)
        assert owed >= 0
        assert abs(given - owed - self.allowed) <= half
        assert given <= self.dearest + half
        assert [grant.key for grant in grants_left(self.ledger) if grant.left > 0] in ([], [self.allowance])
        running = 0
        for entry in self.ledger:
            running += entry.amount
            assert running >= 0

    @property
    def allowance(self) -> str:
        return allowance_key("c", credit_month_at(self.begun, self.begun))


def _next(life: Life, on: date) -> Iterator[Life]:
    """Every change there is on that day, with and without spending all before."""
    for before in (life, life.spend(on)):
        for tier in TIERS:
            if tier is not life.plan.tier:
                yield before.change(plan_for(tier, life.plan.billing_period), on)


def _days(begun: date, *, since: date) -> Sequence[date]:
    end = credit_month_at(begun, begun).end
    return [since + timedelta(days=n) for n in range((end - since).days)]


@pytest.mark.parametrize(
    ("billing_period", "begun"), [(BillingPeriod.MONTHLY, JANUARY), (BillingPeriod.YEARLY, LEAP_FEBRUARY)]
)
def test_two_changes_on_any_days_give_what_the_days_on_each_plan_are_paid_for(
    billing_period: BillingPeriod, begun: date
) -> None:
    found, days = 0, credit_month_at(begun, begun).days
    for tier in TIERS:
        for first_day in _days(begun, since=begun):
            for once in _next(Life.begin(plan_for(tier, billing_period), begun), first_day):
                once.check()
                twice = chain.from_iterable(_next(once, day) for day in _days(begun, since=first_day))
                for life in twice:
                    life.check()
                    found += 1
    assert found == days * (days + 1) // 2 * len(TIERS) * 4 * 4


@pytest.mark.parametrize("billing_period", BillingPeriod)
def test_up_to_six_changes_give_what_the_days_on_each_plan_are_paid_for(billing_period: BillingPeriod) -> None:
    random = Random(f"six changes, {billing_period}")
    for _ in range(400):
        begun = random.choice([JANUARY, FEBRUARY, LEAP_FEBRUARY, APRIL, date(2027, 1, 31), date(2028, 2, 29)])
        life = Life.begin(plan_for(random.choice(TIERS), billing_period), begun)
        days = random.choices(_days(begun, since=begun), k=random.randint(3, 6))
        for day in sorted(days):
            life = random.choice(list(_next(life, day)))
            life.check()
