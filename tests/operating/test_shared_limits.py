"""Rate limits in a real Redis: two web processes that share it count as one, and go on alone while it is away."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.counting import CountersUnusable, check_counters
from app.settings import InvalidSettings, load_settings
from tests.keys import ADMIN_KEY_ID, AS_ADMIN
from tests.live.watching import Refused, socket
from tests.operating.command import app
from tests.operating.metrics import scrape, value
from tests.operating.redis_server import DATABASE, PASSWORD, RedisServer, redis_server
from tests.operating.scaled import WEB
from tests.webhooks.delivery import until
from tests.webhooks.processes import ServiceProcess, free_port, service_process

LIMIT = 12
"""An hour, so that the window does not slide noticeably meanwhile."""
WINDOW_SECONDS = 3600
CHEAP = "{ __typename }"
ALONE = "billing_rate_limits_counted_alone_total"


@dataclass(frozen=True, slots=True)
class Web:
    service: ServiceProcess
    http: httpx.AsyncClient

    async def ask(self) -> httpx.Response:
        """What costs one, and nothing besides."""
        return await self.http.get("/session")

    def logged(self, event: str) -> list[dict[str, object]]:
        """The last line may be half written."""
        whole = [line for line in self.service.log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        lines = [json.loads(line) for line in whole]
        return [line for line in lines if line["event"] == event]


@dataclass(frozen=True, slots=True)
class Sharing:
    redis: RedisServer
    one: Web
    two: Web


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    with redis_server(tmp_path) as server:
        await server.start()
        yield server


@pytest.fixture
async def sharing(redis: RedisServer, postgresql_url: str, tmp_path: Path) -> AsyncIterator[Sharing]:
    changed = {"RATE_LIMIT_KEY": f"{LIMIT}/hour", "RATE_LIMIT_STORAGE": redis.url, "LOG_FORMAT": "json"}
    async with AsyncExitStack() as stack:
        services = [
            stack.enter_context(
                service_process(postgresql_url, tmp_path, port=free_port(), environment=changed, command=WEB)
            )
            for _ in range(2)
        ]
        webs = []
        for service in services:
            await service.until_healthy()
            http = httpx.AsyncClient(base_url=service.url, headers=AS_ADMIN, timeout=60, trust_env=False)
            webs.append(Web(service, await stack.enter_async_context(http)))
        yield Sharing(redis, *webs)


async def test_two_web_processes_count_together_and_each_alone_while_redis_is_away(sharing: Sharing) -> None:
    await over_http_one_key_has_one_limit_at_both(sharing)
    await over_websockets_it_is_the_same_limit(sharing)
    await a_redis_that_is_gone_turns_nobody_away(sharing)
    await when_it_is_back_they_count_together_again(sharing)
    await a_redis_that_hangs_holds_nobody_up(sharing)
    nothing_of_it_is_a_fault_or_tells_the_password((sharing.one, sharing.two))


async def over_http_one_key_has_one_limit_at_both(sharing: Sharing) -> None:
    webs = [sharing.one, sharing.two] * (LIMIT // 2)

    granted = [await web.ask() for web in webs]
    refused = [await web.ask() for web in (sharing.one, sharing.two)]

    assert [answer.status_code for answer in granted] == [200] * LIMIT
    assert [remaining(answer) for answer in granted] == list(range(LIMIT - 1, -1, -1))
    assert "retry-after" not in granted[-1].headers
    for answer in refused:
        told = answer.headers
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "RATE_LIMITED")
        assert (told["ratelimit-limit"], told["ratelimit-policy"]) == (str(LIMIT), f"{LIMIT};w={WINDOW_SECONDS}")
        assert remaining(answer) == 0
        # To the second it is proven where the clock is an argument; here the window may just have ended.
        assert 0 < int(told["ratelimit-reset"]) <= WINDOW_SECONDS
        assert 0 < int(told["retry-after"]) <= 2 * WINDOW_SECONDS
    assert any(f"key:{ADMIN_KEY_ID}" in key for key in await sharing.redis.keys())
    assert await sharing.redis.keys(database=DATABASE + 1) == []


async def over_websockets_it_is_the_same_limit(sharing: Sharing) -> None:
    await sharing.redis.forget()
    addresses = [web.service.url.removeprefix("http://") for web in (sharing.one, sharing.two)]
    async with socket(addresses[0]) as at_one, socket(addresses[1]) as at_two:
        answers = []
        for place in range(LIMIT):
            name = str(place)
            opened = (at_one, at_two)[place % 2]
            await opened.subscribe(CHEAP, name=name)
            answers.append(await opened.receive(name))
            if answers[-1]["type"] == "error":
                break
            await opened.receive(name)
        last = (at_one, at_two)[len(answers) % 2]
        watcher = await last.subscribe(CHEAP, name="the other")
        with pytest.raises(Refused) as other:
            await watcher.next()

    (refusal,) = answers[-1]["payload"]
    # Each socket's beginning takes one, each operation one and its cost.
    cost = answers[0]["payload"]["extensions"]["cost"]["estimate"]
    assert len(answers) - 1 == (LIMIT - 2) // (1 + cost)
    assert (refusal["extensions"]["code"], other.value.code) == ("RATE_LIMITED", "RATE_LIMITED")
    assert 0 < refusal["extensions"]["retryAfterSeconds"] <= 2 * WINDOW_SECONDS
    assert (await sharing.one.ask()).status_code in (200, 429)


async def a_redis_that_is_gone_turns_nobody_away(sharing: Sharing) -> None:
    await sharing.redis.forget()
    for _ in range(LIMIT):
        await sharing.one.ask()
    assert (await sharing.two.ask()).status_code == 429
    sharing.redis.kill()

    alone = [await sharing.two.ask() for _ in range(LIMIT + 1)]
    other = await sharing.one.ask()

    assert [answer.status_code for answer in alone] == [*[200] * LIMIT, 429]
    assert (other.status_code, remaining(other)) == (200, LIMIT - 1)
    assert [line["level"] for line in sharing.two.logged("rate_limits.counted_alone")] == ["warning"]
    assert value(await scrape(sharing.two.http), ALONE) >= LIMIT + 1
    assert (await sharing.two.http.get("/health")).status_code == 200


async def when_it_is_back_they_count_together_again(sharing: Sharing) -> None:
    await sharing.redis.start()

    async def together() -> bool:
        for web in (sharing.one, sharing.two):
            await web.ask()
        return all(web.logged("rate_limits.counted_together") for web in (sharing.one, sharing.two))

    await until(together, what="both asking Redis again")
    await sharing.redis.forget()
    assert [remaining(await web.ask()) for web in (sharing.one, sharing.two)] == [LIMIT - 1, LIMIT - 2]


async def a_redis_that_hangs_holds_nobody_up(sharing: Sharing) -> None:
    before = value(await scrape(sharing.one.http), ALONE)
    sharing.redis.hold()

    answer = await sharing.one.ask()

    sharing.redis.go_on()
    assert answer.status_code in (200, 429)
    assert value(await scrape(sharing.one.http), ALONE) > before


def nothing_of_it_is_a_fault_or_tells_the_password(webs: Sequence[Web]) -> None:
    for web in webs:
        text = web.service.log.read_text()
        assert PASSWORD not in text
        assert "Traceback" not in text
        assert web.logged("graphql.fault") == []


def remaining(answer: httpx.Response) -> int:
    return int(answer.headers["ratelimit-remaining"])


async def test_the_doctor_counts_once_in_redis_and_says_what_to_do_when_it_cannot(
    redis: RedisServer, sqlite_url: str
) -> None:
    at = f"Redis at 127.0.0.1:{redis.port}/{DATABASE}"

    well = doctors_finding(sqlite_url, redis.url)
    refused = doctors_finding(sqlite_url, redis.url.replace(PASSWORD, "another"))

    assert well == ("OK", f"counted in {at}", "")
    assert refused == (
        "FAIL",
        f"{at}: it refuses our user or password; each process counts for itself meanwhile",
        "correct RATE_LIMIT_STORAGE; the user needs GET, EVALSHA and SCRIPT LOAD",
    )


async def test_what_is_wrong_with_a_redis_is_told_without_its_password(redis: RedisServer) -> None:
    urls = [redis.url.replace(f"/{DATABASE}", "/99"), f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0"]

    found = []
    for url in urls:
        with pytest.raises(CountersUnusable) as unusable:
            await check_counters(url)
        found.append((str(unusable.value), unusable.value.advice))

    assert found == [
        ("DB index is out of range", "mend what it says, or correct RATE_LIMIT_STORAGE"),
        ("it does not answer", "start it, or correct RATE_LIMIT_STORAGE"),
    ]


def doctors_finding(database_url: str, storage: str) -> tuple[str, str, str]:
    said = app("doctor", "--json", DATABASE_URL=database_url, RATE_LIMIT_STORAGE=storage)
    assert PASSWORD not in said.out + said.err
    (finding,) = [each for each in json.loads(said.out) if each["check"] == "rate limits"]
    return finding["state"], finding["found"], finding["advice"]


@pytest.mark.parametrize(
    "url", ["redis://", "redis://:pa/ss@host:6379", "redis://host:6379/first", "redis://host:0", "memcached://host"]
)
def test_a_storage_that_is_none_stops_the_start(url: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        load_settings(rate_limit_storage=url)

    assert str(refused.value) == "RATE_LIMIT_STORAGE must be memory://, or as redis://:password@host:6379/0"
