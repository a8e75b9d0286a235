from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits import (
    EntryKind,
    GrantLeft,
    LedgerEntry,
    allowance_key,
    balance,
    change_allowance,
    collect_owed,
    draw,
    end_allowance,
    expire_due,
    follow_allowance,
    grant_by_hand,
    grant_month,
    grants_left,
    left_of,
    match_month,
    owed,
    roll_over,
)
from billing.errors import InvalidInput
from billing.money import Money
from billing.periods import Period, credit_month_at, midnight
from billing.proration import allowance_share
from billing.tiers import BillingPeriod, Plan, Tier, plan_for

FREE, PRO, TEAM = (plan_for(tier, BillingPeriod.MONTHLY) for tier in (Tier.FREE, Tier.PRO, Tier.TEAM))
JANUARY = Period(date(2026, 1, 1), date(2026, 2, 1))
FEBRUARY = Period(date(2026, 2, 1), date(2026, 3, 1))
ALLOWANCE = "cus_1:allowance:2026-01-01"

Ledger = tuple[LedgerEntry, ...]


def at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


def january(plan: Plan) -> Ledger:
    return grant_month((), owner="cus_1", credits_per_month=plan.credits_per_month, month=JANUARY, at=at(1, 1))


def change(ledger: Ledger, old: Plan, new: Plan, day: int, key: str = "op_1") -> Ledger:
    return change_allowance(ledger, owner="cus_1", old=old, new=new, month=JANUARY, at=at(1, day), key=key)


def follow(
    ledger: Ledger, old: Plan, new: Plan, when: datetime, *, month: Period = JANUARY, key: str = "op_10"
) -> Ledger:
    return follow_allowance(ledger, owner="cus_1", old=old, new=new, month=month, at=when, key=key)


def end(ledger: Ledger, plan: Plan, day: int, key: str = "op_9") -> Ledger:
    """With the unused time credited."""
    unpaid = allowance_share(plan, JANUARY, date(2026, 1, day))
    return end_allowance(ledger, owner="cus_1", month=JANUARY, unpaid=unpaid, at=at(1, day), key=key)


def spend(ledger: Ledger, when: datetime, amount: int = 60_000) -> Ledger:
    return draw(ledger, amount=amount, at=when, key=f"use_{len(ledger)}")


def test_the_first_month_is_granted_until_its_end() -> None:
    (grant,) = january(PRO)
    assert grant == LedgerEntry(10_000, EntryKind.GRANT, at(1, 1), ALLOWANCE, None, at(2, 1))
    assert allowance_key("cus_1", JANUARY) == ALLOWANCE


def test_a_month_is_granted_once() -> None:
    ledger = january(PRO)
    assert grant_month(ledger, owner="cus_1", credits_per_month=10_000, month=JANUARY, at=at(1, 20)) == ()


def test_the_balance_is_the_sum_up_to_an_instant() -> None:
    ledger = january(PRO)
    ledger += draw(ledger, amount=400, at=at(1, 10), key="use")
    assert [balance(ledger, instant) for instant in (at(1, 1) - timedelta(microseconds=1), at(1, 1), at(1, 10))] == [
        0,
        10_000,
        9_600,
    ]


def test_a_new_month_expires_what_is_left_and_leaves_grants_by_hand() -> None:
    ledger = (
        *january(PRO),
        grant_by_hand(amount=500, key="gift", at=at(1, 5), expires_at=at(3, 1)),
        LedgerEntry(-4_000, EntryKind.USAGE, at(1, 9), "use:0", ALLOWANCE),
    )
    appended = roll_over(ledger, owner="cus_1", credits_per_month=10_000, month=FEBRUARY, at=at(2, 1))
    assert appended == (
        LedgerEntry(-6_000, EntryKind.EXPIRY, at(2, 1), f"{ALLOWANCE}:expiry", ALLOWANCE),
        LedgerEntry(10_000, EntryKind.GRANT, at(2, 1), "cus_1:allowance:2026-02-01", None, at(3, 1)),
    )
    assert balance(ledger + appended, at(2, 1)) == 10_500
    assert roll_over(ledger + appended, owner="cus_1", credits_per_month=10_000, month=FEBRUARY, at=at(2, 1)) == ()


def test_a_grant_by_hand_expires_on_its_own_day() -> None:
    gift = grant_by_hand(amount=500, key="gift", at=at(1, 5), expires_at=at(1, 20))
    assert expire_due((gift,), at=at(1, 19)) == ()
    assert expire_due((gift,), at=at(1, 20)) == (LedgerEntry(-500, EntryKind.EXPIRY, at(1, 20), "gift:expiry", "gift"),)


@pytest.mark.parametrize(("amount", "expires_on", "field"), [(0, 9, "amount"), (-5, 9, "amount"), (1, 5, "expiresAt")])
def test_a_grant_by_hand_gives_something_for_some_time(amount: int, expires_on: int, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        grant_by_hand(amount=amount, key="gift", at=at(1, 5), expires_at=at(1, expires_on))
    assert refusal.value.field == field


def test_usage_draws_from_what_expires_soonest() -> None:
    ledger = (
        grant_by_hand(amount=10, key="forever", at=at(1, 1), expires_at=None),
        *january(PRO),
        grant_by_hand(amount=5, key="soon", at=at(1, 2), expires_at=at(1, 9)),
        grant_by_hand(amount=5, key="later", at=at(1, 2), expires_at=at(2, 9)),
    )
    assert [grant.key for grant in grants_left(ledger)] == ["soon", ALLOWANCE, "later", "forever"]
    drawn = draw(ledger, amount=10_008, at=at(1, 3), key="use")
    assert [(entry.amount, entry.key, entry.grant) for entry in drawn] == [
        (-5, "use:0", "soon"),
        (-10_000, "use:1", ALLOWANCE),
        (-3, "use:2", "later"),
    ]
    assert {entry.kind for entry in drawn} == {EntryKind.USAGE}
    assert draw(ledger + drawn, amount=10_008, at=at(1, 3), key="use") == ()


def test_usage_beyond_the_balance_is_not_drawn_nor_from_what_has_expired() -> None:
    ledger = (
        grant_by_hand(amount=5, key="gone", at=at(1, 2), expires_at=at(1, 9)),
        grant_by_hand(amount=7, key="here", at=at(1, 2), expires_at=at(1, 20)),
    )
    assert [(entry.amount, entry.grant) for entry in draw(ledger, amount=100, at=at(1, 9), key="use")] == [(-7, "here")]


def test_usage_of_nothing_is_no_usage() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        draw((), amount=0, at=at(1, 1), key="use")


def test_an_upgrade_adds_to_the_allowance_for_the_days_left() -> None:
    ledger = january(PRO)
    appended = change(ledger, PRO, TEAM, day=16)
    assert appended == (LedgerEntry(20_645, EntryKind.GRANT, at(1, 16), "op_1:change", ALLOWANCE, at(2, 1)),)
    assert grants_left(ledger + appended) == (GrantLeft(ALLOWANCE, 30_645, at(2, 1)),)
    assert change(ledger + appended, PRO, TEAM, day=16) == ()


def test_a_downgrade_takes_back_what_is_unspent() -> None:
    appended = change(january(TEAM), TEAM, PRO, day=16)
    assert appended == (LedgerEntry(-20_645, EntryKind.CLAWBACK, at(1, 16), "op_1:change", ALLOWANCE),)


def test_a_downgrade_leaves_nobody_below_zero_and_remembers_what_is_owed() -> None:
    ledger = january(TEAM)
    ledger += draw(ledger, amount=49_000, at=at(1, 10), key="use")
    appended = change(ledger, TEAM, PRO, day=16)
    assert appended == (
        LedgerEntry(19_645, EntryKind.ADJUSTMENT, at(1, 16), "op_1:correction", ALLOWANCE),
        LedgerEntry(-20_645, EntryKind.CLAWBACK, at(1, 16), "op_1:change", ALLOWANCE),
    )
    assert left_of(ledger + appended, ALLOWANCE) == 0
    assert owed(ledger + appended, ALLOWANCE) == 19_645


def test_going_up_spending_and_going_down_gives_an_allowance_once_not_each_time() -> None:
    ledger = january(FREE)
    for turn in range(3):
        ledger += change(ledger, FREE, TEAM, day=1, key=f"up_{turn}")
        if everything := balance(ledger, at(1, 1)):
            ledger += draw(ledger, amount=everything, at=at(1, 1), key=f"use_{turn}")
        ledger += change(ledger, TEAM, FREE, day=1, key=f"down_{turn}")
    assert -sum(entry.amount for entry in ledger if entry.kind is EntryKind.USAGE) == 50_000
    assert owed(ledger, ALLOWANCE) == 49_000


def test_an_upgrade_from_a_plan_without_credits_opens_the_allowance() -> None:
    nothing = Plan(Tier.ENTERPRISE, BillingPeriod.MONTHLY, Money(100, "USD"), 0)
    assert january(nothing) == ()
    ledger = change((), nothing, PRO, day=1)
    assert grants_left(ledger) == (GrantLeft(ALLOWANCE, 10_000, at(2, 1)),)
    assert change(ledger, nothing, PRO, day=1) == ()
    assert [entry.amount for entry in expire_due(ledger, at=at(2, 1))] == [-10_000]


def test_the_change_day_is_the_day_in_utc() -> None:
    evening_in_new_york = datetime.fromisoformat("2026-01-15T23:00:00-05:00")
    (entry,) = change_allowance(
        january(PRO), owner="cus_1", old=PRO, new=TEAM, month=JANUARY, at=evening_in_new_york, key="op_1"
    )
    assert entry.amount == 20_645


def test_the_allowance_ends_with_the_subscription_and_gifts_do_not() -> None:
    ledger = (*january(PRO), grant_by_hand(amount=500, key="gift", at=at(1, 1), expires_at=None))
    ledger += draw(ledger, amount=4_000, at=at(1, 8), key="use")
    ended = end_allowance(ledger, owner="cus_1", month=JANUARY, unpaid=0, at=at(1, 9), key="op_9")
    assert ended == (LedgerEntry(-6_000, EntryKind.EXPIRY, at(1, 9), "op_9:end", ALLOWANCE),)
    assert balance(ledger + ended, at(1, 9)) == 500
    assert end_allowance(ledger + ended, owner="cus_1", month=JANUARY, unpaid=0, at=at(1, 9), key="op_9") == ()


def test_reactivation_in_a_granted_month_gives_back_the_rest_and_grants_nothing_twice() -> None:
    ledger = january(PRO)
    ledger += draw(ledger, amount=4_000, at=at(1, 8), key="use")
    for turn in range(3):
        ledger += end_allowance(ledger, owner="cus_1", month=JANUARY, unpaid=0, at=at(1, 9), key=f"end_{turn}")
        ledger += follow(ledger, PRO, PRO, at(1, 9), key=f"re_{turn}")
        assert balance(ledger, at(1, 9)) == 6_000
    assert follow(ledger, PRO, PRO, at(1, 9), key="x") == ()


def test_reactivation_in_a_later_month_grants_that_month() -> None:
    ledger = january(PRO) + end_allowance(january(PRO), owner="cus_1", month=JANUARY, unpaid=0, at=at(1, 9), key="op_9")
    resumed = follow(ledger, PRO, TEAM, at(2, 3), month=FEBRUARY)
    assert resumed == (LedgerEntry(50_000, EntryKind.GRANT, at(2, 3), "cus_1:allowance:2026-02-01", None, at(3, 1)),)


def test_an_entry_changes_something_at_an_instant() -> None:
    with pytest.raises(ValueError, match="changes something"):
        LedgerEntry(0, EntryKind.GRANT, at(1, 1), "nothing")
    with pytest.raises(ValueError, match="not a local time"):
        LedgerEntry(1, EntryKind.GRANT, datetime(2026, 1, 1), "local")  # noqa: DTZ001  the point of the test


def test_what_a_downgrade_could_not_take_comes_off_an_upgrade_in_a_later_month() -> None:
    ledger = january(PRO)
    ledger += spend(ledger, at(1, 1))
    ledger += change(ledger, PRO, FREE, day=1)
    assert owed(ledger) == 9_000
    ledger += roll_over(ledger, owner="cus_1", credits_per_month=1_000, month=FEBRUARY, at=at(2, 1))
    assert balance(ledger, at(2, 1)) == 1_000
    ledger += change_allowance(ledger, owner="cus_1", old=FREE, new=PRO, month=FEBRUARY, at=at(2, 1), key="op_2")
    assert (balance(ledger, at(2, 1)), owed(ledger)) == (1_000, 0)


def test_what_is_owed_comes_off_the_next_months_of_a_paid_plan_and_of_no_free_one() -> None:
    ledger = january(TEAM)
    ledger += spend(ledger, at(1, 1))
    ledger += change(ledger, TEAM, PRO, day=1)
    assert owed(ledger) == 40_000
    ledger += grant_month(ledger, owner="cus_1", credits_per_month=10_000, month=FEBRUARY, at=at(2, 1))
    assert collect_owed(ledger, owner="cus_1", plan=FREE, month=FEBRUARY, at=at(2, 1), key="op_2") == ()
    taken = collect_owed(ledger, owner="cus_1", plan=PRO, month=FEBRUARY, at=at(2, 1), key="op_2")
    february = allowance_key("cus_1", FEBRUARY)
    assert taken == (LedgerEntry(-10_000, EntryKind.ADJUSTMENT, at(2, 1), "op_2:owed", february),)
    ledger += taken
    assert (balance(ledger, at(2, 1)), owed(ledger)) == (0, 30_000)
    assert collect_owed(ledger, owner="cus_1", plan=PRO, month=FEBRUARY, at=at(2, 1), key="op_3") == ()


def test_an_end_with_the_unused_time_credited_leaves_owed_what_was_spent_of_it() -> None:
    ledger = january(PRO)
    ledger += spend(ledger, at(1, 16), 8_000)
    assert end(ledger, PRO, 16) == (
        LedgerEntry(3_161, EntryKind.ADJUSTMENT, at(1, 16), "op_9:spent", ALLOWANCE),
        LedgerEntry(-5_161, EntryKind.CLAWBACK, at(1, 16), "op_9:unpaid", ALLOWANCE),
    )
    ledger += end(ledger, PRO, 16)
    assert (balance(ledger, at(1, 16)), owed(ledger)) == (0, 3_161)
    assert end(ledger, PRO, 16) == ()
    ledger += follow(ledger, PRO, PRO, at(2, 3), month=FEBRUARY)
    assert (balance(ledger, at(2, 3)), owed(ledger)) == (6_839, 0)


def test_resumed_on_the_day_it_ended_all_is_as_it_was() -> None:
    for spent in (0, 3_000, 8_000, 10_000):
        ledger = january(PRO)
        ledger += spend(ledger, at(1, 9), spent) if spent else ()
        ledger += end(ledger, PRO, 9)
        assert balance(ledger, at(1, 9)) == 0
        ledger += follow(ledger, PRO, PRO, at(1, 9))
        assert (balance(ledger, at(1, 9)), owed(ledger)) == (10_000 - spent, 0)
        assert follow(ledger, PRO, PRO, at(1, 9)) == ()


def test_resumed_later_in_the_month_the_days_between_are_not_granted() -> None:
    ledger = january(PRO)
    ledger += end(ledger, PRO, 1)
    ledger += follow(ledger, PRO, PRO, at(1, 16))
    assert (balance(ledger, at(1, 16)), owed(ledger)) == (5_161, 0)


def test_an_end_and_a_free_plan_leave_owed_what_a_downgrade_would() -> None:
    ledger = january(PRO)
    ledger += spend(ledger, at(1, 1))
    ledger += end(ledger, PRO, 1)
    ledger += follow(ledger, PRO, FREE, at(1, 1))
    assert (balance(ledger, at(1, 1)), owed(ledger)) == (0, 9_000)


def test_what_never_came_is_not_owed() -> None:
    refused_upgrade = january(PRO)
    assert [entry.amount for entry in change(refused_upgrade, TEAM, PRO, day=1)] == [-10_000]
    assert [entry.amount for entry in end(refused_upgrade, TEAM, 1)] == [-10_000]
    assert end((), TEAM, 1) == ()


ANCHOR = date(2026, 1, 31)


class _Customer:
    """A customer of the ledger, whose plan and whose subscription's life the steps change."""

    def __init__(self) -> None:
        self.plan, self.before, self.live = PRO, PRO, True
        self.ledger: Ledger = grant_month(
            (), owner="c", credits_per_month=10_000, month=credit_month_at(ANCHOR, ANCHOR), at=midnight(ANCHOR)
        )

    def step(self, verb: str, amount: int, now: datetime, key: str) -> Ledger:
        month = credit_month_at(ANCHOR, now.date())
        if verb == "use":
            return draw(self.ledger, amount=amount, at=now, key=key)
        if verb == "gift":
            return (grant_by_hand(amount=amount, key=key, at=now, expires_at=now + timedelta(days=amount % 90 + 1)),)
        if verb == "change" and self.live:
            old, self.plan = self.plan, (FREE, PRO, TEAM)[amount % 3]
            return change_allowance(self.ledger, owner="c", old=old, new=self.plan, month=month, at=now, key=key)
        if verb == "end" and self.live:
            self.live, self.before = False, self.plan
            unpaid = allowance_share(self.plan, month, now.date()) if amount % 2 else 0
            return end_allowance(self.ledger, owner="c", month=month, unpaid=unpaid, at=now, key=key)
        if verb == "resume" and not self.live:
            self.live, self.plan = True, (FREE, PRO, TEAM)[amount % 3]
            return follow_allowance(
                self.ledger, owner="c", old=self.before, new=self.plan, month=month, at=now, key=key
            )
        return ()

    def boundary(self, now: datetime) -> Ledger:
        if not self.live:
            return expire_due(self.ledger, at=now)
        month = credit_month_at(ANCHOR, now.date())
        begun = roll_over(self.ledger, owner="c", credits_per_month=self.plan.credits_per_month, month=month, at=now)
        standing = [*self.ledger, *begun]
        return begun + collect_owed(
            standing, owner="c", plan=self.plan, month=month, at=now, key=f"month_{month.start}"
        )


_VERBS = st.sampled_from(["use", "use", "gift", "change", "change", "end", "resume"])


@given(st.lists(st.tuples(_VERBS, st.integers(1, 60_000), st.integers(0, 25)), max_size=25))
def test_a_ledger_sums_to_its_balance_and_never_dips_below_zero(life: list[tuple[str, int, int]]) -> None:
    customer, now = _Customer(), midnight(ANCHOR)
    for number, (verb, amount, days) in enumerate(life):
        now += timedelta(days=days)
        customer.ledger += customer.boundary(now)
        customer.ledger += customer.step(verb, amount, now, f"op_{number}")
        left = grants_left(customer.ledger)
        assert balance(customer.ledger, now) == sum(grant.left for grant in left)
        assert all(grant.left > 0 for grant in left)
        assert (
            0
            <= owed(customer.ledger)
            <= sum(-entry.amount for entry in customer.ledger if entry.kind is EntryKind.USAGE)
        )
    running = 0
    for entry in customer.ledger:
        running += entry.amount
        assert running >= 0
    keys = [entry.key for entry in customer.ledger]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("began_on", "plan", "moved"), [(PRO, TEAM, 40_000), (TEAM, PRO, -40_000), (PRO, PRO, 0)])
def test_a_month_that_began_on_another_plan_is_made_this_ones_whole_and_once(
    began_on: Plan, plan: Plan, moved: int
) -> None:
    ledger = january(began_on)

    ledger += (matched := match_month(ledger, owner="cus_1", plan=plan, month=JANUARY, key="op_1"))

    assert sum(entry.amount for entry in matched) == moved
    assert left_of(ledger, ALLOWANCE) == plan.credits_per_month
    assert match_month(ledger, owner="cus_1", plan=plan, month=JANUARY, key="op_2") == ()


def test_what_was_taken_from_a_month_by_mistake_comes_back() -> None:
    ledger = january(PRO)
    ledger += (LedgerEntry(-1_290, EntryKind.CLAWBACK, at(1, 1), "op_1:change", ALLOWANCE),)

    (back,) = match_month(ledger, owner="cus_1", plan=PRO, month=JANUARY, key="op_2")

    assert (back.amount, back.kind, back.pool) == (1_290, EntryKind.GRANT, ALLOWANCE)
