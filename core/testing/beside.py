"""A PostgreSQL with the same rows beside a neighbourhood that is served from SQLite, to ask both the same.

The ORM's connections are the process's, so that two neighbourhoods cannot be served at once; reading needs no ORM.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
from graphql import DocumentNode

from core.database import Database
from core.database.asyncpg import SERVER_SETTINGS
from core.runtime import Runtime
from core.testing.kit import Neighbourhood
from schema.documents import Prepared
from schema.execution import GraphQL
from schema.plain import table_rows
from schema.rates import Meter


class Beside(Database):
    """One connection of its own, for reads only."""

    def __init__(self, url: str, usual: Database, connection: Any) -> None:
        super().__init__(url, usual.models)
        self._connection = connection

    async def _read_postgres(self, sql: str, bound: list[Any]) -> list[Any]:
        found: list[Any] = await self._connection.fetch(sql, *bound)
        return found


class GraphQLBeside(GraphQL):
    """The same contract; documents are parsed and checked by the other one."""

    def __init__(self, usual: GraphQL, runtime: Runtime) -> None:
        super().__init__(usual.schema, runtime)
        self._usual = usual
        self._last = ("", Prepared(DocumentNode(definitions=())))

    def prepare(self, text: str, meter: Meter | None = None) -> Prepared:
        if self._last[0] != text:
            checked = self._usual.prepare(text, meter)
            self._last = text, Prepared(checked.document, checked.errors, asks_for_schema=checked.asks_for_schema)
        return self._last[1]


@asynccontextmanager
async def beside(neighbourhood: Neighbourhood, url: str) -> AsyncIterator[GraphQL]:
    """Fill the migrated PostgreSQL at `url` with the rows of the neighbourhood, and answer from there."""
    usual: Runtime = neighbourhood.server.runtime
    parts = urlsplit(url)
    connection = await asyncpg.connect(
        host=parse_qs(parts.query)["host"][0], user=parts.username, database=parts.path.lstrip("/"),
        server_settings=SERVER_SETTINGS,
    )  # fmt: skip
    try:
        await _fill(connection, usual.database)
        database = Beside(url, usual.database, connection)
        runtime = Runtime(database, usual.kernel, usual.messages, usual.dispatcher, usual.jobs)
        yield GraphQLBeside(neighbourhood.server.graphql, runtime)
    finally:
        await connection.close()


async def _fill(connection: Any, source: Database) -> None:
    """Take in every table as it is: no guard fires, and no order need be kept."""
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        for model in source.models:
            await connection.execute(f"DELETE FROM {model._meta.db_table}")
        for model in source.models:
            rows = await table_rows(source, model)
            if rows:
                records = [_record(row.values()) for row in rows]
                await connection.copy_records_to_table(model._meta.db_table, records=records, columns=list(rows[0]))
    await connection.execute("ANALYZE")


def _record(values: Any) -> Sequence[Any]:
    return [json.dumps(v, ensure_ascii=False) if isinstance(v, (dict, list)) else v for v in values]
