"""Runs accepted operations to their end, across crashes. The only file that knows DBOS.

An operation is a row first; its workflow carries the same id, so starting it twice is starting it once. A verb is a
tuple of steps run in order. A step is at-least-once: it reads what stands in our rows and does what is missing. The
workflow itself does no I/O and reads no clock, so that DBOS can replay it.

Our rows are the truth and DBOS's records only a way to get on with it: an operation whose workflow is lost, or ended
without ending it, starts over from the first step and does only what is missing. Each such leg, as each one after a
wait for the payer, is a workflow of its own; what still runs of an older leg stops at its next step.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowStatus
from tortoise.expressions import F

from integrations.errors import Unavailable
from models import Operation, OperationKind, OperationStatus
from models.backends.cancellation import to_the_end
from operations.crashpoints import crashpoint
from operations.effects import LONGEST_WAIT_SECONDS, calls_in_hand
from operations.engine_log import take_over_dbos_log
from operations.liveness import SlotLost, Slots, executor_id, take_lowest
from operations.telling import about_operation, tell_how_it_stands
from operations.tools import Tools
from telemetry.tracing import span

log = structlog.get_logger()

# Constant: a version computed from the code would strand every running operation at each deploy.
# A deploy that changes a verb's step list makes DBOS end the workflows that were under way; the sweep starts them over.
APPLICATION_VERSION = "1"
POLL_SECONDS = 0.2
UNSTARTED_AFTER = timedelta(seconds=2)
MAX_TAKEOVERS = 5
SWEEP_BATCH = 100

_ENDED = frozenset({"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})


class Next(StrEnum):
    CONTINUE = "CONTINUE"
    STOP = "STOP"


Step = Callable[[str, Tools], Awaitable[Next]]
Verbs = Mapping[OperationKind, tuple[Step, ...]]

# DBOS is one per process and hands a recovered workflow nothing but its arguments.
_engine: "Engine | None" = None


@DBOS.workflow(name="operation", max_recovery_attempts=None)
async def _run_operation(operation_id: str, kind: str, leg: int) -> None:
    engine = _engine
    if engine is None or engine.stopping:
        raise asyncio.CancelledError  # stays as it is: the next start picks it up
    with engine.at_work(operation_id):
        about = await about_operation(operation_id)
        with about.bound(), span(f"operation {kind}", parent=about.trace_parent, operation=operation_id, leg=leg):
            log.info("operation.running", kind=kind, leg=leg)
            for step in engine.verbs[OperationKind(kind)]:
                name = step.__name__
                if await DBOS.run_step_async({"name": name}, engine.run_step, step, operation_id, leg) == Next.STOP:
                    break
            crashpoint("operation.last_step_recorded")
    await tell_how_it_stands(operation_id)


@dataclass(frozen=True, slots=True)
class Leg:
    """One workflow of an operation. `str()` is its id."""

    operation_id: str
    kind: OperationKind
    number: int

    def __str__(self) -> str:
        return f"{self.operation_id}.{self.number}" if self.number else self.operation_id


async def _start(leg: Leg) -> None:
    with SetWorkflowID(str(leg)):
        await DBOS.start_workflow_async(_run_operation, leg.operation_id, leg.kind.value, leg.number)


class Engine:
    def __init__(self, *, verbs: Verbs, tools: Tools, system_database_url: str, slots: Slots) -> None:
        self.verbs = verbs
        self.stopping = False
        self.slot_lost = False
        self._tools = tools
        self._system_database_url = system_database_url
        self._slots = slots
        self._slot = -1
        self._tasks: dict[str, asyncio.Task[object]] = {}
        self._ending: set[asyncio.Task[object]] = set()  # past their last step: DBOS is recording the outcome
        self._waiting: dict[str, set[asyncio.Event]] = {}

    async def start(self) -> None:
        """Take a worker slot and launch; what an earlier process in this slot left unfinished goes on by itself."""
        global _engine
        assert _engine is None, "one engine per process"
        try:
            self._slot = await take_lowest(self._slots)
            _engine = self
            take_over_dbos_log()
            DBOS(config=self._config())
            DBOS.launch()
        except BaseException:
            await self._leave()
            raise
        log.info("engine.started", worker=executor_id(self._slot))

    @property
    def name(self) -> str:
        """Of this process among all that share the database; once started."""
        return executor_id(self._slot)

    async def check_name(self) -> None:
        """Make sure that nobody else works under it; a process that does not sweep has to ask for itself."""
        await self._check_slot()

    async def stop(self, *, drain_seconds: float) -> None:
        """Let the calls in hand end within the bound, then cut: an operation may be cut anywhere and goes on later."""
        self.stopping = True
        await calls_in_hand.none_left(seconds=drain_seconds)
        for task in self._tasks.values():
            if task not in self._ending:
                task.cancel()
        unfinished = list(self._tasks)
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        # They are left in good order, so this is nothing to count against them.
        left = await Operation.filter(id__in=unfinished, status=OperationStatus.RUNNING).update(takeovers=0)
        await self._leave()
        log.info("engine.stopped", worker=executor_id(self._slot), unfinished=left)

    async def run(self, operation_id: str, kind: OperationKind, *, leg: int = 0) -> None:
        """Start an accepted operation; a no-op when this leg was started before, in any process."""
        # To its end, though the request that asks for it be cut off: half started, DBOS would hold it to be under way.
        await to_the_end(_start(Leg(operation_id, kind, leg)))
        crashpoint("operation.started")

    async def start_over(self, operation_id: str) -> bool:
        """Run it afresh, whatever became of its workflow, also when it was given up. False when it is not running."""
        operation = await Operation.get_or_none(id=operation_id, status=OperationStatus.RUNNING)
        if operation is None or not await self._next_leg(Leg(operation.id, operation.kind, operation.leg)):
            return False
        await Operation.filter(id=operation_id).update(takeovers=0)
        return True

    async def wait(self, operation_id: str, *, seconds: float) -> None:
        """Return when the operation has ended, or after the given time, whichever comes first."""
        deadline = asyncio.get_running_loop().time() + seconds
        with self._told(operation_id) as ended_here:
            while await Operation.exists(id=operation_id, status=OperationStatus.RUNNING):
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0:
                    return
                # Another process may be running it: the event is only the fast way to know.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended_here.wait(), min(left, POLL_SECONDS))
                    ended_here.clear()

    async def ping(self) -> None:
        """Raise unless the engine is running and can read its own records."""
        await DBOS.get_workflow_status_async("ping")

    async def sweep(self) -> None:
        """Start what was accepted but has nothing that runs it, and take over what dead workers left."""
        await self._check_slot()
        await self._start_what_nothing_runs()
        async for slot in self._others_with_work():
            await self._take_over_if_dead(slot)

    async def prune(self, *, finished_before: datetime) -> int:
        """Delete the engine's own records of workflows that ended before then; operations stay."""
        old = await DBOS.list_workflows_async(
            status=sorted(_ENDED),
            completed_before=finished_before.isoformat(),
            limit=1_000,
            load_input=False,
            load_output=False,
        )
        if old:
            await DBOS.delete_workflows_async([workflow.workflow_id for workflow in old])
        return len(old)

    @contextlib.contextmanager
    def at_work(self, operation_id: str) -> Iterator[None]:
        """The task is known until it has ended, which is when DBOS has recorded the workflow's outcome."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks[operation_id] = task
        task.add_done_callback(lambda done: self._forget(operation_id, done))
        try:
            yield
        finally:
            self._ending.add(task)
            for told in self._waiting.get(operation_id, ()):
                told.set()

    async def run_step(self, step: Step, operation_id: str, leg: int) -> str:
        crashpoint(f"{step.__name__}.begins")
        wait_seconds, problem = POLL_SECONDS, None
        while not self.stopping:
            try:
                outcome = await self._try_step(step, operation_id, leg, problem)
            except Unavailable as unavailable:
                problem = str(unavailable)[:1000]
                log.warning(
                    "operation.provider_unavailable", operation=operation_id, step=step.__name__, problem=problem
                )
            except Exception:
                # A fault of ours must not lose what a customer was promised: it is shown, retried, and survives a fix.
                problem = f"An internal fault in step {step.__name__}; it is tried again. The log has the details."
                log.exception("operation.step_failed", operation=operation_id, step=step.__name__)
            else:
                crashpoint(f"{step.__name__}.ends")
                return outcome
            await self._show(operation_id, problem)
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, LONGEST_WAIT_SECONDS)
        raise asyncio.CancelledError

    async def _try_step(self, step: Step, operation_id: str, leg: int, problem: str | None) -> Next:
        """What has ended, waits for the payer, or has gone on in a later leg has no steps left here."""
        running = await Operation.filter(id=operation_id, status=OperationStatus.RUNNING, leg=leg).update(
            step=step.__name__, last_problem=problem, updated_at=self._tools.now()
        )
        return await step(operation_id, self._tools) if running else Next.STOP

    async def _show(self, operation_id: str, problem: str) -> None:
        with contextlib.suppress(Exception):  # the database itself may be what is faulty
            await Operation.filter(id=operation_id).update(last_problem=problem, updated_at=self._tools.now())

    @contextlib.contextmanager
    def _told(self, operation_id: str) -> Iterator[asyncio.Event]:
        """An event that is set when this process is done with the operation."""
        event = asyncio.Event()
        waiting = self._waiting.setdefault(operation_id, set())
        waiting.add(event)
        try:
            yield event
        finally:
            waiting.discard(event)
            if not waiting:
                self._waiting.pop(operation_id, None)

    def _forget(self, operation_id: str, done: asyncio.Task[object]) -> None:
        self._ending.discard(done)
        if self._tasks.get(operation_id) is done:
            del self._tasks[operation_id]

    async def _check_slot(self) -> None:
        try:
            if not await self._slots.check():
                log.warning("engine.slot_taken_again", worker=executor_id(self._slot))
            self.slot_lost = False
        except SlotLost as lost:
            self.slot_lost = True
            # What is under way stays right, only twice as busy: see operations.effects.
            log.error("engine.slot_lost", problem=str(lost), advice="restart this process")  # noqa: TRY400 - no trace

    async def _start_what_nothing_runs(self) -> None:
        after = ""
        while legs := await self._running(after=after):
            elsewhere = [leg for leg in legs if leg.operation_id not in self._tasks]
            state = await _states(elsewhere)
            for leg in elsewhere:
                if str(leg) not in state:
                    log.warning("operation.started_by_sweep", operation=leg.operation_id)
                    await self.run(leg.operation_id, leg.kind, leg=leg.number)
                elif state[str(leg)] in _ENDED:
                    await self._start_over_once(leg)
            after = legs[-1].operation_id

    async def _running(self, *, after: str) -> list[Leg]:
        """What has been running for a moment, and not changed in it."""
        before = self._tools.now() - UNSTARTED_AFTER
        rows = (
            await Operation.filter(
                status=OperationStatus.RUNNING, created_at__lt=before, updated_at__lt=before, id__gt=after
            )
            .order_by("id")
            .limit(SWEEP_BATCH)
            .values_list("id", "kind", "leg")
        )
        return [Leg(operation_id, OperationKind(kind), number) for operation_id, kind, number in rows]

    async def _start_over_once(self, leg: Leg) -> None:
        """DBOS holds the workflow to have ended, so will not run it again."""
        if await self._may_take_over(leg.operation_id, why="operation.started_over"):
            await self._next_leg(leg)

    async def _next_leg(self, leg: Leg) -> bool:
        """False when somebody else was faster, or the operation has ended."""
        further = replace(leg, number=leg.number + 1)
        moved = await Operation.filter(id=leg.operation_id, status=OperationStatus.RUNNING, leg=leg.number).update(
            leg=further.number, updated_at=self._tools.now()
        )
        if moved:
            await self.run(further.operation_id, further.kind, leg=further.number)
        return bool(moved)

    async def _others_with_work(self) -> AsyncIterator[int]:
        unseen = {executor_id(slot): slot for slot in range(self._slots.count) if slot != self._slot}
        while unseen and (pending := await _pending(list(unseen), limit=1)):
            yield unseen.pop(str(pending[0].executor_id))

    async def _take_over_if_dead(self, slot: int) -> None:
        if not await self._slots.take(slot):
            return
        try:
            # Read under the lock: another survivor may have been here a moment ago.
            for workflow in await _pending([executor_id(slot)], limit=None):
                if await self._may_take_over(_operation_of(workflow), why="operation.taken_over"):
                    await DBOS.resume_workflow_async(workflow.workflow_id)
        finally:
            await self._slots.give_back(slot)

    async def _may_take_over(self, operation_id: str, *, why: str) -> bool:
        """Counted, because an operation that brings down whoever runs it must not bring down everybody in turn."""
        counted = await Operation.filter(
            id=operation_id, status=OperationStatus.RUNNING, takeovers__lte=MAX_TAKEOVERS
        ).update(takeovers=F("takeovers") + 1, updated_at=self._tools.now())
        if not counted:
            return False
        operation = await Operation.get(id=operation_id)
        if operation.takeovers <= MAX_TAKEOVERS:
            log.warning(why, operation=operation_id, takeovers=operation.takeovers)
            return True
        await Operation.filter(id=operation_id).update(
            last_problem=f"Given up: {MAX_TAKEOVERS} workers took it over and ended. An operator has to look at it."
        )
        log.error("operation.given_up", operation=operation_id, takeovers=MAX_TAKEOVERS)
        return False

    async def _leave(self) -> None:
        global _engine
        _engine = None
        # DBOS made its own threads the loop's, and takes them along: whoever stops after us needs some too.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
        await asyncio.to_thread(DBOS.destroy)
        await self._slots.close()

    def _config(self) -> DBOSConfig:
        return DBOSConfig(
            name="billing",
            system_database_url=self._system_database_url,
            dbos_system_schema="dbos",
            application_version=APPLICATION_VERSION,
            executor_id=executor_id(self._slot),
            serializer=DBOSPortableJSONSerializer(),
            use_listen_notify=False,
            log_level="WARNING",
        )


async def _pending(executors: list[str], *, limit: int | None) -> list[WorkflowStatus]:
    return await DBOS.list_workflows_async(status="PENDING", executor_id=executors, limit=limit, load_input=False)


def _operation_of(workflow: WorkflowStatus) -> str:
    return workflow.workflow_id.partition(".")[0]


async def _states(legs: list[Leg]) -> dict[str, str]:
    """Of those that have a workflow, by its id."""
    if not legs:
        return {}  # DBOS takes an empty list for no condition
    ids = [str(leg) for leg in legs]
    found = await DBOS.list_workflows_async(workflow_ids=ids, load_input=False, load_output=False)
    return {workflow.workflow_id: workflow.status for workflow in found}


def prepare_sqlite(path: Path) -> str:
    """Make the engine's own SQLite file, in WAL mode, readable by us only. Returns its URL.

    Apart from the business database: two writers of one file block each other for as long as a transaction lasts.
    """
    path.touch(mode=0o600)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    return f"sqlite:///{path}"
