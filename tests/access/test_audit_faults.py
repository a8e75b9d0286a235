"""A mutation that meets a fault of ours is in the audit log, under the id that the client was given."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from structlog.testing import capture_logs
from tortoise.connection import get_connection

import models
from tests.access.test_audit import log
from tests.keys import ADMIN_KEY_ID
from tests.service import running_service

CANCEL = 'mutation { cancel(input: {entityId: "ada"}) { userErrors { code } } }'


async def test_a_mutation_that_meets_a_fault_of_ours_is_told_under_the_id_of_its_answer(
    database_url: str, tmp_path: Path
) -> None:
    entity = {"id": "ada", "type": "user", "name": "Ada", "email": "ada@example.com"}
    async with running_service(database_url, tmp_path) as service, without_table("customer"):
        asked = await service.http.post("/graphql", json={"query": CANCEL}, headers={"x-request-id": "meets-a-fault"})
        rest = await service.http.post("/api/onboard", json={"entity": entity})
        by_rest, by_graphql = await log(service, outcome="FAULT")

    answered = asked.json()["errors"][0]["extensions"]
    assert (answered["code"], rest.status_code) == ("INTERNAL", 500)
    assert (by_graphql["action"], by_graphql["errorCode"]) == ("cancel", "INTERNAL")
    assert by_graphql["correlationId"] == answered["correlationId"]
    assert (by_graphql["actor"]["requestId"], by_graphql["actor"]["keyId"]) == ("meets-a-fault", ADMIN_KEY_ID)
    assert by_graphql["entityId"] == "ada"
    assert by_graphql["asked"]["effective"] == "AT_PERIOD_END"
    assert (by_rest["action"], by_rest["correlationId"]) == ("onboard", rest.json()["error"]["correlationId"])


async def test_without_an_audit_log_the_fault_is_answered_all_the_same(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(sqlite_url, tmp_path) as service:
        with capture_logs() as logs:
            async with without_table("customer"), without_table("audit_entry"):
                body = await service.execute(CANCEL)
        assert await models.AuditEntry.filter(action="cancel").count() == 0

    correlation_id = body["errors"][0]["extensions"]["correlationId"]
    told = [(line["event"], line.get("correlation_id")) for line in logs if line["log_level"] == "error"]
    assert ("audit.fault_not_recorded", correlation_id) in told
    assert ("graphql.fault", correlation_id) in told


@asynccontextmanager
async def without_table(name: str) -> AsyncIterator[None]:
    """A fault that nobody expects."""
    connection = get_connection(models.AuditEntry._meta.default_connection or "")
    await connection.execute_script(f'ALTER TABLE "{name}" RENAME TO "hidden_{name}"')
    try:
        yield
    finally:
        await connection.execute_script(f'ALTER TABLE "hidden_{name}" RENAME TO "{name}"')
