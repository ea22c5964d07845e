"""A second migration changes tables that are filled and referred to: rows, guards, indexes and keys are there afterwards,
or the database is as it was."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

import server
from core.testing.kit import Databases
from core.testing.postgres import USER
from core.testing.process import start
from tests.kits.third_party import Wheels

ROOT = Path(server.__file__).parent
HOOK = "@hookimpl\ndef gongzhi_models(): return 'things.models'\n"
HEAD = """
from __future__ import annotations
from typing import ClassVar
from tortoise import fields
from core.database.guards import Guard, append_only, changed, check, index, refuse, unique
from core.models import Area, Entity, references
from core.personal import impersonal
"""
BOX = """
class Box(Entity):
    tag: ClassVar[str] = "things_box"
    area: fields.ForeignKeyNullableRelation[Area] = references("core.Area", null=True)
    code = fields.CharField(max_length=40)
{columns}
    texts = impersonal({texts})
    guards: ClassVar[tuple[Guard, ...]] = (
        unique("code", code="ALREADY_EXISTS"), check("weight", "NEW.weight > 0"), index("{colour}"),
        unique("{colour}", where="weight = 7", code="ALREADY_EXISTS"), {guards}
        refuse("stays", "UPDATE", changed("code"), "APPEND_ONLY"), *append_only()[1:],
    )
    class Meta:
        table = "things_box"
"""
ITEM = """
class Item(Entity):
    tag: ClassVar[str] = "things_item"
    box: fields.ForeignKeyRelation[Box] = references("things.Box")
    guards: ClassVar[tuple[Guard, ...]] = (
        refuse("light", "INSERT", "EXISTS (SELECT 1 FROM things_box b WHERE b.id = NEW.box_id AND b.weight = 9)", "ACTIVITY_FULL"),
    )
    class Meta:
        table = "things_item"
"""
LABEL = """
class Label(Entity):
    tag: ClassVar[str] = "things_label"
    box: fields.ForeignKeyRelation[Box] = references("things.Box")
    text = fields.CharField(max_length=5)
    texts = impersonal("text")
    guards: ClassVar[tuple[Guard, ...]] = (check("text", "NEW.text <> ''"),)
    class Meta:
        table = "things_label"
"""
FIRST = HEAD + ITEM + BOX.format(
    columns="    colour = fields.CharField(max_length=9)\n    weight = fields.IntField()\n"
    "    note = fields.TextField(null=True)\n",
    texts="'code', 'colour', 'note'", colour="colour", guards="",
)  # fmt: skip
SECOND = HEAD + ITEM + BOX.format(
    columns="    paint = fields.CharField(max_length=9)\n    weight = fields.IntField(null=True)\n"
    "    size = fields.IntField(db_default=1)\n",
    texts="'code', 'paint'", colour="paint", guards='check("size", "NEW.size > 0"),',
)  # fmt: skip
MIGRATION = """
from tortoise import fields, migrations
from tortoise.migrations import operations as ops

class Migration(migrations.Migration):
    dependencies = [("things", "0001_initial")]
    operations = [
        ops.AlterField("Box", "weight", fields.IntField(null=True)),
        ops.AddField("Box", "size", fields.IntField(db_default=1)),
        ops.RemoveField("Box", "note"),
        ops.RenameField("Box", "colour", "paint"),
        {more}
    ]
"""
BOXES = "INSERT INTO things_box (id, code, colour, weight, note) VALUES ('{0:032}', 'a', 'red', 7, 'x'), ('{1:032}', 'b', 'red', 2, NULL)"
ITEMS = "INSERT INTO things_item (id, box_id) VALUES ('{2:032}', '{0:032}'), ('{3:032}', '{1:032}')"


class Upgraded:
    """A plugin `things` of a stranger, its first edition with rows in it."""

    def __init__(self, databases: Databases, wheels: Wheels) -> None:
        self.databases, self.wheels = databases, wheels
        wheels.add("things", hooks=HOOK, models=FIRST)
        wheels.migrations("things")
        self.migrate()
        for sql in (BOXES, ITEMS):
            self.run(sql.format(1, 2, 3, 4).replace("'0000", "'0190"))

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        url = self.wheels.database
        if url.startswith("sqlite:"):
            with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:"), isolation_level=None)) as connection:
                connection.execute("PRAGMA foreign_keys = ON")
                return connection.execute(sql).fetchall()

        async def fetch() -> list[tuple[Any, ...]]:
            name = urlsplit(url).path.lstrip("/")
            connection = await asyncpg.connect(host=str(self.databases.cluster.folder), user=USER, database=name)
            try:
                return [tuple(row) for row in await connection.fetch(sql)]
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def refused(self, sql: str) -> str:
        with pytest.raises((sqlite3.Error, asyncpg.PostgresError)) as caught:
            self.run(sql)
        return str(caught.value)

    def catalogue(self) -> list[tuple[Any, ...]]:
        """Everything there is, in order."""
        if self.wheels.database.startswith("sqlite:"):
            return self.run("SELECT name, sql FROM sqlite_master WHERE name <> 'sqlite_sequence' ORDER BY name")
        return self.run(
            "SELECT c.relname::text || coalesce('.' || a.attname, ''), format_type(a.atttypid, -1) FROM pg_class c"
            " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " WHERE c.relnamespace = 'public'::regnamespace UNION ALL SELECT tgname::text, tgenabled::text FROM pg_trigger"
            " WHERE NOT tgisinternal ORDER BY 1, 2"
        )

    def rows(self) -> list[list[tuple[Any, ...]]]:
        return [
            self.run(f"SELECT * FROM {t} ORDER BY id") for t in ("things_box", "things_item", "tortoise_migrations")
        ]

    def second(self, models: str = SECOND, more: str = "") -> None:
        """The next edition of the plugin comes."""
        package = self.wheels.folder / "site" / "things"
        (package / "models.py").write_text(models, "utf-8")
        (package / "migrations" / "0002_second.py").write_text(MIGRATION.replace("{more}", more), "utf-8")

    def migrate(self) -> subprocess.CompletedProcess[str]:
        self.wheels.configure()
        return self.wheels.gongzhi("migrate")


@pytest.fixture
def upgraded(databases: Databases, empty_url: str, tmp_path: Path) -> Upgraded:
    return Upgraded(databases, Wheels(tmp_path, database=empty_url))


def test_a_filled_table_that_others_lead_to_is_changed_and_keeps_what_guards_it(
    upgraded: Upgraded, dialect: str
) -> None:
    u = upgraded
    assert u.refused("UPDATE things_box SET weight = 0")
    if dialect == "sqlite":  # an operator's own
        u.run("CREATE VIEW reds AS SELECT code FROM things_box")
        u.run("CREATE TRIGGER red AFTER UPDATE ON things_box BEGIN SELECT 1; SELECT 2; END")
    others = [row for row in u.catalogue() if "things" not in row[0]]
    u.second()
    done = u.migrate()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "applied things.0002_second" in done.stdout
    assert [row for row in u.catalogue() if "things" not in row[0]] == others
    rows = u.run("SELECT code, paint, weight, size FROM things_box ORDER BY code")
    assert rows == [("a", "red", 7, 1), ("b", "red", 2, 1)]
    assert len(u.run("SELECT 1 FROM things_item i JOIN things_box b ON b.id = i.box_id")) == 2
    if dialect == "sqlite":
        assert u.run("SELECT * FROM reds ORDER BY code") == [("a",), ("b",)]
        assert u.run("PRAGMA foreign_key_check") == []
    assert "INVALID_VALUE" in u.refused("UPDATE things_box SET weight = 0")
    assert "INVALID_VALUE" in u.refused("UPDATE things_box SET size = 0")
    assert "APPEND_ONLY" in u.refused("UPDATE things_box SET code = 'c'")
    assert "APPEND_ONLY" in u.refused("DELETE FROM things_box")
    new = "INSERT INTO things_box (id, code, paint, weight, size) VALUES ('01900000000000000000000000000009', {})"
    for double in ("'a', 'blue', 1, 1", "'c', 'red', 7, 1"):
        assert any(said in u.refused(new.format(double)) for said in ("ALREADY_EXISTS", "gz_things_box_unique_"))
    u.run(new.format("'c', 'blue', NULL, 1"))
    u.run("UPDATE things_box SET weight = 9 WHERE code = 'c'")
    item = "INSERT INTO things_item (id, box_id) VALUES ('01900000000000000000000000000008', '{}')"
    assert "ACTIVITY_FULL" in u.refused(item.format("01900000000000000000000000000009"))
    assert "foreign key" in u.refused(item.format("0190000000000000000000000000000a")).lower()
    assert any("index_paint" in str(row) for row in u.catalogue())
    before = u.catalogue()
    assert u.migrate().stdout.endswith("the database is as declared (0 migrations applied)\n")
    assert u.catalogue() == before


def test_a_migration_that_only_adds_a_table_leaves_the_others_alone(upgraded: Upgraded) -> None:
    u = upgraded
    before = u.catalogue()
    (u.wheels.folder / "site" / "things" / "models.py").write_text(FIRST + LABEL, "utf-8")
    assert u.wheels.gongzhi("plugin", "makemigrations", "things").returncode == 0
    done = u.migrate()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "applied things.0002" in done.stdout
    assert set(before) <= set(u.catalogue())
    label = "INSERT INTO things_label (id, box_id, text) VALUES ('{0:032}', '0190{1:028}', '{2}')"
    assert "INVALID_VALUE" in u.refused(label.format(5, 1, ""))
    assert "foreign key" in u.refused(label.format(5, 7, "x")).lower()
    u.run(label.format(5, 1, "x"))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("ops.RunSQL(\"DELETE FROM things_box WHERE code = 'a'\"),", "things_item"),
        ("ops.RunSQL('UPDATE things_box SET size = 0'),", "things_box: 2 rows do not keep the rule size (INVALID_VALUE)"),
        ("ops.RunSQL('SELECT nothing'),", "migration things.0002_second failed and changed nothing"),
        ("ops.AddField('Box', 'stray', fields.IntField(null=True)),", "things_box.stray: nobody declares this column"),
    ],
)  # fmt: skip
def test_a_migration_that_fails_leaves_the_database_as_it_was(upgraded: Upgraded, more: str, said: str) -> None:
    u = upgraded
    before = u.catalogue(), u.rows()
    u.second(more=more)
    done = u.migrate()
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert (u.catalogue(), u.rows()) == before


DIE_AFTER = """
import os, sys
import core.database.migrate as migrate
stage = sys.argv.pop(1)
inner = getattr(migrate, stage)
async def die(*given, **named):
    await inner(*given, **named)
    os._exit(9)
setattr(migrate, stage, die)
from core.cli import main
main()
"""


@pytest.mark.parametrize("stage", ["take_down", "put_back", "apply_guards", "_prove"])
def test_a_crash_in_the_middle_leaves_the_old_database(upgraded: Upgraded, stage: str) -> None:
    u = upgraded
    before = u.catalogue(), u.rows()
    u.second()
    path = f"{u.wheels.folder / 'site'}{os.pathsep}{ROOT}"
    command = [sys.executable, "-c", DIE_AFTER, stage, "migrate"]
    died = subprocess.run(command, cwd=u.wheels.folder, capture_output=True, env={**os.environ, "PYTHONPATH": path})
    assert died.returncode == 9, died.stderr
    assert (u.catalogue(), u.rows()) == before
    assert u.migrate().returncode == 0
    assert "INVALID_VALUE" in u.refused("UPDATE things_box SET weight = 0")


def test_two_processes_upgrade_one_database(upgraded: Upgraded) -> None:
    u = upgraded
    u.second()
    u.wheels.configure()
    logs = [u.wheels.folder / f"{number}.log" for number in range(2)]
    started = [start(u.wheels.folder, "migrate", out=log, path=(u.wheels.folder / "site",)) for log in logs]
    for process in started:
        process.join(120)
    said = [log.read_text("utf-8") for log in logs]
    assert [process.exitcode for process in started] == [0, 0], said
    assert sum("applied things.0002_second" in text for text in said) == 1


def test_rows_that_are_there_are_asked_before_a_rule_is_made(upgraded: Upgraded) -> None:
    u = upgraded
    models = u.wheels.folder / "site" / "things" / "models.py"
    stricter = FIRST.replace("NEW.weight > 0", "NEW.weight > 2").replace(
        'index("colour")', 'unique("colour", code="ALREADY_EXISTS")'
    )
    models.write_text(stricter, "utf-8")
    before = u.catalogue()
    for locale, said in (
        ("C", "gongzhi: things_box: 2 rows do not keep the rule unique_colour (ALREADY_EXISTS)"),
        ("C", "gongzhi: things_box: 1 rows do not keep the rule weight (INVALID_VALUE)"),
        ("zh_CN.UTF-8", "things_box:有 1 行不符合规则 weight(INVALID_VALUE)"),
    ):
        done = u.wheels.gongzhi("migrate", LC_ALL=locale)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert u.catalogue() == before
    u.run("UPDATE things_box SET weight = 3, colour = 'blue' WHERE code = 'b'")
    assert u.migrate().returncode == 0
    assert "INVALID_VALUE" in u.refused("UPDATE things_box SET weight = 2")
