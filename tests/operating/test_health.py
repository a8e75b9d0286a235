"""What readiness asks, how often, and what it finds where only this machine or the worker is at fault."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from models import WorkerHeartbeat
from tests.api.health import components
from tests.service import Service, running_service
from tests.webhooks.delivery import until

LOCK_SPACE = 0x62696C6C
HEALTH = "{ serviceHealth { status } }"


async def test_however_often_it_is_asked_the_providers_are_asked_once_in_a_while(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with running_service(sqlite_url, tmp_path, health_cache_seconds=60) as service:
        before = await asked(service)
        for _ in range(5):
            assert (await service.http.get("/health/ready")).status_code == 200
        await service.graphql(HEALTH)

        assert await asked(service) == before + 2


async def test_a_disk_that_is_nearly_full_is_told_before_it_is(sqlite_url: str, tmp_path: Path) -> None:
    folder = Path(sqlite_url.removeprefix("sqlite://")).parent
    too_much = shutil.disk_usage(folder).total // 2**20

    async with running_service(sqlite_url, tmp_path, disk_min_free_mib=too_much) as service:
        status, problem = (await components(service.http, status=503))["disk"]

    assert status == "down"
    assert problem is not None
    assert problem.startswith(f"{folder} has ")
    assert problem.endswith(f" MiB left, and DISK_MIN_FREE_MIB asks for {too_much}")


async def test_a_running_worker_shows_itself_and_one_that_stops_takes_its_sign_along(
    postgresql_url: str, tmp_path: Path
) -> None:
    async with running_service(postgresql_url, tmp_path):
        await until(lambda: WorkerHeartbeat.filter(name="worker-0").exists(), what="a heartbeat")

    connection: Any = await asyncpg.connect(postgresql_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM worker_heartbeat") == 0
    finally:
        await connection.close()


@pytest.mark.parametrize("coroutine", ["every", "Worker._drain"])
async def test_a_worker_that_lost_one_of_its_tasks_is_neither_alive_nor_ready(
    sqlite_url: str, tmp_path: Path, coroutine: str
) -> None:
    async with running_service(sqlite_url, tmp_path) as service:
        well = [(await service.http.get(path)).status_code for path in ("/health", "/health/ready")]
        lost = next(task for task in asyncio.all_tasks() if name_of(task) == coroutine)
        lost.cancel()
        await asyncio.wait({lost})
        alive = await service.http.get("/health")
        status, problem = (await components(service.http, status=503))["worker"]

    assert well == [200, 200]
    sentence = "one of the worker's tasks has ended"
    assert (alive.status_code, alive.json()) == (503, {"status": "broken", "problem": sentence})
    assert (status, problem) == ("down", f"{sentence}: restart this process")


def name_of(task: asyncio.Task[Any]) -> str:
    coroutine = task.get_coro()
    return str(getattr(coroutine, "__qualname__", ""))


async def asked(service: Service) -> int:
    """How often the two providers were asked for a sign of life."""
    requests = [
        *await service.metronome.requests("GET", "/api/v1/customers"),
        *await service.stripe.requests("GET", "/v1/customers"),
    ]
    return len(requests)


async def test_a_process_that_another_one_took_the_name_of_asks_for_a_restart_until_it_has_it_again(
    postgresql_url: str, tmp_path: Path
) -> None:
    connection: Any = await asyncpg.connect(postgresql_url)
    try:
        async with running_service(postgresql_url, tmp_path) as service:
            await take_its_name(connection)

            async def broken() -> bool:
                answer = await service.http.get("/health")
                problem = {"status": "broken", "problem": "another process works under this one's name"}
                return answer.status_code == 503 and answer.json() == problem

            await until(broken, what="a liveness that fails")
            await connection.execute("SELECT pg_advisory_unlock_all()")
            await until(lambda: lives(service), what="a liveness that is well again")
    finally:
        await connection.close()


async def take_its_name(connection: Any) -> None:
    """As after a broken network: the server has let go of the lock, and somebody else was faster."""

    async def taken() -> bool:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 "
            "AND pid <> pg_backend_pid() "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            LOCK_SPACE,
        )
        return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1, 0)", LOCK_SPACE))

    await until(taken, what="the name")


async def lives(service: Service) -> bool:
    return (await service.http.get("/health")).status_code == 200
