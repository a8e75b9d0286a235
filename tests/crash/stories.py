"""The verbs that are put through the crash matrix: what comes before, what is sent, what must stand in the end.

One more verb is one more entry in `STORIES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.crash.books import Books
from tests.crash.world import Client


@dataclass(frozen=True, slots=True)
class Call:
    """A mutation; the caller's idempotency key goes along."""

    mutation: str
    arguments: Mapping[str, Any]

    def variables(self, entity_id: str) -> dict[str, Any]:
        return {"input": _filled(self.arguments, entity_id)}


@dataclass(frozen=True, slots=True)
class Story:
    """`before` brings the customer to where the verb under test, `call`, begins. `points` must be among those found."""

    verb: str
    before: tuple[Call, ...]
    call: Call
    leaves: Books
    points: frozenset[str]

    async def prepare(self, client: Client, entity_id: str) -> None:
        for call in self.before:
            await client.execute(call.mutation, **call.variables(entity_id))
            await client.operations_ended(entity_id)


def _filled(value: Any, entity_id: str) -> Any:
    """The arguments with `{entity}` replaced, so that a story is data."""
    if isinstance(value, str):
        return value.replace("{entity}", entity_id)
    if isinstance(value, Mapping):
        return {name: _filled(part, entity_id) for name, part in value.items()}
    return value


ONBOARD = """
mutation Onboard($input: OnboardInput!) {
  onboard(input: $input) {
    customer { entityId metronomeCustomerId stripeCustomerId credits { balance } paymentMethods { last4 isDefault } }
    subscription { status tier }
    invoice { status amount { minorUnits currency } }
    payment { status amount { minorUnits } }
    operation { id status }
    warnings { code }
    userErrors { code message }
  }
}
"""

PAID_ONBOARDING = Call(
    ONBOARD,
    {
        "entity": {"id": "{entity}", "type": "USER", "name": "Ada Lovelace", "email": "ada@example.com"},
        "tier": "PRO",
        "paymentMethodId": "pm_card_visa",
        "idempotencyKey": "onboard {entity}",
    },
)

ONBOARDED = Books(
    metronome_customers=1,
    stripe_customers=1,
    contracts=("pro active",),
    grants=(10_000,),
    invoices=((900, "paid"),),
    succeeded_charges=(900,),
    refunded=0,
    cards=1,
    attempts=(
        "attach_payment_method:1",
        "default_payment_method:1",
        "metronome_contract:1",
        "metronome_credits:1",
        "metronome_customer:1",
        "metronome_invoice:1",
        "metronome_invoice_paid:1",
        "payment_1:1",
        "stripe_customer:1",
    ),
    subscriptions=(("PRO", "ACTIVE"),),
    credit_balance=10_000,
    ledger=(10_000,),
    our_invoices=((900, "PAID"),),
    payments=((900, "SUCCEEDED"),),
    operations=(("ONBOARD", "SUCCEEDED"),),
    unsettled_effects=0,
    agree=True,
)

EDGES = ("before_call", "after_call", "in_commit", "after_commit")


def _edges(*effects: str) -> frozenset[str]:
    """Around each call to a provider, and around the commit of its answer."""
    return frozenset(f"{effect}.{edge}" for effect in effects for edge in EDGES)


def _boundaries(*steps: str) -> frozenset[str]:
    """Around what the engine records of each step."""
    return frozenset(f"{step}.{edge}" for step in steps for edge in ("begins", "ends"))


ONBOARD_STORY = Story(
    verb="onboard",
    before=(),
    call=PAID_ONBOARDING,
    leaves=ONBOARDED,
    points=_edges(*(attempt.removesuffix(":1") for attempt in ONBOARDED.attempts))
    | _boundaries(
        "create_customers",
        "open_contract_and_attach_card",
        "grant_credits_and_invoice",
        "collect_first_invoice",
        "report_payment",
        "activate",
    )
    | {"onboard.accepted", "operation.started", "onboard.activated", "operation.last_step_recorded"},
)

STORIES = {story.verb: story for story in (ONBOARD_STORY,)}
