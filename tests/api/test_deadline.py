"""A request that takes too long is cancelled: what it accepted goes on, and nothing stays locked."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg

from tests.access.asking import code_of
from tests.api.onboarding import ONBOARD, ended, paid, person
from tests.service import running_service

SHORT: dict[str, Any] = {"request_timeout_seconds": 1, "operation_wait_seconds": 0.1}
TO_CUSTOMER = "query ($id: String!) { customer(entityId: $id) { operations { id status } subscription { status } } }"


async def test_a_provider_that_hangs_costs_the_answers_that_need_it(database_url: str, tmp_path: Path) -> None:
    async with running_service(database_url, tmp_path, **SHORT) as service:
        await service.stripe.fault(path="/v1/", kind="delay", delay_ms=2_000, times=None)
        query = "{ customers { totalCount } serviceHealth { status } }"
        answers = await asyncio.gather(*(service.execute(query) for _ in range(20)))
        assert [code_of(answer) for answer in answers] == ["TIMEOUT"] * 20
        assert (await service.graphql("{ customers { totalCount } }"))["customers"] == {"totalCount": 0}


async def test_over_rest_too_a_request_ends_in_time_and_nothing_stays_locked(
    postgresql_url: str, tmp_path: Path
) -> None:
    connection: Any = await asyncpg.connect(postgresql_url)
    times: dict[str, Any] = {"request_timeout_seconds": 2, "operation_wait_seconds": 0.1}
    async with running_service(postgresql_url, tmp_path, **times) as service:
        async with connection.transaction():
            await connection.execute("LOCK TABLE customer IN ACCESS EXCLUSIVE MODE")
            asked = [
                await service.http.get("/api/customers"),
                await service.http.post("/api/onboard", json={"entity": {**person("ada"), "type": "user"}}),
            ]
        again = await service.http.get("/api/customers")
    await connection.close()

    assert [(each.status_code, each.json()["error"]["code"]) for each in asked] == [(503, "TIMEOUT")] * 2
    assert asked[0].json()["error"]["message"].startswith("The request was stopped after 2 seconds.")
    assert again.status_code == 200


async def test_whatever_moment_a_mutation_is_cut_at_it_happens_once_or_not_at_all(
    database_url: str, tmp_path: Path
) -> None:
    """Each a little later than the one before; then all are sent again, by a client with patience."""
    entities = [f"cut_{number}" for number in range(8)]
    async with running_service(database_url, tmp_path) as service:
        for number, entity_id in enumerate(entities):
            sent = asyncio.create_task(service.execute(ONBOARD, input=paid(entity_id)))
            await asyncio.wait([sent], timeout=0.008 * number)
            sent.cancel()
            await asyncio.wait([sent])
        for entity_id in entities:
            payload = (await service.graphql(ONBOARD, input=paid(entity_id)))["onboard"]
            assert payload["userErrors"] == []
            assert (await ended(service, payload["operation"]["id"]))["status"] == "SUCCEEDED"
            customer = (await service.graphql(TO_CUSTOMER, id=entity_id))["customer"]
            assert [each["status"] for each in customer["operations"]] == ["SUCCEEDED"]
        assert len(await service.stripe.requests("POST", "/v1/customers")) == len(entities)
