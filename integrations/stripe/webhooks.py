"""Stripe's signature on the raw body.

Checked by ourselves: the SDK takes one secret, accepts any time in the future, and builds objects we would throw away.

`Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>...]`, one v1 per active secret, over `<t>.<body>`.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import SecretStr

from integrations.fields import Fields, Unreadable, read_object
from integrations.inbound import (
    BadPayload,
    BadSignature,
    Headers,
    SignatureProblem,
    Verified,
    check_age,
    check_signature,
    header_values,
    only_header,
    read_event_id,
    usable_secrets,
)

_MOST_ITEMS = 16
_TIMESTAMP = re.compile(r"[0-9]{1,11}")  # one more digit, and datetime cannot hold it
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


def verify(
    raw: bytes,
    *,
    headers: Headers,
    secrets: Iterable[SecretStr],
    now: datetime,
    livemode: bool,
    account: str | None = None,
) -> Verified:
    """Raises `NoWebhookSecret`, `BadSignature` or `BadPayload`. `secrets`: the current one, and the old while rolling.

    `livemode` is the mode of our own key; an event of another `account` is never ours.
    """
    usable = usable_secrets("stripe", secrets)
    timestamp, signatures = _parse(only_header(header_values(headers, b"stripe-signature")))
    check_signature(f"{timestamp}.".encode() + raw, signatures=signatures, secrets=usable)
    check_age(datetime.fromtimestamp(int(timestamp), UTC), now)
    try:
        return read_envelope(read_object(raw), livemode=livemode, account=account)
    except Unreadable as error:
        raise BadPayload(str(error)) from None


def _parse(header: str) -> tuple[str, list[str]]:
    items = [item.partition("=") for item in header.split(",")]
    timestamps = [value for scheme, _, value in items if scheme == "t"]
    signatures = [value for scheme, _, value in items if scheme == "v1"]
    well_formed = (
        len(items) <= _MOST_ITEMS
        and len(timestamps) == 1
        and _TIMESTAMP.fullmatch(timestamps[0])
        and signatures
        and all(_SIGNATURE.fullmatch(signature) for signature in signatures)
    )
    if not well_formed:
        raise BadSignature(SignatureProblem.MALFORMED)
    return timestamps[0], signatures


def read_envelope(event: Fields, *, livemode: bool, account: str | None = None) -> Verified:
    """Raises `Unreadable` or `BadPayload`."""
    if event.text("object") != "event":
        raise BadPayload("this is not an event")
    if event.flag("livemode") is not livemode:
        raise BadPayload("the event is of the other mode, live or test")
    if event.optional_text("account") not in {None, account}:
        raise BadPayload("the event is of another account")
    subject = event.child("data").child("object")
    return Verified(
        event_id=read_event_id(event),
        type=event.text("type"),
        created=event.epoch("created"),
        customer_id=_customer_id(subject),
        object_id=subject.optional_text("id"),
    )


def _customer_id(subject: Fields) -> str | None:
    return subject.text("id") if subject.optional_text("object") == "customer" else subject.reference("customer")
