"""What stands for one customer: in both providers by their own account, and in the database past the service."""

from dataclasses import dataclass
from typing import Any

from tests.crash.world import World


@dataclass(frozen=True, slots=True)
class Books:
    """Amounts in minor units. Everything that could be there twice is a tuple."""

    # By the providers' own account.
    metronome_customers: int
    stripe_customers: int
    contracts: tuple[str, ...]
    grants: tuple[int, ...]
    invoices: tuple[tuple[int, str], ...]
    succeeded_charges: tuple[int, ...]
    refunded: int
    cards: int
    setup_intents: int
    # The attempts that were sent, by their idempotency keys; each key may have been sent again.
    attempts: tuple[str, ...]
    # By the database.
    subscriptions: tuple[tuple[str, str], ...]
    # What the period end will bring: another tier, or the end.
    scheduled: str | None
    account_balance: int
    # Of what was invoiced and not used, to be credited once it is paid; it stays on record.
    withheld: int
    credit_balance: int
    ledger: tuple[int, ...]
    our_invoices: tuple[tuple[int, str], ...]
    payments: tuple[tuple[int, str], ...]
    operations: tuple[tuple[str, str], ...]
    unsettled_effects: int
    # Heard of, and not to be worked in without a person.
    troubled_events: int
    # The ids that both sides must agree on: customer, live contract, invoice, payment, cards and the default.
    agree: bool

    def differences(self, other: "Books") -> list[str]:
        names = self.__dataclass_fields__
        return [
            f"{name}: {getattr(self, name)!r}, not {getattr(other, name)!r}"
            for name in names
            if getattr(self, name) != getattr(other, name)
        ]


@dataclass(frozen=True, slots=True)
class _Theirs:
    metronome_customers: list[dict[str, Any]]
    stripe_customers: list[dict[str, Any]]
    contracts: list[dict[str, Any]]
    credits: list[dict[str, Any]]
    invoices: list[dict[str, Any]]
    intents: list[dict[str, Any]]
    charges: list[dict[str, Any]]
    cards: list[dict[str, Any]]
    setup_intents: list[dict[str, Any]]

    def ids(self) -> list[set[str]]:
        paid = [intent for intent in self.intents if intent["status"] == "succeeded"]
        live = [contract for contract in self.contracts if contract["status"] in ("active", "pending")]
        things = (self.metronome_customers, self.stripe_customers, live, self.invoices, paid, self.cards)
        return [*({each["id"] for each in found} for found in things), self._default_cards()]

    def _default_cards(self) -> set[str]:
        return {each["invoice_settings"]["default_payment_method"] for each in self.stripe_customers} - {None}


async def books(world: World, entity_id: str) -> Books:
    theirs = await _theirs(world, entity_id)
    operations = await world.rows(f"{_OF_CUSTOMER.format('operation', 'id, t.kind, t.status')}, t.id", entity_id)
    subscriptions = await _ours(world, "subscription", "tier, t.status", entity_id)
    invoices = await _ours(world, "invoice", "amount_minor, t.status, t.withheld_minor", entity_id)
    payments = await _ours(world, "payment", "amount_minor, t.status", entity_id)
    ledger = await _ours(world, "credit_entry", "amount", entity_id)
    scheduled = await _ours(world, "subscription", "scheduled_tier, t.cancel_at_period_end, t.is_current", entity_id)
    balances = await world.rows(
        "SELECT credit_balance, account_balance_minor FROM customer WHERE entity_id = $1", entity_id
    )
    sent = await world.providers.sent(tuple(str(row[0]) for row in operations))
    return Books(
        metronome_customers=len(theirs.metronome_customers),
        stripe_customers=len(theirs.stripe_customers),
        contracts=_sorted(_shown(each) for each in theirs.contracts),
        grants=_sorted(each["amount"] for each in theirs.credits),
        invoices=_sorted((each["amount"], each["status"]) for each in theirs.invoices),
        succeeded_charges=_sorted(each["amount"] for each in theirs.charges if each["status"] == "succeeded"),
        refunded=sum(each["amount_refunded"] for each in theirs.charges),
        cards=len(theirs.cards),
        setup_intents=len(theirs.setup_intents),
        attempts=_sorted({key.partition(":")[2] for key in sent}),
        subscriptions=_sorted(subscriptions),
        scheduled=next(("END" if ends else tier for tier, ends, is_current in scheduled if is_current), None),
        account_balance=balances[0][1] if balances else 0,
        withheld=sum(row[2] for row in invoices),
        credit_balance=balances[0][0] if balances else 0,
        ledger=_sorted(row[0] for row in ledger),
        our_invoices=_sorted(row[:2] for row in invoices),
        payments=_sorted(payments),
        operations=_sorted(row[1:3] for row in operations),
        unsettled_effects=await _unsettled(world, entity_id),
        troubled_events=len(await world.rows("SELECT id FROM webhook_event WHERE state IN ('PARKED', 'DEAD')")),
        agree=theirs.ids() == await _our_ids(world, entity_id),
    )


_OF_CUSTOMER = "SELECT t.{1} FROM {0} t JOIN customer c ON c.id = t.customer_id WHERE c.entity_id = $1 ORDER BY t.id"


async def _ours(world: World, table: str, columns: str, entity_id: str) -> list[tuple[Any, ...]]:
    return await world.rows(_OF_CUSTOMER.format(table, columns), entity_id)


async def _our_ids(world: World, entity_id: str) -> list[set[str]]:
    customer = await world.rows(
        "SELECT metronome_customer_id, stripe_customer_id FROM customer WHERE entity_id = $1", entity_id
    )
    contracts = await world.rows(
        "SELECT t.metronome_contract_id FROM subscription t JOIN customer c ON c.id = t.customer_id "
        "WHERE c.entity_id = $1 AND t.status IN ('PENDING', 'ACTIVE', 'PAST_DUE')",
        entity_id,
    )
    invoices = await _ours(world, "invoice", "metronome_invoice_id", entity_id)
    payments = await world.rows(
        "SELECT t.stripe_payment_intent_id FROM payment t JOIN customer c ON c.id = t.customer_id "
        "WHERE c.entity_id = $1 AND t.status = 'SUCCEEDED'",
        entity_id,
    )
    cards = await world.rows(
        "SELECT t.stripe_payment_method_id, t.is_default FROM payment_method t JOIN customer c ON c.id = t.customer_id "
        "WHERE c.entity_id = $1 AND t.detached_at IS NULL",
        entity_id,
    )
    defaults = [card for card in cards if card[1]]
    columns = (
        [row[:1] for row in customer],
        [row[1:] for row in customer],
        contracts,
        invoices,
        payments,
        cards,
        defaults,
    )
    return [{row[0] for row in rows if row[0] is not None} for rows in columns]


async def _unsettled(world: World, entity_id: str) -> int:
    found = await world.rows(
        "SELECT e.id FROM provider_effect e JOIN operation o ON o.id = e.operation_id "
        "JOIN customer c ON c.id = o.customer_id WHERE c.entity_id = $1 AND e.state = 'INTENDED'",
        entity_id,
    )
    return len(found)


async def _theirs(world: World, entity_id: str) -> _Theirs:
    ask = world.providers
    metronome_customers = await ask.metronome_list("customers", entity_id=entity_id)
    stripe_customers = [
        each for each in await ask.stripe_list("customers") if each["metadata"].get("entity_id") == entity_id
    ]
    in_metronome = [each["id"] for each in metronome_customers]
    in_stripe = [each["id"] for each in stripe_customers]
    return _Theirs(
        metronome_customers=metronome_customers,
        stripe_customers=stripe_customers,
        contracts=[row for each in in_metronome for row in await ask.metronome_list("contracts", customer_id=each)],
        credits=[row for each in in_metronome for row in await ask.metronome_list("credits", customer_id=each)],
        invoices=[row for each in in_metronome for row in await ask.metronome_list("invoices", customer_id=each)],
        intents=[row for each in in_stripe for row in await ask.stripe_list("payment_intents", customer=each)],
        charges=[row for each in in_stripe for row in await ask.stripe_list("charges", customer=each)],
        cards=[row for each in in_stripe for row in await ask.stripe_list("payment_methods", customer=each)],
        setup_intents=[row for each in in_stripe for row in await ask.stripe_list("setup_intents", customer=each)],
    )


def _shown(contract: dict[str, Any]) -> str:
    ends = ", ends" if contract["status"] == "active" and contract["end_date"] else ""
    return f"{contract['tier']} {contract['status']}{ends}"


def _sorted(values: Any) -> tuple[Any, ...]:
    return tuple(sorted(tuple(value) if isinstance(value, list) else value for value in values))
