import hmac
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256

import pytest
from pydantic import SecretStr

from integrations.inbound import BadPayload, BadSignature, NoWebhookSecret, SignatureProblem, Verified
from integrations.metronome.webhooks import verify
from tests.integrations.metronome_bodies import CUSTOMER, INVOICE

SECRET = "planted-secret"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DATE = "Sun, 01 Mar 2026 12:00:00 GMT"
EVENT = {
    "id": "0b2c7a30-5a6f-4e3a-9d0e-3f1f5f0c1aff",
    "type": "invoice.paid",
    "timestamp": "2026-03-01T11:59:58Z",
    "customer_id": CUSTOMER["id"],
    "data": INVOICE,
}
RAW = json.dumps(EVENT).encode()


def sign(raw: bytes = RAW, *, date: str = DATE, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), date.encode() + b"\n" + raw, sha256).hexdigest()


def http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def check(raw: bytes = RAW, headers: dict[str, str] | None = None, *, secrets: tuple[str, ...] = (SECRET,)) -> Verified:
    sent = headers if headers is not None else {"metronome-webhook-signature": sign(raw), "x-metronome-date": DATE}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    return verify(raw, headers=encoded, secrets=[SecretStr(secret) for secret in secrets], now=NOW)


def dated(date: str, *, name: str = "x-metronome-date") -> dict[str, str]:
    return {"metronome-webhook-signature": sign(date=date), name: date}


def test_an_authentic_event_is_verified() -> None:
    assert check() == Verified(
        event_id="0b2c7a30-5a6f-4e3a-9d0e-3f1f5f0c1aff",
        type="invoice.paid",
        created=datetime(2026, 3, 1, 11, 59, 58, tzinfo=UTC),
        customer_id=str(CUSTOMER["id"]),
        object_id=str(INVOICE["id"]),
    )


@pytest.mark.parametrize(
    "headers",
    [
        dated(DATE, name="date"),
        dated(DATE, name="X-Metronome-Date"),
        {**dated(DATE), "date": "Thu, 01 Jan 1970 00:00:00 GMT"},
        dated(http_date(NOW - timedelta(seconds=300))),
        dated(http_date(NOW + timedelta(seconds=300))),
    ],
)
def test_the_date_is_metronomes_own_or_else_the_common_one(headers: dict[str, str]) -> None:
    assert check(headers=headers).type == "invoice.paid"


def test_either_secret_fits_while_one_is_rolled() -> None:
    assert check(secrets=("new", "", SECRET)).type == "invoice.paid"


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({}, SignatureProblem.MISSING),
        ({"x-metronome-date": DATE}, SignatureProblem.MISSING),
        ({"metronome-webhook-signature": sign()}, SignatureProblem.MISSING),
        ({"metronome-webhook-signature": "", "x-metronome-date": DATE}, SignatureProblem.MALFORMED),
        ({"metronome-webhook-signature": sign()[:-1], "x-metronome-date": DATE}, SignatureProblem.MALFORMED),
        ({"metronome-webhook-signature": sign().upper(), "x-metronome-date": DATE}, SignatureProblem.MALFORMED),
        ({"metronome-webhook-signature": f"sha256={sign()}", "x-metronome-date": DATE}, SignatureProblem.MALFORMED),
        ({"metronome-webhook-signature": "é" * 64, "x-metronome-date": DATE}, SignatureProblem.NOT_ASCII),
        ({"metronome-webhook-signature": sign(), "x-metronome-date": DATE + "é"}, SignatureProblem.NOT_ASCII),
        ({"metronome-webhook-signature": sign(), "x-metronome-date": "x" * 4097}, SignatureProblem.TOO_LONG),
        ({"metronome-webhook-signature": sign(secret="unknown"), "x-metronome-date": DATE}, SignatureProblem.MISMATCH),
        ({"metronome-webhook-signature": sign(secret=""), "x-metronome-date": DATE}, SignatureProblem.MISMATCH),
        (
            {"metronome-webhook-signature": sign(), "x-metronome-date": "Sun, 01 Mar 2026 12:00:01 GMT"},
            SignatureProblem.MISMATCH,
        ),
        (
            {"metronome-webhook-signature": sign(), "x-metronome-date": "", "date": DATE},
            SignatureProblem.MALFORMED,
        ),
        ({**dated(DATE), "X-Metronome-Date": DATE}, SignatureProblem.REPEATED),
        ({**dated(DATE), "Metronome-Webhook-Signature": sign()}, SignatureProblem.REPEATED),
        (dated(http_date(NOW - timedelta(seconds=301))), SignatureProblem.TOO_OLD),
        (dated(http_date(NOW + timedelta(seconds=301))), SignatureProblem.IN_FUTURE),
        (dated("Mon, 01 Mar 2026 12:00:00 GMT"), SignatureProblem.MALFORMED),
        (dated("Sun, 1 Mar 2026 12:00:00 GMT"), SignatureProblem.MALFORMED),
        (dated("Sun, 01 Mar 2026 12:00:00 +0000"), SignatureProblem.MALFORMED),
        (dated("Sun, 01 Mar 2026 12:00:00"), SignatureProblem.MALFORMED),
        (dated("Sun, 31 Feb 2026 12:00:00 GMT"), SignatureProblem.MALFORMED),
        (dated("Sun, 01 Mrz 2026 12:00:00 GMT"), SignatureProblem.MALFORMED),
        (dated("Sun, 01 Mar 2026 24:00:00 GMT"), SignatureProblem.MALFORMED),
        (dated("Sun, 01 Mar 0000 12:00:00 GMT"), SignatureProblem.MALFORMED),
        (dated("Sunday, 01-Mar-26 12:00:00 GMT"), SignatureProblem.MALFORMED),
        (dated("2026-03-01T12:00:00Z"), SignatureProblem.MALFORMED),
        (dated("1772366400"), SignatureProblem.MALFORMED),
        (dated(DATE + " "), SignatureProblem.MALFORMED),
        (dated(DATE + "\n"), SignatureProblem.MALFORMED),
    ],
)
def test_every_other_header_is_refused_with_its_reason(headers: dict[str, str], problem: SignatureProblem) -> None:
    with pytest.raises(BadSignature) as caught:
        check(headers=headers)

    assert caught.value.reason is problem


@pytest.mark.parametrize(
    "altered",
    [
        RAW.replace(b"1032", b"1"),
        RAW + b" ",
        b"\n" + RAW,
        json.dumps(EVENT, separators=(",", ":")).encode(),
        RAW.decode().encode("utf-16"),
        b"",
    ],
)
def test_a_body_that_was_altered_or_encoded_anew_does_not_fit(altered: bytes) -> None:
    with pytest.raises(BadSignature) as caught:
        check(altered, {"metronome-webhook-signature": sign(), "x-metronome-date": DATE})

    assert caught.value.reason is SignatureProblem.MISMATCH


def changed(**fields: object) -> bytes:
    return json.dumps({**EVENT, **fields}).encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff", "the body is not JSON"),
        (b"[]", "the body is not an object"),
        (changed(id="a/b"), "id is not an identifier"),
        (changed(type=7), "type is not text"),
        (changed(timestamp="2026-03-01"), "timestamp is not a time with an offset"),
        (changed(customer_id=7), "customer_id is not text"),
        (changed(data=None), "data is not an object"),
    ],
)
def test_a_signed_body_that_is_not_an_event_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(BadPayload) as caught:
        check(raw)

    assert caught.value.reason == reason


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_without_a_secret_nothing_is_verified(secrets: tuple[str, ...]) -> None:
    with pytest.raises(NoWebhookSecret, match="no webhook secret is configured for metronome"):
        check(headers={"metronome-webhook-signature": sign(secret=""), "x-metronome-date": DATE}, secrets=secrets)
