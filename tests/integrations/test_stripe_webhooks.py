import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import stripe
from pydantic import SecretStr

from integrations.inbound import BadPayload, BadSignature, Headers, NoWebhookSecret, SignatureProblem, Verified
from integrations.stripe.webhooks import verify
from tests.integrations.stripe_bodies import CHARGE, CREATED, CUSTOMER, PAYMENT_METHOD, event

SECRET, OLD_SECRET = "whsec_planted", "whsec_old"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
T = int(NOW.timestamp())
EVENT = event("charge.failed", CHARGE)
RAW = json.dumps(EVENT).encode()


def v1(raw: bytes = RAW, *, secret: str = SECRET, t: object = T) -> str:
    return hmac.new(secret.encode(), f"{t}.".encode() + raw, sha256).hexdigest()


def header(raw: bytes = RAW, *, secret: str = SECRET, t: object = T) -> str:
    return f"t={t},v1={v1(raw, secret=secret, t=t)}"


def check(
    raw: bytes = RAW,
    signature: str | None = None,
    *,
    secrets: tuple[str, ...] = (SECRET,),
    headers: Headers | None = None,
    livemode: bool = False,
    account: str | None = None,
) -> Verified:
    sent = headers if headers is not None else [(b"stripe-signature", (signature or header(raw)).encode("latin-1"))]
    keys = [SecretStr(secret) for secret in secrets]
    return verify(raw, headers=sent, secrets=keys, now=NOW, livemode=livemode, account=account)


def test_an_authentic_event_is_verified() -> None:
    assert check() == Verified(
        event_id="evt_1",
        type="charge.failed",
        created=datetime.fromtimestamp(CREATED, UTC),
        customer_id="cus_1",
        object_id="ch_2",
    )


def test_stripes_own_code_agrees_with_ours() -> None:
    assert stripe.WebhookSignature.verify_header(RAW, header(), SECRET, tolerance=None)


@pytest.mark.parametrize(
    ("snapshot", "customer_id", "object_id"),
    [
        (CUSTOMER, "cus_1", "cus_1"),
        (PAYMENT_METHOD, "cus_1", "pm_1"),
        ({**CHARGE, "customer": CUSTOMER}, "cus_1", "ch_2"),
        ({"object": "balance"}, None, None),
    ],
)
def test_the_envelope_names_customer_and_object(
    snapshot: object, customer_id: str | None, object_id: str | None
) -> None:
    verified = check(json.dumps(event("x", snapshot)).encode())

    assert (verified.customer_id, verified.object_id) == (customer_id, object_id)


@pytest.mark.parametrize(
    "signature",
    [
        header(t=T - 300),
        header(t=T + 300),
        header(secret=OLD_SECRET),
        f"t={T},v1={v1(secret=OLD_SECRET)},v1={v1()}",
        f"t={T},v1={v1(secret='unknown')},v1={v1(secret=OLD_SECRET)}",
        f"v1={v1()},t={T}",
        f"t={T},v0={v1(secret='unknown')},v1={v1()},v2=anything",
    ],
)
def test_any_signature_may_fit_any_secret_within_five_minutes(signature: str) -> None:
    assert check(signature=signature, secrets=("", SECRET, OLD_SECRET)).event_id == "evt_1"


@pytest.mark.parametrize(
    ("signature", "problem"),
    [
        (header(t=T - 301), SignatureProblem.TOO_OLD),
        (header(t=T + 301), SignatureProblem.IN_FUTURE),
        (header(t=99_999_999_999), SignatureProblem.IN_FUTURE),
        (header(t=0), SignatureProblem.TOO_OLD),
        (header(secret="unknown"), SignatureProblem.MISMATCH),
        (header(secret=""), SignatureProblem.MISMATCH),
        (f"t={T + 1},v1={v1()}", SignatureProblem.MISMATCH),
        (f"t={T},v1={'0' * 64}", SignatureProblem.MISMATCH),
        (f"t={T},v0={v1()}", SignatureProblem.MALFORMED),
        (f"t={T}", SignatureProblem.MALFORMED),
        (f"v1={v1()}", SignatureProblem.MALFORMED),
        (f"t={T},t={T},v1={v1()}", SignatureProblem.MALFORMED),
        (f"t={T},t={T - 1000},v1={v1()}", SignatureProblem.MALFORMED),
        (f"t={T},v1=", SignatureProblem.MALFORMED),
        (f"t={T},v1={v1()[:-1]}", SignatureProblem.MALFORMED),
        (f"t={T},v1={v1().upper()}", SignatureProblem.MALFORMED),
        (f"t={T},v1={v1()},v1=short", SignatureProblem.MALFORMED),
        (header(t="-1"), SignatureProblem.MALFORMED),
        (header(t="+1"), SignatureProblem.MALFORMED),
        (header(t="1e9"), SignatureProblem.MALFORMED),
        (header(t="1_000"), SignatureProblem.MALFORMED),
        (header(t=""), SignatureProblem.MALFORMED),
        (header(t="1" * 12), SignatureProblem.MALFORMED),
        (f"t= {T},v1={v1()}", SignatureProblem.MALFORMED),
        (",".join([header(), *(["v0=x"] * 15)]), SignatureProblem.MALFORMED),
        (",", SignatureProblem.MALFORMED),
        ("nonsense", SignatureProblem.MALFORMED),
        (header() + ",x=é", SignatureProblem.NOT_ASCII),
        ("t=\xb2,v1=" + v1(), SignatureProblem.NOT_ASCII),
        (header() + "," + "x" * 4096, SignatureProblem.TOO_LONG),
    ],
)
def test_every_other_header_is_refused_with_its_reason(signature: str, problem: SignatureProblem) -> None:
    with pytest.raises(BadSignature) as caught:
        check(signature=signature)

    assert caught.value.reason is problem


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ([], SignatureProblem.MISSING),
        ([(b"stripe-signature", b"")], SignatureProblem.MALFORMED),
        ([(b"stripe-signature", header().encode())] * 2, SignatureProblem.REPEATED),
        (
            [(b"stripe-signature", header().encode()), (b"Stripe-Signature", b"t=1,v1=x")],
            SignatureProblem.REPEATED,
        ),
    ],
)
def test_the_header_comes_exactly_once(headers: Headers, problem: SignatureProblem) -> None:
    with pytest.raises(BadSignature) as caught:
        check(headers=headers)

    assert caught.value.reason is problem


@pytest.mark.parametrize(
    "altered",
    [
        RAW.replace(b"900", b"901"),
        RAW + b"\n",
        b"\xef\xbb\xbf" + RAW,
        RAW.decode().encode("utf-16"),
        json.dumps(EVENT, separators=(",", ":")).encode(),
        json.dumps(EVENT, sort_keys=True).encode(),
        b"",
    ],
)
def test_a_body_that_was_altered_or_encoded_anew_does_not_fit(altered: bytes) -> None:
    with pytest.raises(BadSignature) as caught:
        check(altered, header())

    assert caught.value.reason is SignatureProblem.MISMATCH


def changed(**fields: object) -> bytes:
    return json.dumps({**EVENT, **fields}).encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (RAW.decode().encode("utf-16"), "the body is not JSON"),
        (b"{" + b'"a":' * 5, "the body is not JSON"),
        (b'{"id": NaN}', "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "the body is not an object"),
        (b"null", "the body is not an object"),
        (changed(object="v2.core.event"), "this is not an event"),
        (changed(livemode=True), "the event is of the other mode, live or test"),
        (changed(livemode=0), "livemode is not true or false"),
        (changed(account="acct_2"), "the event is of another account"),
        (changed(id=7), "id is not text"),
        (changed(id=""), "id is not an identifier"),
        (changed(id="evt 1"), "id is not an identifier"),
        (changed(id="evt_1\n"), "id is not an identifier"),
        (changed(id="e" * 256), "id is not an identifier"),
        (changed(type=None), "type is not text"),
        (changed(created="now"), "created is not a whole number"),
        (changed(created=10**30), "created is not a time in seconds"),
        (changed(data=[]), "data is not an object"),
        (changed(data={}), "data.object is not an object"),
    ],
)
def test_a_signed_body_that_is_not_our_event_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(BadPayload) as caught:
        check(raw)

    assert caught.value.reason == reason


def test_our_own_account_and_mode_are_accepted() -> None:
    assert check(changed(livemode=True, account="acct_1"), livemode=True, account="acct_1").event_id == "evt_1"


@pytest.mark.parametrize("secrets", [(), ("",), ("", "")])
def test_without_a_secret_nothing_is_verified(secrets: tuple[str, ...]) -> None:
    with pytest.raises(NoWebhookSecret, match="no webhook secret is configured for stripe"):
        check(signature=header(secret=""), secrets=secrets)


@pytest.mark.parametrize("moved", [timedelta(days=3), timedelta(days=-3)])
def test_time_is_an_argument(moved: timedelta) -> None:
    signature = header(t=int((NOW + moved).timestamp()))
    headers = [(b"stripe-signature", signature.encode())]

    assert (
        verify(RAW, headers=headers, secrets=[SecretStr(SECRET)], now=NOW + moved, livemode=False).event_id == "evt_1"
    )


@pytest.mark.parametrize(
    "act", [lambda: check(signature=header(secret="unknown")), lambda: check(changed(id="planted!"))]
)
def test_a_refusal_shows_neither_secret_nor_body(act: Callable[[], Verified]) -> None:
    with pytest.raises((BadSignature, BadPayload)) as caught:
        act()

    assert "planted" not in repr(caught.value) + str(caught.value)
