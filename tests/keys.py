"""The key that the tests' own clients use; every test database has it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

from access.keys import hash_of, prefix_of

ADMIN_KEY = f"bk_test_{'0' * 64}"
ADMIN_KEY_ID = "key_tests"
AS_ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}

INSERT = f"""
INSERT INTO api_key (id, name, prefix, key_hash, scopes, created_at)
VALUES ('{ADMIN_KEY_ID}', 'tests', '{prefix_of(ADMIN_KEY)}', '{hash_of(ADMIN_KEY)}', '["admin"]', '2020-01-01 00:00:00+00:00')
"""  # noqa: S608, E501  nothing of it comes from outside


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def add_to_sqlite(path: Path) -> None:
    """Past Tortoise, which has one database for each process, and that may be another one just now."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(INSERT)


async def add_to_postgresql(url: str) -> None:
    connection: Any = await asyncpg.connect(url)
    try:
        await connection.execute(INSERT)
    finally:
        await connection.close()
