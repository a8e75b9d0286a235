from itertools import product

import pytest

from billing.errors import ErrorCode, IllegalTransition
from billing.lifecycle import LIVE, TRANSITIONS, SubscriptionEvent, SubscriptionStatus, next_status

S, E = SubscriptionStatus, SubscriptionEvent


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([E.PROVISIONED], S.ACTIVE),
        ([E.PROVISIONING_ABANDONED], S.CANCELLED),
        ([E.PAYMENT_FAILED, E.PAYMENT_SUCCEEDED], S.ACTIVE),
        ([E.PROVISIONED, E.RENEWED, E.PLAN_CHANGED, E.PAYMENT_SUCCEEDED], S.ACTIVE),
        ([E.PROVISIONED, E.PAYMENT_FAILED, E.PAYMENT_FAILED, E.COLLECTION_EXHAUSTED], S.EXPIRED),
        ([E.PROVISIONED, E.PAYMENT_FAILED, E.CANCELLED], S.CANCELLED),
        ([E.PROVISIONED, E.CANCELLATION_SCHEDULED, E.CANCELLATION_WITHDRAWN], S.ACTIVE),
        ([E.PROVISIONED, E.CANCELLATION_SCHEDULED, E.CANCELLED], S.CANCELLED),
        ([E.PROVISIONED, E.CONTRACT_ENDED], S.EXPIRED),
        ([E.PROVISIONED, E.CANCELLED, E.PAYMENT_SUCCEEDED], S.CANCELLED),
    ],
)
def test_lives(events: list[SubscriptionEvent], status: SubscriptionStatus) -> None:
    reached = S.PENDING
    for event in events:
        reached = next_status(reached, event)
    assert reached is status


def test_what_the_table_does_not_list_is_illegal() -> None:
    illegal = set(product(S, E)) - set(TRANSITIONS)
    assert len(illegal) == len(S) * len(E) - len(TRANSITIONS) > 0
    for status, event in illegal:
        with pytest.raises(IllegalTransition) as refusal:
            next_status(status, event)
        assert (refusal.value.status, refusal.value.event) == (status, event)
        assert refusal.value.code == ErrorCode.ILLEGAL_TRANSITION


def test_nothing_ended_comes_back_to_life() -> None:
    ended = set(S) - LIVE
    assert ended == {S.CANCELLED, S.EXPIRED}
    assert all(after is before for (before, _), after in TRANSITIONS.items() if before in ended)


def test_every_state_can_be_reached_from_pending() -> None:
    reached = {S.PENDING}
    for _ in S:
        reached |= {after for (before, _), after in TRANSITIONS.items() if before in reached}
    assert reached == set(S)
