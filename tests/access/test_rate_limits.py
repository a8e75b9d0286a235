"""Limits crossed, by a clock that is moved: who is turned away, for how long, and who is not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.errors import StorageError

from access.callers import SERVICE
from access.counters import Counters, Counting
from access.rate_limits import LimitReached, Limits, RateLimits, network_of
from mock_kit.clock import Clock
from tests.access.asking import Asker, asker, code_of
from tests.access.test_customer_tokens import MINT
from tests.api.onboarding import onboard
from tests.keys import bearer
from tests.live.serving import listening
from tests.live.watching import socket
from tests.service import Service, running_service

NOON = datetime(2028, 1, 31, 12, tzinfo=UTC)
TIERS = "{ tiers { tier } }"
PAGE = "{ customers(first: 50) { nodes { entityId } } }"


class Wall:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def rate_limits(wall: Wall, text: str = "10/minute", shared: Counters | None = None) -> RateLimits:
    limit = parse(text)
    limit_all = Limits(key=limit, customer=limit, address=limit, failures=limit)
    return RateLimits(Counting(shared or MemoryStorage(), MemoryStorage(), rest_seconds=0), limit_all, wall)


async def retry_seconds(limits: RateLimits, cost: int) -> int:
    """How long to wait; 0: it was granted."""
    try:
        await limits.charge(SERVICE, cost)
    except LimitReached as reached:
        return reached.allowance.retry_seconds
    return 0


async def test_what_is_left_goes_down_by_the_cost_to_nothing() -> None:
    limits = rate_limits(Wall())

    left = [(await limits.charge(SERVICE, 3)).remaining for _ in range(3)]

    assert left == [7, 4, 1]
    assert await retry_seconds(limits, 2) > 0
    assert await retry_seconds(limits, 1) == 0


async def test_what_was_refused_was_not_taken() -> None:
    limits = rate_limits(Wall())

    assert [await retry_seconds(limits, 11) > 0 for _ in range(5)] == [True] * 5
    assert await retry_seconds(limits, 10) == 0


@pytest.mark.parametrize("cost", [1, 4, 10])
@pytest.mark.parametrize("second", [0, 7, 31, 59])
async def test_after_the_time_that_was_told_it_is_granted_and_not_a_second_before(cost: int, second: int) -> None:
    wall = Wall()
    limits = rate_limits(wall)
    wall.now += timedelta(seconds=second)
    await limits.charge(SERVICE, 10)

    wait = await retry_seconds(limits, cost)
    wall.now += timedelta(seconds=wait - 1)
    too_early = await retry_seconds(limits, cost)
    wall.now += timedelta(seconds=1)
    in_time = await retry_seconds(limits, cost)

    assert (too_early, in_time) == (1, 0)


async def test_no_two_windows_side_by_side_grant_twice_the_limit() -> None:
    wall = Wall()
    limits = rate_limits(wall)
    wall.now += timedelta(seconds=59)
    await limits.charge(SERVICE, 10)

    wall.now += timedelta(seconds=2)

    assert await retry_seconds(limits, 1) > 0


class MaybeAway(MemoryStorage):
    """Shared counters that can be unplugged."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        if self.away:
            raise StorageError(ConnectionError())
        return await super().incr(key, expiry, amount)


async def test_while_the_counters_are_away_each_process_keeps_the_limit_by_itself() -> None:
    shared = MaybeAway()
    limits, others = [rate_limits(Wall(), shared=shared) for _ in range(2)]
    await limits.charge(SERVICE, 10)
    assert await retry_seconds(others, 1) > 0

    shared.away = True
    alone = [await retry_seconds(each, 10) for each in (limits, others)]
    beyond = [await retry_seconds(each, 1) > 0 for each in (limits, others)]
    shared.away = False
    together = [await retry_seconds(each, 1) > 0 for each in (limits, others)]

    assert (alone, beyond, together) == ([0, 0], [True, True], [True, True])


async def test_redis_is_given_a_rest_after_it_did_not_answer() -> None:
    shared = MaybeAway()
    counting = Counting(shared, MemoryStorage(), rest_seconds=3600)
    shared.away = True
    asked: list[Counters] = []

    async def count(counters: Counters) -> int:
        asked.append(counters)
        return await counters.incr("a key", 60)

    assert [await counting.run(count) for _ in range(3)] == [1, 2, 3]
    assert [counters is shared for counters in asked] == [True, False, False, False]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("", "unknown"),
        (None, "unknown"),
        ("a socket", "unknown"),
    ],
)
def test_neighbours_in_ipv6_count_as_one(address: str | None, network: str) -> None:
    assert network_of(address) == network


@pytest.fixture
async def service(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    limits: dict[str, Any] = {
        "rate_limit_key": "200/minute",
        "rate_limit_customer": "60/minute",
        "rate_limit_address": "100/minute",
        "rate_limit_failures": "3/minute",
    }
    async with running_service(sqlite_url, tmp_path, Clock(start=NOON), **limits) as running:
        running.clock.freeze()
        yield running


async def test_a_key_that_asked_for_too_much_is_told_when_to_come_back(service: Service) -> None:
    greedy, modest = await asker(service, "CUSTOMERS_READ"), await asker(service, "CUSTOMERS_READ")

    answers = [await service.http.post("/graphql", json={"query": PAGE}, headers=greedy.headers) for _ in range(3)]
    granted, refused = answers[0], answers[-1]

    cost = granted.json()["extensions"]["cost"]["estimate"]
    assert (granted.status_code, granted.headers["ratelimit-limit"]) == (200, "200")
    assert int(granted.headers["ratelimit-remaining"]) == 200 - 1 - cost
    assert granted.headers["ratelimit-policy"] == "200;w=60"
    assert "retry-after" not in granted.headers
    assert (refused.status_code, code_of(refused.json()), "data" in refused.json()) == (429, "RATE_LIMITED", False)
    wait = int(refused.headers["retry-after"])
    assert refused.json()["errors"][0]["message"] == f"Too much in too short a time: try again in {wait} seconds."
    assert "errors" not in await modest.execute(PAGE)
    service.clock.advance(timedelta(seconds=wait + 1))
    assert "errors" not in await greedy.execute(PAGE)


async def test_rest_is_counted_and_told_too(service: Service) -> None:
    reader = await asker(service, "CUSTOMERS_READ")

    answers = [await service.http.get("/api/customers", headers=reader.headers) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["error"]["code"] == "RATE_LIMITED"
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_refused_document_is_counted_too(service: Service) -> None:
    reader = await asker(service, "CUSTOMERS_READ")

    codes = [code_of(await reader.execute("{ nothing }")) for _ in range(4)]

    assert codes == [*["GRAPHQL_VALIDATION_FAILED"] * 3, "RATE_LIMITED"]


async def test_a_customer_does_not_use_up_the_key_that_minted_its_token(service: Service) -> None:
    await onboard(service, "user_1")
    service.clock.advance(timedelta(minutes=2))
    minted = await service.graphql(MINT, input={"entityId": "user_1"})
    customer = Asker(service, bearer(minted["mintCustomerToken"]["token"]))
    before = await service.http.get("/session")

    codes = [code_of(await customer.execute(TIERS)) for _ in range(6)]
    after = await service.http.get("/session")

    assert codes[0] is None
    assert codes[-1] == "RATE_LIMITED"
    spent = int(before.headers["ratelimit-remaining"]) - int(after.headers["ratelimit-remaining"])
    assert spent <= 1 + len(codes)  # the address's own count, at most


async def test_whoever_guesses_is_turned_away_and_whoever_knows_is_let_in(service: Service) -> None:
    guesses = [
        await service.http.post("/graphql", json={"query": TIERS}, headers=bearer(f"bk_test_{place:064x}"))
        for place in range(1, 6)
    ]
    signing_in = await service.http.post("/session", json={"key": "bk_test_nothing"})
    knows = await service.http.post("/graphql", json={"query": TIERS})

    assert [answer.status_code for answer in guesses] == [401, 401, 401, 429, 429]
    assert int(guesses[-1].headers["retry-after"]) > 0
    assert (signing_in.status_code, signing_in.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert knows.status_code == 200


async def test_an_address_is_counted_and_health_and_webhooks_are_not(service: Service) -> None:
    for _ in range(120):
        assert (await service.http.get("/health")).status_code == 200
    unsigned = [(await service.http.post("/webhooks/stripe", json={})).status_code for _ in range(120)]
    anonymous = [await service.http.get("/session", headers={"authorization": ""}) for _ in range(101)]

    assert set(unsigned) == {400}
    assert anonymous[-1].status_code == 429
    assert anonymous[-1].headers["ratelimit-limit"] == "100"


async def test_on_a_websocket_the_operation_is_refused_and_the_connection_stays(service: Service) -> None:
    reader = await asker(service, "CUSTOMERS_READ")
    async with (
        listening(service.app, service.app.state.feed.end_streams) as address,
        socket(address, payload=dict(reader.headers)) as opened,
    ):

        async def ask(name: str) -> dict[str, Any]:
            await opened.subscribe(PAGE, name=name)
            return await opened.receive(name)

        codes = []
        for place in range(3):
            message = await ask(str(place))
            codes.append(code_of({"errors": message["payload"]}) if message["type"] == "error" else None)
            if message["type"] == "next":
                await opened.receive(str(place))
        service.clock.advance(timedelta(minutes=2))
        again = await ask("again")

    assert codes[0] is None
    assert codes[-1] == "RATE_LIMITED"
    assert again["type"] == "next"
