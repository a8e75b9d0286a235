"""Everything that may want an invoice's money, all at once, and providers that lose answers: one charge succeeds."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

import models
from operations.collect_invoice import collect_due
from tests.api.changing import Customers
from tests.api.onboarding import everything_of
from tests.api.paying import charged, codes, engine_of, send, until_idle, with_open_invoice
from tests.service import Service
from tests.webhooks.delivery import all_handled, deliver_all, events_of, until

ASKING = "pm_card_authenticationRequired"
AT_ONCE = 12

Racer = Callable[[Service, str, str], Awaitable[Any]]


async def test_many_payments_of_one_invoice_at_once_charge_once(service: Service, entity_id: str) -> None:
    invoice_id = await _with_card(service, entity_id)

    payloads = await asyncio.gather(*(send(service, "payInvoice", invoiceId=invoice_id) for _ in range(AT_ONCE)))

    refusals = {code for payload in payloads for code, _ in codes(payload)}
    assert refusals <= {"CUSTOMER_BUSY", "INVOICE_NOT_PAYABLE"}
    assert [payload["payment"]["status"] for payload in payloads if payload["operation"]] == ["SUCCEEDED"]
    assert await charged(service, entity_id) == [900]


async def test_one_request_sent_many_times_at_once_is_one_payment(service: Service, entity_id: str) -> None:
    invoice_id = await _with_card(service, entity_id)
    given = {"invoiceId": invoice_id, "idempotencyKey": f"{entity_id}:once"}

    payloads = await asyncio.gather(*(send(service, "payInvoice", **given) for _ in range(AT_ONCE)))

    assert payloads == [payloads[0]] * AT_ONCE
    assert payloads[0]["payment"]["status"] == "SUCCEEDED"
    assert await charged(service, entity_id) == [900]


async def _pay(service: Service, _: str, invoice_id: str) -> None:
    await send(service, "payInvoice", invoiceId=invoice_id)


async def _pay_with_another_card(service: Service, entity_id: str, invoice_id: str) -> None:
    other = await models.PaymentMethod.get(customer__entity_id=entity_id, is_default=False)
    await send(service, "payInvoice", invoiceId=invoice_id, paymentMethodId=other.id)


async def _collect(service: Service, _: str, __: str) -> None:
    await collect_due(engine_of(service), service.clock.now)


async def _return_from_3ds(service: Service, _: str, invoice_id: str) -> None:
    payment = await models.Payment.filter(invoice_id=invoice_id).order_by("attempt").first()
    assert payment is not None
    await _authenticate_if_asked(service, str(payment.stripe_payment_intent_id))
    await send(service, "confirmPayment", paymentId=payment.id)


async def _authenticate_if_asked(service: Service, intent_id: str) -> None:
    """Too late, when the intent was cancelled meanwhile: then Stripe refuses."""
    await service.stripe.http.post("/_mock/authenticate", json={"payment_intent": intent_id, "outcome": "success"})


async def _tell_by_webhook(service: Service, entity_id: str, _: str) -> None:
    customer = await models.Customer.get(entity_id=entity_id)
    await deliver_all(service, await events_of(service, str(customer.stripe_customer_id)))


async def _new_default(service: Service, entity_id: str, _: str) -> None:
    other = await models.PaymentMethod.get(customer__entity_id=entity_id, is_default=False)
    await send(service, "setDefaultPaymentMethod", entityId=entity_id, paymentMethodId=other.id)


RACES: dict[str, tuple[Racer, ...]] = {
    "the payer comes back while somebody pays": (_return_from_3ds, _pay_with_another_card),
    "the worker and a person": (_collect, _pay_with_another_card, _collect, _pay_with_another_card),
    "the payer, Stripe's news and the worker": (_return_from_3ds, _tell_by_webhook, _collect),
    "a new default card and a payment by hand": (_new_default, _pay_with_another_card),
    "everything": (
        _pay,
        _collect,
        _return_from_3ds,
        _tell_by_webhook,
        _pay_with_another_card,
        _new_default,
        _collect,
    ),
}


@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
@pytest.mark.parametrize("racers", RACES.values(), ids=RACES)
async def test_whatever_races_an_invoice_is_charged_once(
    service: Service, entity_id: str, racers: tuple[Racer, ...], backwards: bool
) -> None:
    invoice_id = await _waiting_for_its_payer(service, entity_id)
    await _make_due(service, invoice_id)

    await asyncio.gather(
        *(racer(service, entity_id, invoice_id) for racer in (reversed(racers) if backwards else racers))
    )
    await _settle(service, entity_id, invoice_id)

    await _assert_paid_once(service, entity_id, invoice_id)


@pytest.mark.parametrize("kind", ["drop_after", "html_after", "drop_before"])
async def test_lost_answers_while_everything_races_charge_once(service: Service, entity_id: str, kind: str) -> None:
    invoice_id = await _waiting_for_its_payer(service, entity_id)
    await _make_due(service, invoice_id)
    await service.stripe.fault(method="POST", path="/v1/payment_intents", kind=kind, times=4)

    await asyncio.gather(*(racer(service, entity_id, invoice_id) for racer in RACES["everything"]))
    await _settle(service, entity_id, invoice_id)

    await service.stripe.clear_faults()
    await _assert_paid_once(service, entity_id, invoice_id)


async def test_a_renewal_and_whoever_pays_it_at_once_charge_once(service: Service, entity_id: str) -> None:
    customers = Customers(service)
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    customers.go_to_next(2, 1)

    await asyncio.gather(
        customers.hear(entity_id),
        *(_pay_as_soon_as_it_is_known(service, entity_id) for _ in range(3)),
        *(_collect_for_a_while(service, entity_id) for _ in range(2)),
    )
    await until_idle(service, entity_id)

    found = await everything_of(service, entity_id)
    assert [each["amount"] for each in found.charges] == [900, 900]
    assert [each["status"] for each in found.invoices] == ["paid", "paid"]
    await customers.agree(entity_id)


async def _renewed(entity_id: str) -> models.Invoice | None:
    subscription = await models.Subscription.get(customer__entity_id=entity_id)
    return await models.Invoice.get_or_none(subscription_id=subscription.id, key__contains=":renewal:")


async def _pay_as_soon_as_it_is_known(service: Service, entity_id: str) -> None:
    invoice = await until(lambda: _renewed(entity_id), what="the renewal's invoice")
    payload = await send(service, "payInvoice", invoiceId=invoice.id)
    assert codes(payload) in ([], [("CUSTOMER_BUSY", None)], [("INVOICE_NOT_PAYABLE", "invoiceId")])


async def _collect_for_a_while(service: Service, entity_id: str) -> None:
    while (invoice := await _renewed(entity_id)) is None or invoice.status == "OPEN":
        await collect_due(engine_of(service), service.clock.now)
        await asyncio.sleep(0.01)


async def test_a_stored_failure_is_looked_up_and_then_tried_under_a_new_name(service: Service, entity_id: str) -> None:
    invoice_id = await _with_card(service, entity_id)
    await service.stripe.fault(
        method="POST", path="/v1/payment_intents$", kind="status_before", status=500, stored=True, times=1
    )

    await send(service, "payInvoice", invoiceId=invoice_id)
    await until_idle(service, entity_id)

    await _assert_paid_once(service, entity_id, invoice_id)
    keys = [
        each["idempotency_key"]
        for each in await service.stripe.requests("POST", "/v1/payment_intents")
        if each["body"]["metadata[invoice_id]"] == invoice_id
    ]
    assert [key.rpartition(":")[2] for key in dict.fromkeys(keys)] == ["1", "2"]


async def _with_card(service: Service, entity_id: str) -> str:
    invoice_id = await with_open_invoice(service, entity_id)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa")
    return invoice_id


async def _waiting_for_its_payer(service: Service, entity_id: str) -> str:
    """The default card asks for 3-D Secure and the payer is away; another card on file would simply work."""
    invoice_id = await with_open_invoice(service, entity_id, paymentMethodId=ASKING)
    await send(service, "attachPaymentMethod", entityId=entity_id, paymentMethodId="pm_card_visa", makeDefault=False)
    assert await charged(service, entity_id) == []
    return invoice_id


async def _make_due(service: Service, invoice_id: str) -> None:
    """As if a payment had failed a day ago, so that the worker wants the money too."""
    at = service.clock.now()
    await models.Invoice.filter(id=invoice_id).update(
        first_failed_at=at - timedelta(days=1), failed_attempts=1, next_attempt_at=at
    )


async def _settle(service: Service, entity_id: str, invoice_id: str) -> None:
    """Let all that was started end; if the race left the invoice open, somebody pays it."""
    await until_idle(service, entity_id)
    if (await models.Invoice.get(id=invoice_id)).status != "PAID":
        await _pay_with_a_working_card(service, entity_id, invoice_id)
    customer = await models.Customer.get(entity_id=entity_id)
    events = await events_of(service, str(customer.stripe_customer_id))
    await deliver_all(service, events)
    states = await all_handled(service, events)
    assert set(states.values()) <= {"DONE", "IGNORED"}
    await until_idle(service, entity_id)


async def _pay_with_a_working_card(service: Service, entity_id: str, invoice_id: str) -> None:
    card = await models.PaymentMethod.get(customer__entity_id=entity_id, last4="4242")
    payload = await send(service, "payInvoice", invoiceId=invoice_id, paymentMethodId=card.id)
    assert payload["userErrors"] == []


async def _assert_paid_once(service: Service, entity_id: str, invoice_id: str) -> None:
    found = await everything_of(service, entity_id)
    assert [each["amount"] for each in found.charges if each["status"] == "succeeded"] == [900]
    [succeeded] = [each for each in found.charges if each["status"] == "succeeded"]
    payments = await models.Payment.filter(invoice_id=invoice_id)
    assert [each.stripe_payment_intent_id for each in payments if each.status is models.PaymentStatus.SUCCEEDED] == [
        succeeded["payment_intent"]
    ]
    assert (await models.Invoice.get(id=invoice_id)).status == "PAID"
    assert [(each["status"], each["external_payment_id"]) for each in found.invoices] == [
        ("paid", succeeded["payment_intent"])
    ]
    assert (await models.Subscription.get(customer__entity_id=entity_id)).status == "ACTIVE"
