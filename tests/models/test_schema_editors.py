"""Changing a table that holds rows: nothing but what the migration names may change."""

import pytest
from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connections
from tortoise.exceptions import IntegrityError
from tortoise.indexes import Index
from tortoise.migrations import Migration
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps

from models.backends.schema_editors import AsyncpgSchemaEditor, SqliteSchemaEditor

pytestmark = pytest.mark.usefixtures("database")

POSITIVE = CheckConstraint(check="amount > 0", name="order_amount_positive")
ONE_OPEN = UniqueConstraint(fields=("buyer",), name="order_one_open_per_buyer", condition="state = 'OPEN'")

CREATE = [
    ops.CreateModel(
        name="Order",
        fields=[
            ("id", fields.IntField(primary_key=True)),
            ("buyer", fields.CharField(max_length=10)),
            ("state", fields.CharField(max_length=10)),
            ("amount", fields.IntField()),
            ("note", fields.CharField(max_length=10)),
        ],
        options={
            "table": "order",
            "app": "shop",
            "indexes": [Index(fields=["buyer"], name="order_by_buyer")],
            "unique_together": (("buyer", "amount"),),
            "constraints": [POSITIVE, ONE_OPEN],
        },
    ),
    ops.CreateModel(
        name="Item",
        fields=[
            ("id", fields.IntField(primary_key=True)),
            ("order", fields.ForeignKeyField("shop.Order", on_delete=fields.CASCADE)),
        ],
        options={"table": "item", "app": "shop"},
    ),
    ops.RunSQL("CREATE INDEX by_hand ON \"order\" (note) WHERE note <> ';'"),
]


class Shop:
    """A schema of its own beside the service's, and the state of its migrations."""

    def __init__(self) -> None:
        self.client: BaseDBAsyncClient = get_connections().all()[0]
        sqlite = self.client.capabilities.dialect == "sqlite"
        self._editor = SqliteSchemaEditor if sqlite else AsyncpgSchemaEditor
        self._state = State(models={}, apps=StateApps(default_connections={"shop": self.client.connection_name}))

    async def apply(self, *operations: ops.Operation) -> None:
        migration = Migration("0001", "shop")
        migration.operations = list(operations)
        self._state = await migration.apply(self._state, schema_editor=self._editor(self.client))

    async def insert(self, *, order_id: int, buyer: str = "ada", state: str = "PAID", amount: int = 1) -> None:
        await self.client.execute_script(
            f"INSERT INTO \"order\" VALUES ({order_id}, '{buyer}', '{state}', {amount}, 'note')"  # noqa: S608
        )

    async def refuses(self, *, order_id: int, buyer: str = "ada", state: str = "PAID", amount: int = 1) -> bool:
        try:
            await self.insert(order_id=order_id, buyer=buyer, state=state, amount=amount)
        except IntegrityError:
            return True
        return False

    async def indexes(self) -> set[str]:
        sqlite = self.client.capabilities.dialect == "sqlite"
        rows = await self.client.execute_query_dict(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'order' AND sql IS NOT NULL"
            if sqlite
            else "SELECT indexname AS name FROM pg_indexes WHERE tablename = 'order'"
        )
        return {row["name"] for row in rows}


@pytest.fixture
async def shop() -> Shop:
    """With an open order of one item."""
    found = Shop()
    if found.client.capabilities.dialect == "sqlite":
        await found.client.execute_script("PRAGMA foreign_keys = OFF")  # as `migrate` does
    await found.apply(*CREATE)
    await found.insert(order_id=1, state="OPEN", amount=5)
    await found.client.execute_script("INSERT INTO item VALUES (1, 1)")
    return found


async def items(shop: Shop) -> int:
    return len(await shop.client.execute_query_dict("SELECT * FROM item"))


async def assert_all_rules(shop: Shop) -> None:
    assert await shop.refuses(order_id=2, amount=0), "CHECK"
    assert await shop.refuses(order_id=2, amount=5), "unique together"
    assert await shop.refuses(order_id=2, amount=2, state="OPEN"), "partial unique index"
    assert await shop.indexes() >= {"order_by_buyer", "order_one_open_per_buyer", "by_hand"}
    assert await items(shop) == 1


async def test_a_new_table_has_every_rule_its_model_declares(shop: Shop) -> None:
    await assert_all_rules(shop)


async def test_altering_a_field_keeps_rows_indexes_and_rules(shop: Shop) -> None:
    await shop.apply(ops.AlterField(model_name="Order", name="note", field=fields.CharField(max_length=20, null=True)))
    await assert_all_rules(shop)
    await shop.client.execute_script('UPDATE "order" SET note = NULL')


async def test_adding_a_rule_keeps_rows_indexes_and_rules(shop: Shop) -> None:
    small = CheckConstraint(check="amount < 100", name="order_amount_small")
    await shop.apply(ops.AddConstraint(model_name="Order", constraint=small))
    await assert_all_rules(shop)
    assert await shop.refuses(order_id=2, amount=100)


async def test_removing_a_rule_keeps_the_others(shop: Shop) -> None:
    await shop.apply(ops.RemoveConstraint(model_name="Order", name="order_amount_positive"))
    assert not await shop.refuses(order_id=2, amount=0)
    assert await shop.refuses(order_id=3, amount=5)
    assert await shop.refuses(order_id=3, amount=2, state="OPEN")
    assert await items(shop) == 1


async def test_removing_a_partial_unique_index_keeps_the_others(shop: Shop) -> None:
    await shop.apply(ops.RemoveConstraint(model_name="Order", name="order_one_open_per_buyer"))
    assert not await shop.refuses(order_id=2, amount=2, state="OPEN")
    assert await shop.refuses(order_id=3, amount=0)
    assert await shop.refuses(order_id=3, amount=5)


async def test_removing_a_field_keeps_rows_and_rules(shop: Shop) -> None:
    await shop.client.execute_script("DROP INDEX by_hand")
    await shop.apply(ops.RemoveField(model_name="Order", name="note"))
    rows = await shop.client.execute_query_dict('SELECT * FROM "order"')
    assert rows == [{"id": 1, "buyer": "ada", "state": "OPEN", "amount": 5}]
    assert await items(shop) == 1
