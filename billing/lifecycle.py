"""The life of a subscription, as a table. What the table does not list is illegal."""

from enum import StrEnum

from billing.errors import IllegalTransition


class SubscriptionStatus(StrEnum):
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    PAST_DUE = "PAST_DUE"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class SubscriptionEvent(StrEnum):
    """Past tense: what has happened, or, asked beforehand, what would."""

    PROVISIONED = "PROVISIONED"
    PROVISIONING_ABANDONED = "PROVISIONING_ABANDONED"
    PAYMENT_SUCCEEDED = "PAYMENT_SUCCEEDED"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    COLLECTION_EXHAUSTED = "COLLECTION_EXHAUSTED"
    PLAN_CHANGED = "PLAN_CHANGED"
    RENEWED = "RENEWED"
    CANCELLATION_SCHEDULED = "CANCELLATION_SCHEDULED"
    CANCELLATION_WITHDRAWN = "CANCELLATION_WITHDRAWN"
    CANCELLED = "CANCELLED"
    CONTRACT_ENDED = "CONTRACT_ENDED"


_S, _E = SubscriptionStatus, SubscriptionEvent

LIVE = frozenset({_S.PENDING, _S.ACTIVE, _S.PAST_DUE})
STANDING = LIVE - {_S.PENDING}
"""Provisioned, and not ended: what the engine renews."""

TRANSITIONS = {
    (_S.PENDING, _E.PROVISIONED): _S.ACTIVE,
    (_S.PENDING, _E.PAYMENT_SUCCEEDED): _S.PENDING,
    (_S.PENDING, _E.PAYMENT_FAILED): _S.PAST_DUE,
    (_S.PENDING, _E.PROVISIONING_ABANDONED): _S.CANCELLED,
    (_S.ACTIVE, _E.PAYMENT_SUCCEEDED): _S.ACTIVE,
    (_S.ACTIVE, _E.PAYMENT_FAILED): _S.PAST_DUE,
    (_S.ACTIVE, _E.PLAN_CHANGED): _S.ACTIVE,
    (_S.ACTIVE, _E.RENEWED): _S.ACTIVE,
    (_S.ACTIVE, _E.CANCELLATION_SCHEDULED): _S.ACTIVE,
    (_S.ACTIVE, _E.CANCELLATION_WITHDRAWN): _S.ACTIVE,
    (_S.ACTIVE, _E.CANCELLED): _S.CANCELLED,
    (_S.ACTIVE, _E.CONTRACT_ENDED): _S.EXPIRED,
    (_S.PAST_DUE, _E.PAYMENT_SUCCEEDED): _S.ACTIVE,
    (_S.PAST_DUE, _E.PAYMENT_FAILED): _S.PAST_DUE,
    (_S.PAST_DUE, _E.COLLECTION_EXHAUSTED): _S.EXPIRED,
    (_S.PAST_DUE, _E.PLAN_CHANGED): _S.PAST_DUE,
    (_S.PAST_DUE, _E.RENEWED): _S.PAST_DUE,
    (_S.PAST_DUE, _E.CANCELLATION_SCHEDULED): _S.PAST_DUE,
    (_S.PAST_DUE, _E.CANCELLATION_WITHDRAWN): _S.PAST_DUE,
    (_S.PAST_DUE, _E.CANCELLED): _S.CANCELLED,
    (_S.PAST_DUE, _E.CONTRACT_ENDED): _S.EXPIRED,
    # An open invoice outlives its subscription: paying it, or failing to, brings nothing back.
    (_S.CANCELLED, _E.PAYMENT_SUCCEEDED): _S.CANCELLED,
    (_S.CANCELLED, _E.PAYMENT_FAILED): _S.CANCELLED,
    (_S.EXPIRED, _E.PAYMENT_SUCCEEDED): _S.EXPIRED,
    (_S.EXPIRED, _E.PAYMENT_FAILED): _S.EXPIRED,
}


def next_status(status: SubscriptionStatus, event: SubscriptionEvent) -> SubscriptionStatus:
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        raise IllegalTransition(status, event) from None
