"""Quotes bind: what is done is what was quoted, to the cent, or nothing is."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest

import models
from tests.api.changing import Call, Customers, amounts, codes

PLANS = [(tier, period) for tier in ("FREE", "PRO", "TEAM", "ENTERPRISE") for period in ("MONTHLY", "YEARLY")]
TERMS = {"price": {"minorUnits": 12_345, "currency": "USD"}, "creditsPerMonth": 123_457}


async def _half_way(customers: Customers, entity_id: str, **given: Any) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id, **given)
    customers.pass_days(15)


async def _refused_as_stale(customers: Customers, entity_id: str, quote: dict[str, Any]) -> str:
    """The sentence that tells what differs; nothing has happened."""
    before = await customers.footprint()
    payload = await customers.change(entity_id, quoteId=quote["id"])
    assert codes(payload) == [("STALE_QUOTE", "quoteId")]
    assert await customers.footprint() == before
    message: str = payload["userErrors"][0]["message"]
    return message


async def test_a_quote_shows_all_that_an_upgrade_comes_to(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)
    before = await customers.footprint()

    quote = await customers.quoted(entity_id, tier="TEAM")

    year = customers.today.year
    assert amounts(quote["lines"]) == [-465, 1497]
    assert [line["description"] for line in quote["lines"]] == [
        f"Unused time of Pro, monthly, {year}-01-16 to {year}-02-01",
        f"Team, monthly, {year}-01-16 to {year}-02-01",
    ]
    assert (quote["net"]["minorUnits"], quote["dueNow"]["minorUnits"], quote["creditsChange"]) == (1032, 1032, 20_645)
    assert (quote["effective"], quote["effectiveOn"]) == ("IMMEDIATELY", f"{year}-01-16")
    assert quote["period"] == {"start": f"{year}-01-01", "end": f"{year}-02-01"}
    due = {"minorUnits": 2900}
    assert quote["nextInvoice"] == {"on": f"{year}-02-01", "amount": due, "due": due}
    assert [(call["provider"], call["method"], call["path"]) for call in quote["providerCalls"]] == [
        ("STRIPE", "POST", "/v1/payment_intents"),
        ("METRONOME", "POST", "/api/v1/contracts"),
        ("METRONOME", "POST", "/api/v1/credits"),
        ("METRONOME", "POST", "/api/v1/invoices"),
        ("METRONOME", "POST", "/api/v1/invoices/{id}/pay"),
    ]
    assert (await customers.footprint()).beside_quotes == before.beside_quotes


async def test_the_next_invoice_is_the_one_that_was_quoted(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM")
    quote = await customers.quoted(entity_id, tier="PRO")
    await customers.change(entity_id, quoteId=quote["id"])

    customers.go_to_next(2, 1)
    await customers.hear(entity_id)

    # The downgrade credited 10.32, so the 9.00 of the next month cost nothing more.
    assert quote["nextInvoice"]["amount"]["minorUnits"] == 900
    assert quote["nextInvoice"]["due"]["minorUnits"] == 0
    newest = (await customers.customer(entity_id))["invoices"][0]
    assert (newest["amount"]["minorUnits"], newest["status"], newest["payments"]) == (900, "PAID", [])
    assert newest["period"]["start"] == quote["nextInvoice"]["on"]
    assert (await customers.customer(entity_id))["accountBalance"]["minorUnits"] == 1032 - 900
    await customers.agree(entity_id)


async def test_a_day_later_a_quote_is_stale(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    customers.to(f"{customers.today.replace(day=16).isoformat()}T23:55:00")
    quote = await customers.quoted(entity_id, tier="TEAM")
    customers.to(f"{customers.today.replace(day=17).isoformat()}T00:05:00")

    told = await _refused_as_stale(customers, entity_id, quote)

    year = customers.today.year
    assert f"the day was {year}-01-16 and is {year}-01-17 now" in told
    assert "due now was 10.32 USD and is 9.68 USD now" in told


async def test_credits_spent_since_make_the_quote_of_a_downgrade_stale(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM")
    quote = await customers.quoted(entity_id, tier="PRO")
    await customers.use(entity_id, 40_000)

    told = await _refused_as_stale(customers, entity_id, quote)

    assert quote["creditsChange"] == -20_645
    assert "the credits' change was -20645 and is -10000 now" in told


async def test_credits_spent_since_do_not_concern_the_quote_of_an_upgrade(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)
    quote = await customers.quoted(entity_id, tier="TEAM")
    await customers.use(entity_id, 4_000)

    payload = await customers.change(entity_id, quoteId=quote["id"])

    assert payload["userErrors"] == []
    assert payload["customer"]["credits"]["balance"] == 10_000 - 4_000 + 20_645
    await customers.agree(entity_id)


@pytest.mark.parametrize("tier", ["FREE", "TEAM"])
async def test_another_change_in_between_makes_a_quote_stale(customers: Customers, entity_id: str, tier: str) -> None:
    await _half_way(customers, entity_id)
    quote = await customers.quoted(entity_id, tier="TEAM")
    await customers.change(entity_id, tier=tier)

    told = await _refused_as_stale(customers, entity_id, quote)

    assert f"the plan was PRO MONTHLY and is {tier} MONTHLY now" in told


async def _detach(customers: Customers, entity_id: str) -> None:
    method = await models.PaymentMethod.get(customer__entity_id=entity_id, is_default=True)
    payload = await customers.do("detachPaymentMethod", entityId=entity_id, paymentMethodId=method.id)
    assert payload["userErrors"] == []


async def test_without_the_card_that_was_to_be_charged_a_quote_is_stale(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)
    quote = await customers.quoted(entity_id, tier="TEAM")
    await _detach(customers, entity_id)

    told = await _refused_as_stale(customers, entity_id, quote)

    assert told.endswith("what is due was charged at once and is an open invoice now.")


async def test_with_a_card_that_was_not_there_to_be_charged_a_quote_is_stale(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id, tier="FREE", card=None)
    quote = await customers.quoted(entity_id, tier="TEAM")
    await customers.attach(entity_id, "pm_card_visa")

    told = await _refused_as_stale(customers, entity_id, quote)

    assert told.endswith("what is due was an open invoice and is charged at once now.")


async def test_a_card_does_not_concern_the_quote_of_what_costs_nothing(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id, tier="TEAM")
    quote = await customers.quoted(entity_id, tier="PRO")
    await _detach(customers, entity_id)

    payload = await customers.change(entity_id, quoteId=quote["id"])

    assert (payload["userErrors"], payload["subscription"]["tier"]) == ([], "PRO")
    await customers.agree(entity_id)


async def test_another_card_is_charged_as_quoted(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)
    quote = await customers.quoted(entity_id, tier="TEAM")
    await customers.attach(entity_id, "pm_card_mastercard")

    payload = await customers.change(entity_id, quoteId=quote["id"])

    assert (payload["userErrors"], payload["payment"]["amount"]["minorUnits"]) == ([], 1032)
    await customers.agree(entity_id)


async def test_a_quote_is_good_for_one_change(customers: Customers, entity_id: str) -> None:
    await _half_way(customers, entity_id)
    quote = await customers.quoted(entity_id, tier="TEAM")
    assert (await customers.change(entity_id, quoteId=quote["id"]))["userErrors"] == []

    await _refused_as_stale(customers, entity_id, quote)


async def test_who_did_not_hear_the_answer_gets_it_also_when_the_quote_has_expired(
    customers: Customers, entity_id: str
) -> None:
    await _half_way(customers, entity_id)
    quote = await customers.quoted(entity_id, tier="TEAM")
    first = await customers.change(entity_id, quoteId=quote["id"], idempotencyKey=f"{entity_id}:up")
    customers.pass_days(1)
    before = await customers.footprint()

    again = await customers.change(entity_id, quoteId=quote["id"], idempotencyKey=f"{entity_id}:up")

    assert again == first
    assert await customers.footprint() == before


@dataclass(slots=True)
class History:
    """One customer's random life. Each change is quoted, made by its quote, and held against it."""

    customers: Customers
    entity_id: str
    random: Random
    changes: int = 0
    done: list[str] = field(default_factory=list)

    async def live(self, *, steps: int) -> None:
        tier = self.random.choice(["FREE", "PRO", "TEAM"])
        card = self.random.choice(["pm_card_visa", "pm_card_visa", None])
        self.customers.pass_days(self.random.randrange(1, 40))
        await self.customers.onboard(self.entity_id, tier=tier, card=card)
        acts = (
            [self.change] * 4 + [self.days] * 3 + [self.usage, self.gift, self.refund, self.end_and_return, self.card]
        )
        for _ in range(steps):
            act = self.random.choice(acts)
            self.done.append(act.__name__)
            await act()

    async def days(self) -> None:
        self.customers.pass_days(self.random.randrange(1, 26))
        await self.customers.hear(self.entity_id)

    async def usage(self) -> None:
        left = await self.customers.credits_left(self.entity_id)
        if left:
            await self.customers.use(self.entity_id, left if left % 2 else self.random.randint(1, left))

    async def gift(self) -> None:
        expires_at = self.customers.service.clock.now() + timedelta(days=self.random.choice([3, 20, 400]))
        granted = await self.customers.do(
            "grantCredits",
            entityId=self.entity_id,
            amount=self.random.randrange(1, 5_000),
            expiresAt=expires_at.isoformat(),
        )
        assert granted["userErrors"] == []

    async def refund(self) -> None:
        paid = models.Payment.filter(customer__entity_id=self.entity_id, status="SUCCEEDED").order_by("-created_at")
        payment = await paid.first()
        if payment is not None and (left := payment.amount_minor - payment.refunded_minor):
            amount = {"minorUnits": self.random.randint(1, left)}
            refunded = await self.customers.do("refundPayment", paymentId=payment.id, amount=amount)
            assert refunded["userErrors"] == []

    async def has_card(self) -> bool:
        return await models.PaymentMethod.exists(customer__entity_id=self.entity_id, is_default=True, detached_at=None)

    async def card(self) -> None:
        """Detached, or another attached. A second card that is left is not made the default by itself."""
        if await self.has_card() and self.random.random() < 0.6:
            await _detach(self.customers, self.entity_id)
        else:
            await self.customers.attach(self.entity_id, self.random.choice(["pm_card_visa", "pm_card_mastercard"]))

    async def end_and_return(self) -> None:
        at_once = self.random.random() < 0.6
        effective = "IMMEDIATELY" if at_once else "AT_PERIOD_END"
        credit = self.random.random() < 0.5
        cancelled = await self.customers.cancel(self.entity_id, effective=effective, creditUnusedTime=credit)
        assert cancelled["userErrors"] == []
        if at_once:
            # An event that is told late is a matter of its own: here the news come in time.
            await self.customers.hear(self.entity_id)
            self.customers.pass_days(self.random.randrange(12))
        returned = await self.customers.reactivate(self.entity_id)
        assert returned["userErrors"] == []
        await self.customers.hear(self.entity_id)

    async def change(self) -> None:
        now = (await self.customers.customer(self.entity_id))["subscription"]
        tier, period = self.random.choice([plan for plan in PLANS if plan != (now["tier"], now["billingPeriod"])])
        terms = {"enterpriseTerms": TERMS} if tier == "ENTERPRISE" else {}
        effective = self.random.choice(["IMMEDIATELY", "IMMEDIATELY", "AT_PERIOD_END"])
        quote = await self.customers.quoted(
            self.entity_id, tier=tier, billingPeriod=period, effective=effective, **terms
        )
        if self.random.random() < 0.3 and await self._card_makes_stale(quote):
            return
        row = await models.Customer.get(entity_id=self.entity_id)
        mark = await self.customers.mark()

        payload = await self.customers.change(self.entity_id, quoteId=quote["id"])

        assert payload["userErrors"] == [], self.done
        self.changes += 1
        self._compare_answer(quote, payload)
        await self._compare_books(quote, payload, row)
        calls = await self.customers.calls_since(mark)
        told = [(call["provider"], call["method"], call["path"]) for call in quote["providerCalls"]]
        assert [(call.provider, call.method, call.path) for call in calls] == told
        assert {call.status for call in calls} <= {200, 201}
        for call in calls:
            _compare_body(quote, payload, call)
        assert payload["customer"]["credits"]["balance"] == await self.customers.credits_left(self.entity_id)
        await self.customers.agree(self.entity_id)

    async def _card_makes_stale(self, quote: dict[str, Any]) -> bool:
        """A card comes or goes after the quote; that ends it when the amount due was to be collected otherwise."""
        had_card = await self.has_card()
        await self.card()
        stale = bool(quote["dueNow"]["minorUnits"]) and had_card is not await self.has_card()
        if stale:
            self.done.append("stale")
            await _refused_as_stale(self.customers, self.entity_id, quote)
        return stale

    def _compare_answer(self, quote: dict[str, Any], payload: dict[str, Any]) -> None:
        subscription, invoice, payment = payload["subscription"], payload["invoice"], payload["payment"]
        net, due = quote["net"]["minorUnits"], quote["dueNow"]["minorUnits"]
        assert (invoice["lines"] if invoice else None) == (quote["lines"] if net > 0 else None)
        assert net == sum(amounts(quote["lines"]))
        assert (payment["amount"]["minorUnits"] if payment else due) == due
        if quote["effective"] == "AT_PERIOD_END":
            scheduled = {each: quote[each] for each in ("tier", "billingPeriod", "effectiveOn")}
            assert subscription["scheduledChange"] == scheduled
        else:
            assert subscription["scheduledChange"] is None
            assert (subscription["tier"], subscription["billingPeriod"]) == (quote["tier"], quote["billingPeriod"])
            assert subscription["currentPeriod"] == quote["period"]
            assert quote["nextInvoice"]["on"] == quote["period"]["end"]
            assert quote["nextInvoice"]["amount"] == subscription["price"]

    async def _compare_books(self, quote: dict[str, Any], payload: dict[str, Any], before: models.Customer) -> None:
        cause = f"operation:{payload['operation']['id']}"
        of_the_allowance = models.CreditEntry.filter(cause=cause, reason="Monthly allowance")
        assert sum([entry.amount async for entry in of_the_allowance]) == quote["creditsChange"]
        moved = [entry.amount_minor async for entry in models.AccountBalanceEntry.filter(cause=cause)]
        expected = (
            quote["toAccountBalance"]["minorUnits"]
            - quote["fromAccountBalance"]["minorUnits"]
            - quote["carried"]["minorUnits"]
        )
        assert sum(moved) == expected
        after = payload["customer"]["accountBalance"]["minorUnits"]
        assert after == before.account_balance_minor + expected
        owed = quote["nextInvoice"]["amount"]["minorUnits"] - after
        least = 50
        assert quote["nextInvoice"]["due"]["minorUnits"] == (owed if owed >= least else 0)


def _compare_body(quote: dict[str, Any], payload: dict[str, Any], call: Call) -> None:
    """What was asked of a provider, in its own words, is what was quoted."""
    match call.method, call.path:
        case "POST", "/v1/payment_intents":
            asked = (call.body["amount"], call.body["currency"], call.body["confirm"])
            assert asked == (str(quote["dueNow"]["minorUnits"]), "usd", "true")
        case "POST", "/api/v1/contracts":
            asked = (call.body["tier"], call.body["billing_period"], call.body["start_date"])
            starts = f"{quote['effectiveOn']}T00:00:00Z"
            assert asked == (quote["tier"].lower(), quote["billingPeriod"].lower(), starts)
        case "PATCH", "/api/v1/contracts/{id}":
            assert call.body == {"end_date": f"{quote['effectiveOn']}T00:00:00Z"}
        case "POST", "/api/v1/credits":
            assert call.body["amount"] == quote["creditsChange"]
        case "POST", "/api/v1/invoices":
            lines = [(line["description"], line["amount"]["minorUnits"]) for line in quote["lines"]]
            assert [(line["description"], line["amount"]) for line in call.body["line_items"]] == lines
            assert call.body["currency"] == "USD"
        case "POST", "/api/v1/invoices/{id}/pay":
            paid, invoice = payload["payment"], payload["invoice"]
            by = paid["stripePaymentIntentId"] if paid else f"account-balance:{invoice['id']}"
            assert call.body == {"external_payment_id": by}
        case _:
            raise AssertionError(call)


@pytest.mark.parametrize("seed", range(7))
async def test_whatever_came_before_what_is_done_is_what_was_quoted(
    customers: Customers, entity_id: str, seed: int
) -> None:
    history = History(customers, entity_id, Random(seed))

    await history.live(steps=12)

    assert history.changes >= 2, history.done
