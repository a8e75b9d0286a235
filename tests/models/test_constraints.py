"""What the database refuses, whoever asks."""

from datetime import date

import pytest
from tortoise.exceptions import IntegrityError

from billing.lifecycle import LIVE, SubscriptionStatus
from models import Customer, OperationStatus, PaymentStatus, Subscription, WebhookEvent
from tests.models.rows import a_customer, a_payment, a_subscription, an_event, an_invoice, an_operation

# Both databases say which kind of rule was broken, each in its own words.
UNIQUE = "(?i)unique constraint"
CHECK = "(?i)check constraint"
FOREIGN_KEY = "(?i)foreign key constraint"

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("status", sorted(LIVE))
async def test_a_second_live_subscription_of_a_customer(status: SubscriptionStatus) -> None:
    customer = await a_customer()
    await a_subscription(customer, status=status)
    with pytest.raises(IntegrityError, match=UNIQUE):
        await a_subscription(customer, is_current=False)
    await a_subscription(customer, status=SubscriptionStatus.CANCELLED, is_current=False)
    await a_subscription(await a_customer())
    assert await Subscription.filter(customer=customer).count() == 2


async def test_a_second_current_subscription_of_a_customer() -> None:
    customer = await a_customer()
    await a_subscription(customer, status=SubscriptionStatus.EXPIRED)
    with pytest.raises(IntegrityError, match=UNIQUE):
        await a_subscription(customer)


async def test_a_second_running_operation_of_a_customer() -> None:
    customer = await a_customer()
    await an_operation(customer, status=OperationStatus.FAILED)
    await an_operation(customer, status=OperationStatus.RUNNING)
    with pytest.raises(IntegrityError, match=UNIQUE):
        await an_operation(customer, status=OperationStatus.RUNNING)


async def test_a_second_successful_payment_of_an_invoice() -> None:
    invoice = await an_invoice(await a_subscription(await a_customer()))
    await a_payment(invoice, attempt=1, status=PaymentStatus.FAILED)
    await a_payment(invoice, attempt=2, status=PaymentStatus.SUCCEEDED)
    with pytest.raises(IntegrityError, match=UNIQUE):
        await a_payment(invoice, attempt=3, status=PaymentStatus.SUCCEEDED)


async def test_the_same_webhook_event_twice() -> None:
    await an_event().save()
    with pytest.raises(IntegrityError, match=UNIQUE):
        await an_event().save()
    assert await WebhookEvent.all().count() == 1


async def test_a_negative_credit_balance() -> None:
    customer = await a_customer(credit_balance=1)
    with pytest.raises(IntegrityError, match=CHECK):
        await Customer.filter(id=customer.id).update(credit_balance=-1)


async def test_an_empty_period() -> None:
    subscription = await a_subscription(await a_customer())
    with pytest.raises(IntegrityError, match=CHECK):
        await Subscription.filter(id=subscription.id).update(period_end=date(2028, 1, 31))


async def test_deleting_a_customer_that_has_a_subscription() -> None:
    customer = await a_customer()
    await a_subscription(customer)
    with pytest.raises(IntegrityError, match=FOREIGN_KEY):
        await customer.delete()
