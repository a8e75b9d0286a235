"""What this process asks before it says that it is ready."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

from app.clock import system_now
from app.engine import database_folder
from app.settings import Settings
from app.worker import HEARTBEAT_SECONDS, TaskEnded, Worker
from models import Operation, WorkerHeartbeat
from models.migrating import unapplied_migrations
from operations.engine import Engine
from operations.tools import Tools
from resolvers.health import Health, NotWell, Question

SILENT_SECONDS = 6 * HEARTBEAT_SECONDS
"""A worker that gave no sign of life for so long counts as dead."""
MIB = 1024 * 1024


def make_health(settings: Settings, tools: Tools, engine: Engine, worker: Worker | None) -> Health:
    """`worker` is the one in this process; without it, one that runs elsewhere has to be alive."""

    async def a_worker_lives() -> None:
        await engine.ping()
        await (_elsewhere() if worker is None else _here(worker))

    questions: dict[str, Question] = {
        "database": _database,
        "metronome": tools.metronome.ping,
        "stripe": tools.stripe.ping,
        "worker": a_worker_lives,
        "migrations": _migrations,
    }
    if settings.on_sqlite:
        folder = database_folder(settings.database)
        questions["disk"] = lambda: asyncio.to_thread(check_disk, folder, min_free_mib=settings.disk_min_free_mib)
    return Health(questions, cache_seconds=settings.health_cache_seconds, now=tools.now)


def check_disk(folder: Path, *, min_free_mib: int) -> None:
    """Raises `NotWell`."""
    state = os.statvfs(folder)
    if state.f_flag & os.ST_RDONLY or not os.access(folder, os.W_OK):
        raise NotWell(f"{folder} is read-only: nothing can be written")
    free_mib = state.f_bavail * state.f_frsize // MIB
    if free_mib < min_free_mib:
        raise NotWell(f"{folder} has {free_mib} MiB left, and DISK_MIN_FREE_MIB asks for {min_free_mib}")


async def _database() -> None:
    await Operation.first().values_list("id")


async def _migrations() -> None:
    if missing := await unapplied_migrations():
        raise NotWell(f"the database lacks {len(missing)} migration(s), {missing[0]} first: run `make migrate`")


async def _here(worker: Worker) -> None:
    if worker.is_broken:
        raise NotWell(f"{TaskEnded()}: restart this process")
    if worker.silent_seconds > SILENT_SECONDS:
        raise NotWell(f"the worker gave no sign of life for {worker.silent_seconds:.0f} s; the log tells why")


async def _elsewhere() -> None:
    alive = WorkerHeartbeat.filter(at__gte=system_now() - timedelta(seconds=SILENT_SECONDS))
    if not await alive.exists():
        raise NotWell(f"no worker gave a sign of life for {SILENT_SECONDS:.0f} s: start `python -m app worker`")
