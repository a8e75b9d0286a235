"""The verbs that are put through the crash matrix: what comes before, what is sent, what must stand in the end.

One more verb is one more entry in `STORIES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.crash.books import Books
from tests.crash.world import Client


@dataclass(frozen=True, slots=True)
class Call:
    """A mutation; the caller's idempotency key goes along. `{invoice}` and `{payment}` are the customer's only ones."""

    mutation: str
    arguments: Mapping[str, Any]

    def variables(self, entity_id: str, **names: str) -> dict[str, Any]:
        return {"input": _filled(self.arguments, {"entity": entity_id, **names})}

    async def looked_up(self, client: Client, entity_id: str) -> dict[str, Any]:
        """The same, with the ids that only the service knows."""
        names_ids = any(name in str(self.arguments) for name in ("{invoice}", "{payment}"))
        return self.variables(entity_id, **(await _bill(client, entity_id) if names_ids else {}))


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
            await client.execute(call.mutation, **await call.looked_up(client, entity_id))
            await client.operations_ended(entity_id)


BILL = "query Bill($entityId: String!) { invoices(entityId: $entityId) { nodes { id payments { id } } } }"


async def _bill(client: Client, entity_id: str) -> dict[str, str]:
    [invoice] = (await client.execute(BILL, entityId=entity_id))["invoices"]["nodes"]
    payments = invoice["payments"]
    return {"invoice": invoice["id"], "payment": payments[0]["id"] if payments else ""}


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    """The arguments with `{entity}` and such replaced, so that a story is data."""
    if isinstance(value, str):
        for name, stands_for in names.items():
            value = value.replace(f"{{{name}}}", stands_for)
        return value
    if isinstance(value, Mapping):
        return {name: _filled(part, names) for name, part in value.items()}
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

ANSWER = "payment { id status refundedAmount { minorUnits } } operation { id status } userErrors { code message }"


def _mutation(name: str, answer: str = ANSWER) -> str:
    kind = name[0].upper() + name[1:]
    return f"mutation {kind}($input: {kind}Input!) {{ {name}(input: $input) {{ {answer} }} }}"


WITHOUT_A_CARD = Call(
    ONBOARD, {name: value for name, value in PAID_ONBOARDING.arguments.items() if "Method" not in name}
)

ATTACH = Call(
    _mutation("attachPaymentMethod"),
    {"entityId": "{entity}", "paymentMethodId": "pm_card_visa", "idempotencyKey": "attach {entity}"},
)


def _after(books: Books, *kinds: str, attempts: tuple[str, ...] = ()) -> Books:
    operations = [*books.operations, *((kind, "SUCCEEDED") for kind in kinds)]
    return replace(books, operations=tuple(sorted(operations)), attempts=tuple(sorted({*books.attempts, *attempts})))


PAY_STORY = Story(
    verb="payInvoice",
    before=(WITHOUT_A_CARD, ATTACH),
    call=Call(_mutation("payInvoice"), {"invoiceId": "{invoice}", "idempotencyKey": "pay {entity}"}),
    leaves=_after(ONBOARDED, "ATTACH_PAYMENT_METHOD", "COLLECT"),
    points=_edges("payment_1", "metronome_invoice_paid")
    | _boundaries("take_payment", "report_payment", "give_up_at_last", "conclude")
    | {"collect.accepted"},
)

REFUND_STORY = Story(
    verb="refundPayment",
    before=(PAID_ONBOARDING,),
    call=Call(
        _mutation("refundPayment"),
        {"paymentId": "{payment}", "amount": {"minorUnits": 300}, "idempotencyKey": "refund {entity}"},
    ),
    leaves=replace(_after(ONBOARDED, "REFUND", attempts=("refund:1",)), refunded=300),
    points=_edges("refund") | _boundaries("send_refund", "conclude_refund") | {"refund.accepted"},
)

GRANT_STORY = Story(
    verb="grantCredits",
    before=(PAID_ONBOARDING,),
    call=Call(_mutation("grantCredits"), {"entityId": "{entity}", "amount": 500, "idempotencyKey": "grant {entity}"}),
    leaves=replace(
        _after(ONBOARDED, "GRANT_CREDITS"), grants=(500, 10_000), ledger=(500, 10_000), credit_balance=10_500
    ),
    points=_edges("metronome_credits") | _boundaries("post_grant", "conclude_grant") | {"grant_credits.accepted"},
)

ATTACH_STORY = Story(
    verb="attachPaymentMethod",
    before=(PAID_ONBOARDING,),
    call=ATTACH,
    leaves=replace(_after(ONBOARDED, "ATTACH_PAYMENT_METHOD"), cards=2),
    points=_edges("attach_payment_method", "default_payment_method")
    | _boundaries("attach_card", "set_attached_default", "conclude_card")
    | {"attach_payment_method.accepted"},
)

UPGRADE_STORY = Story(
    verb="changeTier",
    before=(PAID_ONBOARDING,),
    call=Call(_mutation("changeTier"), {"entityId": "{entity}", "tier": "TEAM", "idempotencyKey": "change {entity}"}),
    # On the day it began, so for the whole period.
    leaves=replace(
        _after(ONBOARDED, "CHANGE_TIER"),
        contracts=("pro cancelled", "team active"),
        grants=(10_000, 40_000),
        invoices=((900, "paid"), (2_000, "paid")),
        succeeded_charges=(900, 2_000),
        subscriptions=(("TEAM", "ACTIVE"),),
        credit_balance=50_000,
        ledger=(10_000, 40_000),
        our_invoices=((900, "PAID"), (2_000, "PAID")),
        payments=((900, "SUCCEEDED"), (2_000, "SUCCEEDED")),
    ),
    points=_edges("payment_1", "metronome_contract", "metronome_credits", "metronome_invoice", "metronome_invoice_paid")
    | _boundaries(
        "collect_change",
        "swap_contract",
        "adjust_credits",
        "issue_change_invoice",
        "report_change_payment",
        "apply_change",
    )
    | {"change_tier.accepted"},
)

DOWNGRADE_STORY = Story(
    verb="changeTierDown",
    before=(PAID_ONBOARDING,),
    call=Call(_mutation("changeTier"), {"entityId": "{entity}", "tier": "FREE", "idempotencyKey": "change {entity}"}),
    leaves=replace(
        _after(ONBOARDED, "CHANGE_TIER"),
        contracts=("free active", "pro cancelled"),
        grants=(-9_000, 10_000),
        subscriptions=(("FREE", "ACTIVE"),),
        credit_balance=1_000,
        ledger=(-9_000, 10_000),
    ),
    points=_edges("metronome_contract", "metronome_credits")
    | _boundaries("swap_contract", "adjust_credits", "apply_change")
    | {"change_tier.accepted"},
)

SCHEDULE_STORY = Story(
    verb="scheduleChange",
    before=(PAID_ONBOARDING,),
    call=Call(
        _mutation("changeTier"),
        {
            "entityId": "{entity}",
            "tier": "FREE",
            "effective": "AT_PERIOD_END",
            "idempotencyKey": "change {entity}",
        },
    ),
    leaves=_after(ONBOARDED, "SCHEDULE_CHANGE", attempts=("metronome_contract_end:1",)),
    points=_edges("metronome_contract_end")
    | _boundaries("end_old_contract", "write_schedule")
    | {"schedule_change.accepted"},
)

WITHDRAW_STORY = Story(
    verb="withdrawScheduledChange",
    before=(PAID_ONBOARDING, SCHEDULE_STORY.call),
    call=Call(_mutation("withdrawScheduledChange"), {"entityId": "{entity}", "idempotencyKey": "withdraw {entity}"}),
    leaves=_after(ONBOARDED, "SCHEDULE_CHANGE", "WITHDRAW_CHANGE", attempts=("metronome_contract_end:1",)),
    points=_edges("metronome_contract_end")
    | _boundaries("renew_again", "clear_schedule")
    | {"withdraw_change.accepted"},
)

CANCEL_STORY = Story(
    verb="cancel",
    before=(PAID_ONBOARDING,),
    call=Call(
        _mutation("cancel"),
        {"entityId": "{entity}", "effective": "IMMEDIATELY", "idempotencyKey": "cancel {entity}"},
    ),
    leaves=replace(
        _after(ONBOARDED, "CANCEL", attempts=("metronome_contract_cancelled:1",)),
        contracts=("pro cancelled",),
        subscriptions=(("PRO", "CANCELLED"),),
        credit_balance=0,
        ledger=(-10_000, 10_000),
    ),
    points=_edges("metronome_contract_cancelled")
    | _boundaries("end_contract", "apply_cancellation")
    | {"cancel.accepted"},
)

REACTIVATE_STORY = Story(
    verb="reactivate",
    before=(PAID_ONBOARDING, CANCEL_STORY.call),
    call=Call(_mutation("reactivate"), {"entityId": "{entity}", "idempotencyKey": "reactivate {entity}"}),
    # What the cancellation credited pays the new first invoice.
    leaves=replace(
        _after(CANCEL_STORY.leaves, "REACTIVATE"),
        contracts=("pro active", "pro cancelled"),
        grants=(10_000, 10_000),
        invoices=((900, "paid"), (900, "paid")),
        subscriptions=(("PRO", "ACTIVE"), ("PRO", "CANCELLED")),
        credit_balance=10_000,
        ledger=(-10_000, 10_000, 10_000),
        our_invoices=((900, "PAID"), (900, "PAID")),
    ),
    points=_edges("metronome_contract", "metronome_credits", "metronome_invoice", "metronome_invoice_paid")
    | {"reactivate.accepted"},
)

STORIES = {
    story.verb: story
    for story in (
        ONBOARD_STORY,
        UPGRADE_STORY,
        DOWNGRADE_STORY,
        SCHEDULE_STORY,
        WITHDRAW_STORY,
        CANCEL_STORY,
        REACTIVATE_STORY,
        PAY_STORY,
        REFUND_STORY,
        GRANT_STORY,
        ATTACH_STORY,
    )
}
