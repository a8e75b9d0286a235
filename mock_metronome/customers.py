"""/api/v1/customers"""

import re
from collections.abc import Mapping
from dataclasses import replace

from mock_kit.fields import Fields
from mock_metronome.books import MOST_CUSTOMERS, Books, find, refuse_when_full
from mock_metronome.errors import UniquenessKeyUsed
from mock_metronome.listing import listing
from mock_metronome.objects import Customer

ENTITY_TYPES = ("user", "organization")
MOST_METADATA = 50
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")

Names = Mapping[str, str]


def create(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    now = books.clock.now()
    customer = Customer(
        id=books.ids.uuid(),
        entity_id=fields.text("entity_id"),
        entity_type=fields.choice("entity_type", ENTITY_TYPES),
        name=fields.text("name"),
        email=_email(fields, fields.text("email")),
        metadata=_merged({}, fields),
        created_at=now,
        updated_at=now,
    )
    fields.finish()
    refuse_when_full(books.customers, most=MOST_CUSTOMERS, noun="customers")
    if customer.entity_id in books.entity_ids:
        raise UniquenessKeyUsed(field="entity_id")
    books.entity_ids.add(customer.entity_id)
    return _save(books, customer, event="customer.created")


def show(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    fields.finish()
    return find(books.customers, names["id"], noun="customer").report()


def change(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    customer = find(books.customers, names["id"], noun="customer")
    email = fields.optional_text("email")
    changed = replace(
        customer,
        name=fields.optional_text("name") or customer.name,
        email=customer.email if email is None else _email(fields, email),
        metadata=_merged(customer.metadata, fields),
    )
    fields.finish()
    if changed == customer:
        return customer.report()
    return _save(books, replace(changed, updated_at=books.clock.now()), event="customer.updated")


def index(books: Books, fields: Fields, names: Names) -> dict[str, object]:
    return listing(fields, books.customers.values(), filters=("entity_id", "email"), report=Customer.report)


def _save(books: Books, customer: Customer, *, event: str) -> dict[str, object]:
    books.customers[customer.id] = customer
    books.events.emit(event, customer_id=customer.id, data=customer.report(), at=customer.updated_at)
    return customer.report()


def _email(fields: Fields, email: str) -> str:
    if not EMAIL.fullmatch(email):
        raise fields.invalid("email", "must be an e-mail address")
    return email


def _merged(metadata: Mapping[str, str], fields: Fields) -> dict[str, str]:
    """A null takes a key away."""
    merged = {**metadata, **fields.optional_texts("metadata")}
    kept = {key: value for key, value in merged.items() if value is not None}
    if len(kept) > MOST_METADATA:
        raise fields.invalid("metadata", f"has at most {MOST_METADATA} keys")
    return kept
