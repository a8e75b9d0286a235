"""Metronome's signature on the raw body.

`Metronome-Webhook-Signature: <hex>` over `<date>\\n<body>`, where the date is the text of `X-Metronome-Date`, or of
`Date` where that is absent.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

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

_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


def verify(raw: bytes, *, headers: Headers, secrets: Iterable[SecretStr], now: datetime) -> Verified:
    """Raises `NoWebhookSecret`, `BadSignature` or `BadPayload`."""
    usable = usable_secrets("metronome", secrets)
    headers = list(headers)
    signature = only_header(header_values(headers, b"metronome-webhook-signature"))
    date = only_header(header_values(headers, b"x-metronome-date") or header_values(headers, b"date"))
    if not _SIGNATURE.fullmatch(signature):
        raise BadSignature(SignatureProblem.MALFORMED)
    signed_at = _parse_date(date)
    check_signature(f"{date}\n".encode() + raw, signatures=[signature], secrets=usable)
    check_age(signed_at, now)
    try:
        return read_envelope(read_object(raw))
    except Unreadable as error:
        raise BadPayload(str(error)) from None


def _parse_date(text: str) -> datetime:
    """RFC 1123 in its one fixed form, a day of the week that fits included."""
    try:
        parsed = parsedate_to_datetime(text) if _DATE.fullmatch(text) else None
    except ValueError:
        parsed = None
    if parsed is None or format_datetime(parsed, usegmt=True) != text:
        raise BadSignature(SignatureProblem.MALFORMED)
    return parsed


def read_envelope(event: Fields) -> Verified:
    """Raises `Unreadable` or `BadPayload`."""
    return Verified(
        event_id=read_event_id(event),
        type=event.text("type"),
        created=event.instant("timestamp"),
        customer_id=event.optional_text("customer_id"),
        object_id=event.child("data").optional_text("id"),
    )
