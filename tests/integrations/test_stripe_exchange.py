"""One call to Stripe: what each kind of answer becomes, and which are asked for again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import stripe
from pydantic import SecretStr

from billing.money import Money
from integrations.errors import (
    Conflict,
    CredentialsRefused,
    Declined,
    NotFound,
    ProviderError,
    Rejected,
    StoredFailure,
    Unavailable,
)
from integrations.http import provider_http_client
from integrations.stripe.client import StripePayments
from integrations.stripe.types import Decline, PaymentIntent, PaymentIntentStatus
from tests.integrations.remote import HTML, Answer, Pauses, Remote, Silence, answer, connected, hanging_up
from tests.integrations.stripe_bodies import DECLINE, DECLINED_INTENT, INTENT, refusal

API_KEY = SecretStr("sk_test_planted")


@asynccontextmanager
async def client_of(remote: Remote, *, timeout_seconds: float = 60) -> AsyncIterator[StripePayments]:
    async with connected(remote) as http:
        yield StripePayments(http, API_KEY, sleep=Pauses(), timeout_seconds=timeout_seconds)


async def pay(client: StripePayments) -> PaymentIntent:
    return await client.create_payment_intent(
        customer_id="cus_1",
        amount=Money(900, "USD"),
        payment_method_id="pm_1",
        metadata={"invoice": "in-1"},
        idempotency_key="op:charge:1",
    )


@pytest.mark.parametrize(
    ("told", "expected", "sentence"),
    [
        (
            answer(refusal("invalid_request_error", "parameter_missing", param="amount"), 400, request_id="req_7"),
            Rejected,
            "rejected as parameter_missing (status 400, field amount) (request req_7)",
        ),
        (answer(refusal("invalid_request_error"), 400), Rejected, "rejected as invalid_request_error (status 400)"),
        (
            answer(refusal("invalid_request_error", "resource_missing", param="customer"), 400),
            NotFound,
            "rejected as resource_missing (status 400, field customer)",
        ),
        (
            answer(refusal("invalid_request_error", "resource_missing"), 404),
            NotFound,
            "rejected as resource_missing (status 404)",
        ),
        (answer(refusal("idempotency_error"), 400), Conflict, "rejected as idempotency_error (status 400)"),
        (
            answer(refusal("invalid_request_error"), 401),
            CredentialsRefused,
            "our API key is refused (status 401)",
        ),
        (
            answer(refusal("invalid_request_error"), 403),
            CredentialsRefused,
            "our API key is refused (status 403)",
        ),
        (answer(refusal("rate_limit_error"), 429), Unavailable, "asked to wait (status 429)"),
        (
            answer(refusal("invalid_request_error", "rate_limit"), 400),
            Unavailable,
            "asked to wait (status 400)",
        ),
        (
            answer({"error": {"code": 7}}, 402),
            Unavailable,
            "unreadable refusal: error.code is not text (status 402)",
        ),
        (answer({**INTENT, "amount": 900.0}), Unavailable, "unreadable answer: amount is not a whole number"),
        (answer({**INTENT, "currency": "xxq"}), Unavailable, "unreadable answer: currency is not a currency we know"),
        (answer({**INTENT, "created": 10**18}), Unavailable, "unreadable answer: created is not a time in seconds"),
        (answer({"object": "payment_intent"}), Unavailable, "unreadable answer: currency is not text"),
    ],
)
async def test_these_answers_are_not_asked_for_again(
    told: Answer, expected: type[ProviderError], sentence: str
) -> None:
    remote = Remote(told)

    async with client_of(remote) as client:
        with pytest.raises(ProviderError) as caught:
            await pay(client)

    assert (type(caught.value), str(caught.value)) == (expected, f"stripe create_payment_intent: {sentence}")
    assert len(remote.seen) == 1


@pytest.mark.parametrize(
    ("told", "expected", "sentence"),
    [
        (answer(refusal("api_error"), 500), Unavailable, "no answer (status 500)"),
        (answer(refusal("api_error"), 500, Idempotent_Replayed="true"), StoredFailure, "no answer (status 500)"),
        (
            answer(refusal("idempotency_error", "idempotency_key_in_use"), 409),
            Unavailable,
            "asked to wait (status 409)",
        ),
        (HTML, Unavailable, "unreadable answer (status 200)"),
        (Answer(502, HTML.body), Unavailable, "unreadable answer (status 502)"),
        (Answer(404, HTML.body), Unavailable, "unreadable answer (status 404)"),
        (Answer(500, HTML.body, {"Idempotent-Replayed": "true"}), StoredFailure, "unreadable answer (status 500)"),
        (Answer(200, b""), Unavailable, "unreadable answer (status 200)"),
        (Answer(200, b"[]"), Unavailable, "unreadable answer (status 200)"),
        (Answer(200, b"[" * 100_000), Unavailable, "unreadable answer (status 200)"),
        (answer({"detail": "no such page"}, 404), Unavailable, "unreadable answer (status 404)"),
        (answer({}, 302, location="http://elsewhere/"), Unavailable, "unreadable answer (status 302)"),
    ],
)
async def test_these_answers_are_asked_for_three_times_under_one_key(
    told: Answer, expected: type[ProviderError], sentence: str
) -> None:
    remote = Remote(told)

    async with client_of(remote) as client:
        with pytest.raises(ProviderError) as caught:
            await pay(client)

    assert (type(caught.value), str(caught.value)) == (expected, f"stripe create_payment_intent: {sentence}")
    assert [seen.headers["idempotency-key"] for seen in remote.seen] == ["op:charge:1"] * 3


async def test_an_answer_after_two_failures_counts() -> None:
    async with client_of(Remote(answer(refusal("api_error"), 500), HTML, answer(INTENT))) as client:
        assert (await pay(client)).status is PaymentIntentStatus.SUCCEEDED


async def test_what_stripe_asks_to_wait_reaches_the_caller() -> None:
    async with client_of(Remote(answer(refusal("rate_limit_error"), 429, Retry_After="9"))) as client:
        with pytest.raises(Unavailable) as caught:
            await pay(client)

    assert caught.value.retry_after_seconds == 9.0


async def test_a_call_that_is_never_answered_is_given_up() -> None:
    async with client_of(Remote(Silence()), timeout_seconds=0.2) as client:
        with pytest.raises(Unavailable, match="stripe create_payment_intent: timed out"):
            await pay(client)


async def test_a_server_that_is_not_there_or_hangs_up_is_not_reached() -> None:
    async with hanging_up() as url:
        for base_url in ("http://127.0.0.1:1", url):
            async with provider_http_client(base_url) as http:
                client = StripePayments(http, API_KEY, sleep=Pauses())
                with pytest.raises(Unavailable, match="stripe create_payment_intent: not reached"):
                    await pay(client)


async def test_a_decline_is_data() -> None:
    remote = Remote(answer({"error": {**DECLINE, "payment_intent": DECLINED_INTENT}}, 402, request_id="req_8"))

    async with client_of(remote) as client:
        with pytest.raises(Declined) as caught:
            await pay(client)

    declined = caught.value
    assert declined.decline == Decline(
        code="card_declined",
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
        advice_code="try_again_later",
    )
    assert (declined.code, declined.decline_code, declined.charge_id) == ("card_declined", "insufficient_funds", "ch_2")
    assert declined.payment_intent is not None
    assert declined.payment_intent.status is PaymentIntentStatus.REQUIRES_PAYMENT_METHOD
    assert str(declined) == (
        "stripe create_payment_intent: card declined: card_declined, decline code insufficient_funds (request req_8)"
    )
    assert len(remote.seen) == 1


async def test_a_decline_of_a_card_being_attached_has_no_payment() -> None:
    async with client_of(Remote(answer({"error": DECLINE}, 402))) as client:
        with pytest.raises(Declined) as caught:
            await client.attach_payment_method(payment_method_id="pm_1", customer_id="cus_1", idempotency_key="k")

    assert caught.value.payment_intent is None


async def test_the_providers_sentence_is_kept_but_never_shown() -> None:
    async with client_of(Remote(answer(refusal("invalid_request_error", "email_invalid"), 400))) as client:
        with pytest.raises(Rejected) as caught:
            await pay(client)

    assert caught.value.message == "planted@example.com is not welcome"
    assert "planted" not in str(caught.value) + repr(caught.value) + repr(caught.value.args)


async def test_a_ping_with_a_wrong_key_is_refused() -> None:
    async with client_of(Remote(answer(refusal("invalid_request_error"), 401))) as client:
        with pytest.raises(CredentialsRefused, match="stripe ping: our API key is refused"):
            await client.ping()


async def test_nothing_is_reported_about_this_machine() -> None:
    remote = Remote(answer(INTENT))
    async with client_of(remote) as client:
        await pay(client)
        await pay(client)

    assert stripe.enable_telemetry is False
    assert not [name for seen in remote.seen for name in seen.headers if "telemetry" in name]
    assert "platform" not in remote.seen[1].headers["x-stripe-client-user-agent"]
