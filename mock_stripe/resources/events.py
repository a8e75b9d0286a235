from collections.abc import Mapping
from fnmatch import fnmatchcase

from mock_stripe.account import Account
from mock_stripe.call import Call
from mock_stripe.errors import ParameterError
from mock_stripe.lists import ListObject, list_page
from mock_stripe.objects.event import Event

KEPT_SECONDS = 30 * 24 * 3600
MOST_TYPES = 20


def retrieve(account: Account, call: Call) -> Event:
    return _as_of_now(account.store.events.get(call.id), account.outbox.undelivered())


def list_all(account: Account, call: Call) -> ListObject:
    params = call.params
    pattern, types = params.text("type"), params.texts("types")
    if pattern and types:
        raise ParameterError("You may pass either `type` or `types`, but not both.", param="types")
    if len(types) > MOST_TYPES:
        raise ParameterError(f"You may pass up to {MOST_TYPES} types.", param="types")
    delivered = params.flag("delivery_success")
    oldest = account.now() - KEPT_SECONDS
    undelivered = account.outbox.undelivered()
    rows = [
        row
        for row in (_as_of_now(event, undelivered) for event in account.store.events)
        if row["created"] >= oldest
        and (pattern is None or fnmatchcase(row["type"], pattern))
        and (not types or row["type"] in types)
        and (delivered is None or (row["pending_webhooks"] == 0) == delivered)
    ]
    return list_page(rows, call, noun="event")


def _as_of_now(event: Event, undelivered: Mapping[str, int]) -> Event:
    return {**event, "pending_webhooks": undelivered.get(event["id"], 0)}
