"""How each database writes JSON: PostgreSQL by text concatenation, SQLite by json_object (both measured fastest)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.database.dialect import Dialect

UUID_LENGTH = 36  # characters behind the tag of a global id
SQLITE_ARGUMENTS = 60  # pairs in one json_object call; SQLite allows 127 arguments


class Emitter:
    """Writes values of the API's kinds (see `declare`) as JSON inside SQL."""

    dialect: Dialect

    def text(self, sql: str) -> str:
        """A UUID as text."""
        raise NotImplementedError

    def join(self, sql: str) -> str:
        """The aggregate of texts, with commas between."""
        raise NotImplementedError

    def quoted(self, sql: str) -> str:
        """A text as a JSON string, itself as text."""
        raise NotImplementedError

    def value(self, sql: str, kind: str, tag: str | None = None, *, nullable: bool = True) -> str:
        """A scalar expression as a JSON value; null as null."""
        raise NotImplementedError

    def plain(self, sql: str, kind: str) -> str:
        """A scalar as the text that a cursor carries (no quotes); null stays null."""
        raise NotImplementedError

    def below(self, mark: str) -> str:
        """The areas at and below those of a list parameter, today (flat, for the sake of SQLite's parser stack)."""
        raise NotImplementedError

    def ids(self, mark: str) -> str:
        """The global ids of a list parameter in their order, as columns `tag` and `id`."""
        raise NotImplementedError

    def string(self, value: str) -> str:
        """A constant JSON string."""
        raise NotImplementedError

    def object(self, pairs: Sequence[tuple[str, str]]) -> str:
        raise NotImplementedError

    def array(self, item: str, where: str | None) -> str:
        """The aggregate of items over the rows at hand, `[]` over none."""
        raise NotImplementedError

    def parameter(self, mark: str, sql_type: str) -> str:
        raise NotImplementedError

    def among(self, column: str, mark: str, sql_type: str) -> str:
        """`column` is one of the values of a list parameter."""
        return self.dialect.among(column, mark, sql_type)


def quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class SqliteEmitter(Emitter):
    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def text(self, sql: str) -> str:
        return sql

    def join(self, sql: str) -> str:
        return f"group_concat({sql}, ',')"

    def quoted(self, sql: str) -> str:
        return f"json_quote({sql})"

    def plain(self, sql: str, kind: str) -> str:
        if kind == "instant":
            return f"(substr({sql}, 1, 10) || 'T' || substr({sql}, 12, 12) || 'Z')"
        return sql if kind in ("text", "enum", "date", "id", "reference") else f"CAST({sql} AS TEXT)"

    def value(self, sql: str, kind: str, tag: str | None = None, *, nullable: bool = True) -> str:
        if kind == "bool":
            return f"json(CASE WHEN {sql} THEN 'true' WHEN {sql} IS NULL THEN NULL ELSE 'false' END)"
        if kind == "id":
            return f"({quote(f'{tag}_')} || {sql})"
        if kind == "instant":
            return self.plain(sql, kind)
        if kind == "json":
            return f"json({sql})"
        return sql

    def below(self, mark: str) -> str:
        source = f"json_each({mark}) j JOIN core_area_closure c ON c.ancestor_id = j.value"
        return f"SELECT c.descendant_id FROM {source} WHERE c.until IS NULL"

    def ids(self, mark: str) -> str:
        parts = f"substr(value, 1, length(value) - {UUID_LENGTH + 1}) AS tag, substr(value, -{UUID_LENGTH}) AS id"
        return f"SELECT {parts} FROM json_each({mark}) ORDER BY key"

    def string(self, value: str) -> str:
        return quote(value)

    def object(self, pairs: Sequence[tuple[str, str]]) -> str:
        if len(pairs) <= SQLITE_ARGUMENTS:
            return "json_object(" + ", ".join(f"{quote(k)}, {v}" for k, v in pairs) + ")"
        # Too many arguments for one call: join the insides of several objects.
        chunks = [pairs[i : i + SQLITE_ARGUMENTS] for i in range(0, len(pairs), SQLITE_ARGUMENTS)]
        insides = []
        for chunk in chunks:
            made = "json_object(" + ", ".join(f"{quote(k)}, {v}" for k, v in chunk) + ")"
            insides.append(f"(SELECT substr(o, 2, length(o) - 2) FROM (SELECT {made} AS o))")
        return "json('{' || " + " || ',' || ".join(insides) + " || '}')"

    def array(self, item: str, where: str | None) -> str:
        return f"json_group_array({item})" + (f" FILTER (WHERE {where})" if where else "")

    def parameter(self, mark: str, sql_type: str) -> str:
        return mark


class PostgresEmitter(Emitter):
    """Every value is JSON text; objects and arrays are built with `||`, which is strict, so nulls become 'null'."""

    _CASTS = {"int": "int", "long": "bigint", "bool": "boolean", "instant": "timestamptz", "date": "date",
              "uuid": "uuid", "text": "text", "uuid[]": "uuid[]", "text[]": "text[]", "int[]": "bigint[]"}  # fmt: skip

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def text(self, sql: str) -> str:
        return f"{sql}::text"

    def join(self, sql: str) -> str:
        return f"string_agg({sql}, ',')"

    def quoted(self, sql: str) -> str:
        return f"to_json(({sql})::text)::text"

    def plain(self, sql: str, kind: str) -> str:
        if kind == "instant":
            return f"""to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
        return sql if kind in ("text", "enum", "reference") else f"({sql})::text"

    def value(self, sql: str, kind: str, tag: str | None = None, *, nullable: bool = True) -> str:
        if kind in ("int", "long", "bool", "json"):
            written = f"({sql})::text"
        elif kind in ("enum", "date", "instant"):
            written = f"""('"' || {self.plain(sql, kind)} || '"')"""
        elif kind == "id":
            written = f"""('"{tag}_' || {sql} || '"')"""
        else:
            written = f"to_json(({sql})::text)::text"
        return f"coalesce({written}, 'null')" if nullable else written

    def below(self, mark: str) -> str:
        return (
            "SELECT c.descendant_id FROM core_area_closure c"
            f" WHERE c.until IS NULL AND c.ancestor_id = ANY({mark}::uuid[])"
        )

    def ids(self, mark: str) -> str:
        parts = f"left(u.value, -{UUID_LENGTH + 1}) AS tag, right(u.value, {UUID_LENGTH})::uuid AS id"
        return f"SELECT {parts} FROM unnest({mark}::text[]) WITH ORDINALITY AS u(value, n) ORDER BY u.n"

    def string(self, value: str) -> str:
        return quote(f'"{value}"')

    def object(self, pairs: Sequence[tuple[str, str]]) -> str:
        if not pairs:
            return "'{}'"
        parts = []
        for position, (key, value) in enumerate(pairs):
            parts.append(quote(("{" if position == 0 else ",") + f'"{key}":'))
            parts.append(value)
        return "(" + " || ".join(parts) + " || '}')"

    def array(self, item: str, where: str | None) -> str:
        condition = f" FILTER (WHERE {where})" if where else ""
        return f"('[' || coalesce(string_agg({item}, ','){condition}, '') || ']')"

    def parameter(self, mark: str, sql_type: str) -> str:
        return f"{mark}::{self._CASTS[sql_type]}"

    def among(self, column: str, mark: str, sql_type: str) -> str:
        return super().among(column, mark, self._CASTS[sql_type])


def emitter_for(dialect: Dialect) -> Emitter:
    return SqliteEmitter(dialect) if dialect.name == "sqlite" else PostgresEmitter(dialect)


def literal(value: Any) -> str:
    """A constant from a declaration (never from a request)."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "(1 = 1)" if value else "(1 = 0)"
    if isinstance(value, int):
        return str(value)
    return quote(str(value))
