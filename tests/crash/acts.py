"""What a story is made of: requests to the service, and what happens elsewhere while it is not asked."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import httpx

from tests.crash.books import Books
from tests.crash.world import Client, World

# Younger events are held to be on their way, and are not asked for.
UNTIL_OLD_ENOUGH = timedelta(minutes=5)

FIRST_OF_ALL = {
    "invoice": "SELECT t.id FROM invoice t JOIN customer c ON c.id = t.customer_id WHERE c.entity_id = $1",
    "payment": "SELECT t.id FROM payment t JOIN customer c ON c.id = t.customer_id WHERE c.entity_id = $1 "
    "ORDER BY t.created_at LIMIT 1",
    "card": "SELECT t.id FROM payment_method t JOIN customer c ON c.id = t.customer_id WHERE c.entity_id = $1 "
    "ORDER BY t.attached_at LIMIT 1",
}
WAITING_PAYMENT = (
    "SELECT t.stripe_payment_intent_id FROM payment t JOIN customer c ON c.id = t.customer_id "
    "WHERE c.entity_id = $1 AND t.status = 'REQUIRES_ACTION'"
)
INVOICE_AT_METRONOME = (
    "SELECT t.metronome_invoice_id FROM invoice t JOIN customer c ON c.id = t.customer_id WHERE c.entity_id = $1"
)
PERIOD_END = (
    "SELECT t.period_end FROM subscription t JOIN customer c ON c.id = t.customer_id "
    "WHERE c.entity_id = $1 AND t.is_current"
)


@dataclass(frozen=True, slots=True)
class Call:
    """A mutation; the caller's idempotency key goes along.

    `{entity}` is the customer, `{invoice}` its only one, `{payment}` and `{card}` its first ones.
    """

    mutation: str
    arguments: Mapping[str, Any]

    def variables(self, entity_id: str, **names: str) -> dict[str, Any]:
        return {"input": _filled(self.arguments, {"entity": entity_id, **names})}

    async def looked_up(self, world: World, entity_id: str) -> dict[str, Any]:
        """The same, with the ids that only the service knows."""
        names = {}
        for name, statement in FIRST_OF_ALL.items():
            if f"{{{name}}}" in str(self.arguments):
                [[names[name]]] = await world.rows(statement, entity_id)
        return self.variables(entity_id, **names)

    async def execute(self, world: World, client: Client, entity_id: str) -> dict[str, Any]:
        return await client.execute(self.mutation, **await self.looked_up(world, entity_id))

    async def send(self, world: World, client: Client, entity_id: str) -> None:
        """Whether there is an answer depends on when it is killed."""
        with suppress(httpx.TransportError):
            await self.execute(world, client, entity_id)


@dataclass(frozen=True, slots=True)
class Refused:
    """What a provider says no to: so many times, or always. A request that is sent again is refused again."""

    provider: Literal["metronome", "stripe"]
    path: str
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What happens while nothing is asked: time passes, a payer acts. The service finds out by itself.

    It is down meanwhile, and reads what it missed from the providers' lists of events when it starts.
    """

    passes: timedelta = UNTIL_OLD_ENOUGH
    to_period_end: bool = False
    payer: Literal["success", "failure"] | None = None
    bank_transfer: bool = False
    """It pays the customer's only invoice, as somebody tells Metronome."""
    refused: Refused | None = None
    """From now on; nothing else is any more."""

    async def happen(self, world: World, entity_id: str) -> None:
        await world.providers.clear_faults()
        if self.refused is not None:
            await world.providers.refuse(self.refused.provider, self.refused.path, times=self.refused.times)
        if self.payer is not None:
            [[intent_id]] = await world.rows(WAITING_PAYMENT, entity_id)
            await world.providers.authenticate(str(intent_id), outcome=self.payer)
        if self.bank_transfer:
            [[invoice_id]] = await world.rows(INVOICE_AT_METRONOME, entity_id)
            await world.providers.pay_by_bank_transfer(str(invoice_id))
        if self.to_period_end:
            [[period_end]] = await world.rows(PERIOD_END, entity_id)
            await world.providers.let_pass_to(str(period_end))
        await world.time_passes(self.passes)


Act = Call | Meanwhile


@dataclass(frozen=True, slots=True)
class Story:
    """`before` brings the customer to where the verb under test, `act`, begins. `points` must be among those found."""

    verb: str
    before: tuple[Act, ...]
    act: Act
    leaves: Books
    points: frozenset[str]
    answer: str = "SUCCEEDED"
    """The status of the operation that answers, when the act is a call."""


EDGES = ("before_call", "after_call", "in_commit", "after_commit")


def edges(*effects: str) -> frozenset[str]:
    """Around each call to a provider, and around the commit of its answer."""
    return frozenset(f"{effect}.{edge}" for effect in effects for edge in EDGES)


def boundaries(*steps: str) -> frozenset[str]:
    """Around what the engine records of each step."""
    return frozenset(f"{step}.{edge}" for step in steps for edge in ("begins", "ends"))


def handled(*events: str) -> frozenset[str]:
    """Around the commit of what a provider's event comes to."""
    return frozenset(f"{event}.{edge}" for event in events for edge in ("claimed", "before_commit", "after_commit"))


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    """The arguments with `{entity}` and such replaced, so that a story is data."""
    if isinstance(value, str):
        for name, stands_for in names.items():
            value = value.replace(f"{{{name}}}", stands_for)
        return value
    if isinstance(value, Mapping):
        return {name: _filled(part, names) for name, part in value.items()}
    return value
