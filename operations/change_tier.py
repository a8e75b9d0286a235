"""changeTier: another tier or billing period, now; the steps of one at the period end are in `schedule_change`.

An upgrade waits for its money: nothing changes in Metronome before the charge succeeded, so a decline leaves everything
as it was. What was paid is given back when the change turns out to be impossible afterwards.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from tortoise.transactions import in_transaction

from billing.changes import ChangeTerms, Effective, decide_change
from billing.errors import (
    BillingError,
    PaymentDeclined,
    PaymentNotConfirmed,
    QuoteExpired,
    StaleQuote,
)
from billing.invoices import InvoiceStatus
from billing.lifecycle import SubscriptionEvent, next_status
from billing.tiers import Plan
from integrations.errors import Unavailable
from integrations.metronome import types as metronome
from models import Invoice, OperationKind, Payment, PaymentStatus, Quote, Subscription
from operations.accepting import Request, Standing, answer_to, undertake
from operations.activity import record
from operations.asked import Change
from operations.ending import fail, keep, park, succeed
from operations.engine import Engine, Next, Step
from operations.position import (
    check_changeable,
    check_month,
    credits_to_decide_on,
    current,
    position_of,
    record_usage,
    why_not,
)
from operations.quoting import as_asked
from operations.schedule_change import NOTHING_SCHEDULED
from operations.steps.case import Case, settled
from operations.steps.collecting import collect, default_method
from operations.steps.contracts import last_moment, start_contract
from operations.steps.giving_back import give_back
from operations.steps.invoices import issue, report_paid, write_invoice
from operations.steps.ledger import move_account_balance
from operations.steps.moving_allowance import move_allowance
from operations.steps.payments import mark_in_vain
from operations.steps.withheld import refresh_paid, withhold
from operations.terms import (
    Collection,
    Frozen,
    differences,
    entry_json,
    money_json,
    plan_json,
    plan_of,
    terms_json,
)
from operations.tools import Tools

PAYER_PATIENCE = timedelta(hours=1)

UNPAID = "unpaid"  # the payment method went meanwhile: the invoice is to be open


async def change_tier(
    entity_id: str,
    asked: Change | Quote,
    *,
    idempotency_key: str | None,
    engine: Engine,
    tools: Tools,
    wait_seconds: float,
) -> str:
    """Returns the operation's id. By a quote: exactly that, or `StaleQuote` with what differs."""
    at = tools.now()
    effective = _effective(asked, at.date())
    request = Request(
        kind=OperationKind.CHANGE_TIER if effective is Effective.IMMEDIATELY else OperationKind.SCHEDULE_CHANGE,
        entity_id=entity_id,
        given=asked.as_asked() if isinstance(asked, Change) else as_asked(asked.id),
        idempotency_key=idempotency_key,
        asked_as=OperationKind.CHANGE_TIER,
    )
    if known := await answer_to(request, engine=engine, wait_seconds=wait_seconds):
        return known
    customer, subscription = await current(entity_id)
    _plan(asked, subscription, at.date())  # what is plainly wrong is told before anybody else is asked
    left = await credits_to_decide_on(customer, tools)

    async def decide(standing: Standing) -> Mapping[str, Any]:
        if isinstance(asked, Quote):
            _check_quote(asked, standing.subscription, at)
        check_changeable(standing.customer, standing.subscription, at)
        entries = await record_usage(standing.customer, left, operation_id=standing.operation_id, at=at)
        check_month(standing.customer, standing.subscription, entries, at)
        unpaid = await refresh_paid(standing.subscription)
        terms = decide_change(
            position_of(standing.customer, standing.subscription, entries),
            _plan(asked, standing.subscription, at.date()),
            effective=effective,
            at=at,
            key=f"operation:{standing.operation_id}",
        )
        decided = terms_json(terms, has_card=await default_method(standing.customer.id) is not None)
        if isinstance(asked, Quote) and (differing := differences(asked.terms, decided)):
            raise StaleQuote(asked.id, differing)
        return {
            "terms": decided,
            "withheld": money_json(terms.withheld),
            "unpaid": unpaid,
            "credit_entries": [entry_json(entry) for entry in terms.credit_entries],
            "invoice_id": await _draft_invoice(standing, terms, at),
        }

    return await undertake(request, decide, engine=engine, tools=tools, wait_seconds=wait_seconds)


def _effective(asked: Change | Quote, today: date) -> Effective:
    return asked.effective(today) if isinstance(asked, Change) else Effective(asked.input["effective"])


def _plan(asked: Change | Quote, subscription: Subscription, today: date) -> Plan:
    return asked.plan_on(subscription, today) if isinstance(asked, Change) else plan_of(asked.input["plan"])


def _check_quote(quote: Quote, subscription: Subscription, at: datetime) -> None:
    """What can be told before the change is decided again; on another plan, that might be no change at all."""
    if at >= quote.expires_at:
        raise QuoteExpired(quote.id, quote.expires_at)
    standing = {**quote.terms, "old": plan_json(subscription.plan)}
    if differing := differences(quote.terms, standing):
        raise StaleQuote(quote.id, differing)


async def _draft_invoice(standing: Standing, terms: ChangeTerms, at: datetime) -> str | None:
    """Ours alone until the money is there: Metronome hears of it with the new contract."""
    if not terms.settlement.total.is_positive:
        return None
    invoice = await write_invoice(
        standing.customer.id,
        standing.subscription,
        period=terms.period,
        lines=terms.lines,
        key=f"{standing.operation_id}:change",
        status=InvoiceStatus.DRAFT,
        due=terms.due_now,
        issued_on=terms.on,
        metronome_invoice_id=None,
        at=at,
    )
    return invoice.id


async def collect_change(operation_id: str, tools: Tools) -> Next:
    case, terms = await _load(operation_id)
    if terms.invoice_id is None or terms.collection is Collection.NOTHING or UNPAID in case.operation.result:
        return Next.CONTINUE
    async with in_transaction():
        await keep(operation_id, invoice_id=terms.invoice_id)
    if terms.collection is Collection.INVOICED:
        return Next.CONTINUE
    payment = await collect(operation_id, terms.invoice_id, tools, off_session=False)
    match payment and payment.status:
        case None:
            # For good: a card that arrives while the rest is done must not be charged for what cannot be called off.
            async with in_transaction():
                await keep(operation_id, **{UNPAID: True})
            return Next.CONTINUE
        case PaymentStatus.SUCCEEDED:
            return Next.CONTINUE
        case PaymentStatus.PROCESSING | PaymentStatus.REQUIRES_ACTION:
            at = tools.now()
            await park(operation_id, at=at, patience=_patience(last_moment(case.subscription, terms.on), at))
            return Next.STOP
    assert payment is not None
    await _call_off(operation_id, terms.invoice_id, payment, tools.now())
    return Next.STOP


def _patience(last: datetime, at: datetime) -> timedelta:
    """Until the last moment at most; what cannot be called off by then is waited for from one hour to the next."""
    return min(PAYER_PATIENCE, last - at) if last > at else PAYER_PATIENCE


async def _call_off(operation_id: str, invoice_id: str, payment: Payment, at: datetime) -> None:
    """No money, no change: the draft is void, and everything else is as it was."""
    not_confirmed = payment.status is PaymentStatus.CANCELLED
    error = PaymentNotConfirmed() if not_confirmed else PaymentDeclined(payment.decline_code or payment.error_code)
    async with in_transaction():
        if await fail(operation_id, error, at=at):
            await Invoice.filter(id=invoice_id).update(status=InvoiceStatus.VOID, updated_at=at)


async def swap_contract(operation_id: str, tools: Tools) -> Next:
    case, terms = await _load(operation_id)
    refusal = await start_contract(
        case,
        tools,
        plan=terms.new,
        start=terms.on,
        anchor=terms.anchor,
        replaces=settled(case.subscription.metronome_contract_id),
    )
    if refusal is None:
        return Next.CONTINUE
    return await _take_back(case, terms, why_not(refusal, case.customer.entity_id), tools)


async def _take_back(case: Case, terms: Frozen, error: BillingError, tools: Tools) -> Next:
    """It cannot be done, and the money was taken: the money goes back, and nothing has changed."""
    operation_id = case.operation.id
    if terms.invoice_id is not None and (payment := await _taken_in_vain(terms.invoice_id, error, tools.now())):
        await give_back(operation_id, payment, tools, reason="The change was not possible")
    async with in_transaction():
        if await fail(operation_id, error, at=tools.now()) and terms.invoice_id is not None:
            await Invoice.filter(id=terms.invoice_id).update(status=InvoiceStatus.VOID, updated_at=tools.now())
    return Next.STOP


async def _taken_in_vain(invoice_id: str, error: BillingError, at: datetime) -> Payment | None:
    payment = await Payment.get_or_none(invoice_id=invoice_id, status=PaymentStatus.SUCCEEDED)
    if payment is not None:
        async with in_transaction():
            await mark_in_vain(payment, f"The change was not possible ({error.code})", at)
    return payment


async def adjust_credits(operation_id: str, tools: Tools) -> Next:
    case, terms = await _load(operation_id)
    await move_allowance(case, terms, tools)
    return Next.CONTINUE


async def issue_change_invoice(operation_id: str, tools: Tools) -> Next:
    """The contract has changed and the money is there: a refusal is asked about until Metronome takes the invoice."""
    case, terms = await _load(operation_id)
    if terms.invoice_id is None:
        return Next.CONTINUE
    invoice = await Invoice.get(id=terms.invoice_id)

    async def write(issued: metronome.Invoice) -> None:
        await Invoice.filter(id=invoice.id).update(metronome_invoice_id=issued.id, updated_at=tools.now())

    refusal = await issue(
        case,
        tools,
        lines=terms.lines,
        contract_id=settled(case.operation.result.get("contract_id")),
        issued_on=terms.on,
        uniqueness_key=invoice.key,
        write=write,
        asked_anew=True,
    )
    if refusal is not None:
        raise Unavailable("metronome", "create_invoice", reason=f"the change's invoice is refused: {refusal.code}")
    return Next.CONTINUE


async def report_change_payment(operation_id: str, tools: Tools) -> Next:
    _, terms = await _load(operation_id)
    invoice = await Invoice.get_or_none(id=terms.invoice_id) if terms.invoice_id else None
    if invoice is not None and (terms.due_now.is_zero or invoice.status is InvoiceStatus.PAID):
        await report_paid(operation_id, invoice, tools)
    return Next.CONTINUE


async def apply_change(operation_id: str, tools: Tools) -> Next:
    """One transaction puts the customer on the new plan and ends the operation."""
    at = tools.now()
    async with in_transaction():
        case, terms = await _load(operation_id)
        result = {"invoice_id": terms.invoice_id}
        if not await succeed(operation_id, at=at, result=result):
            return Next.STOP
        unpaid = await _open_invoice(terms, at)
        await withhold(terms.withheld, terms.unpaid, at)
        subscription = await Subscription.filter(id=case.subscription.id).select_for_update().get()
        await Subscription.filter(id=subscription.id).update(
            **NOTHING_SCHEDULED,
            status=next_status(subscription.status, SubscriptionEvent.PLAN_CHANGED),
            tier=terms.new.tier,
            billing_period=terms.new.billing_period,
            price_minor=terms.new.price.minor_units,
            currency=terms.new.price.currency,
            credits_per_month=terms.new.credits_per_month,
            anchor=terms.anchor,
            period_start=terms.period.start,
            period_end=terms.period.end,
            paid_minor=max(0, terms.paid_uncredited.minor_units - unpaid),
            metronome_contract_id=case.operation.result["contract_id"],
            updated_at=at,
        )
        await move_account_balance(
            case.customer.id,
            terms.balance_change,
            key=f"operation:{operation_id}:balance",
            cause=f"operation:{operation_id}",
            at=at,
            invoice_id=terms.invoice_id,
        )
        await record(
            "subscription.changed",
            f"{subscription.tier} {subscription.billing_period} to {terms.new.tier} {terms.new.billing_period}",
            at=at,
            customer=case.customer,
            operation_id=operation_id,
        )
    return Next.CONTINUE


async def _open_invoice(terms: Frozen, at: datetime) -> int:
    """A draft that no payment has settled is due, or settled by the account balance. Returns what is unpaid."""
    if terms.invoice_id is None:
        return 0
    invoice = await Invoice.filter(id=terms.invoice_id).select_for_update().get()
    if invoice.status is not InvoiceStatus.DRAFT:
        return 0
    invoice.status = InvoiceStatus.OPEN if terms.due_now.is_positive else InvoiceStatus.PAID
    invoice.paid_at = None if terms.due_now.is_positive else at
    invoice.updated_at = at
    await invoice.save(update_fields=["status", "paid_at", "updated_at"])
    return terms.due_now.minor_units


async def _load(operation_id: str) -> tuple[Case, Frozen]:
    case = await Case.load(operation_id)
    return case, Frozen.of(case.operation.input)


STEPS: tuple[Step, ...] = (
    collect_change,
    swap_contract,
    adjust_credits,
    issue_change_invoice,
    report_change_payment,
    apply_change,
)
