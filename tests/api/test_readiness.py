"""What the service says of itself when something it needs is away or does not let it in."""

import pytest

from models import WorkerHeartbeat
from tests.api.health import components
from tests.service import Service

HEALTH = "{ serviceHealth { status components { name status problem } } }"
EVERYWHERE = {"database", "metronome", "stripe", "worker", "migrations"}


async def test_with_everything_up_the_service_is_ready(service: Service) -> None:
    found = await components(service.http, status=200)

    assert set(found) - {"disk"} == EVERYWHERE
    assert set(found.values()) == {("up", None)}
    health = (await service.graphql(HEALTH))["serviceHealth"]
    assert health == {
        "status": "UP",
        "components": [{"name": name, "status": "UP", "problem": None} for name in found],
    }


@pytest.mark.parametrize("away", ["metronome", "stripe"])
async def test_a_provider_that_is_away_is_named(service: Service, away: str) -> None:
    mock = service.metronome if away == "metronome" else service.stripe
    await mock.fault(kind="status_before", status=503, path="^/(api/)?v1/", times=None)

    found = await components(service.http, status=503)

    assert [name for name, (status, _) in found.items() if status == "down"] == [away]
    health = (await service.graphql(HEALTH))["serviceHealth"]
    assert health["status"] == "DOWN"
    assert [each["name"] for each in health["components"] if each["status"] == "DOWN"] == [away]
    await mock.clear_faults()
    assert (await service.http.get("/health/ready")).status_code == 200


async def test_the_service_lives_whatever_is_away(service: Service) -> None:
    await service.metronome.fault(kind="drop_before", path="^/", times=None)

    assert (await service.http.get("/health")).json() == {"status": "ok"}
    await service.metronome.clear_faults()


async def test_a_migration_that_is_missing_is_named(service: Service) -> None:
    database = WorkerHeartbeat._meta.db
    await database.execute_script("UPDATE tortoise_migrations SET name = 'gone' WHERE name = '0001_initial'")

    found = await components(service.http, status=503)

    sentence = "the database lacks 1 migration(s), 0001_initial first: run `make migrate`"
    assert found["migrations"] == ("down", sentence)
    await database.execute_script("UPDATE tortoise_migrations SET name = '0001_initial' WHERE name = 'gone'")
    assert (await components(service.http, status=200))["migrations"] == ("up", None)
