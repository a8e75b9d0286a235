"""What did not go as it should: paid twice, refused, owed, never used. One more is one more entry in `TROUBLES`."""

from dataclasses import replace
from datetime import timedelta

from tests.crash.acts import Meanwhile, Refused, Story, boundaries, edges, handled
from tests.crash.beginnings import ATTACH, ONBOARDED, PAID_ONBOARDING, SECURE_CARD, WITHOUT_A_CARD, after, onboarding
from tests.crash.books import Books
from tests.crash.payments import CONFIRM, PAY_STORY
from tests.crash.plans import DOWNGRADE_STORY, UPGRADE_STORY
from tests.crash.unasked import AN_HOUR_INTO_THE_NEXT_PERIOD, ECHOES, PAID_OTHERWISE_STORY, SCHEDULED_STORY

CANCELLATIONS = Refused("stripe", "/v1/payment_intents/[^/]+/cancel$")
REFUNDS = Refused("stripe", "/v1/refunds$")
CONTRACTS = Refused("metronome", "/api/v1/contracts$")
INVOICES = Refused("metronome", "/api/v1/invoices$")
ONE_INVOICE = replace(INVOICES, times=1)


def refused_edges(*effects: str) -> frozenset[str]:
    """Around a call that is refused, and around the commit of the refusal."""
    return frozenset(f"{effect}.{edge}" for effect in effects for edge in ("before_call", "in_commit", "after_commit"))


def without(books: Books, *attempts: str) -> Books:
    return replace(books, attempts=tuple(sorted({*books.attempts} - {*attempts})))


# The bank transfer is heard of first, and Stripe does not cancel the payment that waits for its payer.
OPEN_TWICE = (
    onboarding(tier="PRO", card=SECURE_CARD),
    Meanwhile(bank_transfer=True, refused=CANCELLATIONS),
)

GIVEN_BACK = replace(
    without(
        after(ONBOARDED, "SETTLE_PAYMENT", "SETTLE_PAYMENT", attempts=("close_payment_1:1", "give_back:1")),
        "metronome_invoice_paid:1",
    ),
    refunded=900,
)

PAID_TWICE_STORY = Story(
    verb="paidTwice",
    before=OPEN_TWICE,
    act=Meanwhile(payer="success"),
    leaves=GIVEN_BACK,
    points=handled("payment_intent.succeeded") | edges("give_back") | boundaries("give_back_payment"),
)

PAID_TWICE_AND_KEPT_STORY = Story(
    verb="paidTwiceAndNotRefunded",
    before=OPEN_TWICE,
    act=Meanwhile(payer="success", refused=REFUNDS),
    leaves=replace(GIVEN_BACK, refunded=0, account_balance=900),
    points=refused_edges("give_back") | boundaries("give_back_payment"),
)

# The bank transfer is known to Metronome alone when the payer's confirmation is reported there.
FOUND_PAID_STORY = Story(
    verb="foundPaidTwice",
    before=(
        onboarding(tier="PRO", card=SECURE_CARD),
        ECHOES,
        Meanwhile(passes=timedelta(0), payer="success", bank_transfer=True),
        CONFIRM,
    ),
    act=ECHOES,
    leaves=replace(after(ONBOARDED, "COLLECT", "SETTLE_PAYMENT", attempts=("give_back:1",)), refunded=900),
    points=edges("give_back") | boundaries("give_back_payment") | {"settle_payment.accepted"},
)

IMPOSSIBLE_CHANGE_STORY = Story(
    verb="changeNotPossible",
    before=(PAID_ONBOARDING, Meanwhile(passes=timedelta(0), refused=CONTRACTS)),
    act=UPGRADE_STORY.act,
    leaves=replace(
        after(ONBOARDED, attempts=("give_back:1",)),
        succeeded_charges=(900, 2_000),
        refunded=2_000,
        our_invoices=((900, "PAID"), (2_000, "VOID")),
        payments=((900, "SUCCEEDED"), (2_000, "SUCCEEDED")),
        operations=(("CHANGE_TIER", "FAILED"), ("ONBOARD", "SUCCEEDED")),
    ),
    points=edges("payment_1", "give_back") | refused_edges("metronome_contract") | {"swap_contract.ends"},
    answer="FAILED",
)

REFUSED_CHANGE_INVOICE_STORY = Story(
    verb="changeInvoiceAskedAnew",
    before=(PAID_ONBOARDING, Meanwhile(passes=timedelta(0), refused=ONE_INVOICE)),
    act=UPGRADE_STORY.act,
    leaves=after(UPGRADE_STORY.leaves, attempts=("metronome_invoice:2",)),
    points=edges("metronome_invoice", "metronome_invoice_paid") | boundaries("issue_change_invoice"),
)

# It is left on the day it began, so none of it was used.
LEFT_UNPAID = replace(
    without(
        DOWNGRADE_STORY.leaves,
        "attach_payment_method:1",
        "default_payment_method:1",
        "metronome_invoice_paid:1",
        "payment_1:1",
    ),
    cards=0,
    invoices=((900, "open"),),
    succeeded_charges=(),
    account_balance=0,
    withheld=900,
    our_invoices=((900, "OPEN"),),
    payments=(),
)

LEFT_UNPAID_STORY = Story(
    verb="changeTierUnpaid",
    before=(WITHOUT_A_CARD,),
    act=DOWNGRADE_STORY.act,
    leaves=LEFT_UNPAID,
    points=edges("metronome_contract", "metronome_credits") | boundaries("apply_change"),
)

PAID_LATE_STORY = Story(
    verb="unusedIsCredited",
    before=(WITHOUT_A_CARD, DOWNGRADE_STORY.act, ATTACH),
    act=PAY_STORY.act,
    leaves=replace(after(DOWNGRADE_STORY.leaves, "ATTACH_PAYMENT_METHOD", "COLLECT"), withheld=900),
    points=edges("payment_1", "metronome_invoice_paid") | boundaries("take_payment", "conclude"),
)

PAID_LATE_OTHERWISE_STORY = Story(
    verb="unusedIsCreditedByBankTransfer",
    before=(onboarding(tier="PRO", card=SECURE_CARD), DOWNGRADE_STORY.act, ECHOES),
    act=Meanwhile(bank_transfer=True),
    leaves=replace(
        without(
            after(DOWNGRADE_STORY.leaves, "SETTLE_PAYMENT", attempts=("close_payment_1:1",)), "metronome_invoice_paid:1"
        ),
        succeeded_charges=(),
        withheld=900,
        payments=((900, "CANCELLED"),),
    ),
    points=PAID_OTHERWISE_STORY.points,
)

REFUSED_PERIOD_STORY = Story(
    verb="periodInvoiceRefused",
    before=SCHEDULED_STORY.before,
    act=replace(AN_HOUR_INTO_THE_NEXT_PERIOD, refused=INVOICES),
    leaves=replace(
        SCHEDULED_STORY.leaves,
        invoices=((900, "paid"),),
        succeeded_charges=(900,),
        our_invoices=((900, "PAID"), (2_900, "DRAFT")),
        payments=((900, "SUCCEEDED"),),
    ),
    points=refused_edges("metronome_invoice")
    | boundaries("take_over_plan", "grant_new_month", "invoice_new_period", "collect_new_period"),
)

OWED = (*REFUSED_PERIOD_STORY.before, REFUSED_PERIOD_STORY.act)
UNTIL_TRIED_AGAIN = timedelta(hours=1, minutes=5)

OWED_STORY = Story(
    verb="owedInvoiceIssued",
    before=OWED,
    act=Meanwhile(passes=UNTIL_TRIED_AGAIN),
    leaves=after(SCHEDULED_STORY.leaves, "RENEW"),
    points=edges("metronome_invoice", "payment_1", "metronome_invoice_paid")
    | boundaries("work_in_renewal", "collect_renewal", "report_renewal", "go_on")
    | {"renew.accepted"},
)

STILL_OWED_STORY = Story(
    verb="owedInvoiceRefusedAgain",
    before=OWED,
    act=Meanwhile(passes=UNTIL_TRIED_AGAIN, refused=INVOICES),
    leaves=after(REFUSED_PERIOD_STORY.leaves, "RENEW"),
    points=refused_edges("metronome_invoice") | boundaries("work_in_renewal", "collect_renewal", "go_on"),
)

TROUBLES = (
    PAID_TWICE_STORY,
    PAID_TWICE_AND_KEPT_STORY,
    FOUND_PAID_STORY,
    IMPOSSIBLE_CHANGE_STORY,
    REFUSED_CHANGE_INVOICE_STORY,
    LEFT_UNPAID_STORY,
    PAID_LATE_STORY,
    PAID_LATE_OTHERWISE_STORY,
    REFUSED_PERIOD_STORY,
    OWED_STORY,
    STILL_OWED_STORY,
)
