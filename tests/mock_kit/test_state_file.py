"""What a sandbox keeps in a file, and what it refuses to go on from."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from mock_kit.state_file import StateFile, StateUnusable
from tests.mock_kit.tally import RECEIVER, Receiver, create_app, in_process, told


@asynccontextmanager
async def life(path: Path, receiver: Receiver | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """One process's life, from startup to shutdown."""
    app = create_app(receiver)
    app.keep_in(path, name="tally")
    inbox: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    outbox: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    async with in_process(app) as client, asyncio.TaskGroup() as tasks:
        tasks.create_task(app({"type": "lifespan"}, inbox.get, outbox.put))
        inbox.put_nowait({"type": "lifespan.startup"})
        await outbox.get()
        yield client
        inbox.put_nowait({"type": "lifespan.shutdown"})


async def count(client: httpx.AsyncClient, key: str) -> httpx.Response:
    return await client.post("/tally", headers={"idempotency-key": key})


async def test_the_next_life_goes_on_from_the_last(tmp_path: Path) -> None:
    async with life(tmp_path / "state") as client:
        await count(client, "k")
        clock = await told(client, "/_mock/clock", advance_seconds=86_000)

    async with life(tmp_path / "state") as client:
        assert (await client.get("/_mock/clock")).json() == clock
        assert (await client.get("/_mock/state")).json()["objects"] == {"tally": 1}
        again, other = await count(client, "k"), await count(client, "l")

    assert (again.json(), again.headers["idempotent-replayed"]) == ({"count": 1}, "true")
    assert (other.json(), "idempotent-replayed" in other.headers) == ({"count": 2}, False)


async def test_webhooks_that_were_not_taken_are_sent_by_the_next_life(tmp_path: Path) -> None:
    async with life(tmp_path / "state", Receiver(*[503] * 100)) as client:
        await told(client, "/_mock/webhooks/endpoints", url=RECEIVER, secret="s")
        await told(client, "/_mock/webhooks/hold")
        await count(client, "k")
        await told(client, "/_mock/webhooks/release")

    receiver = Receiver()
    async with life(tmp_path / "state", receiver) as client:
        async with asyncio.timeout(60):
            await receiver.arrived.wait()

    assert receiver.bodies == ["1"]
    assert receiver.headers[0]["x-signed"].startswith("s event-1 ")


async def test_held_webhooks_are_held_by_the_next_life_too(tmp_path: Path) -> None:
    async with life(tmp_path / "state") as client:
        await told(client, "/_mock/webhooks/endpoints", url=RECEIVER, secret="s")
        await told(client, "/_mock/webhooks/hold")
        await count(client, "k")

    receiver = Receiver()
    async with life(tmp_path / "state", receiver) as client:
        held = (await client.get("/_mock/webhooks")).json()
        assert (held["holding"], [delivery["event_id"] for delivery in held["held"]]) == (True, ["event-1"])
        await told(client, "/_mock/webhooks/release")
        await told(client, "/_mock/webhooks/drain")

    assert receiver.bodies == ["1"]


async def test_a_reset_is_kept_too(tmp_path: Path) -> None:
    async with life(tmp_path / "state") as client:
        await count(client, "k")
        await told(client, "/_mock/reset")

    async with life(tmp_path / "state") as client:
        assert (await count(client, "k")).json() == {"count": 1}


async def test_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    async with life(tmp_path / "state"):
        pass

    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}  # noqa: ASYNC240 - a test's own
    assert modes == {"state": 0o600, "state.lock": 0o600}


async def test_two_lives_cannot_share_a_file(tmp_path: Path) -> None:
    async with life(tmp_path / "state"):
        with pytest.raises(StateUnusable, match="state is in use by another process"):
            create_app().keep_in(tmp_path / "state", name="tally")


# What is refused


@dataclass(frozen=True, slots=True)
class Kept:
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptOtherwise:
    at: datetime
    why: str


def written(path: Path, content: object = None, *, name: str = "tally", kind: type = Kept) -> Path:
    StateFile(path, name=name, classes=(kind,)).write(pickle.dumps(content))
    return path


def opened(path: Path) -> object:
    file = StateFile(path, name="tally", classes=(Kept,))
    try:
        return file.open()
    finally:
        file.close()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def shared(path: Path) -> None:
    path.chmod(0o620)


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replaced_by_a_link(path: Path) -> None:
    path.rename(path.with_name("target"))
    path.symlink_to("target")


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (truncate, "is damaged; delete it to begin anew."),
        (emptied, "was written by another version; delete it to begin anew."),
        (shared, "is not a file that only you can write to; delete it to begin anew."),
        (replaced_by_a_folder, "cannot be used: Is a directory."),
        (replaced_by_a_link, "cannot be used: Too many levels of symbolic links."),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, harm: Callable[[Path], None], complaint: str) -> None:
    path = written(tmp_path / "state")
    harm(path)

    with pytest.raises(StateUnusable) as refusal:
        opened(path)

    assert str(refusal.value) == f"{path} {complaint}"


@pytest.mark.parametrize(("name", "kind"), [("another", Kept), ("tally", KeptOtherwise)])
def test_a_file_of_another_program_or_other_classes_is_refused(tmp_path: Path, name: str, kind: type) -> None:
    path = written(tmp_path / "state", name=name, kind=kind)

    with pytest.raises(StateUnusable, match="was written by another version; delete it to begin anew"):
        opened(path)


class Planted:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return eval, ("1 + 1",)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "state", Planted())

    with pytest.raises(StateUnusable, match=r"cannot be read \(it names builtins.eval\); delete it to begin anew"):
        opened(path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "state"

    with pytest.raises(StateUnusable) as refusal:
        opened(path)

    assert str(refusal.value) == f"{path} cannot be used: No such file or directory."
