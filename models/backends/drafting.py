"""The connection of the `tortoise` command: it compares models with migrations and changes no database."""

from typing import NoReturn

from tortoise.backends.sqlite.client import SqliteClient

from models.errors import DatabaseUnavailable


class DraftingClient(SqliteClient):
    def acquire_connection(self) -> NoReturn:
        raise DatabaseUnavailable("The tortoise command only writes migrations here; `make migrate` applies them.")


client_class = DraftingClient
