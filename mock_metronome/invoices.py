"""/api/v1/invoices"""

from collections.abc import Mapping
from dataclasses import replace

from mock_kit.fields import Fields
from mock_metronome.books import Books, find, refuse_when_full
from mock_metronome.errors import IllegalState
from mock_metronome.listing import listing
from mock_metronome.objects import Invoice, InvoiceStatus, LineItem

DRAFT, OPEN, PAID, VOID, UNCOLLECTIBLE = InvoiceStatus

# Which states each verb may start from. Asking for the state an invoice is in already changes nothing.
LEGAL = {
    PAID: frozenset({OPEN, UNCOLLECTIBLE}),
    VOID: frozenset({DRAFT, OPEN, UNCOLLECTIBLE}),
    UNCOLLECTIBLE: frozenset({OPEN}),
    OPEN: frozenset({DRAFT}),
}

Names = Mapping[str, str]


def create(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    now = books.clock.now()
    invoice = Invoice(
        id=books.ids.uuid(),
        customer_id=fields.text("customer_id"),
        contract_id=fields.text("contract_id"),
        currency=fields.currency("currency"),
        status=InvoiceStatus(fields.optional_choice("status", (OPEN, DRAFT)) or OPEN),
        due_date=fields.moment("due_date"),
        line_items=tuple(_read_line(item, item_id=books.ids.uuid()) for item in fields.objects("line_items")),
        period=None,
        uniqueness_key=fields.optional_text("uniqueness_key", longest=128),
        created_at=now,
        updated_at=now,
    )
    fields.finish()
    if invoice.amount_minor < 0:
        raise fields.invalid("line_items", "must not add up to less than nothing")
    books.customer_for(invoice.customer_id)
    books.contract_for(invoice.contract_id, customer_id=invoice.customer_id)
    books.refuse_used_key("invoice", invoice.uniqueness_key)
    refuse_when_full(books.invoices, most=books.most_objects, noun="invoices")
    books.use_key("invoice", invoice.uniqueness_key)
    return books.save_invoice(invoice, event="invoice.created", at=now).report()


def show(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    fields.finish()
    return _find(books, names).report()


def index(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    filters = ("customer_id", "contract_id", "status", "uniqueness_key")
    return listing(fields, books.invoices.values(), filters=filters, report=Invoice.report)


def pay(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    invoice = _find(books, names)
    external_payment_id = fields.text("external_payment_id")
    paid_at = fields.optional_moment("paid_at")
    fields.finish()
    if invoice.status is PAID and invoice.external_payment_id != external_payment_id:
        raise IllegalState("The invoice was paid by another payment.", field="external_payment_id")
    if not _may_become(invoice, PAID):
        return invoice.report()
    now = books.clock.now()
    paid = replace(invoice, status=PAID, external_payment_id=external_payment_id, paid_at=paid_at or now)
    return books.save_invoice(paid, event="invoice.paid", at=now).report()


def fail(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    """An attempt to collect it failed: told to the webhooks, changes nothing."""
    invoice = _find(books, names)
    reason = fields.text("reason")
    fields.finish()
    if invoice.status is not OPEN:
        raise IllegalState(f"The invoice is {invoice.status.value}.")
    extra = {"failure_reason": reason}
    return books.save_invoice(invoice, event="invoice.failed", at=books.clock.now(), extra=extra).report()


def finalize(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    return _become(books, fields, names, OPEN)


def void(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    return _become(books, fields, names, VOID)


def uncollectible(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    return _become(books, fields, names, UNCOLLECTIBLE)


def _become(books: Books, fields: Fields, names: Names, status: InvoiceStatus) -> dict[str, object]:
    """These have no event; a client that wants to know reads the invoice."""
    invoice = _find(books, names)
    fields.finish()
    if not _may_become(invoice, status):
        return invoice.report()
    return books.save_invoice(replace(invoice, status=status), event=None, at=books.clock.now()).report()


def _may_become(invoice: Invoice, status: InvoiceStatus) -> bool:
    """False when it already is; IllegalState when it never can."""
    if invoice.status is status:
        return False
    if invoice.status not in LEGAL[status]:
        raise IllegalState(f"The invoice is {invoice.status.value}.")
    return True


def _find(books: Books, names: Names) -> Invoice:
    return find(books.invoices, names["id"], noun="invoice")


def _read_line(fields: Fields, *, item_id: str) -> LineItem:
    line = LineItem(
        id=item_id,
        description=fields.text("description"),
        quantity=fields.integer("quantity", least=1),
        unit_price_minor=fields.integer("unit_price"),
    )
    amount_minor = fields.integer("amount")
    fields.finish()
    if amount_minor != line.amount_minor:
        raise fields.invalid("amount", "must be quantity times unit_price")
    return line
