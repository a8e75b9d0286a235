"""How customers begin, and how the books stand then."""

from dataclasses import replace

from tests.crash.acts import Call
from tests.crash.books import Books

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
    setup_intents=0,
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
    scheduled=None,
    account_balance=0,
    withheld=0,
    credit_balance=10_000,
    ledger=(10_000,),
    our_invoices=((900, "PAID"),),
    payments=((900, "SUCCEEDED"),),
    operations=(("ONBOARD", "SUCCEEDED"),),
    unsettled_effects=0,
    troubled_events=0,
    agree=True,
)

ON_FREE = Books(
    metronome_customers=1,
    stripe_customers=1,
    contracts=("free active",),
    grants=(1_000,),
    invoices=(),
    succeeded_charges=(),
    refunded=0,
    cards=1,
    setup_intents=0,
    attempts=(
        "attach_payment_method:1",
        "default_payment_method:1",
        "metronome_contract:1",
        "metronome_credits:1",
        "metronome_customer:1",
        "stripe_customer:1",
    ),
    subscriptions=(("FREE", "ACTIVE"),),
    scheduled=None,
    account_balance=0,
    withheld=0,
    credit_balance=1_000,
    ledger=(1_000,),
    our_invoices=(),
    payments=(),
    operations=(("ONBOARD", "SUCCEEDED"),),
    unsettled_effects=0,
    troubled_events=0,
    agree=True,
)

SECURE_CARD = "pm_card_authenticationRequired"

DECLINING_CARD = "pm_card_chargeCustomerFail"


def onboarding(*, tier: str, card: str) -> Call:
    return Call(ONBOARD, {**PAID_ONBOARDING.arguments, "tier": tier, "paymentMethodId": card})


WITHOUT_A_CARD = Call(
    ONBOARD, {name: value for name, value in PAID_ONBOARDING.arguments.items() if "Method" not in name}
)

ANSWER = "payment { id status refundedAmount { minorUnits } } operation { id status } userErrors { code message }"


def mutation(name: str, answer: str = ANSWER) -> str:
    kind = name[0].upper() + name[1:]
    return f"mutation {kind}($input: {kind}Input!) {{ {name}(input: $input) {{ {answer} }} }}"


ATTACH = Call(
    mutation("attachPaymentMethod"),
    {"entityId": "{entity}", "paymentMethodId": "pm_card_visa", "idempotencyKey": "attach {entity}"},
)


def after(books: Books, *kinds: str, attempts: tuple[str, ...] = ()) -> Books:
    operations = [*books.operations, *((kind, "SUCCEEDED") for kind in kinds)]
    return replace(books, operations=tuple(sorted(operations)), attempts=tuple(sorted({*books.attempts, *attempts})))
