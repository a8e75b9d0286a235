"""What the two endpoints take and what they refuse, case by case: the answer, and whether anything was stored."""

import asyncio
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial

import pytest

from mock_kit.clock import Clock
from tests.service import METRONOME_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET, Service
from tests.webhooks.bodies import encoded, events_stored, metronome_event, stripe_event
from tests.webhooks.delivery import handled, metronome_headers, stored, stripe_headers

OLD_SECRET = "whsec_before_the_roll"
SETTINGS = {"stripe_webhook_secret": f"{STRIPE_WEBHOOK_SECRET}, {OLD_SECRET}"}

Headers = list[tuple[bytes, bytes]]
Request = tuple[bytes, Headers]


def listed(headers: dict[str, str]) -> Headers:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def signed(event: object, now: datetime, *, secret: str = STRIPE_WEBHOOK_SECRET, seconds: int = 0) -> Request:
    """A Stripe event, signed `seconds` from now."""
    raw = event if isinstance(event, bytes) else encoded(event)
    return raw, listed(stripe_headers(raw, at=now + timedelta(seconds=seconds), secret=secret))


def with_header(name: str, value: str | bytes | None, now: datetime, *, event: object = None) -> Request:
    """A good Stripe request with one header changed, or taken away."""
    raw, headers = signed(event or stripe_event(), now)
    changed = [(key, each) for key, each in headers if key != name.encode()]
    if value is not None:
        changed.append((name.encode(), value if isinstance(value, bytes) else value.encode()))
    return raw, changed


def signature_made_of(template: str, now: datetime) -> Request:
    """`{t}`, `{good}` and `{bad}` stand for the time, the right signature and a wrong one."""
    raw = encoded(stripe_event())
    at = int(now.timestamp())
    good = hmac.new(STRIPE_WEBHOOK_SECRET.encode(), f"{at}.".encode() + raw, hashlib.sha256).hexdigest()
    header = template.format(t=at, good=good, GOOD=good.upper(), bad="0" * 64)
    return raw, listed({"content-type": "application/json", "stripe-signature": header})


def other_body(change: Callable[[bytes], bytes], now: datetime) -> Request:
    """Signed, and then changed on its way."""
    raw, headers = signed(stripe_event(), now)
    return change(raw), headers


def repeated_signature(now: datetime) -> Request:
    raw, headers = signed(stripe_event(), now)
    return raw, [*headers, headers[-1]]


def zipped(now: datetime) -> Request:
    raw = gzip.compress(encoded(stripe_event()))
    return raw, [*signed(raw, now)[1], (b"content-encoding", b"gzip")]


def sent_by_metronome(
    event: object, now: datetime, *, secret: str = METRONOME_WEBHOOK_SECRET, seconds: int = 0
) -> Request:
    raw = event if isinstance(event, bytes) else encoded(event)
    return raw, listed(metronome_headers(raw, at=now + timedelta(seconds=seconds), secret=secret))


def dated(
    now: datetime, *, signed_text: str = "{date}\n", x_date: str | None = "{date}", date: str = "{date}"
) -> Request:
    raw, text = encoded(metronome_event()), format_datetime(now, usegmt=True)
    message = signed_text.format(date=text).encode() + raw
    headers = {
        "content-type": "application/json",
        "date": date.format(date=text),
        "metronome-webhook-signature": hmac.new(METRONOME_WEBHOOK_SECRET.encode(), message, hashlib.sha256).hexdigest(),
    }
    return raw, listed(headers | ({"x-metronome-date": x_date.format(date=text)} if x_date is not None else {}))


def metronome_without(name: str, now: datetime) -> Request:
    raw, headers = sent_by_metronome(metronome_event(), now)
    return raw, [(key, value) for key, value in headers if key != name.encode()]


@contextmanager
def standing_still(clock: Clock) -> Iterator[None]:
    """What is signed a second too early or late is so when it is looked at as well."""
    clock.freeze()
    try:
        yield
    finally:
        clock.unfreeze()


@dataclass(frozen=True, slots=True)
class Case:
    """`problem` is in the answer's error: its code, or a word of its message."""

    claim: str
    make: Callable[[datetime], Request]
    status: int
    problem: str = ""
    provider: str = "stripe"


def accepted(claim: str, make: Callable[[datetime], Request], provider: str = "stripe") -> Case:
    return Case(claim, make, 200, provider=provider)


def bad_signature(claim: str, make: Callable[[datetime], Request], reason: str, provider: str = "stripe") -> Case:
    return Case(claim, make, 400, f"BAD_SIGNATURE: The signature is refused: {reason}.", provider)


def bad_payload(claim: str, event: object, provider: str = "stripe") -> Case:
    make = partial(signed if provider == "stripe" else sent_by_metronome, event)
    return Case(claim, make, 400, "BAD_PAYLOAD", provider)


def without(event: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in event.items() if key != name}


CASES = [
    accepted("a good event", partial(signed, stripe_event())),
    accepted("one signed 299 seconds ago", partial(signed, stripe_event(), seconds=-299)),
    accepted("one signed 299 seconds ahead", partial(signed, stripe_event(), seconds=299)),
    accepted("the old secret, while it is rolled", partial(signed, stripe_event(), secret=OLD_SECRET)),
    accepted("a wrong v1 before the right one", partial(signature_made_of, "t={t},v1={bad},v1={good}")),
    accepted("a v0 beside the v1", partial(signature_made_of, "t={t},v0={bad},v1={good}")),
    accepted("an encoding that changes nothing", partial(with_header, "content-encoding", "identity")),
    accepted("a media type in capitals", partial(with_header, "content-type", "Application/JSON; charset=utf-8")),
    bad_signature("no signature", partial(with_header, "stripe-signature", None), "missing"),
    bad_signature("an empty signature", partial(with_header, "stripe-signature", ""), "malformed"),
    bad_signature("a signature that is none", partial(with_header, "stripe-signature", "sesame"), "malformed"),
    bad_signature("no v1", partial(signature_made_of, "t={t},v0={good}"), "malformed"),
    bad_signature("no time", partial(signature_made_of, "v1={good}"), "malformed"),
    bad_signature("two times", partial(signature_made_of, "t={t},t={t},v1={good}"), "malformed"),
    bad_signature("a time that is no number", partial(signature_made_of, "t=now,v1={good}"), "malformed"),
    bad_signature("a signature in capitals", partial(signature_made_of, "t={t},v1={GOOD}"), "malformed"),
    bad_signature("a hundred signatures", partial(signature_made_of, "t={t}" + ",v1={good}" * 40), "malformed"),
    bad_signature("5 kB of signatures", partial(signature_made_of, "t={t}" + ",v1={good}" * 80), "too_long"),
    bad_signature(
        "a signature that is not ASCII", partial(with_header, "stripe-signature", b"t=1,v1=\xff"), "not_ascii"
    ),
    bad_signature("the signature header twice", repeated_signature, "repeated"),
    bad_signature("one signed 301 seconds ago", partial(signed, stripe_event(), seconds=-301), "too_old"),
    bad_signature("one signed a day ago", partial(signed, stripe_event(), seconds=-86_400), "too_old"),
    bad_signature("one signed 301 seconds ahead", partial(signed, stripe_event(), seconds=301), "in_future"),
    bad_signature("a wrong secret", partial(signed, stripe_event(), secret="whsec_forged"), "mismatch"),
    bad_signature("an empty secret", partial(signed, stripe_event(), secret=""), "mismatch"),
    bad_signature("only wrong signatures", partial(signature_made_of, "t={t},v1={bad},v1={bad}"), "mismatch"),
    bad_signature(
        "a body that was parsed and written again",
        partial(other_body, lambda raw: json.dumps(json.loads(raw), indent=2).encode()),
        "mismatch",
    ),
    bad_signature("an altered body", partial(other_body, lambda raw: raw.replace(b"topup", b"t0pup")), "mismatch"),
    bad_signature("one newline more", partial(other_body, lambda raw: raw + b"\n"), "mismatch"),
    bad_signature("Metronome's event at Stripe's endpoint", partial(sent_by_metronome, metronome_event()), "missing"),
    Case("gzip", zipped, 415, "UNSUPPORTED_ENCODING"),
    Case("text/plain", partial(with_header, "content-type", "text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    Case("a form", partial(with_header, "content-type", "application/x-www-form-urlencoded"), 415, "MEDIA_TYPE"),
    Case("application/jsonp", partial(with_header, "content-type", "application/jsonp"), 415, "MEDIA_TYPE"),
    Case("no media type", partial(with_header, "content-type", None), 415, "UNSUPPORTED_MEDIA_TYPE"),
    Case("more than 256 KiB", partial(signed, b"[" + b" " * 256 * 1024 + b"]"), 413, "BODY_TOO_LARGE"),
    bad_payload("nothing at all", b""),
    bad_payload("no JSON", b"id=evt_1"),
    bad_payload("invalid UTF-8", encoded(stripe_event()).replace(b"topup", b"\xff\xfe\xff\xff\xff")),
    bad_payload("UTF-16", json.dumps(stripe_event()).encode("utf-16")),
    bad_payload("a list", [stripe_event()]),
    bad_payload("null", None),
    bad_payload("a text", "evt_1"),
    bad_payload("NaN", encoded(stripe_event()).replace(b"1700000000", b"NaN")),
    bad_payload("a number of 5,000 digits", encoded(stripe_event()).replace(b"1700000000", b"9" * 5000)),
    bad_payload("a time past all calendars", stripe_event(created=10**18)),
    bad_payload("arrays 50,000 deep", b"[" * 50_000 + b"]" * 50_000),
    bad_payload("another object", stripe_event(object="v2.core.event")),
    bad_payload("the other mode", stripe_event(livemode=True)),
    bad_payload("no mode", without(stripe_event(), "livemode")),
    bad_payload("another account", stripe_event(account="acct_other")),
    bad_payload("no id", without(stripe_event(), "id")),
    bad_payload("an id that is none", stripe_event(id="evt 1; --")),
    bad_payload("an id of 256 letters", stripe_event(id="e" * 256)),
    bad_payload("no type", without(stripe_event(), "type")),
    bad_payload("a type with a NUL", stripe_event(type="topup\x00created")),
    bad_payload("a type of 129 letters", stripe_event(type="t" * 129)),
    bad_payload("a type with half a character", encoded(stripe_event()).replace(b"topup.created", b"\\ud800")),
    bad_payload("no data", without(stripe_event(), "data")),
    bad_payload("a customer that is no id", stripe_event(data={"object": {"id": "x", "customer": "cus\x00"}})),
    accepted("Metronome's good event", partial(sent_by_metronome, metronome_event()), "metronome"),
    accepted("X-Metronome-Date, whatever Date says", partial(dated, date="Thu, 01 Jan 1970 00:00:00 GMT"), "metronome"),
    accepted("Date, where there is no X-Metronome-Date", partial(dated, x_date=None), "metronome"),
    bad_signature(
        "no Metronome signature", partial(metronome_without, "metronome-webhook-signature"), "missing", "metronome"
    ),
    bad_signature("a date that is none", partial(dated, x_date="today"), "malformed", "metronome"),
    bad_signature(
        "a date on the wrong weekday", partial(dated, x_date="Mon, 01 Jan 1970 00:00:00 GMT"), "malformed", "metronome"
    ),
    bad_signature("no newline after the date", partial(dated, signed_text="{date}"), "mismatch", "metronome"),
    bad_signature("the body alone signed", partial(dated, signed_text=""), "mismatch", "metronome"),
    bad_signature(
        "Metronome's wrong secret", partial(sent_by_metronome, metronome_event(), secret="x"), "mismatch", "metronome"
    ),
    bad_signature(
        "Metronome 301 seconds ago",
        partial(sent_by_metronome, metronome_event(), seconds=-301),
        "too_old",
        "metronome",
    ),
    bad_signature(
        "Metronome 302 seconds ahead",
        partial(sent_by_metronome, metronome_event(), seconds=302),
        "in_future",
        "metronome",
    ),
    bad_signature("Stripe's event at Metronome's endpoint", partial(signed, stripe_event()), "missing", "metronome"),
    bad_payload("no time of day", metronome_event(timestamp="2026-01-31T00:00:00"), "metronome"),
    bad_payload(
        "a time before the first year in UTC", metronome_event(timestamp="0001-01-01T00:00:00+14:00"), "metronome"
    ),
    bad_payload("data that is a list", metronome_event(data=[]), "metronome"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim.replace(" ", "-"))
async def test_an_event_is_accepted_or_refused_with_its_reason(service: Service, case: Case) -> None:
    before = await events_stored(service)
    with standing_still(service.clock):
        raw, headers = case.make(service.clock.now())
        answer = await service.http.post(f"/webhooks/{case.provider}", content=raw, headers=headers)

    assert answer.status_code == case.status, answer.text
    if case.status == 200:
        assert answer.json() == {"received": True, "duplicate": False}
        event = await handled(service, json.loads(raw)["id"])
        assert (event["state"], event["payload"]) == ("IGNORED", raw.decode())
    else:
        error = answer.json()["error"]
        assert case.problem in f"{error['code']}: {error['message']}"
    assert await events_stored(service) == before + (case.status == 200)


async def test_of_a_key_given_twice_the_last_counts_for_everyone(service: Service) -> None:
    event = stripe_event()
    raw = encoded(event).replace(b'{"id"', b'{"id": "evt_first", "id"')
    body, headers = signed(raw, service.clock.now())

    assert (await service.http.post("/webhooks/stripe", content=body, headers=headers)).status_code == 200

    assert (await handled(service, str(event["id"])))["state"] == "IGNORED"
    assert await stored(service, "evt_first") is None


async def test_an_event_sent_again_is_answered_and_not_handled_again(service: Service) -> None:
    raw, headers = signed(stripe_event(), service.clock.now())
    first = await service.http.post("/webhooks/stripe", content=raw, headers=headers)
    event = await handled(service, json.loads(raw)["id"])

    second = await service.http.post("/webhooks/stripe", content=raw, headers=headers)

    assert (first.json()["duplicate"], second.json()["duplicate"]) == (False, True)
    assert await stored(service, event["eventId"]) == event


async def test_an_event_redelivered_with_another_body_keeps_its_first(service: Service) -> None:
    event = stripe_event(pending_webhooks=2)
    raw, headers = signed(event, service.clock.now())
    await service.http.post("/webhooks/stripe", content=raw, headers=headers)

    again, headers = signed({**event, "pending_webhooks": 1}, service.clock.now())
    answer = await service.http.post("/webhooks/stripe", content=again, headers=headers)

    assert answer.json() == {"received": True, "duplicate": True}
    assert (await handled(service, str(event["id"])))["payload"] == raw.decode()


async def test_an_event_replayed_a_day_later_is_a_duplicate_when_freshly_signed_and_refused_when_not(
    service: Service,
) -> None:
    raw, old_headers = signed(stripe_event(), service.clock.now())
    await service.http.post("/webhooks/stripe", content=raw, headers=old_headers)
    event = await handled(service, json.loads(raw)["id"])

    service.clock.advance(timedelta(days=1))
    fresh = await service.http.post("/webhooks/stripe", content=raw, headers=signed(raw, service.clock.now())[1])
    stale = await service.http.post("/webhooks/stripe", content=raw, headers=old_headers)

    assert (fresh.status_code, fresh.json()["duplicate"]) == (200, True)
    assert (stale.status_code, stale.json()["error"]["code"]) == (400, "BAD_SIGNATURE")
    assert await stored(service, event["eventId"]) == event


async def test_a_hundred_at_once_are_one(service: Service) -> None:
    raw, headers = signed(stripe_event(), service.clock.now())
    before = await events_stored(service)

    answers = await asyncio.gather(
        *(service.http.post("/webhooks/stripe", content=raw, headers=headers) for _ in range(100))
    )

    assert [answer.status_code for answer in answers] == [200] * 100
    assert sorted(answer.json()["duplicate"] for answer in answers) == [False] + [True] * 99
    assert await events_stored(service) == before + 1
    assert (await handled(service, json.loads(raw)["id"]))["attempts"] == 1


async def test_the_endpoints_take_nothing_but_post_and_there_are_two(service: Service) -> None:
    raw, headers = signed(stripe_event(), service.clock.now())

    assert (await service.http.get("/webhooks/stripe")).status_code == 405
    assert (await service.http.post("/webhooks/paypal", content=raw, headers=headers)).status_code == 404
