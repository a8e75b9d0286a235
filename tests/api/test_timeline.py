"""What a watcher is told of an operation begins with its acceptance and ends with its end, without a hole."""

from tortoise.queryset import QuerySet

from models import Activity, Operation, OperationKind
from tests.api.changing import ASKING, Customers
from tests.api.paying import authenticate


async def test_every_operation_is_told_of_from_its_acceptance_to_its_end(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    await customers.change(entity_id, tier="FREE", effective="AT_PERIOD_END")
    customers.go_to_next(2, 1)
    await customers.hear(entity_id)
    await customers.change(entity_id, tier="PRO")
    customers.go_to_next(3, 1)
    await customers.hear(entity_id)

    told = {operation.kind: await _told(operation) async for operation in _operations(entity_id)}

    assert told.keys() >= {OperationKind.ONBOARD, OperationKind.SCHEDULE_CHANGE, OperationKind.END, OperationKind.RENEW}
    assert {(kinds[0], kinds[-1]) for kinds in told.values()} == {("operation.accepted", "operation.succeeded")}


async def test_an_operation_that_waited_for_its_payer_is_told_to_go_on(customers: Customers, entity_id: str) -> None:
    customers.go_to_next(1, 1)
    await customers.onboard(entity_id)
    await customers.attach(entity_id, ASKING)
    payload = await customers.change(entity_id, tier="TEAM")
    await authenticate(customers.service, payload["payment"]["stripePaymentIntentId"])

    await customers.do("confirmPayment", paymentId=payload["payment"]["id"])

    told = await _told(await Operation.get(id=payload["operation"]["id"]))
    of_the_operation = [kind for kind in told if kind.startswith("operation.") and kind != "operation.step_done"]
    assert of_the_operation == [
        "operation.accepted",
        "operation.requires_action",
        "operation.resumed",
        "operation.succeeded",
    ]


def _operations(entity_id: str) -> QuerySet[Operation]:
    return Operation.filter(customer__entity_id=entity_id)


async def _told(operation: Operation) -> list[str]:
    """What is written of it: its last words may be followed by what they brought about."""
    rows = [each.kind async for each in Activity.filter(operation_id=operation.id).order_by("id")]
    ends = [place for place, kind in enumerate(rows) if kind == "operation.succeeded"]
    return rows[: ends[0] + 1] if ends else rows
