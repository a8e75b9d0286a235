"""Money back: in part, in full, never more than was captured, whatever is asked for at the same moment."""

import asyncio
from typing import Any

import pytest

import models
from tests.api.onboarding import Footprint, onboard, stripe_list
from tests.api.paying import codes, send, with_open_invoice
from tests.service import Service


async def test_a_part_and_then_the_rest(service: Service, entity_id: str) -> None:
    payment_id = await _paid(service, entity_id)

    part = await send(
        service, "refundPayment", paymentId=payment_id, amount={"minorUnits": 250}, reason="A week without service"
    )
    rest = await send(service, "refundPayment", paymentId=payment_id)

    assert (part["userErrors"], rest["userErrors"]) == ([], [])
    assert (part["refund"]["status"], part["refund"]["amount"], part["refund"]["reason"]) == (
        "SUCCEEDED",
        {"minorUnits": 250, "currency": "USD"},
        "A week without service",
    )
    assert rest["refund"]["amount"]["minorUnits"] == 650
    assert rest["payment"]["refundedAmount"] == {"minorUnits": 900}
    assert [each["amount"]["minorUnits"] for each in rest["payment"]["refunds"]] == [650, 250]
    assert (rest["payment"]["status"], rest["invoice"]["status"]) == ("SUCCEEDED", "PAID")
    assert await _refunds_at_stripe(service, payment_id) == [(250, "succeeded"), (650, "succeeded")]


async def test_more_than_is_left_is_refused_with_both_amounts(service: Service, entity_id: str) -> None:
    payment_id = await _paid(service, entity_id)
    await send(service, "refundPayment", paymentId=payment_id, amount={"minorUnits": 250})
    before = await Footprint.of(service)

    payload = await send(service, "refundPayment", paymentId=payment_id, amount={"minorUnits": 651})

    assert payload["userErrors"] == [
        {
            "code": "REFUND_EXCEEDS_CAPTURED",
            "field": "amount",
            "message": "6.51 USD was asked for, 6.50 USD can be refunded.",
            "retryable": False,
        }
    ]
    assert payload["refund"] is None
    assert await Footprint.of(service) == before


async def test_what_was_given_back_whole_has_nothing_left(service: Service, entity_id: str) -> None:
    payment_id = await _paid(service, entity_id)
    await send(service, "refundPayment", paymentId=payment_id)
    before = await Footprint.of(service)

    for amount in (None, {"minorUnits": 1}):
        assert codes(await send(service, "refundPayment", paymentId=payment_id, amount=amount)) == [
            ("REFUND_EXCEEDS_CAPTURED", "amount")
        ]
    assert await Footprint.of(service) == before


async def test_a_payment_that_did_not_succeed_has_nothing_to_give_back(service: Service, entity_id: str) -> None:
    await with_open_invoice(service, entity_id, paymentMethodId="pm_card_chargeCustomerFail")
    failed = await models.Payment.get(customer__entity_id=entity_id)
    before = await Footprint.of(service)

    payload = await send(service, "refundPayment", paymentId=failed.id)

    assert payload["userErrors"][0]["message"] == "9.00 USD was asked for, 0.00 USD can be refunded."
    assert await Footprint.of(service) == before


async def test_refused_input_names_its_field_and_changes_nothing(service: Service, entity_id: str) -> None:
    payment_id = await _paid(service, entity_id)
    before = await Footprint.of(service)

    for given, expected in (
        ({"paymentId": "pay_none"}, ("PAYMENT_NOT_FOUND", "paymentId")),
        ({"paymentId": "\x00"}, ("PAYMENT_NOT_FOUND", "paymentId")),
        ({"paymentId": "x" * 5_000}, ("PAYMENT_NOT_FOUND", "paymentId")),
        ({"amount": {"minorUnits": 0}}, ("INVALID_INPUT", "amount.minorUnits")),
        ({"amount": {"minorUnits": -1}}, ("INVALID_INPUT", "amount.minorUnits")),
        ({"amount": {"minorUnits": 2**53 - 1}}, ("REFUND_EXCEEDS_CAPTURED", "amount")),
        ({"amount": {"minorUnits": 100, "currency": "EUR"}}, ("INVALID_INPUT", "amount.currency")),
        ({"amount": {"minorUnits": 100, "currency": "usd"}}, ("INVALID_INPUT", "amount.currency")),
        ({"amount": {"minorUnits": 100, "currency": ""}}, ("INVALID_INPUT", "amount.currency")),
        ({"reason": "x" * 501}, ("INVALID_INPUT", "reason")),
        ({"reason": "\x00"}, ("INVALID_INPUT", "reason")),
        ({"idempotencyKey": "\n"}, ("INVALID_INPUT", "idempotencyKey")),
    ):
        payload = await send(service, "refundPayment", **{"paymentId": payment_id, **given})
        assert codes(payload) == [expected], given
        assert payload["operation"] is None
    assert await Footprint.of(service) == before


@pytest.mark.parametrize("minor_units", [1.5, "100", 2**53, None, True])
async def test_an_amount_that_is_no_whole_number_is_no_request(
    service: Service, entity_id: str, minor_units: Any
) -> None:
    before = await Footprint.of(service)

    answer = await service.execute(
        "mutation ($input: RefundPaymentInput!) { refundPayment(input: $input) { userErrors { code } } }",
        input={"paymentId": "pay_1", "amount": {"minorUnits": minor_units}},
    )

    assert "data" not in answer or answer["data"] is None
    assert answer["errors"]
    assert await Footprint.of(service) == before


async def test_refunds_at_the_same_moment_never_add_up_to_more(service: Service, entity_id: str) -> None:
    payment_id = await _paid(service, entity_id)

    payloads = await asyncio.gather(
        *(send(service, "refundPayment", paymentId=payment_id, amount={"minorUnits": 200}) for _ in range(10))
    )
    while left := [each for each in payloads if each["userErrors"] and each["userErrors"][0]["retryable"]]:
        payloads = await asyncio.gather(
            *(send(service, "refundPayment", paymentId=payment_id, amount={"minorUnits": 200}) for _ in left)
        )

    assert await _refunds_at_stripe(service, payment_id) == [(200, "succeeded")] * 4
    assert (await models.Payment.get(id=payment_id)).refunded_minor == 800
    assert {each.status for each in await models.Refund.filter(payment_id=payment_id)} == {"SUCCEEDED"}


async def test_one_request_sent_many_times_at_once_is_one_refund(service: Service, entity_id: str) -> None:
    payment_id = await _paid(service, entity_id)
    given = {"paymentId": payment_id, "amount": {"minorUnits": 100}, "idempotencyKey": f"{entity_id}:back"}

    payloads = await asyncio.gather(*(send(service, "refundPayment", **given) for _ in range(10)))
    other = await send(service, "refundPayment", **{**given, "amount": {"minorUnits": 101}})

    assert payloads == [payloads[0]] * 10
    assert codes(other) == [("IDEMPOTENCY_CONFLICT", "idempotencyKey")]
    assert await _refunds_at_stripe(service, payment_id) == [(100, "succeeded")]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "html_after", "not_json_after"])
async def test_an_answer_that_is_lost_refunds_once(service: Service, entity_id: str, kind: str) -> None:
    payment_id = await _paid(service, entity_id)
    await service.stripe.fault(method="POST", path="/v1/refunds$", kind=kind, times=3)

    payload = await send(service, "refundPayment", paymentId=payment_id, amount={"minorUnits": 400})

    assert payload["refund"]["status"] == "SUCCEEDED"
    assert await _refunds_at_stripe(service, payment_id) == [(400, "succeeded")]
    assert payload["payment"]["refundedAmount"] == {"minorUnits": 400}


async def test_a_refusal_of_what_was_refunded_all_the_same_is_not_believed(service: Service, entity_id: str) -> None:
    """Else it could be refunded a second time: what is left would be more than it is."""
    payment_id = await _paid(service, entity_id)
    await service.stripe.fault(method="POST", path="/v1/refunds$", kind="status_after", status=400)

    payload = await send(service, "refundPayment", paymentId=payment_id, amount={"minorUnits": 500})
    again = await send(service, "refundPayment", paymentId=payment_id, amount={"minorUnits": 500})

    assert (payload["userErrors"], payload["refund"]["status"]) == ([], "SUCCEEDED")
    assert codes(again) == [("REFUND_EXCEEDS_CAPTURED", "amount")]
    assert await _refunds_at_stripe(service, payment_id) == [(500, "succeeded")]
    assert (await models.Payment.get(id=payment_id)).refunded_minor == 500


async def test_what_stripe_refuses_can_be_refunded_again(service: Service, entity_id: str) -> None:
    """Somebody refunded it in Stripe's own dashboard, which we have not heard of."""
    payment_id = await _paid(service, entity_id)
    payment = await models.Payment.get(id=payment_id)
    tools = service.app.state.tools
    await _refund_in_dashboard(service, str(payment.stripe_payment_intent_id), 900)

    payload = await send(service, "refundPayment", paymentId=payment_id)

    assert codes(payload) == [("PROVIDER_REJECTED", None)]
    assert payload["operation"]["status"] == "FAILED"
    assert payload["refund"]["status"] == "FAILED"
    assert "already been refunded" in payload["refund"]["failureReason"]
    assert payload["payment"]["refundedAmount"] == {"minorUnits": 0}
    assert len(await tools.stripe.list_refunds(payment_intent_id=payment.stripe_payment_intent_id)) == 1


async def test_what_was_given_back_is_not_paid_for_any_more(service: Service, entity_id: str) -> None:
    """Else the next downgrade would credit it a second time."""
    payment_id = await _paid(service, entity_id)

    await send(service, "refundPayment", paymentId=payment_id, amount={"minorUnits": 300})

    assert (await models.Subscription.get(customer__entity_id=entity_id)).paid_minor == 600


async def test_a_refund_that_is_on_its_way_is_no_failure(service: Service, entity_id: str) -> None:
    payment_id = await _paid(service, entity_id, "pm_card_pendingRefund")

    payload = await send(service, "refundPayment", paymentId=payment_id)

    assert payload["operation"]["status"] == "SUCCEEDED"
    assert payload["refund"]["status"] == "PENDING"
    assert payload["payment"]["refundedAmount"] == {"minorUnits": 900}


async def _paid(service: Service, entity_id: str, card: str = "pm_card_visa") -> str:
    """The id of a payment of 9.00."""
    payload = await onboard(service, entity_id, tier="PRO", paymentMethodId=card)
    assert payload["payment"]["status"] == "SUCCEEDED"
    return str(payload["payment"]["id"])


async def _refunds_at_stripe(service: Service, payment_id: str) -> list[tuple[int, str]]:
    """Oldest first."""
    payment = await models.Payment.get(id=payment_id)
    found = await stripe_list(service.stripe, "refunds", payment_intent=str(payment.stripe_payment_intent_id))
    return [(each["amount"], each["status"]) for each in reversed(found)]


async def _refund_in_dashboard(service: Service, intent_id: str, amount_minor: int) -> None:
    answer = await service.stripe.http.post(
        "/v1/refunds",
        data={"payment_intent": intent_id, "amount": str(amount_minor)},
        headers={"authorization": "Bearer sk_test_sandbox"},
    )
    assert answer.is_success, answer.text
