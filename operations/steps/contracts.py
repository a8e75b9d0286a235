from billing.periods import midnight
from billing.tiers import CATALOGUE
from integrations.metronome.types import Contract
from models import Provider, Subscription
from operations.effects import Effect, Refusal, perform
from operations.steps.case import Case, settled
from operations.tools import Tools


async def open_contract(case: Case, tools: Tools) -> Refusal | None:
    """The Metronome contract of the current subscription. From its next boundary on, the engine renews it."""
    subscription = case.subscription
    if subscription.metronome_contract_id is not None:
        return None
    plan = subscription.plan
    own_terms = CATALOGUE.entry(plan.tier).price(plan.billing_period) is None
    metronome_customer_id = settled(case.customer.metronome_customer_id)

    async def settle(contract: Contract) -> None:
        await Subscription.filter(id=subscription.id).update(metronome_contract_id=contract.id, updated_at=tools.now())

    return await perform(
        case.operation.id,
        Effect(
            step="metronome_contract",
            provider=Provider.METRONOME,
            send=lambda key: tools.metronome.create_contract(
                customer_id=metronome_customer_id,
                tier=plan.tier,
                billing_period=plan.billing_period,
                start_date=midnight(subscription.period_start),
                billing_anchor_date=midnight(subscription.anchor),
                price=plan.price if own_terms else None,
                credits_per_month=plan.credits_per_month if own_terms else None,
                uniqueness_key=subscription.id,
                idempotency_key=key,
            ),
            look_up=lambda _: tools.metronome.find_contract(
                customer_id=metronome_customer_id, uniqueness_key=subscription.id
            ),
            settle=settle,
        ),
        tools.now,
    )
