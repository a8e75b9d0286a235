"""Money that was taken though nothing was owed goes back to whoever paid it, and everybody can see that it did."""

from typing import Any

import pytest

import models
from integrations.stripe.types import PaymentIntentStatus
from models import OperationKind
from operations.settle_payment import give_back_what_was_in_vain
from tests.api.changing import ASKING, Customers, codes
from tests.api.onboarding import everything_of
from tests.api.paying import authenticate, engine_of, invoices_of, send, until_idle
from tests.service import Service

FAILING_REFUNDS = "pm_card_refundFail"
PENDING_REFUNDS = "pm_card_pendingRefund"


async def test_an_invoice_paid_by_bank_transfer_can_no_longer_be_paid_by_card(
    customers: Customers, entity_id: str
) -> None:
    intent_id = await _asked_to_confirm(customers, entity_id)
    await _pay_by_bank_transfer(customers, entity_id)

    await customers.hear(entity_id)

    intent = await customers.tools.stripe.get_payment_intent(payment_intent_id=intent_id)
    assert intent.status is PaymentIntentStatus.CANCELED
    assert await _invoice_and_payment(customers, entity_id) == ("PAID", "CANCELLED")
    assert await _paid_minor(entity_id) == 900
    await customers.agree(entity_id)


async def test_a_payment_that_cannot_be_cancelled_when_the_invoice_is_paid_otherwise_goes_back_when_it_succeeds(
    customers: Customers, entity_id: str
) -> None:
    intent_id = await _asked_to_confirm(customers, entity_id)
    await _refuse(customers.service, "/v1/payment_intents/[^/]+/cancel$")
    await _pay_by_bank_transfer(customers, entity_id)
    await customers.hear(entity_id)
    assert await _warnings(entity_id) == ["PROVIDER_REJECTED"]
    await authenticate(customers.service, intent_id)

    await customers.hear_of_payments(entity_id)

    await customers.service.stripe.clear_faults()
    assert await _charges(customers, entity_id) == [(900, 900)]
    assert await _invoice_and_payment(customers, entity_id) == ("PAID", "SUCCEEDED")
    assert await _warnings(entity_id) == ["PROVIDER_REJECTED", "INVOICE_NOT_PAYABLE"]
    assert await _told(entity_id) == [
        "The invoice is paid already: the payment of 9.00 USD is given back",
        "Refund of 9.00 USD succeeded",
    ]
    assert await _paid_minor(entity_id) == 900
    assert (await customers.customer(entity_id))["accountBalance"]["minorUnits"] == 0
    await customers.agree(entity_id)


async def test_a_card_payment_that_comes_second_at_metronome_goes_back(customers: Customers, entity_id: str) -> None:
    """Metronome knows of a bank transfer that we have not heard of when the payer confirms."""
    intent_id = await _asked_to_confirm(customers, entity_id)
    await _pay_by_bank_transfer(customers, entity_id)
    await authenticate(customers.service, intent_id)

    await customers.hear_of_payments(entity_id)
    await customers.hear(entity_id)

    assert await _charges(customers, entity_id) == [(900, 900)]
    assert await _settling(entity_id) == ["SUCCEEDED"]
    assert await _paid_minor(entity_id) == 900
    await customers.agree(entity_id)


async def test_what_another_verb_finds_to_be_in_vain_goes_back_with_the_next_round(
    customers: Customers, entity_id: str
) -> None:
    intent_id = await _asked_to_confirm(customers, entity_id)
    payment = await models.Payment.get(customer__entity_id=entity_id)
    await _pay_by_bank_transfer(customers, entity_id)
    await authenticate(customers.service, intent_id)
    confirmed = await send(customers.service, "confirmPayment", paymentId=payment.id)
    assert (confirmed["userErrors"], confirmed["operation"]["status"]) == ([], "SUCCEEDED")
    assert await _charges(customers, entity_id) == [(900, 0)]

    started = [await _round(customers, entity_id) for _ in range(2)]

    assert started == [1, 0]
    assert await _charges(customers, entity_id) == [(900, 900)]
    await customers.hear(entity_id)
    await customers.agree(entity_id)


async def test_what_stripe_will_not_refund_stands_on_the_account_balance_once(
    customers: Customers, entity_id: str
) -> None:
    intent_id = await _asked_to_confirm(customers, entity_id)
    await _pay_by_bank_transfer(customers, entity_id)
    await authenticate(customers.service, intent_id)
    await _refuse(customers.service, "/v1/refunds$")

    await customers.hear_of_payments(entity_id)

    await customers.service.stripe.clear_faults()
    assert await _round(customers, entity_id) == 0
    assert await _charges(customers, entity_id) == [(900, 0)]
    assert await _warnings(entity_id) == ["INVOICE_NOT_PAYABLE", "PROVIDER_REJECTED"]
    assert (await customers.customer(entity_id))["accountBalance"]["minorUnits"] == 900
    payment = await models.Payment.get(customer__entity_id=entity_id)
    by_hand = await send(customers.service, "refundPayment", paymentId=payment.id)
    assert codes(by_hand) == [("REFUND_EXCEEDS_CAPTURED", "amount")]
    await customers.hear(entity_id)
    await customers.agree(entity_id)


async def test_a_refund_of_a_change_that_was_not_possible_and_fails_later_is_credited_once(
    customers: Customers, entity_id: str
) -> None:
    await _upgrade_that_is_not_possible(customers, entity_id, FAILING_REFUNDS)
    assert await _refunds(entity_id) == [(1032, "SUCCEEDED")]

    await _let_refunds_settle(customers)
    for _ in range(2):
        await customers.hear_of_payments(entity_id)

    assert await _refunds(entity_id) == [(1032, "FAILED")]
    assert await _charges(customers, entity_id) == [(1032, 0), (900, 0)]
    customer = await customers.customer(entity_id)
    assert customer["accountBalance"]["minorUnits"] == 1032
    assert [invoice["status"] for invoice in customer["invoices"]] == ["VOID", "PAID"]
    assert await _paid_minor(entity_id) == 900
    await customers.agree(entity_id)


async def test_a_refund_on_its_way_is_said_to_be(customers: Customers, entity_id: str) -> None:
    await _upgrade_that_is_not_possible(customers, entity_id, PENDING_REFUNDS)
    assert await _refunds(entity_id) == [(1032, "PENDING")]
    await customers.agree(entity_id)

    await _let_refunds_settle(customers)
    await customers.hear_of_payments(entity_id)

    assert await _refunds(entity_id) == [(1032, "SUCCEEDED")]
    assert (await customers.customer(entity_id))["accountBalance"]["minorUnits"] == 0
    assert await _paid_minor(entity_id) == 900
    await customers.agree(entity_id)


@pytest.mark.parametrize("rest", ["refunded", "refused"])
async def test_what_was_refunded_at_stripe_meanwhile_is_not_given_back_again(
    customers: Customers, entity_id: str, rest: str
) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    await customers.attach(entity_id, ASKING)
    customers.pass_days(15)
    upgrade = await customers.change(entity_id, tier="TEAM")
    intent_id = upgrade["payment"]["stripePaymentIntentId"]
    await authenticate(customers.service, intent_id)
    await _refund_at_stripe(customers, intent_id, 300)
    await customers.service.metronome.fault(method="POST", path="/api/v1/contracts$", kind="status_before", status=409)
    if rest == "refused":
        await _refuse(customers.service, "/v1/refunds$")

    late = await customers.do("confirmPayment", paymentId=upgrade["payment"]["id"])

    await customers.service.stripe.clear_faults()
    given_back, credited = (1032, 0) if rest == "refunded" else (300, 732)
    assert codes(late) == [("PROVIDER_REJECTED", None)]
    assert await _charges(customers, entity_id) == [(1032, given_back), (900, 0)]
    assert late["customer"]["accountBalance"]["minorUnits"] == credited
    await customers.hear_of_payments(entity_id)
    assert await _paid_minor(entity_id) == 900
    await customers.agree(entity_id)


async def test_a_refusal_of_what_was_given_back_all_the_same_credits_nothing_besides(
    customers: Customers, entity_id: str
) -> None:
    await customers.service.stripe.fault(method="POST", path="/v1/refunds$", kind="status_after", status=400)
    await _upgrade_that_is_not_possible(customers, entity_id, "pm_card_visa")

    assert await _refunds(entity_id) == [(1032, "SUCCEEDED")]
    assert await _charges(customers, entity_id) == [(1032, 1032), (900, 0)]
    assert (await customers.customer(entity_id))["accountBalance"]["minorUnits"] == 0
    await customers.hear_of_payments(entity_id)
    await customers.agree(entity_id)


@pytest.mark.parametrize("refunded", [1032, 300])
async def test_what_was_credited_because_it_could_not_be_refunded_is_taken_back_as_far_as_it_is_refunded_later(
    customers: Customers, entity_id: str, refunded: int
) -> None:
    await _refuse(customers.service, "/v1/refunds$")
    await _upgrade_that_is_not_possible(customers, entity_id, "pm_card_visa")
    await customers.service.stripe.clear_faults()
    assert (await customers.customer(entity_id))["accountBalance"]["minorUnits"] == 1032
    payment = await models.Payment.get(customer__entity_id=entity_id, in_vain_at__not_isnull=True)
    await _refund_at_stripe(customers, str(payment.stripe_payment_intent_id), refunded)

    for _ in range(2):
        await customers.hear_of_payments(entity_id)

        assert (await customers.customer(entity_id))["accountBalance"]["minorUnits"] == 1032 - refunded
        await customers.agree(entity_id)
    by_hand = await send(customers.service, "refundPayment", paymentId=payment.id)
    assert codes(by_hand) == [("REFUND_EXCEEDS_CAPTURED", "amount")]


async def test_what_was_taken_back_for_a_refund_that_fails_is_credited_again(
    customers: Customers, entity_id: str
) -> None:
    await _refuse(customers.service, "/v1/refunds$")
    await _upgrade_that_is_not_possible(customers, entity_id, FAILING_REFUNDS)
    await customers.service.stripe.clear_faults()
    payment = await models.Payment.get(customer__entity_id=entity_id, in_vain_at__not_isnull=True)
    await _refund_at_stripe(customers, str(payment.stripe_payment_intent_id), 1032)
    await customers.hear_of_payments(entity_id)
    assert (await customers.customer(entity_id))["accountBalance"]["minorUnits"] == 0

    await _let_refunds_settle(customers)
    await customers.hear_of_payments(entity_id)

    assert (await customers.customer(entity_id))["accountBalance"]["minorUnits"] == 1032
    await customers.agree(entity_id)


async def _asked_to_confirm(customers: Customers, entity_id: str) -> str:
    """On Pro, with an open invoice whose payer has to confirm the payment. Returns the intent's id."""
    payload = await customers.begin_onboarding(entity_id, "PRO", ASKING)
    assert payload["payment"]["status"] == "REQUIRES_ACTION"
    return str((await models.Payment.get(customer__entity_id=entity_id)).stripe_payment_intent_id)


async def _pay_by_bank_transfer(customers: Customers, entity_id: str) -> None:
    """As Metronome is told by somebody else."""
    invoice = await models.Invoice.get(customer__entity_id=entity_id)
    await customers.tools.metronome.pay_invoice(
        invoice_id=str(invoice.metronome_invoice_id), external_payment_id="wire", idempotency_key=f"wire {entity_id}"
    )


async def _upgrade_that_is_not_possible(customers: Customers, entity_id: str, card: str) -> None:
    """It is paid, and Metronome refuses the contract."""
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    await customers.attach(entity_id, card)
    customers.pass_days(15)
    await customers.service.metronome.fault(method="POST", path="/api/v1/contracts$", kind="status_before", status=409)
    payload = await customers.change(entity_id, tier="TEAM")
    assert codes(payload) == [("PROVIDER_REJECTED", None)]


async def _refuse(service: Service, path: str) -> None:
    await service.stripe.fault(method="POST", path=path, kind="status_before", status=400, times=None)


async def _refund_at_stripe(customers: Customers, intent_id: str, amount_minor: int) -> None:
    """As somebody at Stripe's dashboard does, without a word to us."""
    answer = await customers.service.stripe.http.post(
        "/v1/refunds",
        data={"payment_intent": intent_id, "amount": str(amount_minor)},
        headers={"authorization": "Bearer sk_test_sandbox"},
    )
    assert answer.is_success, answer.text


async def _let_refunds_settle(customers: Customers) -> None:
    """Until a refund on its way has arrived or failed."""
    answer = await customers.service.stripe.http.post("/_mock/clock", json={"advance_seconds": 61})
    assert answer.is_success, answer.text


async def _round(customers: Customers, entity_id: str) -> int:
    """One of the worker's rounds."""
    started = await give_back_what_was_in_vain(engine_of(customers.service), customers.service.clock.now)
    await until_idle(customers.service, entity_id)
    return started


async def _charges(customers: Customers, entity_id: str) -> list[tuple[int, int]]:
    """What was taken, and what of it was given back."""
    charges = (await everything_of(customers.service, entity_id)).charges
    return [(charge["amount"], charge["amount_refunded"]) for charge in charges if charge["status"] == "succeeded"]


async def _invoice_and_payment(customers: Customers, entity_id: str) -> tuple[Any, Any]:
    [invoice] = await invoices_of(customers.service, entity_id)
    [payment] = invoice["payments"]
    return invoice["status"], payment["status"]


async def _refunds(entity_id: str) -> list[tuple[int, str]]:
    return [
        (each.amount_minor, each.status.value) async for each in models.Refund.filter(customer__entity_id=entity_id)
    ]


async def _settling(entity_id: str) -> list[str]:
    operations = models.Operation.filter(customer__entity_id=entity_id, kind=OperationKind.SETTLE_PAYMENT)
    return [each.status.value async for each in operations.order_by("created_at")]


async def _warnings(entity_id: str) -> list[str | None]:
    operations = models.Operation.filter(customer__entity_id=entity_id, kind=OperationKind.SETTLE_PAYMENT)
    return [warning["code"] async for each in operations.order_by("created_at") for warning in each.warnings]


async def _told(entity_id: str) -> list[str]:
    found = models.Activity.filter(entity_id=entity_id, kind__in=("payment.in_vain", "refund.succeeded")).order_by("id")
    return [each.summary async for each in found]


async def _paid_minor(entity_id: str) -> int:
    subscription = await models.Subscription.get(customer__entity_id=entity_id, is_current=True)
    return int(subscription.paid_minor)
