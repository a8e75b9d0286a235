"""quoteTierChange: what a change would come to, to the cent, for as long as it binds."""

from datetime import datetime, timedelta
from typing import Any

from billing.changes import ChangeTerms, Effective, decide_change
from billing.errors import QuoteNotFound
from models import Operation, OperationKind, Quote
from operations.accepting import Request
from operations.asked import Change
from operations.position import (
    check_changeable,
    check_month,
    credits_to_decide_on,
    current,
    position_of,
    unrecorded,
)
from operations.steps.collecting import default_method
from operations.steps.ledger import credit_entries
from operations.terms import Collection, plan_json, terms_json
from operations.tools import Tools

VALID_FOR = timedelta(minutes=15)
PRUNE_BATCH = 500


async def quote_change(change: Change, tools: Tools) -> Quote:
    """Raises a `BillingError` when the change itself would be refused."""
    customer, subscription = await current(change.entity_id)
    at = tools.now()
    wanted, effective = change.plan_on(subscription, at.date()), change.effective(at.date())
    check_changeable(customer, subscription, at)
    left = await credits_to_decide_on(customer, tools)
    entries = await credit_entries(customer.id)
    entries += unrecorded(entries, left, key="quote:usage", at=at)
    check_month(customer, subscription, entries, at)
    position = position_of(customer, subscription, entries)
    terms = decide_change(position, wanted, effective=effective, at=at, key="quote")
    decided = terms_json(terms, has_card=await default_method(customer.id) is not None)
    return await Quote.create(
        customer_id=customer.id,
        input={"plan": plan_json(wanted), "effective": effective.value},
        terms={**decided, "provider_calls": provider_calls(terms, Collection(decided["collection"]))},
        created_at=at,
        expires_at=at + VALID_FOR,
    )


def as_asked(quote_id: str) -> dict[str, object]:
    """What a change by a quote is asked with, and known by."""
    return {"quote_id": quote_id}


async def prune_quotes(expired_before: datetime) -> int:
    """Delete those that nothing was done by. Whoever sends such a change again is answered by its operation."""
    deleted, after = 0, ""
    expired = Quote.filter(expires_at__lt=expired_before).order_by("id").select_related("customer")
    while quotes := await expired.filter(id__gt=after).limit(PRUNE_BATCH):
        asked = {_hashed(quote): quote.id for quote in quotes}
        used = Operation.filter(
            customer_id__in={quote.customer_id for quote in quotes}, input_hash__in=list(asked)
        ).values_list("input_hash", flat=True)
        unused = asked.keys() - set(await used)
        deleted += await Quote.filter(id__in=[asked[each] for each in unused]).delete()
        after = quotes[-1].id
    return deleted


def _hashed(quote: Quote) -> str:
    return Request(OperationKind.CHANGE_TIER, quote.customer.entity_id, as_asked(quote.id)).hashed


async def find_quote(quote_id: str, *, entity_id: str) -> Quote:
    """A quote of another customer is not found. Whether it still binds is asked when the change is accepted.

    Not here: whoever did not hear the answer in time sends the same request again, and gets what it came to.
    """
    quote = await Quote.get_or_none(id=quote_id, customer__entity_id=entity_id)
    if quote is None:
        raise QuoteNotFound(quote_id)
    return quote


def provider_calls(terms: ChangeTerms, collection: Collection) -> list[dict[str, Any]]:
    """What carrying it out sends to the providers, in order; look-ups left out."""
    if terms.effective is Effective.AT_PERIOD_END:
        return [_call("METRONOME", "PATCH", "/api/v1/contracts/{id}")]
    invoiced = terms.settlement.total.is_positive
    calls = [_call("STRIPE", "POST", "/v1/payment_intents")] if collection is Collection.CHARGED else []
    calls.append(_call("METRONOME", "POST", "/api/v1/contracts"))
    if terms.credits_change:
        calls.append(_call("METRONOME", "POST", "/api/v1/credits"))
    if invoiced:
        calls.append(_call("METRONOME", "POST", "/api/v1/invoices"))
    if invoiced and collection is not Collection.INVOICED:
        calls.append(_call("METRONOME", "POST", "/api/v1/invoices/{id}/pay"))
    return calls


def _call(provider: str, method: str, path: str) -> dict[str, Any]:
    return {"provider": provider, "method": method, "path": path}
