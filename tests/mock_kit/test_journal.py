import httpx
import pytest

from tests.mock_kit.tally import create_app, in_process, told


async def requests(client: httpx.AsyncClient, query: str = "") -> list[dict[str, object]]:
    return list((await client.get(f"/_mock/state{query}")).json()["requests"])


async def test_records_what_was_asked_and_answered() -> None:
    async with in_process(create_app()) as client:
        await client.post("/tally?x=1", json={"a": 1, "secret": "s"}, headers={"idempotency-key": "k"})
        (entry,) = await requests(client)

    assert entry == {
        "seq": 1,
        "at": "2028-02-28T12:00:00Z",
        "method": "POST",
        "path": "/tally",
        "query": "x=1",
        "idempotency_key": "k",
        "body": {"a": 1, "secret": "[hidden]"},
        "status": 200,
        "replayed": False,
        "fault": None,
        "request_id": None,
    }


async def test_tells_replays_faults_and_answers_that_were_never_sent() -> None:
    async with in_process(create_app()) as client:
        await told(client, "/_mock/faults", kind="drop_after", path="/tally")
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post("/tally", headers={"idempotency-key": "k"})
        await client.post("/tally", headers={"idempotency-key": "k"})

        seen = [(entry["status"], entry["replayed"], entry["fault"]) for entry in await requests(client)]

    assert seen == [(None, False, "drop_after"), (200, True, None)]


@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        ("application/x-www-form-urlencoded", b"a[b]=1&c=", {"a[b]": "1", "c": ""}),
        ("application/x-www-form-urlencoded; charset=utf-8", b"secret=1", {"secret": "[hidden]"}),
        ("application/json", b'{"price": 1.50}', {"price": "1.50"}),
        ("application/json", b'[{"secret": 1}, null]', [{"secret": "[hidden]"}, None]),
        ("application/json", b'{"a"', '{"a"'),
        ("application/json", b"\xff", "\ufffd"),
        ("application/json", b"[" * 20_000, "[20000 bytes]"),
        ("application/json", b"", None),
    ],
)
async def test_bodies_are_shown_readably(kind: str, body: bytes, shown: object) -> None:
    async with in_process(create_app()) as client:
        await client.post("/tally", content=body, headers={"content-type": kind})
        (entry,) = await requests(client)

    assert entry["body"] == shown


async def test_keeps_the_newest_and_counts_what_it_dropped() -> None:
    async with in_process(create_app(capacity=2)) as client:
        for path in ("/a", "/b", "/c"):
            await client.get(path)
        state = (await client.get("/_mock/state")).json()

    assert [entry["path"] for entry in state["requests"]] == ["/b", "/c"]
    assert state["requests_dropped"] == 1


async def test_can_be_read_from_a_sequence_number_on_or_left_out() -> None:
    async with in_process(create_app()) as client:
        for path in ("/a", "/b"):
            await client.get(path)

        assert [entry["seq"] for entry in await requests(client, "?since=1")] == [2]
        assert await requests(client, "?requests=false") == []
        assert (await client.get("/_mock/state?since=x")).status_code == 400


async def test_reset_empties_everything_but_the_endpoints() -> None:
    async with in_process(create_app()) as client:
        await told(client, "/_mock/webhooks/endpoints", url="http://receiver/", secret="s")
        await told(client, "/_mock/faults", kind="status_after", times=None)
        await client.post("/tally", headers={"idempotency-key": "k"})
        await told(client, "/_mock/reset")

        state = (await client.get("/_mock/state")).json()
        assert state == {"requests": [], "requests_dropped": 0, "objects": {"tally": 0}, "deliveries": []}
        assert (await client.get("/_mock/faults")).json() == {"data": []}
        assert len((await client.get("/_mock/webhooks")).json()["endpoints"]) == 1
        assert (await client.post("/tally", headers={"idempotency-key": "k"})).json() == {"count": 1}

        await told(client, "/_mock/reset", webhooks=True)
        assert (await client.get("/_mock/webhooks")).json()["endpoints"] == []


async def test_a_body_of_more_than_a_mebibyte_is_refused_and_not_executed() -> None:
    async with in_process(create_app()) as client:
        assert (await client.post("/tally", content=b"a" * 1024 * 1024)).status_code == 200
        assert (await client.post("/tally", content=b"a" * (1024 * 1024 + 1))).status_code == 413
        assert (await client.get("/_mock/state")).json()["objects"] == {"tally": 1}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/_mock/nothing", 404), ("GET", "/_mock/reset", 405)])
async def test_unknown_control_routes_and_methods_are_refused(method: str, path: str, status: int) -> None:
    async with in_process(create_app()) as client:
        assert (await client.request(method, path)).status_code == status


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b"\xff", b'{"advance_seconds": NaN}', b"[" * 100_000])
async def test_control_bodies_must_be_json_objects(body: bytes) -> None:
    async with in_process(create_app()) as client:
        assert (await client.post("/_mock/clock", content=body)).status_code == 400


async def test_the_digest_tells_whether_an_object_has_changed() -> None:
    async with in_process(create_app()) as client:
        before = [(await client.get("/_mock/state?digest=true")).json()["digest"] for _ in range(2)]
        await client.post("/tally")
        after = (await client.get("/_mock/state?digest=true")).json()["digest"]

        assert before[0] == before[1] != after
        assert "digest" not in (await client.get("/_mock/state")).json()
        assert (await client.get("/_mock/state?digest=maybe")).status_code == 400
