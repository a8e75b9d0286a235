"""What is refused, and by which name."""

import pytest

from tests.mock_metronome.billing_client import TODAY, UNKNOWN, BillingClient, invoice_body

CUSTOMER = {"entity_id": "e", "entity_type": "user", "name": "n", "email": "a@example.com"}
CONTRACT = {"customer_id": UNKNOWN, "tier": "pro", "billing_period": "monthly", "start_date": TODAY}
ENTERPRISE = {**CONTRACT, "tier": "enterprise", "price": 100_00, "credits_per_month": 5}
INVOICE = invoice_body(UNKNOWN, UNKNOWN)
LINE = {"description": "Pro", "quantity": 1, "unit_price": 900, "amount": 900}
CREDIT = {"customer_id": UNKNOWN, "amount": 5}
ABSENT = object()

INVALID = [
    *[("customers", CUSTOMER, name, ABSENT) for name in CUSTOMER],
    *[("customers", CUSTOMER, name, 1) for name in CUSTOMER],
    ("customers", CUSTOMER, "entity_type", "team"),
    ("customers", CUSTOMER, "entity_id", ""),
    ("customers", CUSTOMER, "name", "n" * 501),
    ("customers", CUSTOMER, "email", "nobody"),
    ("customers", CUSTOMER, "metadata", []),
    ("customers", CUSTOMER, "metadata", {str(number): "" for number in range(51)}),
    ("customers", CUSTOMER, "surprise", 1),
    *[("contracts", CONTRACT, name, ABSENT) for name in CONTRACT],
    *[("contracts", CONTRACT, name, True) for name in CONTRACT],
    ("contracts", CONTRACT, "tier", "PRO"),
    ("contracts", CONTRACT, "billing_period", "weekly"),
    ("contracts", CONTRACT, "start_date", "2027-01-31T00:00:01Z"),
    ("contracts", CONTRACT, "start_date", "2027-01-31T00:00:00+01:00"),
    ("contracts", CONTRACT, "start_date", "2027-01-31"),
    ("contracts", CONTRACT, "start_date", "9999-01-31T00:00:00Z"),
    ("contracts", CONTRACT, "billing_anchor_date", "2027-02-01T00:00:00Z"),
    ("contracts", CONTRACT, "billing_anchor_date", "2027-01-30T12:00:00Z"),
    ("contracts", CONTRACT, "end_date", TODAY),
    ("contracts", CONTRACT, "rate_card_id", "special"),
    ("contracts", CONTRACT, "price", 1),
    ("contracts", CONTRACT, "credits_per_month", 1),
    ("contracts", CONTRACT, "currency", "USD"),
    ("contracts", CONTRACT, "uniqueness_key", "k" * 129),
    ("contracts", CONTRACT, "surprise", None),
    ("contracts", ENTERPRISE, "price", ABSENT),
    ("contracts", ENTERPRISE, "price", -1),
    ("contracts", ENTERPRISE, "price", 1.0),
    ("contracts", ENTERPRISE, "credits_per_month", ABSENT),
    ("contracts", ENTERPRISE, "currency", "usd"),
    *[("invoices", INVOICE, name, ABSENT) for name in INVOICE],
    ("invoices", INVOICE, "line_items", []),
    ("invoices", INVOICE, "line_items", [{**LINE, "unit_price": -900, "amount": -900}]),
    ("invoices", INVOICE, "status", "paid"),
    ("invoices", INVOICE, "due_date", "soon"),
    ("invoices", INVOICE, "currency", "$"),
    *[("credits", CREDIT, name, ABSENT) for name in CREDIT],
    ("credits", CREDIT, "amount", 0),
    ("credits", CREDIT, "amount", 10**16),
    ("credits", CREDIT, "amount", "5"),
    ("credits", CREDIT, "expires_at", TODAY),
    ("credits", {**CREDIT, "amount": -1}, "expires_at", "2030-01-01T00:00:00Z"),
]


@pytest.mark.parametrize(("path", "body", "field", "value"), INVALID)
async def test_a_wrong_field_is_named_and_nothing_is_made(
    client: BillingClient, path: str, body: dict[str, object], field: str, value: object
) -> None:
    wrong = {name: given for name, given in {**body, field: value}.items() if given is not ABSENT}

    refusal = await client.post(path, wrong, status=400)

    assert (refusal["code"], refusal["field"]) == ("InvalidRequest", field)
    assert (await client.get(path))["total"] == 0


MISTYPED = [
    *[("customers", "", name, 1) for name in ("name", "email", "metadata")],
    ("customers", "", "name", ["Ada"]),
    ("customers", "", "email", "nobody"),
    ("customers", "", "metadata", []),
    ("customers", "", "metadata", "a=b"),
    ("contracts", "", "end_date", 1),
    ("contracts", "", "end_date", True),
    ("contracts", "", "end_date", "soon"),
    ("contracts", "", "end_date", {}),
    ("contracts", "cancel", "effective_date", 1),
    ("contracts", "cancel", "effective_date", "now"),
    ("contracts", "cancel", "effective_date", []),
    ("invoices", "pay", "external_payment_id", 1),
    ("invoices", "pay", "external_payment_id", ""),
    ("invoices", "pay", "external_payment_id", ABSENT),
    ("invoices", "pay", "paid_at", 1),
    ("invoices", "pay", "paid_at", "yesterday"),
    ("invoices", "fail", "reason", 1),
    ("invoices", "fail", "reason", {}),
    ("invoices", "fail", "reason", ABSENT),
]


@pytest.mark.parametrize(("noun", "verb", "field", "value"), MISTYPED)
async def test_a_change_with_a_wrong_field_is_refused_by_its_name_and_changes_nothing(
    client: BillingClient, noun: str, verb: str, field: str, value: object
) -> None:
    customer = await client.customer()
    contract = await client.contract(customer)
    invoice = await client.invoice(customer, contract)
    ids = {"customers": customer, "contracts": contract, "invoices": invoice}
    path = f"{noun}/{ids[noun]}"
    good = {"external_payment_id": "pi_1"} if field == "paid_at" else {}
    wrong = {name: given for name, given in {**good, field: value}.items() if given is not ABSENT}
    before, events = await client.get(path), await client.events()

    refusal = await client.send("POST" if verb else "PATCH", f"{path}/{verb}".rstrip("/"), wrong, status=400, key=None)

    assert (refusal["code"], refusal["field"]) == ("InvalidRequest", field)
    assert (await client.get(path), await client.events()) == (before, events)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({**LINE, "amount": 899}, "line_items[1].amount"),
        ({**LINE, "quantity": 0}, "line_items[1].quantity"),
        ({**LINE, "unit_price": 9.5}, "line_items[1].unit_price"),
        ({**LINE, "surprise": 1}, "line_items[1].surprise"),
        ({}, "line_items[1].description"),
        ("Pro", "line_items[1]"),
    ],
)
async def test_a_wrong_line_is_named_with_its_number(client: BillingClient, line: object, field: str) -> None:
    refusal = await client.post("invoices", {**INVOICE, "line_items": [LINE, line]}, status=400)

    assert refusal["field"] == field


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [("contracts", CONTRACT, "customer_id"), ("invoices", INVOICE, "customer_id"), ("credits", CREDIT, "customer_id")],
)
async def test_a_reference_to_nobody_is_not_found(
    client: BillingClient, path: str, body: dict[str, object], field: str
) -> None:
    refusal = await client.post(path, body, status=404)

    assert (refusal["code"], refusal["field"]) == ("NotFound", field)


@pytest.mark.parametrize("path", ["invoices", "credits"])
async def test_a_contract_of_somebody_else_is_not_found(client: BillingClient, path: str) -> None:
    ada, bob = await client.customer("ada"), await client.customer("bob")
    contract = await client.contract(bob)
    body = {"invoices": invoice_body(ada, contract), "credits": {**CREDIT, "customer_id": ada, "contract_id": contract}}

    refusal = await client.post(path, body[path], status=404)

    assert refusal["field"] == "contract_id"


@pytest.mark.parametrize("object_id", [UNKNOWN, "nonsense", "%00", "A" * 300])
@pytest.mark.parametrize("noun", ["customers", "contracts", "invoices", "credits"])
async def test_unknown_and_malformed_ids_are_not_found(client: BillingClient, noun: str, object_id: str) -> None:
    assert (await client.get(f"{noun}/{object_id}", status=404))["code"] == "NotFound"


@pytest.mark.parametrize("verb", ["pay", "fail", "void", "uncollectible", "finalize"])
async def test_verbs_on_an_unknown_invoice_are_not_found(client: BillingClient, verb: str) -> None:
    assert (await client.post(f"invoices/{UNKNOWN}/{verb}", {}, status=404))["code"] == "NotFound"


@pytest.mark.parametrize(
    "body",
    [b"{", b"nonsense", b"\xff", b"[]", b"1", b'{"name": NaN}', b"[" * 100_000, b'{"name": ' + b"1" * 5000 + b"}"],
)
async def test_a_body_that_is_no_json_object_is_refused(client: BillingClient, body: bytes) -> None:
    answer = await client.http.post("/api/v1/customers", content=body)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "InvalidRequest", None)


async def test_text_with_a_lone_surrogate_comes_back_as_it_was(client: BillingClient) -> None:
    body = b'{"entity_id": "e", "entity_type": "user", "name": "\\ud800", "email": "a@example.com"}'

    answer = await client.http.post("/api/v1/customers", content=body)

    assert answer.status_code == 200
    assert b'"name":"\\ud800"' in answer.content


async def test_a_body_of_more_than_a_mebibyte_is_too_large(client: BillingClient) -> None:
    answer = await client.http.post("/api/v1/customers", content=b" " * (1024 * 1024 + 1))

    assert (answer.status_code, answer.json()["code"]) == (413, "TooLarge")


async def test_a_method_that_a_path_does_not_know_is_told_which_it_does(client: BillingClient) -> None:
    answer = await client.http.delete("/api/v1/customers")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, GET")


async def test_an_unknown_path_is_not_found(client: BillingClient) -> None:
    assert (await client.get("payments", status=404))["code"] == "NotFound"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "\u0663"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"order": "desc"}, "order"),
    ],
)
async def test_a_wrong_query_is_named(client: BillingClient, query: dict[str, str], field: str) -> None:
    assert (await client.get("customers", status=400, **query))["field"] == field


async def test_health_and_front_page_need_no_token(client: BillingClient) -> None:
    customer = await client.customer(name="Ada <script>")
    client.http.headers.pop("authorization")
    health = await client.http.get("/health")
    page = await client.http.get("/")

    assert health.json() == {"status": "ok", "time": "2027-01-31T10:00:00Z"}
    assert "2027-01-31T10:00:00Z, frozen" in page.text
    assert "POST /_mock/reset" in page.text
    assert f"<td>Ada &lt;script&gt;</td><td>{customer}</td>" in page.text
