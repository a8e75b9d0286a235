"""What comes about unasked: time passes, the engine acts, a payer does. One more is one more entry in `UNASKED`."""

from dataclasses import replace
from datetime import timedelta

from tests.crash.acts import Call, Meanwhile, Story, boundaries, edges, handled
from tests.crash.beginnings import (
    ATTACH,
    DECLINING_CARD,
    ON_FREE,
    ONBOARDED,
    PAID_ONBOARDING,
    SECURE_CARD,
    after,
    mutation,
    onboarding,
)
from tests.crash.books import Books
from tests.crash.plans import CANCEL_LATER_STORY, CHANGED_TO_PRO, WAITING_FOR_PAYER

# The service hears of what it did itself, so that what follows is all there is to hear of.
ECHOES = Meanwhile()
AN_HOUR_INTO_THE_NEXT_PERIOD = Meanwhile(to_period_end=True, passes=timedelta(hours=1))

RENEWED = handled("contract.updated", "invoice.created", "credit.expired", "credit.applied")

RENEW_STORY = Story(
    verb="renewal",
    before=(PAID_ONBOARDING, ECHOES),
    act=AN_HOUR_INTO_THE_NEXT_PERIOD,
    leaves=replace(
        after(ONBOARDED, "RENEW"),
        grants=(10_000, 10_000),
        invoices=((900, "paid"), (900, "paid")),
        succeeded_charges=(900, 900),
        ledger=(-10_000, 10_000, 10_000),
        our_invoices=((900, "PAID"), (900, "PAID")),
        payments=((900, "SUCCEEDED"), (900, "SUCCEEDED")),
    ),
    points=RENEWED
    | edges("payment_1", "metronome_invoice_paid")
    | boundaries("work_in_renewal", "collect_renewal", "report_renewal", "go_on"),
)

DECLINED_RENEWAL_STORY = Story(
    verb="renewalDeclined",
    before=(
        PAID_ONBOARDING,
        Call(ATTACH.mutation, {**ATTACH.arguments, "paymentMethodId": DECLINING_CARD}),
        ECHOES,
    ),
    act=AN_HOUR_INTO_THE_NEXT_PERIOD,
    leaves=replace(
        after(ONBOARDED, "ATTACH_PAYMENT_METHOD", "RENEW", attempts=("metronome_invoice_failed:1",)),
        cards=2,
        grants=(10_000, 10_000),
        invoices=((900, "open"), (900, "paid")),
        subscriptions=(("PRO", "PAST_DUE"),),
        ledger=(-10_000, 10_000, 10_000),
        our_invoices=((900, "OPEN"), (900, "PAID")),
        payments=((900, "FAILED"), (900, "SUCCEEDED")),
    ),
    points=frozenset(f"payment_1.{edge}" for edge in ("before_call", "in_commit", "after_commit"))
    | edges("metronome_invoice_failed"),
)

A_DAY_AND_A_BIT = timedelta(days=1, minutes=5)

UNPAID = replace(
    ONBOARDED,
    invoices=((900, "open"),),
    succeeded_charges=(),
    attempts=tuple(
        sorted({*ONBOARDED.attempts, "metronome_invoice_failed:1"} - {"metronome_invoice_paid:1"}),
    ),
    subscriptions=(("PRO", "PAST_DUE"),),
    our_invoices=((900, "OPEN"),),
    payments=((900, "FAILED"),),
)


def _tried(times: int) -> Books:
    """How an invoice stands that was declined at the onboarding, and so often since."""
    sent = {f"close_payment_{number}:1" for number in range(1, times + 1)}
    sent |= {f"payment_{number}:1" for number in range(2, times + 2)}
    return replace(
        UNPAID,
        attempts=tuple(sorted({*UNPAID.attempts, *sent})),
        payments=((900, "FAILED"),) * (times + 1),
        operations=(("COLLECT", "FAILED"),) * times + (("ONBOARD", "SUCCEEDED"),),
    )


DUNNING_STORY = Story(
    verb="dunning",
    before=(onboarding(tier="PRO", card=DECLINING_CARD), ECHOES),
    act=Meanwhile(passes=A_DAY_AND_A_BIT),
    leaves=_tried(1),
    points=edges("close_payment_1", "metronome_invoice_failed")
    | frozenset(f"payment_2.{edge}" for edge in ("before_call", "in_commit", "after_commit"))
    | boundaries("take_payment", "report_payment", "give_up_at_last", "conclude")
    | {"collect.accepted"},
)

GIVING_UP_STORY = Story(
    verb="dunningGivesUp",
    # Tries that are late follow each other day by day.
    before=(
        onboarding(tier="PRO", card=DECLINING_CARD),
        Meanwhile(passes=timedelta(days=8)),
        Meanwhile(passes=A_DAY_AND_A_BIT),
        Meanwhile(passes=A_DAY_AND_A_BIT),
    ),
    act=Meanwhile(passes=A_DAY_AND_A_BIT),
    leaves=replace(
        after(_tried(4), attempts=("metronome_contract_cancelled:1", "metronome_invoice_uncollectible:1")),
        contracts=("pro cancelled",),
        invoices=((900, "uncollectible"),),
        subscriptions=(("PRO", "EXPIRED"),),
        credit_balance=0,
        ledger=(-10_000, 10_000),
        our_invoices=((900, "UNCOLLECTIBLE"),),
    ),
    points=edges("metronome_contract_cancelled", "metronome_invoice_uncollectible")
    | boundaries("take_payment", "report_payment", "give_up_at_last", "conclude"),
)

END_STORY = Story(
    verb="cancelledAtItsEnd",
    before=(PAID_ONBOARDING, CANCEL_LATER_STORY.act, ECHOES),
    act=AN_HOUR_INTO_THE_NEXT_PERIOD,
    leaves=replace(
        after(ONBOARDED, "CANCEL", "END", attempts=("metronome_contract_cancelled:1",)),
        contracts=("pro cancelled",),
        subscriptions=(("PRO", "CANCELLED"),),
        credit_balance=0,
        ledger=(-10_000, 10_000),
    ),
    points=handled("contract.cancelled", "credit.expired") | boundaries("follow_or_end"),
)

SCHEDULED_STORY = Story(
    verb="scheduledChangeTakesOver",
    before=(
        PAID_ONBOARDING,
        Call(
            mutation("changeTier"),
            {"entityId": "{entity}", "tier": "TEAM", "effective": "AT_PERIOD_END", "idempotencyKey": "later {entity}"},
        ),
        ECHOES,
    ),
    act=AN_HOUR_INTO_THE_NEXT_PERIOD,
    leaves=replace(
        after(ONBOARDED, "SCHEDULE_CHANGE", "END", attempts=("metronome_contract_end:1",)),
        contracts=("pro expired", "team active"),
        grants=(10_000, 50_000),
        invoices=((900, "paid"), (2_900, "paid")),
        succeeded_charges=(900, 2_900),
        subscriptions=(("TEAM", "ACTIVE"),),
        credit_balance=50_000,
        ledger=(-10_000, 10_000, 50_000),
        our_invoices=((900, "PAID"), (2_900, "PAID")),
        payments=((900, "SUCCEEDED"), (2_900, "SUCCEEDED")),
    ),
    points=handled("contract.updated", "credit.expired")
    | edges("metronome_contract", "metronome_credits", "metronome_invoice", "payment_1", "metronome_invoice_paid")
    | boundaries("follow_or_end", "take_over_plan", "grant_new_month", "invoice_new_period", "collect_new_period"),
)

PAID_LATER_STORY = Story(
    verb="paymentSettledLater",
    before=(onboarding(tier="PRO", card=SECURE_CARD), ECHOES),
    act=Meanwhile(payer="success"),
    leaves=after(ONBOARDED, "SETTLE_PAYMENT"),
    points=handled("payment_intent.succeeded")
    | edges("metronome_invoice_paid")
    | boundaries("close_what_is_open", "report_settled_payment", "give_back_payment", "finish_settling"),
)

PAID_OTHERWISE_STORY = Story(
    verb="paidByBankTransfer",
    before=(onboarding(tier="PRO", card=SECURE_CARD), ECHOES),
    act=Meanwhile(bank_transfer=True),
    leaves=replace(
        after(ONBOARDED, "SETTLE_PAYMENT"),
        succeeded_charges=(),
        attempts=tuple(sorted({*ONBOARDED.attempts, "close_payment_1:1"} - {"metronome_invoice_paid:1"})),
        payments=((900, "CANCELLED"),),
    ),
    points=handled("invoice.paid") | edges("close_payment_1") | boundaries("close_what_is_open", "finish_settling"),
)

CHANGE_PAID_LATER_STORY = Story(
    verb="changeResumedByEvent",
    before=(*WAITING_FOR_PAYER, ECHOES),
    act=Meanwhile(payer="success"),
    leaves=CHANGED_TO_PRO,
    points=handled("payment_intent.succeeded")
    | edges("metronome_contract", "metronome_credits", "metronome_invoice", "metronome_invoice_paid")
    | boundaries("collect_change", "swap_contract", "apply_change"),
)

CHANGE_NEVER_PAID_STORY = Story(
    verb="changeExpires",
    before=(*WAITING_FOR_PAYER, ECHOES),
    act=Meanwhile(passes=timedelta(hours=2)),
    leaves=replace(
        ON_FREE,
        attempts=tuple(sorted((*ON_FREE.attempts, "payment_1:1", "close_payment_1:1"))),
        our_invoices=((900, "VOID"),),
        payments=((900, "CANCELLED"),),
        operations=(("CHANGE_TIER", "FAILED"), ("ONBOARD", "SUCCEEDED")),
    ),
    points=edges("close_payment_1") | boundaries("collect_change"),
)

UNASKED = (
    RENEW_STORY,
    DECLINED_RENEWAL_STORY,
    DUNNING_STORY,
    GIVING_UP_STORY,
    END_STORY,
    SCHEDULED_STORY,
    PAID_LATER_STORY,
    PAID_OTHERWISE_STORY,
    CHANGE_PAID_LATER_STORY,
    CHANGE_NEVER_PAID_STORY,
)
