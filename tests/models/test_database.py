import asyncio
import os
import stat
from pathlib import Path

import pytest
from tortoise.connection import get_connections

from models import WebhookEvent
from models.database import (
    DatabaseUnavailable,
    InvalidDatabaseUrl,
    connect,
    connection_config,
    database,
    disconnect,
)
from tests.models.rows import NOW, an_event


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
async def test_the_data_folder_and_every_file_in_it_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        async with database(f"sqlite://{tmp_path}/data/billing.db"):
            await get_connections().all()[0].execute_script("CREATE TABLE t (x)")
            found = {path.name: permissions(path) for path in (tmp_path / "data").iterdir()}
    finally:
        os.umask(before)
    assert permissions(tmp_path / "data") == 0o700
    assert found == {"billing.db": 0o600, "billing.db-wal": 0o600, "billing.db-shm": 0o600}


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


async def test_a_folder_that_was_there_keeps_its_permissions(open_folder: Path) -> None:
    async with database(f"sqlite://{open_folder}/billing.db"):
        pass
    assert permissions(open_folder) == 0o755


async def test_sqlite_runs_with_the_settings_money_needs(sqlite_url: str) -> None:
    async with database(sqlite_url):
        connection = get_connections().all()[0]
        names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys", "trusted_schema", "cell_size_check")
        answers = [await connection.execute_query_dict(f"PRAGMA {name}") for name in names]
    values = [next(iter(rows[0].values())) for rows in answers]
    assert dict(zip(names, values, strict=True)) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 15000,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
    }


async def test_postgresql_runs_with_the_settings_money_needs(postgresql_url: str) -> None:
    expected = {
        "synchronous_commit": "on",
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "1min",
        "application_name": "billing-service",
        "timezone": "UTC",
    }
    async with database(postgresql_url):
        rows = (
            await get_connections()
            .all()[0]
            .execute_query_dict(
                "SELECT lower(name) AS name, current_setting(name) AS value FROM pg_settings "
                "WHERE lower(name) = ANY($1)",
                [list(expected)],
            )
        )
    assert {row["name"]: row["value"] for row in rows} == expected


async def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(DatabaseUnavailable) as raised:
        await connect(f"sqlite://{tmp_path}/data/billing.db")
    assert str(raised.value) == (
        f"Cannot write to the data folder {tmp_path}/data: Not a directory. "
        "Set DATA_DIR to a folder this process may write to."
    )


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "billing.db"
    path.write_text("no database at all" * 100)
    with pytest.raises(DatabaseUnavailable) as raised:
        await connect(f"sqlite://{path}")
    assert str(raised.value) == f"SQLite cannot use {path}: file is not a database."


async def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with pytest.raises(DatabaseUnavailable) as raised:
        await connect("postgresql://billing:s3cret@127.0.0.1:1/billing")
    sentence = str(raised.value)
    assert sentence.startswith("Cannot connect to PostgreSQL database billing at 127.0.0.1:1: ")
    assert sentence.endswith("Check DATABASE_URL.")
    assert "s3cret" not in sentence


async def test_a_database_that_is_not_there_is_named(postgresql_url: str) -> None:
    url = postgresql_url.replace("/test_", "/missing_")
    with pytest.raises(DatabaseUnavailable, match="Cannot connect to PostgreSQL database missing_"):
        await connect(url)


async def test_a_failed_connect_can_be_followed_by_another(sqlite_url: str) -> None:
    with pytest.raises(DatabaseUnavailable):
        await connect("postgresql://billing@127.0.0.1:1/billing")
    async with database(sqlite_url):
        assert await WebhookEvent.all().count() == 0


async def test_tasks_of_any_context_see_the_connection(database_url: str) -> None:
    await asyncio.create_task(connect(database_url))
    await asyncio.create_task(an_event().save())
    assert (await asyncio.create_task(the_event())).received_at == NOW
    await asyncio.create_task(disconnect())


async def the_event() -> WebhookEvent:
    return await WebhookEvent.get(event_id="evt_1")


@pytest.mark.parametrize(
    ("url", "name", "expected"),
    [
        ("sqlite://data/billing.db", "sqlite", {"file_path": "data/billing.db"}),
        ("sqlite:///var/lib/b/billing.db", "sqlite", {"file_path": "/var/lib/b/billing.db"}),
        ("sqlite:///with%20space/b.db", "sqlite", {"file_path": "/with space/b.db"}),
        ("postgres://u:p%40ss@db:6432/billing", "postgresql", {"user": "u", "password": "p@ss", "port": 6432}),
        ("postgresql://u@db/billing", "postgresql", {"host": "db", "password": None, "port": 5432}),
        ("postgresql://u@/b?host=/run/pg&maxsize=30", "postgresql", {"host": "/run/pg", "maxsize": "30"}),
        ("postgresql://u@db/b?sslmode=require", "postgresql", {"ssl": "require"}),
    ],
)
def test_urls_are_read(url: str, name: str, expected: dict[str, object]) -> None:
    found, connection = connection_config(url)
    assert found == name
    assert {key: connection["credentials"][key] for key in expected} == expected


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://u@db/b", "DATABASE_URL must start with sqlite:// or postgresql://, not 'mysql'."),
        ("", "DATABASE_URL must start with sqlite:// or postgresql://, not ''."),
        (
            "sqlite://:memory:",
            "DATABASE_URL for SQLite must name a file, for example sqlite://data/billing.db.",
        ),
        (
            "sqlite://b.db?synchronous=OFF",
            "DATABASE_URL for SQLite takes no options: its settings are not optional.",
        ),
        (
            "postgresql://u@db",
            "DATABASE_URL for PostgreSQL must name a database: postgresql://user@host/database.",
        ),
        (
            "postgresql://u@db/b?fsync=off",
            "DATABASE_URL has the unknown option 'fsync'; known are host, sslmode, minsize, maxsize.",
        ),
        ("postgresql://u:s3cret@db:port/b", "DATABASE_URL is not a URL: its host or port cannot be read."),
    ],
)
def test_urls_that_cannot_be_meant_are_refused(url: str, sentence: str) -> None:
    with pytest.raises(InvalidDatabaseUrl) as raised:
        connection_config(url)
    assert str(raised.value) == sentence
