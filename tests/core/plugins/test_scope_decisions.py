"""Nothing is seen by everybody because nobody thought of it: a declaration without a decision does not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kits.third_party import Wheels

MODELS = """
from typing import ClassVar
from tortoise import fields
from core.database.guards import Guard
from core.models import Area, Entity

class Thing(Entity):
    tag: ClassVar[str] = "{key}_thing"
    searchable: ClassVar[str | None] = {searchable}
    area: fields.ForeignKeyRelation[Area] = fields.ForeignKeyField(
        "core.Area", on_delete=fields.RESTRICT, related_name=False)
    name = fields.CharField(max_length=40)
    pin = fields.CharField(max_length=40)
    guards: ClassVar[tuple[Guard, ...]] = ()

    class Meta:
        table = "{key}_thing"
"""
GRAPHQL = """
from __future__ import annotations
import strawberry
from core import models as kernel
from {key} import models
from schema.nodes.composed import Query, plain
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, FilterField, column, computed, connection, extend, node, python, to_one
from schema.nodes.expressions import ListOf, select
from schema.nodes.telling import public
from schema.nodes.viewing import viewer
CLERKS = lambda t, v: v.may("core.actor.read", t.area_id)
{body}
"""
HOOKS = (
    "@hookimpl\ndef gongzhi_graphql(): return '{key}.graphql'\n@hookimpl\ndef gongzhi_models(): return '{key}.models'\n"
)
TYPE = "@node(models.Thing{scope})\nclass {name}:\n    'A thing (物).'\n    name: str = column()\n{more}"


@pytest.fixture
def wheels(tmp_path: Path) -> Wheels:
    return Wheels(tmp_path)


def test_each_way_of_telling_too_much_is_named(wheels: Wheels) -> None:
    def add(key: str, body: str, *, searchable: str = "None") -> None:
        models = MODELS.format(key=key, searchable=searchable)
        wheels.add(key, hooks=HOOKS.format(key=key), models=models, graphql=GRAPHQL.format(key=key, body=body))

    def thing(key: str, scope: str, more: str = "") -> str:
        return TYPE.format(scope=scope, name=f"{key.capitalize()}Thing", more=more)

    counts = "    {name}: int = computed(lambda t: select(kernel.Membership).where(lambda m: m.area_id == t.area_id).count(){why})\n"
    add("silent", thing("silent", ""))
    add("wordless", thing("wordless", ", scope=public(' ')"))
    add("found", thing("found", ", scope=CLERKS"), searchable="'name'")
    add("counting", thing("counting", ", scope=public('x')", counts.format(name="n", why="")))
    add("telling", thing("telling", ", scope=public('x')", counts.format(name="n", why=", discloses='so many'")))
    members = "ListOf(kernel.Membership, lambda m: m.area_id == t.area_id, 'actor_id', 'until')"
    add(
        "listing",
        thing("listing", ", scope=public('x')", f"    n: str = python(str, columns=lambda t: {{'m': {members}}})\n"),
    )
    secret = "    pin: str | None = column(visible=CLERKS)\n"
    by = "filters=[FilterField(name='pinned', kind='text', test=lambda t, a: t.pin == a, description='x')]"
    add("probing", thing("probing", f", scope=public('x'), {by}", secret))
    root = "\n@extend(Query)\nclass Roots:\n    {how}\n    def {name}(self) -> str: return 'x'\n"
    add("bare", root.format(how="@strawberry.field", name="bare_root"))
    plain = "@plain(why='x', scope=public('x'), description='x')"
    add("taking", root.format(how=plain, name="areas"))
    add("good", root.format(how=plain, name="good_root") + thing("good", ", scope=CLERKS", secret))
    wheels.configure()
    problems = wheels.check()
    said = {key: " ".join(p["message"] for p in problems if p.get("plugin") == key) for key in wheels.keys}
    assert "SilentThing: who sees a row? Say scope=" in said["silent"]
    assert "WordlessThing: who sees a row?" in said["wordless"]
    assert "FoundThing: searchable, so everybody finds it by name, but not everybody sees it" in said["found"]
    assert "CountingThing.n" in said["counting"]
    assert "it tells of core_membership, of which not everybody sees every row" in said["counting"]
    assert "ListingThing.n" in said["listing"]
    assert "it tells of core_membership, of which not everybody sees every row" in said["listing"]
    assert "ProbingThing: filter pinned: it asks for pin, which no field shows" in said["probing"]
    assert "Query.bareRoot: who sees what it answers?" in said["bare"]
    assert "Query.areas: declared by core and by taking" in said["taking"]
    assert (said["telling"], said["good"]) == ("", "")
