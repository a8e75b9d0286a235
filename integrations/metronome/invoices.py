from collections.abc import Sequence
from datetime import date

from billing.invoices import InvoiceStatus, Line
from integrations.metronome.api import MetronomeApi, segment, timestamp
from integrations.metronome.types import Invoice

PATH = "/api/v1/invoices"


class InvoiceCalls:
    _api: MetronomeApi

    async def create_invoice(
        self,
        *,
        customer_id: str,
        contract_id: str,
        currency: str,
        due_date: date,
        lines: Sequence[Line],
        uniqueness_key: str,
        idempotency_key: str,
    ) -> Invoice:
        body = {
            "customer_id": customer_id,
            "contract_id": contract_id,
            "currency": currency,
            "due_date": timestamp(due_date),
            "line_items": [_line_item(line) for line in lines],
            "uniqueness_key": uniqueness_key,
        }
        return await self._api.write("create_invoice", PATH, Invoice.read, body=body, idempotency_key=idempotency_key)

    async def find_invoice(self, *, customer_id: str, uniqueness_key: str) -> Invoice | None:
        return await self._api.find(
            "find_invoice", PATH, Invoice.read, customer_id=customer_id, uniqueness_key=uniqueness_key
        )

    async def get_invoice(self, *, invoice_id: str) -> Invoice:
        return await self._api.get("get_invoice", f"{PATH}/{segment(invoice_id)}", Invoice.read)

    async def list_invoices(
        self, *, customer_id: str, contract_id: str | None = None, status: InvoiceStatus | None = None
    ) -> tuple[Invoice, ...]:
        return await self._api.get_all(
            "list_invoices",
            PATH,
            Invoice.read,
            customer_id=customer_id,
            contract_id=contract_id,
            status=status.value.lower() if status else None,
        )

    async def pay_invoice(self, *, invoice_id: str, external_payment_id: str, idempotency_key: str) -> Invoice:
        """Paying again with the same payment answers the invoice unchanged; with another one it is `Rejected`."""
        return await self._act("pay", invoice_id, {"external_payment_id": external_payment_id}, idempotency_key)

    async def void_invoice(self, *, invoice_id: str, idempotency_key: str) -> Invoice:
        return await self._act("void", invoice_id, {}, idempotency_key)

    async def mark_uncollectible(self, *, invoice_id: str, idempotency_key: str) -> Invoice:
        return await self._act("uncollectible", invoice_id, {}, idempotency_key)

    async def fail_invoice(self, *, invoice_id: str, reason: str, idempotency_key: str) -> Invoice:
        """Tells Metronome that a payment failed; the invoice stays open."""
        return await self._act("fail", invoice_id, {"reason": reason}, idempotency_key)

    async def _act(self, verb: str, invoice_id: str, body: dict[str, str], idempotency_key: str) -> Invoice:
        return await self._api.write(
            f"{verb}_invoice",
            f"{PATH}/{segment(invoice_id)}/{verb}",
            Invoice.read,
            body=body,
            idempotency_key=idempotency_key,
        )


def _line_item(line: Line) -> dict[str, object]:
    return {
        "description": line.description,
        "quantity": line.quantity,
        "unit_price": line.unit_price.minor_units,
        "amount": line.amount.minor_units,
    }
