"""Runs accepted operations to their end, across crashes. The only file that knows DBOS.

An operation is a row first; its workflow carries the same id, so starting it twice is starting it once. A verb is a
tuple of steps run in order. A step is at-least-once: it reads what stands in our rows and does what is missing. The
workflow itself does no I/O and reads no clock, so that DBOS can replay it.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowStatus
from tortoise.expressions import F

from models import Operation, OperationKind, OperationStatus
from operations.effects import LONGEST_WAIT_SECONDS
from operations.liveness import Slots, executor_id, slot_of, take_lowest
from operations.tools import Tools

log = structlog.get_logger()

# Constant: a version computed from the code would strand every running operation at each deploy.
# A change of a verb's step list goes through a new kind or DBOS.patch instead.
APPLICATION_VERSION = "1"
POLL_SECONDS = 0.2
UNSTARTED_AFTER = timedelta(seconds=2)
MAX_TAKEOVERS = 5
SWEEP_BATCH = 100


class Next(StrEnum):
    CONTINUE = "CONTINUE"
    STOP = "STOP"


Step = Callable[[str, Tools], Awaitable[Next]]
Verbs = Mapping[OperationKind, tuple[Step, ...]]

# DBOS is one per process and hands a recovered workflow nothing but its arguments.
_engine: "Engine | None" = None


@DBOS.workflow(name="operation", max_recovery_attempts=None)
async def _run_operation(operation_id: str, kind: str) -> None:
    if _engine is None:
        raise asyncio.CancelledError  # stopping: the next start picks it up
    with _engine.at_work(operation_id):
        for step in _engine.verbs[OperationKind(kind)]:
            if await DBOS.run_step_async({"name": step.__name__}, _engine.run_step, step, operation_id) == Next.STOP:
                return


class Engine:
    def __init__(self, *, verbs: Verbs, tools: Tools, system_database_url: str, slots: Slots) -> None:
        self.verbs = verbs
        self._tools = tools
        self._system_database_url = system_database_url
        self._slots = slots
        self._slot = -1
        self._tasks: dict[str, asyncio.Task[object]] = {}
        self._finished: dict[str, asyncio.Event] = {}

    async def start(self) -> None:
        """Take a worker slot and launch; what an earlier process in this slot left unfinished goes on by itself."""
        global _engine
        self._slot = await take_lowest(self._slots)
        _engine = self
        DBOS(config=self._config())
        DBOS.launch()
        log.info("engine.started", worker=executor_id(self._slot))

    async def stop(self, *, drain_seconds: float) -> None:
        """Let running steps end within the bound, then cut them off: a step may be cut anywhere."""
        global _engine
        _engine = None
        running = list(self._tasks.values())
        if running:
            await asyncio.wait(running, timeout=drain_seconds)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.to_thread(DBOS.destroy)
        await self._slots.close()
        log.info("engine.stopped", unfinished=len([task for task in running if task.cancelled()]))

    async def run(self, operation_id: str, kind: OperationKind) -> None:
        """Start an accepted operation; a no-op when it was started before, in any process."""
        with SetWorkflowID(operation_id):
            await DBOS.start_workflow_async(_run_operation, operation_id, kind.value)

    async def wait(self, operation_id: str, *, seconds: float) -> None:
        """Return when the operation has ended, or after the given time, whichever comes first."""
        finished = self._finished.setdefault(operation_id, asyncio.Event())
        deadline = asyncio.get_running_loop().time() + seconds
        while await Operation.exists(id=operation_id, status=OperationStatus.RUNNING):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return
            # Another process may be running it: the event is only the fast way to know.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(finished.wait(), min(left, POLL_SECONDS))

    async def ping(self) -> None:
        """Raise unless the engine is running and can read its own records."""
        await DBOS.get_workflow_status_async("ping")

    async def sweep(self) -> None:
        """Start what was accepted but never started, and take over what dead workers left."""
        await self._start_unstarted()
        await self._take_over_from_the_dead()

    async def prune(self, *, finished_before: datetime) -> int:
        """Delete the engine's own records of workflows that ended before then; operations stay."""
        old = await DBOS.list_workflows_async(
            status=["SUCCESS", "ERROR", "CANCELLED"],
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
        task = asyncio.current_task()
        assert task is not None
        self._tasks[operation_id] = task
        try:
            yield
        finally:
            self._tasks.pop(operation_id, None)
            if finished := self._finished.pop(operation_id, None):
                finished.set()

    async def run_step(self, step: Step, operation_id: str) -> str:
        wait_seconds = POLL_SECONDS
        while True:
            try:
                known = await Operation.filter(id=operation_id).update(step=step.__name__, updated_at=self._tools.now())
                return await step(operation_id, self._tools) if known else Next.STOP
            except Exception:
                # A fault of ours must not lose what a customer was promised: it is shown, retried, and survives a fix.
                log.exception("operation.step_failed", operation=operation_id, step=step.__name__)
            await self._show_fault(operation_id, step)
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, LONGEST_WAIT_SECONDS)

    async def _show_fault(self, operation_id: str, step: Step) -> None:
        problem = f"An internal fault in step {step.__name__}; it is tried again. The log has the details."
        with contextlib.suppress(Exception):  # the database itself may be what is faulty
            await Operation.filter(id=operation_id).update(last_problem=problem, updated_at=self._tools.now())

    async def _start_unstarted(self) -> None:
        unstarted = await (
            Operation.filter(status=OperationStatus.RUNNING, created_at__lt=self._tools.now() - UNSTARTED_AFTER)
            .exclude(id__in=list(self._tasks))
            .order_by("created_at")
            .limit(SWEEP_BATCH)
            .values_list("id", "kind")
        )
        for operation_id, kind in unstarted:
            if await DBOS.get_workflow_status_async(operation_id) is None:
                log.warning("operation.started_by_sweep", operation=operation_id)
                await self.run(operation_id, OperationKind(kind))

    async def _take_over_from_the_dead(self) -> None:
        pending = await DBOS.list_workflows_async(status="PENDING", limit=SWEEP_BATCH, load_input=False)
        by_slot: dict[int, list[WorkflowStatus]] = {}
        for workflow in pending:
            slot = slot_of(workflow.executor_id or "")
            if slot is not None and slot != self._slot:
                by_slot.setdefault(slot, []).append(workflow)
        for slot, left_behind in by_slot.items():
            if await self._slots.take(slot):
                try:
                    for workflow in left_behind:
                        await self._take_over(workflow.workflow_id)
                finally:
                    await self._slots.give_back(slot)

    async def _take_over(self, operation_id: str) -> None:
        taken = await Operation.filter(id=operation_id, takeovers__lt=MAX_TAKEOVERS).update(
            takeovers=F("takeovers") + 1
        )
        if not taken:
            log.error("operation.abandoned", operation=operation_id, takeovers=MAX_TAKEOVERS)
            return
        log.warning("operation.taken_over", operation=operation_id)
        await DBOS.resume_workflow_async(operation_id)

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


def prepare_sqlite(path: Path) -> str:
    """Make the engine's own SQLite file, in WAL mode, readable by us only. Returns its URL.

    A file apart from the business database: two writers of one file block each other for as long as a transaction lasts.
    """
    path.touch(mode=0o600)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    return f"sqlite:///{path}"
