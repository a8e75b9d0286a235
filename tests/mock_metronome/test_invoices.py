import pytest

from tests.mock_metronome.billing_client import BillingClient, invoice_body, rows


async def invoice_in(client: BillingClient, status: str) -> str:
    """An invoice in that state; paid means paid by payment p1."""
    customer = await client.customer()
    contract = await client.contract(customer)
    invoice = await client.invoice(customer, contract, status="draft" if status == "draft" else "open")
    steps: dict[str, tuple[str, dict[str, object]]] = {
        "paid": ("pay", {"external_payment_id": "p1"}),
        "void": ("void", {}),
        "uncollectible": ("uncollectible", {}),
    }
    if status in steps:
        verb, body = steps[status]
        await client.post(f"invoices/{invoice}/{verb}", body)
    return invoice


BODIES: dict[str, dict[str, object]] = {
    "pay": {"external_payment_id": "p1"},
    "fail": {"reason": "card_declined"},
    "void": {},
    "uncollectible": {},
    "finalize": {},
}
LEGAL = {
    ("draft", "finalize"): "open",
    ("draft", "void"): "void",
    ("open", "finalize"): "open",
    ("open", "pay"): "paid",
    ("open", "fail"): "open",
    ("open", "void"): "void",
    ("open", "uncollectible"): "uncollectible",
    ("paid", "pay"): "paid",
    ("void", "void"): "void",
    ("uncollectible", "uncollectible"): "uncollectible",
    ("uncollectible", "void"): "void",
    ("uncollectible", "pay"): "paid",
}


@pytest.mark.parametrize("verb", list(BODIES))
@pytest.mark.parametrize("status", ["draft", "open", "paid", "void", "uncollectible"])
async def test_every_verb_in_every_state(client: BillingClient, status: str, verb: str) -> None:
    invoice = await invoice_in(client, status)
    before = await client.get(f"invoices/{invoice}")
    becomes = LEGAL.get((status, verb))

    answer = await client.post(f"invoices/{invoice}/{verb}", BODIES[verb], status=200 if becomes else 409)

    after = await client.get(f"invoices/{invoice}")
    if becomes:
        assert (answer, after["status"]) == (after, becomes)
    else:
        assert (answer["code"], after) == ("IllegalState", before)


async def test_an_invoice_adds_up_its_lines(client: BillingClient) -> None:
    customer = await client.customer()
    contract = await client.contract(customer)
    lines = [
        {"description": "Pro, unused", "quantity": 1, "unit_price": -465, "amount": -465},
        {"description": "Team", "quantity": 3, "unit_price": 499, "amount": 1497},
    ]

    invoice = await client.post("invoices", invoice_body(customer, contract, line_items=lines, uniqueness_key="u"))

    assert (invoice["amount"], invoice["status"], invoice["period"], invoice["uniqueness_key"]) == (
        1032,
        "open",
        None,
        "u",
    )
    shown = invoice["line_items"]
    assert isinstance(shown, list)
    assert [{name: line[name] for name in line if name != "id"} for line in shown] == lines


async def test_paying_records_the_payment_once(client: BillingClient) -> None:
    invoice = await invoice_in(client, "open")
    body = {"external_payment_id": "pi_1", "paid_at": "2027-01-31T09:59:00Z"}

    paid = await client.post(f"invoices/{invoice}/pay", body)
    await client.control("clock", advance_seconds=60)
    again = await client.post(f"invoices/{invoice}/pay", {"external_payment_id": "pi_1"})
    other = await client.post(f"invoices/{invoice}/pay", {"external_payment_id": "pi_2"}, status=409)

    assert (paid["paid_at"], paid["external_payment_id"]) == ("2027-01-31T09:59:00Z", "pi_1")
    assert again == paid
    assert (other["code"], other["field"]) == ("IllegalState", "external_payment_id")
    assert (await client.events()).count("invoice.paid") == 1


async def test_paying_without_a_date_is_paid_now(client: BillingClient) -> None:
    invoice = await invoice_in(client, "open")

    paid = await client.post(f"invoices/{invoice}/pay", {"external_payment_id": "pi_1"})

    assert paid["paid_at"] == "2027-01-31T10:00:00Z"


async def test_a_failure_is_told_with_its_reason(client: BillingClient) -> None:
    invoice = await invoice_in(client, "open")

    await client.post(f"invoices/{invoice}/fail", {"reason": "card_declined"})

    (event,) = await client.all("webhooks/events", type="invoice.failed")
    data = event["data"]
    assert isinstance(data, dict)
    assert (data["id"], data["status"], data["failure_reason"]) == (invoice, "open", "card_declined")


@pytest.mark.parametrize(("verb", "field"), [("pay", "external_payment_id"), ("fail", "reason")])
async def test_verbs_name_what_they_miss(client: BillingClient, verb: str, field: str) -> None:
    invoice = await invoice_in(client, "open")

    assert (await client.post(f"invoices/{invoice}/{verb}", {}, status=400))["field"] == field
    assert (await client.post(f"invoices/{invoice}/{verb}", {**BODIES[verb], "x": 1}, status=400))["field"] == "x"


async def test_lists_are_filtered(client: BillingClient) -> None:
    customer = await client.customer()
    contract = await client.contract(customer)
    draft = await client.invoice(customer, contract, status="draft")
    await client.invoice(customer, contract, uniqueness_key="u")

    assert [invoice["id"] for invoice in await client.all("invoices", status="draft")] == [draft]
    assert (await client.get("invoices", contract_id=contract))["total"] == 2
    assert len(rows(await client.get("invoices", uniqueness_key="u", customer_id=customer))) == 1
