"""Every call we make to Metronome, as one client; the calls themselves stand in one file per noun."""

import httpx

from integrations.fields import Fields
from integrations.metronome.api import PAGE_SIZE, MetronomeApi
from integrations.metronome.contracts import ContractCalls
from integrations.metronome.credits import CreditCalls
from integrations.metronome.customers import PATH as CUSTOMERS
from integrations.metronome.customers import CustomerCalls
from integrations.metronome.invoices import InvoiceCalls
from integrations.metronome.oauth import TokenSource
from integrations.metronome.retries import Retries
from integrations.metronome.types import Event

EVENTS = "/api/v1/webhooks/events"


class MetronomeClient(CustomerCalls, ContractCalls, InvoiceCalls, CreditCalls):
    """Any call may raise `Unavailable` or `Rejected` (integrations.errors). Writes are repeated under their own key.

    One attempt takes `timeout_seconds` at most; a call, `retries.attempts` attempts and the pauses between them.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        tokens: TokenSource,
        *,
        retries: Retries | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        self._api = MetronomeApi(http, tokens, retries=retries or Retries(), timeout_seconds=timeout_seconds)

    async def list_events(self, *, after: str | None, limit: int = PAGE_SIZE) -> tuple[Event, ...]:
        """Oldest first, one page, starting behind the event `after`."""
        return await self._api.get_page("list_events", EVENTS, Event.read, after=after, limit=str(limit))

    async def list_event_bodies(self, *, after: str | None) -> tuple[Fields, ...]:
        """The same, unread: as a webhook brings them."""
        return await self._api.get_page("list_events", EVENTS, lambda body: body, after=after, limit=str(PAGE_SIZE))

    async def ping(self) -> None:
        """The cheapest call that needs valid credentials."""
        await self._api.get("ping", CUSTOMERS, lambda fields: fields.whole("total"), limit="1")
