import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.mock_kit.tally import RECEIVER, Receiver, create_app, in_process, on_a_socket, told

# kind, what the client sees (a status, or the error over a socket and in process), how often it was executed
ANSWERED = [
    ("status_before", 500, 0),
    ("status_after", 500, 1),
    ("html_before", 502, 0),
    ("html_after", 502, 1),
    ("not_json_after", 200, 1),
    ("delay", 200, 1),
]
LOST = [("timeout_before", 0), ("timeout_after", 1), ("drop_before", 0), ("drop_after", 1)]


@pytest.fixture(params=["in process", "socket"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app()
    if request.param == "in process":
        async with in_process(app) as client:
            yield client
    else:
        with on_a_socket(app) as address:
            async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as client:
                yield client


async def tally(client: httpx.AsyncClient) -> int:
    return int((await client.get("/_mock/state?requests=false")).json()["objects"]["tally"])


@pytest.mark.parametrize(("kind", "status", "executed"), ANSWERED)
async def test_an_answered_fault_answers_as_told(
    client: httpx.AsyncClient, kind: str, status: int, executed: int
) -> None:
    await told(client, "/_mock/faults", kind=kind, path="^/tally$", delay_ms=1)

    answer = await client.post("/tally")

    assert answer.status_code == status
    assert await tally(client) == executed


@pytest.mark.parametrize(("kind", "executed"), LOST)
async def test_a_lost_answer_is_a_transport_error(client: httpx.AsyncClient, kind: str, executed: int) -> None:
    await told(client, "/_mock/faults", kind=kind, path="^/tally$", delay_ms=1)

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadTimeout)):
        await client.post("/tally")

    assert await tally(client) == executed
    assert (await client.post("/tally")).json() == {"count": executed + 1}


@pytest.mark.parametrize(("kind", "executed"), [("timeout_before", 0), ("timeout_after", 1)])
async def test_over_a_socket_the_client_runs_into_its_own_timeout(kind: str, executed: int) -> None:
    with on_a_socket(create_app()) as address:
        async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as client:
            await told(client, "/_mock/faults", kind=kind, path="^/tally$")
            with pytest.raises(httpx.ReadTimeout):
                await client.post("/tally", timeout=0.2)
            assert await tally(client) == executed


async def test_a_lost_answer_is_replayed_to_the_retry(client: httpx.AsyncClient) -> None:
    await told(client, "/_mock/faults", kind="drop_after", path="^/tally$")
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/tally", headers={"idempotency-key": "k"})

    retry = await client.post("/tally", headers={"idempotency-key": "k"})

    assert (retry.json(), retry.headers["idempotent-replayed"]) == ({"count": 1}, "true")


@pytest.mark.parametrize(("kind", "executed"), [("status_before", 0), ("status_after", 1), ("html_after", 1)])
async def test_a_stored_fault_is_replayed_under_its_key(client: httpx.AsyncClient, kind: str, executed: int) -> None:
    await told(client, "/_mock/faults", kind=kind, path="/tally", status=503, stored=True)

    answers = [await client.post("/tally", headers={"idempotency-key": "k"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].content == answers[1].content
    assert await tally(client) == executed


async def test_faults_are_matched_by_method_and_path_after_some_passes_and_a_number_of_times() -> None:
    async with in_process(create_app()) as client:
        await told(
            client, "/_mock/faults", kind="status_before", method="post", path="^/tal", skip=1, times=2, status=503
        )

        statuses = [(await client.post("/tally")).status_code for _ in range(5)]
        others = [(await client.get("/tally")).status_code, (await client.post("/other/tally")).status_code]
        fault = (await client.get("/_mock/faults")).json()["data"][0]

    assert statuses == [200, 503, 503, 200, 200]
    assert others == [200, 200]
    assert (fault["hits"], fault["spent"]) == (2, True)


async def test_a_fault_strikes_once_by_default_and_for_ever_on_request() -> None:
    async with in_process(create_app()) as client:
        await told(client, "/_mock/faults", kind="status_before", path="/once")
        await told(client, "/_mock/faults", kind="status_before", path="/ever", times=None)

        once = [(await client.post("/once")).status_code for _ in range(3)]
        ever = [(await client.post("/ever")).status_code for _ in range(3)]

    assert (once, ever) == ([500, 200, 200], [500, 500, 500])


async def test_a_fault_can_carry_headers() -> None:
    async with in_process(create_app()) as client:
        await told(
            client, "/_mock/faults", kind="status_before", status=429, headers={"Retry-After": "3"}, path="/tally"
        )
        answer = await client.post("/tally")

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")


async def test_faults_are_taken_away_one_by_one_or_all_at_once() -> None:
    async with in_process(create_app()) as client:
        first = await told(client, "/_mock/faults", kind="status_before", path="/a")
        for path in ("/b", "/c"):
            await told(client, "/_mock/faults", kind="status_before", path=path)

        assert (await client.delete(f"/_mock/faults/{first['id']}")).status_code == 200
        assert (await client.delete(f"/_mock/faults/{first['id']}")).status_code == 404
        assert [fault["path"] for fault in (await client.get("/_mock/faults")).json()["data"]] == ["/b", "/c"]
        assert (await client.delete("/_mock/faults")).json() == {"data": []}
        assert (await client.post("/b")).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": "earthquake"}, "kind"),
        ({"kind": "delay", "path": "("}, "path"),
        ({"kind": "delay", "status": 99}, "status"),
        ({"kind": "delay", "times": 0}, "times"),
        ({"kind": "delay", "headers": {"a": 1}}, "headers.a"),
        ({"kind": "drop_after", "stored": True}, "stored"),
        ({"kind": "delay", "surprise": 1}, "surprise"),
    ],
)
async def test_a_wrong_fault_is_refused_by_name(body: dict[str, object], field: str) -> None:
    async with in_process(create_app()) as client:
        answer = await client.post("/_mock/faults", json=body)

        assert (answer.status_code, answer.json()["field"]) == (400, field)
        assert (await client.get("/_mock/faults")).json() == {"data": []}


async def test_a_delayed_request_is_executed_though_its_caller_gave_up() -> None:
    receiver = Receiver()
    async with in_process(create_app(receiver)) as client:
        await told(client, "/_mock/webhooks/endpoints", url=RECEIVER, secret="s")
        await told(client, "/_mock/faults", kind="delay", path="/tally", delay_ms=50)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await client.post("/tally", headers={"idempotency-key": "k"})

        async with asyncio.timeout(60):
            await receiver.arrived.wait()
        retry = await client.post("/tally", headers={"idempotency-key": "k"})

    assert (retry.json(), retry.headers["idempotent-replayed"]) == ({"count": 1}, "true")
