"""How migrations change a table, where Tortoise 1.1.9 gets it wrong.

- It leaves `Meta.constraints` out of `CREATE TABLE`, on both databases: a CHECK that a model declares never exists.
- On SQLite it refuses partial unique indexes, which SQLite has.
- On SQLite it rebuilds a table without its indexes and its UNIQUE constraints.
"""

import re
from typing import Any

from tortoise.fields.base import Field
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.migrations.schema_editor.asyncpg import AsyncpgSchemaEditor as TortoiseAsyncpgSchemaEditor
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_editor.data import ModelSqlData
from tortoise.migrations.schema_editor.sqlite import SqliteSchemaEditor as TortoiseSqliteSchemaEditor
from tortoise.models import Model

Constraint = UniqueConstraint | CheckConstraint


class DeclaredConstraints(BaseSchemaEditor):
    """Writes `Meta.constraints`: CHECKs inside `CREATE TABLE`, unique ones right after it."""

    _checks: tuple[CheckConstraint, ...] = ()

    def _get_model_sql_data(self, model: type[Model]) -> ModelSqlData:
        self._checks = tuple(c for c in model._meta.constraints if isinstance(c, CheckConstraint))
        try:
            return super()._get_model_sql_data(model)
        finally:
            self._checks = ()

    def _get_inner_statements(self) -> list[str]:
        return [
            *super()._get_inner_statements(),
            *(self.CHECK_CONSTRAINT_CREATE_TEMPLATE.format(name=c.name, check=c.check) for c in self._checks),
        ]

    async def create_model(self, model: type[Model]) -> None:
        await super().create_model(model)
        for constraint in model._meta.constraints:
            if isinstance(constraint, UniqueConstraint):
                await self.add_constraint(model, constraint)


class AsyncpgSchemaEditor(DeclaredConstraints, TortoiseAsyncpgSchemaEditor):
    pass


class SqliteSchemaEditor(DeclaredConstraints, TortoiseSqliteSchemaEditor):
    async def _run_sql(self, sql: str) -> None:
        """Tortoise splits at every semicolon, those inside literals and triggers included; the client knows better."""
        await BaseSchemaEditor._run_sql(self, sql)

    def _get_column_comment_sql(self, table: str, column: str, comment: str) -> str:
        return ""  # SQLite keeps no comments, and a new enum member must not rebuild a table

    def _get_table_comment_sql(self, table: str, comment: str) -> str:
        return ""

    async def add_constraint(self, model: type[Model], constraint: Constraint) -> None:
        if isinstance(constraint, UniqueConstraint) and constraint.condition:
            await self._add_partial_unique_index(model, constraint)
        else:
            await super().add_constraint(model, constraint)

    async def _add_partial_unique_index(self, model: type[Model], constraint: UniqueConstraint) -> None:
        columns = self._resolve_fields_to_columns(model, constraint.fields)
        name = self._constraint_name_for_model(model, UniqueConstraint(fields=tuple(columns), name=constraint.name))
        await self._run_sql(
            f"CREATE UNIQUE INDEX {self.quote(name)} ON {self.quote(model._meta.db_table)} "
            f"({', '.join(map(self.quote, columns))}) WHERE {constraint.condition}"
        )

    async def remove_constraint(self, model: type[Model], constraint: Constraint) -> None:
        if isinstance(constraint, CheckConstraint):
            kept = tuple(c for c in model._meta.constraints if c != constraint)
            model._meta.constraints = kept  # `model` is the state before the removal
            await self._remake_table(model)
        elif constraint.name:
            await self.remove_index(model, Index(fields=constraint.fields, name=constraint.name))
        else:
            await super().remove_constraint(model, constraint)

    async def remove_field(self, model: type[Model], field: Field[Any]) -> None:
        """`DROP COLUMN`, which refuses where an index or constraint still needs the column."""
        await BaseSchemaEditor.remove_field(self, model, field)

    async def alter_field(self, old_model: type[Model], new_model: type[Model], field_name: str) -> None:
        if self._columns_sql(old_model) != self._columns_sql(new_model):
            await super().alter_field(old_model, new_model, field_name)

    async def _alter_field(self, model: type[Model], old_field: Field[Any], new_field: Field[Any]) -> None:
        old_column = old_field.source_field or old_field.model_field_name
        new_column = new_field.source_field or new_field.model_field_name
        if old_column != new_column:
            table = self.quote(model._meta.db_table)
            await self._run_sql(
                self.RENAME_FIELD_TEMPLATE.format(table=table, old_column=old_column, new_column=new_column)
            )
        await self._remake_table(model)
        if new_field.index and not old_field.index:
            await self.add_index(model, Index(fields=(new_column,)))
        elif old_field.index and not new_field.index:
            await self.remove_index(model, Index(fields=(old_column,)))

    async def _remake_table(self, model: type[Model], *_: object, **__: object) -> None:
        """SQLite's own recipe (lang_altertable.html, section 7): new table, copy, drop, rename, indexes and triggers.

        Foreign keys have to be off, or the drop deletes what refers to the table: see `models.migrating`.
        """
        table = model._meta.db_table
        lost = await self.client.execute_query_dict(
            "SELECT sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name = ?",
            [table],
        )
        columns = ", ".join(map(self.quote, model._meta.db_fields))
        await self._run_sql(self._columns_sql(model).replace(f'"{table}"', f'"new__{table}"', 1))
        await self._run_sql(f'INSERT INTO "new__{table}" ({columns}) SELECT {columns} FROM "{table}"')  # noqa: S608
        await self._run_sql(f'DROP TABLE "{table}"')
        await self._run_sql(f'ALTER TABLE "new__{table}" RENAME TO "{table}"')
        for each in lost:
            await self._run_sql(each["sql"])

    def _columns_sql(self, model: type[Model]) -> str:
        """The `CREATE TABLE` alone, without the indexes that follow it."""
        match = re.match(r"CREATE TABLE .*?\n\);", self._get_model_sql_data(model).table_sql, re.DOTALL)
        assert match is not None
        return match.group()
