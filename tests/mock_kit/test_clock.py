from datetime import UTC, datetime, timedelta

import pytest

from mock_kit.clock import Clock, ClockError
from tests.mock_kit.tally import NOON, create_app, in_process, told

HOUR = timedelta(hours=1)


class Wall:
    """A real clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_runs_with_the_real_clock_and_keeps_its_distance() -> None:
    wall = Wall()
    clock = Clock(real=wall)
    clock.advance(2 * HOUR)
    wall.now += HOUR

    assert clock.now() == datetime(2026, 1, 1, 3, tzinfo=UTC)
    assert clock.offset == 2 * HOUR


def test_a_frozen_clock_stands_and_runs_on_from_there() -> None:
    wall = Wall()
    clock = Clock(real=wall)
    clock.freeze()
    wall.now += HOUR
    assert clock.now() == datetime(2026, 1, 1, 0, tzinfo=UTC)

    clock.unfreeze()
    wall.now += HOUR

    assert clock.now() == datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert clock.offset == -HOUR


@pytest.mark.parametrize("step", [timedelta(seconds=-1), timedelta(days=3661)])
def test_neither_goes_back_nor_leaps_more_than_ten_years(step: timedelta) -> None:
    clock = Clock(start=NOON, frozen=True)

    with pytest.raises(ClockError):
        clock.advance(step)

    assert clock.now() == NOON


async def test_is_moved_over_http_and_due_work_is_done_before_the_answer() -> None:
    async with in_process(create_app()) as client:
        moved = await told(client, "/_mock/clock", advance_to="2028-02-29T00:00:00Z")
        assert (moved["now"], moved["frozen"]) == ("2028-02-29T00:00:00Z", True)

        assert (await told(client, "/_mock/clock", advance_seconds=90))["now"] == "2028-02-29T00:01:30Z"
        assert (await told(client, "/_mock/clock", frozen=False))["frozen"] is False
        assert (await told(client, "/_mock/clock", frozen=True))["frozen"] is True


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"advance_to": "2028-02-28T11:59:59Z"}, "advance_to"),
        ({"advance_to": "tomorrow"}, "advance_to"),
        ({"advance_to": "2028-03-01T00:00:00"}, "advance_to"),
        ({"advance_seconds": -1}, "advance_seconds"),
        ({"advance_seconds": 1.5}, "advance_seconds"),
        ({"advance_seconds": 900_000_000}, "advance_seconds"),
        ({"advance_seconds": 900_000_000, "frozen": False}, "advance_seconds"),
        ({"frozen": "yes"}, "frozen"),
        ({"speed": 2}, "speed"),
        ({}, None),
    ],
)
async def test_a_wrong_move_is_refused_by_name_and_moves_nothing(body: dict[str, object], field: str | None) -> None:
    async with in_process(create_app()) as client:
        answer = await client.post("/_mock/clock", json=body)

        assert (answer.status_code, answer.json()["field"]) == (400, field)
        clock = (await client.get("/_mock/clock")).json()
        assert (clock["now"], clock["frozen"]) == ("2028-02-28T12:00:00Z", True)


async def test_reset_puts_it_back_on_real_time() -> None:
    async with in_process(create_app()) as client:
        await told(client, "/_mock/reset")
        clock = (await client.get("/_mock/clock")).json()

    assert (clock["offset_seconds"], clock["frozen"]) == (0, False)
