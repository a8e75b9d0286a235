"""The verbs of money, credits and cards. One more is one more entry in `PAYMENTS`."""

from dataclasses import replace
from datetime import timedelta

from tests.crash.acts import Call, Meanwhile, Story, boundaries, edges
from tests.crash.beginnings import (
    ATTACH,
    ONBOARDED,
    PAID_ONBOARDING,
    SECURE_CARD,
    WITHOUT_A_CARD,
    after,
    mutation,
    onboarding,
)
from tests.crash.plans import CHANGED_TO_PRO, WAITING_FOR_PAYER

PAY_STORY = Story(
    verb="payInvoice",
    before=(WITHOUT_A_CARD, ATTACH),
    act=Call(mutation("payInvoice"), {"invoiceId": "{invoice}", "idempotencyKey": "pay {entity}"}),
    leaves=after(ONBOARDED, "ATTACH_PAYMENT_METHOD", "COLLECT"),
    points=edges("payment_1", "metronome_invoice_paid")
    | boundaries("take_payment", "report_payment", "give_up_at_last", "conclude")
    | {"collect.accepted"},
)

PAYER_CONFIRMED = Meanwhile(passes=timedelta(0), payer="success")

CONFIRM = Call(mutation("confirmPayment"), {"paymentId": "{payment}", "idempotencyKey": "confirm {entity}"})

CONFIRM_STORY = Story(
    verb="confirmPayment",
    before=(onboarding(tier="PRO", card=SECURE_CARD), PAYER_CONFIRMED),
    act=CONFIRM,
    leaves=after(ONBOARDED, "COLLECT"),
    points=edges("read_payment_1", "metronome_invoice_paid")
    | boundaries("take_payment", "report_payment", "give_up_at_last", "conclude")
    | {"collect.accepted"},
)

CONFIRM_CHANGE_STORY = Story(
    verb="confirmPaymentOfChange",
    before=(*WAITING_FOR_PAYER, PAYER_CONFIRMED),
    act=CONFIRM,
    leaves=CHANGED_TO_PRO,
    points=edges("metronome_contract", "metronome_credits", "metronome_invoice", "metronome_invoice_paid")
    | boundaries("collect_change", "swap_contract", "apply_change"),
)

REFUND_STORY = Story(
    verb="refundPayment",
    before=(PAID_ONBOARDING,),
    act=Call(
        mutation("refundPayment"),
        {"paymentId": "{payment}", "amount": {"minorUnits": 300}, "idempotencyKey": "refund {entity}"},
    ),
    leaves=replace(after(ONBOARDED, "REFUND", attempts=("refund:1",)), refunded=300),
    points=edges("refund") | boundaries("send_refund", "conclude_refund") | {"refund.accepted"},
)

GRANT_STORY = Story(
    verb="grantCredits",
    before=(PAID_ONBOARDING,),
    act=Call(mutation("grantCredits"), {"entityId": "{entity}", "amount": 500, "idempotencyKey": "grant {entity}"}),
    leaves=replace(
        after(ONBOARDED, "GRANT_CREDITS"), grants=(500, 10_000), ledger=(500, 10_000), credit_balance=10_500
    ),
    points=edges("metronome_credits") | boundaries("post_grant", "conclude_grant") | {"grant_credits.accepted"},
)

ATTACH_STORY = Story(
    verb="attachPaymentMethod",
    before=(PAID_ONBOARDING,),
    act=ATTACH,
    leaves=replace(after(ONBOARDED, "ATTACH_PAYMENT_METHOD"), cards=2),
    points=edges("attach_payment_method", "default_payment_method")
    | boundaries("attach_card", "set_attached_default", "conclude_card")
    | {"attach_payment_method.accepted"},
)

SET_DEFAULT_STORY = Story(
    verb="setDefaultPaymentMethod",
    before=(PAID_ONBOARDING, ATTACH),
    act=Call(
        mutation("setDefaultPaymentMethod"),
        {"entityId": "{entity}", "paymentMethodId": "{card}", "idempotencyKey": "default {entity}"},
    ),
    leaves=replace(after(ONBOARDED, "ATTACH_PAYMENT_METHOD", "SET_DEFAULT_PAYMENT_METHOD"), cards=2),
    points=edges("default_payment_method")
    | boundaries("set_default", "conclude_card")
    | {"set_default_payment_method.accepted"},
)

DETACH_STORY = Story(
    verb="detachPaymentMethod",
    before=(PAID_ONBOARDING,),
    act=Call(
        mutation("detachPaymentMethod"),
        {"entityId": "{entity}", "paymentMethodId": "{card}", "idempotencyKey": "detach {entity}"},
    ),
    leaves=replace(after(ONBOARDED, "DETACH_PAYMENT_METHOD", attempts=("detach_payment_method:1",)), cards=0),
    points=edges("detach_payment_method")
    | boundaries("detach_card", "warn_of_none_left", "conclude_card")
    | {"detach_payment_method.accepted"},
)

SETUP_STORY = Story(
    verb="createSetupIntent",
    before=(PAID_ONBOARDING,),
    act=Call(mutation("createSetupIntent"), {"entityId": "{entity}", "idempotencyKey": "set up {entity}"}),
    leaves=replace(after(ONBOARDED, "CREATE_SETUP_INTENT", attempts=("setup_intent:1",)), setup_intents=1),
    points=edges("setup_intent") | boundaries("request_setup", "conclude_setup") | {"create_setup_intent.accepted"},
)

PAYMENTS = (
    PAY_STORY,
    CONFIRM_STORY,
    CONFIRM_CHANGE_STORY,
    REFUND_STORY,
    GRANT_STORY,
    ATTACH_STORY,
    SET_DEFAULT_STORY,
    DETACH_STORY,
    SETUP_STORY,
)
