"""payInvoice, confirmPayment and resumeOperation: what each comes to, here and at both providers."""

from typing import Any

import pytest

import models
from tests.api.onboarding import Footprint, everything_of, onboard
from tests.api.paying import (
    authenticate,
    charged,
    codes,
    invoices_of,
    new_card,
    send,
    with_open_invoice,
)
from tests.service import Service

DECLINING = "pm_card_chargeCustomerFail"
ASKING = "pm_card_authenticationRequired"


async def test_an_open_invoice_is_paid_with_the_default_card(service: Service, entity_id: str) -> None:
    invoice_id = await with_open_invoice(service, entity_id)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa")

    payload = await send(service, "payInvoice", invoiceId=invoice_id)

    assert payload["userErrors"] == []
    assert payload["operation"]["kind"] == "COLLECT"
    assert payload["operation"]["status"] == "SUCCEEDED"
    assert (payload["invoice"]["id"], payload["invoice"]["status"]) == (invoice_id, "PAID")
    assert (payload["payment"]["attempt"], payload["payment"]["status"]) == (1, "SUCCEEDED")
    found = await everything_of(service, entity_id)
    [invoice], [charge] = found.invoices, found.charges
    assert (invoice["status"], invoice["external_payment_id"]) == ("paid", charge["payment_intent"])
    assert (charge["amount"], charge["status"]) == (900, "succeeded")


@pytest.mark.parametrize("name", ["id", "stripePaymentMethodId"])
async def test_a_card_may_be_named_by_our_id_or_stripes(service: Service, entity_id: str, name: str) -> None:
    invoice_id = await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)
    attached = await send(
        service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa", makeDefault=False
    )

    payload = await send(service, "payInvoice", invoiceId=invoice_id, paymentMethodId=attached["paymentMethod"][name])

    assert (payload["payment"]["attempt"], payload["payment"]["status"]) == (2, "SUCCEEDED")
    assert payload["subscription"]["status"] == "ACTIVE"
    assert await charged(service, entity_id) == [900]


async def test_a_decline_is_told_with_its_code_and_the_invoice_stays_open(service: Service, entity_id: str) -> None:
    invoice_id = await with_open_invoice(service, entity_id)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=DECLINING)

    payload = await send(service, "payInvoice", invoiceId=invoice_id)

    assert payload["userErrors"] == [
        {
            "code": "PAYMENT_DECLINED",
            "field": "paymentMethodId",
            "message": "the payment was declined: generic_decline",
            "retryable": False,
        }
    ]
    assert payload["operation"]["status"] == "FAILED"
    assert payload["invoice"]["status"] == "OPEN"
    assert (payload["payment"]["status"], payload["payment"]["declineCode"]) == ("FAILED", "generic_decline")
    assert payload["subscription"]["status"] == "PAST_DUE"
    found = await everything_of(service, entity_id)
    assert [(charge["amount"], charge["status"]) for charge in found.charges] == [(900, "failed")]
    assert [invoice["status"] for invoice in found.invoices] == ["open"]


async def test_metronome_hears_of_each_failed_attempt_once(service: Service, entity_id: str) -> None:
    invoice_id = await with_open_invoice(service, entity_id)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=DECLINING)
    await service.metronome.fault(method="POST", path="/fail$", kind="drop_after")

    for _ in range(2):
        await send(service, "payInvoice", invoiceId=invoice_id)

    row = await models.Invoice.get(id=invoice_id)
    told = await service.metronome.requests("POST", f"/api/v1/invoices/{row.metronome_invoice_id}/fail")
    assert {each["body"]["reason"] for each in told} == {"generic_decline"}
    assert len({each["idempotency_key"] for each in told}) == 2
    assert [each["replayed"] for each in told] == [False, True, False]


async def test_each_try_is_a_new_attempt_with_an_intent_of_its_own(service: Service, entity_id: str) -> None:
    invoice_id = await with_open_invoice(service, entity_id, paymentMethodId=DECLINING)

    for _ in range(2):
        await send(service, "payInvoice", invoiceId=invoice_id)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa", makeDefault=False)
    card = await models.PaymentMethod.get(customer__entity_id=entity_id, is_default=False)
    await send(service, "payInvoice", invoiceId=invoice_id, paymentMethodId=card.id)

    payments = await models.Payment.filter(invoice_id=invoice_id).order_by("attempt")
    assert [(each.attempt, each.status) for each in payments] == [
        (1, "FAILED"),
        (2, "FAILED"),
        (3, "FAILED"),
        (4, "SUCCEEDED"),
    ]
    assert len({each.stripe_payment_intent_id for each in payments}) == 4
    assert await charged(service, entity_id) == [900]
    state = [await _intent_status(service, str(each.stripe_payment_intent_id)) for each in payments]
    assert state == ["canceled", "canceled", "canceled", "succeeded"]


async def test_a_payment_that_its_payer_must_confirm_waits_without_the_operation(
    service: Service, entity_id: str
) -> None:
    invoice_id = await with_open_invoice(service, entity_id)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=ASKING)

    payload = await send(service, "payInvoice", invoiceId=invoice_id)

    assert payload["userErrors"] == []
    assert payload["operation"]["status"] == "SUCCEEDED"
    assert (payload["invoice"]["status"], payload["payment"]["status"]) == ("OPEN", "REQUIRES_ACTION")
    assert payload["payment"]["clientSecret"].startswith(payload["payment"]["stripePaymentIntentId"])
    assert payload["subscription"]["status"] == "ACTIVE"
    assert await charged(service, entity_id) == []


async def test_a_confirmed_payment_settles_the_invoice_everywhere(service: Service, entity_id: str) -> None:
    payment = await _waiting_payment(service, entity_id)
    await authenticate(service, payment["stripePaymentIntentId"])

    payload = await send(service, "confirmPayment", paymentId=payment["id"])

    assert payload["userErrors"] == []
    assert payload["operation"]["status"] == "SUCCEEDED"
    assert (payload["invoice"]["status"], payload["payment"]["status"]) == ("PAID", "SUCCEEDED")
    assert payload["payment"]["clientSecret"] is None
    found = await everything_of(service, entity_id)
    assert [(each["status"], each["external_payment_id"]) for each in found.invoices] == [
        ("paid", payment["stripePaymentIntentId"])
    ]
    assert await charged(service, entity_id) == [900]


async def test_a_failed_confirmation_is_a_decline(service: Service, entity_id: str) -> None:
    payment = await _waiting_payment(service, entity_id)
    await authenticate(service, payment["stripePaymentIntentId"], "failure")

    payload = await send(service, "confirmPayment", paymentId=payment["id"])

    assert codes(payload) == [("PAYMENT_DECLINED", "paymentMethodId")]
    assert payload["payment"]["status"] == "FAILED"
    assert payload["payment"]["errorCode"] == "payment_intent_authentication_failure"
    assert (payload["invoice"]["status"], payload["subscription"]["status"]) == ("OPEN", "PAST_DUE")
    assert await charged(service, entity_id) == []


async def test_a_payment_that_nobody_confirmed_yet_goes_on_waiting(service: Service, entity_id: str) -> None:
    payment = await _waiting_payment(service, entity_id)

    payload = await send(service, "confirmPayment", paymentId=payment["id"])

    assert payload["userErrors"] == []
    assert payload["payment"] == payment
    assert payload["invoice"]["status"] == "OPEN"


async def test_a_payment_is_confirmed_again_without_effect(service: Service, entity_id: str) -> None:
    payment = await _waiting_payment(service, entity_id)
    await authenticate(service, payment["stripePaymentIntentId"])
    first = await send(service, "confirmPayment", paymentId=payment["id"])

    again = await send(service, "confirmPayment", paymentId=payment["id"])

    assert again["payment"] == first["payment"]
    assert again["invoice"] == first["invoice"]
    assert again["userErrors"] == []
    assert await charged(service, entity_id) == [900]


async def test_another_card_closes_the_payment_that_was_waiting(service: Service, entity_id: str) -> None:
    payment = await _waiting_payment(service, entity_id)
    [invoice] = await invoices_of(service, entity_id)
    attached = await send(
        service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa", makeDefault=False
    )

    paid = await send(service, "payInvoice", invoiceId=invoice["id"], paymentMethodId=attached["paymentMethod"]["id"])

    assert (paid["payment"]["attempt"], paid["payment"]["status"]) == (2, "SUCCEEDED")
    assert await _intent_status(service, payment["stripePaymentIntentId"]) == "canceled"
    late = await send(service, "confirmPayment", paymentId=payment["id"])
    assert codes(late) == [("INVALID_INPUT", "paymentId")]
    assert await charged(service, entity_id) == [900]


async def test_paying_finds_that_the_payer_has_paid_already(service: Service, entity_id: str) -> None:
    payment = await _waiting_payment(service, entity_id)
    [invoice] = await invoices_of(service, entity_id)
    await authenticate(service, payment["stripePaymentIntentId"])

    payload = await send(service, "payInvoice", invoiceId=invoice["id"])

    assert payload["userErrors"] == []
    assert payload["invoice"]["status"] == "PAID"
    assert (payload["payment"]["id"], payload["payment"]["status"]) == (payment["id"], "SUCCEEDED")
    assert await charged(service, entity_id) == [900]
    assert [each["status"] for each in (await everything_of(service, entity_id)).invoices] == ["paid"]


async def test_a_key_stands_for_its_answer(service: Service, entity_id: str) -> None:
    invoice_id = await with_open_invoice(service, entity_id)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa")
    key = f"{entity_id} pays"

    first = await send(service, "payInvoice", invoiceId=invoice_id, idempotencyKey=key)
    again = await send(service, "payInvoice", invoiceId=invoice_id, idempotencyKey=key)
    other = await send(service, "payInvoice", invoiceId=invoice_id, paymentMethodId="pmt_x", idempotencyKey=key)

    assert again == first
    assert codes(other) == [("IDEMPOTENCY_CONFLICT", "idempotencyKey")]
    assert await charged(service, entity_id) == [900]


async def test_what_cannot_be_paid_is_refused_and_changes_nothing(service: Service, entity_id: str) -> None:
    paid = await onboard(service, entity_id, tier="PRO", paymentMethodId="pm_card_visa")
    [settled] = await invoices_of(service, entity_id)
    open_id = await with_open_invoice(service, f"{entity_id}:open")
    stranger = await models.PaymentMethod.get(customer__entity_id=entity_id)
    assert paid["invoice"]["status"] == "PAID"
    before = await Footprint.of(service)

    for given, expected in (
        ({"invoiceId": "inv_none"}, ("INVOICE_NOT_FOUND", "invoiceId")),
        ({"invoiceId": ""}, ("INVOICE_NOT_FOUND", "invoiceId")),
        ({"invoiceId": "\x00"}, ("INVOICE_NOT_FOUND", "invoiceId")),
        ({"invoiceId": "x" * 5_000}, ("INVOICE_NOT_FOUND", "invoiceId")),
        ({"invoiceId": settled["id"]}, ("INVOICE_NOT_PAYABLE", "invoiceId")),
        ({"invoiceId": open_id}, ("PAYMENT_METHOD_NOT_FOUND", "paymentMethodId")),
        ({"invoiceId": open_id, "paymentMethodId": "pm_card_visa"}, ("PAYMENT_METHOD_NOT_FOUND", "paymentMethodId")),
        ({"invoiceId": open_id, "paymentMethodId": "\x00"}, ("PAYMENT_METHOD_NOT_FOUND", "paymentMethodId")),
        ({"invoiceId": open_id, "paymentMethodId": stranger.id}, ("PAYMENT_METHOD_NOT_FOUND", "paymentMethodId")),
        ({"invoiceId": open_id, "idempotencyKey": ""}, ("INVALID_INPUT", "idempotencyKey")),
        ({"invoiceId": open_id, "idempotencyKey": "x" * 256}, ("INVALID_INPUT", "idempotencyKey")),
    ):
        payload = await send(service, "payInvoice", **given)
        assert codes(payload) == [expected], given
        assert payload["operation"] is None
    assert await Footprint.of(service) == before


async def test_what_cannot_be_confirmed_is_refused_and_changes_nothing(service: Service, entity_id: str) -> None:
    await _waiting_payment(service, entity_id)
    before = await Footprint.of(service)

    for payment_id in ("pay_none", "", "\x00", "x" * 5_000):
        payload = await send(service, "confirmPayment", paymentId=payment_id)
        assert codes(payload) == [("PAYMENT_NOT_FOUND", "paymentId")]
    assert await Footprint.of(service) == before


async def test_an_ended_operation_is_not_resumed(service: Service, entity_id: str) -> None:
    ended = await onboard(service, entity_id)
    before = await Footprint.of(service)

    payload = await send(service, "resumeOperation", operationId=ended["operation"]["id"])
    unknown = [await send(service, "resumeOperation", operationId=given) for given in ("op_none", "\x00")]

    assert codes(payload) == [("OPERATION_NOT_RESUMABLE", "operationId")]
    assert [codes(each) for each in unknown] == [[("OPERATION_NOT_FOUND", "operationId")]] * 2
    assert await Footprint.of(service) == before


async def test_stripe_being_away_delays_a_confirmation_and_loses_nothing(service: Service, entity_id: str) -> None:
    payment = await _waiting_payment(service, entity_id)
    await authenticate(service, payment["stripePaymentIntentId"])
    await service.stripe.fault(method="GET", path="/v1/payment_intents/", kind="status_before", status=500, times=3)

    payload = await send(service, "confirmPayment", paymentId=payment["id"])

    assert payload["payment"]["status"] == "SUCCEEDED"
    assert await charged(service, entity_id) == [900]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "html_after", "not_json_after"])
async def test_an_answer_that_is_lost_charges_once(service: Service, entity_id: str, kind: str) -> None:
    invoice_id = await with_open_invoice(service, entity_id)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId=await new_card(service))
    await service.stripe.fault(method="POST", path="/v1/payment_intents$", kind=kind, times=3)

    payload = await send(service, "payInvoice", invoiceId=invoice_id)

    assert payload["payment"]["status"] == "SUCCEEDED"
    assert await charged(service, entity_id) == [900]
    assert await models.Payment.filter(invoice_id=invoice_id).count() == 1


async def _waiting_payment(service: Service, entity_id: str) -> dict[str, Any]:
    """A first invoice whose payer has to go through 3-D Secure."""
    invoice_id = await with_open_invoice(service, entity_id, paymentMethodId=ASKING)
    row = await models.Payment.get(invoice_id=invoice_id)
    payment: dict[str, Any] = (await send(service, "confirmPayment", paymentId=row.id))["payment"]
    assert payment["status"] == "REQUIRES_ACTION"
    return payment


async def _intent_status(service: Service, intent_id: str) -> str:
    tools = service.app.state.tools
    intent = await tools.stripe.get_payment_intent(payment_intent_id=intent_id)
    return str(intent.status)
