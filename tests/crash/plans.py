"""The verbs that put a customer on a plan, or off it. One more is one more entry in `PLANS`."""

from dataclasses import replace

from tests.crash.acts import Call, Story, boundaries, edges
from tests.crash.beginnings import (
    DECLINING_CARD,
    ON_FREE,
    ONBOARDED,
    PAID_ONBOARDING,
    SECURE_CARD,
    after,
    mutation,
    onboarding,
)

ONBOARD_STORY = Story(
    verb="onboard",
    before=(),
    act=PAID_ONBOARDING,
    leaves=ONBOARDED,
    points=edges(*(attempt.removesuffix(":1") for attempt in ONBOARDED.attempts))
    | boundaries(
        "create_customers",
        "open_contract_and_attach_card",
        "grant_credits_and_invoice",
        "collect_first_invoice",
        "report_payment",
        "activate",
    )
    | {"onboard.accepted", "operation.started", "onboard.activated", "operation.last_step_recorded"},
)

UPGRADE_STORY = Story(
    verb="changeTier",
    before=(PAID_ONBOARDING,),
    act=Call(mutation("changeTier"), {"entityId": "{entity}", "tier": "TEAM", "idempotencyKey": "change {entity}"}),
    # On the day it began, so for the whole period.
    leaves=replace(
        after(ONBOARDED, "CHANGE_TIER"),
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
    points=edges("payment_1", "metronome_contract", "metronome_credits", "metronome_invoice", "metronome_invoice_paid")
    | boundaries(
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
    act=Call(mutation("changeTier"), {"entityId": "{entity}", "tier": "FREE", "idempotencyKey": "change {entity}"}),
    leaves=replace(
        after(ONBOARDED, "CHANGE_TIER"),
        contracts=("free active", "pro cancelled"),
        grants=(-9_000, 10_000),
        subscriptions=(("FREE", "ACTIVE"),),
        account_balance=900,
        credit_balance=1_000,
        ledger=(-9_000, 10_000),
    ),
    points=edges("metronome_contract", "metronome_credits")
    | boundaries("swap_contract", "adjust_credits", "apply_change")
    | {"change_tier.accepted"},
)

TO_PRO = Call(mutation("changeTier"), {"entityId": "{entity}", "tier": "PRO", "idempotencyKey": "change {entity}"})

DECLINED_CHANGE_STORY = Story(
    verb="changeTierDeclined",
    before=(onboarding(tier="FREE", card=DECLINING_CARD),),
    act=TO_PRO,
    leaves=replace(
        ON_FREE,
        attempts=tuple(sorted((*ON_FREE.attempts, "payment_1:1", "close_payment_1:1"))),
        our_invoices=((900, "VOID"),),
        payments=((900, "FAILED"),),
        operations=(("CHANGE_TIER", "FAILED"), ("ONBOARD", "SUCCEEDED")),
    ),
    points=frozenset(f"payment_1.{edge}" for edge in ("before_call", "in_commit", "after_commit"))
    | edges("close_payment_1")
    | {"change_tier.accepted", "collect_change.ends"},
    answer="FAILED",
)

# A change that waits for its payer keeps its place until the payer has confirmed.
WAITING_FOR_PAYER = (onboarding(tier="FREE", card=SECURE_CARD), TO_PRO)

CHANGED_TO_PRO = replace(
    ONBOARDED,
    contracts=("free cancelled", "pro active"),
    grants=(1_000, 9_000),
    ledger=(1_000, 9_000),
    operations=(("CHANGE_TIER", "SUCCEEDED"), ("ONBOARD", "SUCCEEDED")),
)

SCHEDULE_STORY = Story(
    verb="scheduleChange",
    before=(PAID_ONBOARDING,),
    act=Call(
        mutation("changeTier"),
        {
            "entityId": "{entity}",
            "tier": "FREE",
            "effective": "AT_PERIOD_END",
            "idempotencyKey": "change {entity}",
        },
    ),
    leaves=replace(
        after(ONBOARDED, "SCHEDULE_CHANGE", attempts=("metronome_contract_end:1",)),
        contracts=("pro active, ends",),
        scheduled="FREE",
    ),
    points=edges("metronome_contract_end")
    | boundaries("end_old_contract", "write_schedule")
    | {"schedule_change.accepted"},
)

WITHDRAW_STORY = Story(
    verb="withdrawScheduledChange",
    before=(PAID_ONBOARDING, SCHEDULE_STORY.act),
    act=Call(mutation("withdrawScheduledChange"), {"entityId": "{entity}", "idempotencyKey": "withdraw {entity}"}),
    leaves=after(ONBOARDED, "SCHEDULE_CHANGE", "WITHDRAW_CHANGE", attempts=("metronome_contract_end:1",)),
    points=edges("metronome_contract_end") | boundaries("renew_again", "clear_schedule") | {"withdraw_change.accepted"},
)

CANCEL_STORY = Story(
    verb="cancel",
    before=(PAID_ONBOARDING,),
    act=Call(
        mutation("cancel"),
        {"entityId": "{entity}", "effective": "IMMEDIATELY", "idempotencyKey": "cancel {entity}"},
    ),
    leaves=replace(
        after(ONBOARDED, "CANCEL", attempts=("metronome_contract_cancelled:1",)),
        contracts=("pro cancelled",),
        subscriptions=(("PRO", "CANCELLED"),),
        account_balance=900,
        credit_balance=0,
        ledger=(-10_000, 10_000),
    ),
    points=edges("metronome_contract_cancelled")
    | boundaries("end_contract", "apply_cancellation")
    | {"cancel.accepted"},
)

CANCEL_LATER_STORY = Story(
    verb="cancelAtPeriodEnd",
    before=(PAID_ONBOARDING,),
    act=Call(mutation("cancel"), {"entityId": "{entity}", "idempotencyKey": "cancel {entity}"}),
    leaves=replace(
        after(ONBOARDED, "CANCEL", attempts=("metronome_contract_cancelled:1",)),
        contracts=("pro active, ends",),
        scheduled="END",
    ),
    points=edges("metronome_contract_cancelled")
    | boundaries("end_contract", "apply_cancellation")
    | {"cancel.accepted"},
)

REACTIVATE_STORY = Story(
    verb="reactivate",
    before=(PAID_ONBOARDING, CANCEL_STORY.act),
    act=Call(mutation("reactivate"), {"entityId": "{entity}", "idempotencyKey": "reactivate {entity}"}),
    # What the cancellation credited pays the new first invoice.
    leaves=replace(
        after(CANCEL_STORY.leaves, "REACTIVATE"),
        contracts=("pro active", "pro cancelled"),
        grants=(10_000, 10_000),
        invoices=((900, "paid"), (900, "paid")),
        subscriptions=(("PRO", "ACTIVE"), ("PRO", "CANCELLED")),
        account_balance=0,
        credit_balance=10_000,
        ledger=(-10_000, 10_000, 10_000),
        our_invoices=((900, "PAID"), (900, "PAID")),
    ),
    points=edges("metronome_contract", "metronome_credits", "metronome_invoice", "metronome_invoice_paid")
    | {"reactivate.accepted"},
)

STAY_STORY = Story(
    verb="reactivateBeforeTheEnd",
    before=(PAID_ONBOARDING, CANCEL_LATER_STORY.act),
    act=REACTIVATE_STORY.act,
    leaves=after(
        ONBOARDED, "CANCEL", "REACTIVATE", attempts=("metronome_contract_cancelled:1", "metronome_contract_end:1")
    ),
    points=edges("metronome_contract_end") | {"reactivate.accepted"},
)

PLANS = (
    ONBOARD_STORY,
    UPGRADE_STORY,
    DOWNGRADE_STORY,
    DECLINED_CHANGE_STORY,
    SCHEDULE_STORY,
    WITHDRAW_STORY,
    CANCEL_STORY,
    CANCEL_LATER_STORY,
    REACTIVATE_STORY,
    STAY_STORY,
)
