import asyncio
import sys
from pathlib import Path

import pytest
from tortoise.connection import get_connections

from models.database import SQLITE, connection_config, database
from models.migrating import migrate, pending_migrations, unwritten_migrations

PROJECT = Path(__file__).parents[2]


async def test_the_migrations_say_what_the_models_say() -> None:
    assert await unwritten_migrations() == []


async def test_an_empty_database_gets_every_migration_once(empty_database_url: str) -> None:
    pending = await pending_migrations(empty_database_url)
    assert pending[:2] == ["0001_initial", "0002_one_of_each"]
    assert await migrate(empty_database_url) == pending
    assert await pending_migrations(empty_database_url) == []
    assert await migrate(empty_database_url) == []


async def test_every_migration_can_be_undone_and_done_again(empty_database_url: str) -> None:
    names = await migrate(empty_database_url)
    after_migrating = await schema(empty_database_url)
    assert await migrate(empty_database_url, to=names[0]) == names[:0:-1]
    assert await migrate(empty_database_url) == names[1:]
    assert await schema(empty_database_url) == after_migrating


async def test_processes_that_migrate_at_once_take_turns(empty_database_url: str) -> None:
    command = [sys.executable, "-m", "tests.models.migrate_once", empty_database_url]
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stdout=pipe, stderr=pipe) for _ in range(3)
    ]
    outputs = [await process.communicate() for process in processes]
    assert [errors.decode() for _, errors in outputs] == ["", "", ""]
    applied = sorted(output.decode() for output, _ in outputs)
    assert applied[:2] == ["", ""]
    assert applied[2].split()[:2] == ["0001_initial", "0002_one_of_each"]


async def test_the_tortoise_command_applies_nothing() -> None:
    command = [sys.executable, "-m", "tortoise", "-c", "models.migrating.TORTOISE_ORM", "migrate"]
    process = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"The tortoise command only writes migrations here; `make migrate` applies them." in errors


async def schema(url: str) -> set[str]:
    """Every index and constraint, as the database itself tells them."""
    sqlite = connection_config(url)[0] == SQLITE
    query = (
        "SELECT name || coalesce(sql, '') AS told FROM sqlite_master"
        if sqlite
        else "SELECT indexdef AS told FROM pg_indexes WHERE schemaname = 'public' "
        "UNION SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint"
    )
    async with database(url):
        rows = await get_connections().all()[0].execute_query_dict(query)
    return {row["told"] for row in rows}


@pytest.mark.parametrize(
    "told",
    [
        "subscription_one_live_per_customer",
        "operation_one_under_way_per_customer",
        "payment_one_success_per_invoice",
        "payment_method_one_default_per_customer",
        "customer_credit_balance_not_negative",
    ],
)
async def test_the_database_itself_knows_the_rules(database_url: str, told: str) -> None:
    assert any(told in line for line in await schema(database_url))
