"""A request that takes too long is cancelled, and only that."""

import asyncio
from pathlib import Path
from typing import Any

from tests.service import running_service


async def test_a_slow_provider_costs_one_answer_and_leaves_nothing_locked(database_url: str, tmp_path: Path) -> None:
    """Cancelled in the middle of its work on the database and at a provider, many times over."""
    settings: dict[str, Any] = {"request_timeout_seconds": 0.15, "operation_wait_seconds": 0.1}
    async with running_service(database_url, tmp_path, **settings) as service:
        await service.stripe.fault(path="/v1/", kind="delay", delay_ms=2_000)
        query = "{ customers { totalCount } serviceHealth { status } }"
        answers = await asyncio.gather(*(service.execute(query) for _ in range(20)))
        assert [answer["errors"][0]["extensions"]["code"] for answer in answers] == ["TIMEOUT"] * 20
        await service.stripe.clear_faults()
        assert (await service.graphql("{ customers { totalCount } }"))["customers"] == {"totalCount": 0}
