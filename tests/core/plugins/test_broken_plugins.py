"""Plugins that are broken in every way one can think of: each is named, and harms nobody else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.kits.third_party import Wheels

MODELS = """
from typing import ClassVar
from tortoise import fields
from core.database.guards import Guard
from core.models import Area, Entity

class Thing(Entity):
    tag: ClassVar[str] = "{tag}"
    area: fields.ForeignKeyRelation[Area] = fields.ForeignKeyField(
        "core.Area", on_delete=fields.RESTRICT, related_name=False)
    name = fields.CharField(max_length=40)
    guards: ClassVar[tuple[Guard, ...]] = ()

    class Meta:
        table = "{table}"
"""
GRAPHQL_HOOK = "@hookimpl\ndef gongzhi_graphql(): return '{key}.graphql'\n"
MODELS_HOOK = "@hookimpl\ndef gongzhi_models(): return '{key}.models'\n"
EXTEND = """
from __future__ import annotations
from schema.nodes.core import Actor, Area
from schema.nodes.declare import computed, extend
from schema.nodes.expressions import Column, Literal

@extend({target})
class More:
    {field} = computed({expression})
"""


@pytest.fixture
def wheels(tmp_path: Path) -> Wheels:
    return Wheels(tmp_path)


def extend(wheels: Wheels, key: str, field: str, expression: str, target: str = "Area") -> None:
    text = EXTEND.format(target=target, field=field, expression=expression)
    wheels.add(key, hooks=GRAPHQL_HOOK.format(key=key), graphql=text)


def test_every_broken_plugin_is_in_one_report(wheels: Wheels) -> None:
    """Fifteen plugins, fourteen of them broken: `check` names each, and `serve` stops with the same words."""
    wheels.add("good")
    wheels.add("raises", hooks="raise RuntimeError('no luck')")
    wheels.add("exits", hooks="raise SystemExit(3)")
    wheels.add("syntax", hooks="def (")
    wheels.add("absent", hooks="import a_module_that_is_not_there")
    wheels.add("unknown", hooks="@hookimpl\ndef gongzhi_modles(): return 'x'")
    wheels.add("signature", hooks="@hookimpl\ndef gongzhi_models(colour): return 'x'")
    wheels.add("hook", hooks="@hookimpl\ndef gongzhi_handlers(): raise KeyError('handlers')")
    wheels.add("settings", hooks="@hookimpl\ndef gongzhi_settings(): return 3")
    wheels.add("future", manifest="", hooks="")
    (wheels.folder / "site" / "future" / "plugin.toml").write_text(
        'key = "future"\nversion = "1"\napi = "9.0"\ntitle = { en = "x", zh-CN = "x" }\n', "utf-8"
    )
    wheels.add("prefix", hooks=MODELS_HOOK.format(key="prefix"), models=MODELS.format(tag="px", table="thing"))
    forgetful = MODELS.format(tag="fx", table="forgetful_thing").replace(
        "    guards:", "    texts = personal('name', of='id', keep=Keep('made_at', 'case_text_days')),\n    guards:"
    )
    wheels.add("forgetful", hooks=MODELS_HOOK.format(key="forgetful"),
               models="from core.personal import Keep, personal\n" + forgetful)  # fmt: skip
    deaf = "from core.events import Handler\nasync def hear(work, event): pass\n@hookimpl\n"
    deaf += (
        "def gongzhi_handlers(): return [Handler('deaf', t, hear) for t in ('core.area.moved', 'core.area.renamed')]"
    )
    wheels.add("deaf", manifest='events_in = ["core.area.moved"]\n', hooks=deaf)
    wheels.add("needy", manifest='needs = ["raises"]\n')
    wheels.add("permissions")
    wheels.configure()
    found = {p.get("plugin"): (p["code"], p["message"]) for p in wheels.check()}
    assert set(found) == set(wheels.keys) - {"good"}
    assert found["raises"] == ("PLUGIN_RAISED", "raises: import: RuntimeError: no luck")
    assert found["exits"] == ("PLUGIN_RAISED", "exits: import: SystemExit: 3")
    assert found["syntax"][1].startswith("syntax: import: SyntaxError")
    assert found["absent"][1] == "absent: import: ModuleNotFoundError: No module named 'a_module_that_is_not_there'"
    assert found["unknown"][0] == "UNKNOWN_HOOK"
    assert "did you mean 'gongzhi_models'" in found["unknown"][1]
    assert "colour" in found["signature"][1]
    assert found["hook"][1] == "hook: gongzhi_handlers: KeyError: 'handlers'"
    assert "gongzhi_settings returned 3" in found["settings"][1]
    assert found["future"] == ("API_RANGE", "needs api 9.0; this server speaks 0.1")
    assert found["prefix"] == ("TABLE_PREFIX", "prefix: table thing must begin with prefix_")
    what = "forgetful_thing.name is kept since 'made_at', which is no column of instants"
    assert found["forgetful"] == ("BAD_DECLARATION", what)
    assert found["permissions"][0] == "BAD_PLUGIN_KEY"
    assert found["needy"] == ("LEFT_OUT", "needy is left out, because it needs raises, which failed")
    what = "deaf: the handler of 'core.area.renamed' is not listed under events_in in plugin.toml"
    assert found["deaf"] == ("BAD_DECLARATION", what)
    stopped = wheels.gongzhi("serve")
    assert stopped.returncode == 2
    assert "raises: import: RuntimeError: no luck" in stopped.stderr
    assert "prefix: table thing must begin with prefix_" in stopped.stderr
    wheels.configure(mode="degrade")
    with wheels.serve() as served:
        assert served.get("/readyz")["plugins"] == {"good": "OK"} | dict.fromkeys(found, "LEFT_OUT")
        plugins = {p["key"]: p["status"] for p in served.ask("{ plugins { key status problem } }")["data"]["plugins"]}
        assert plugins["good"] == "OK"
        assert plugins["raises"] == "LEFT_OUT"
        assert served.ask("{ areas { totalCount } }") == {"data": {"areas": {"totalCount": 0}}}


def test_a_refusal_without_a_message_is_told_and_stops_nobody(wheels: Wheels) -> None:
    refuses = 'from core.errors import Refusal\nRefusal("NO_TREE" if 1 else "NO_LAWN")\nRefusal("NOT_FOUND")\n'
    wheels.add("bare", rules=refuses)
    wheels.configure()
    assert [(p["code"], p["plugin"]) for p in wheels.check()] == [("NO_MESSAGE", "bare")] * 2
    with wheels.serve() as served:
        assert served.ask("{ version }")


def test_declarations_that_clash_or_lead_nowhere_are_named(wheels: Wheels) -> None:
    extend(wheels, "first", "colour: str | None", "lambda t: Literal('red')")
    extend(wheels, "second", "colour: str | None", "lambda t: Literal('blue')")
    extend(wheels, "taker", "name: str | None", "lambda t: Literal('x')")
    extend(wheels, "certain", "certainty: str", "lambda t: Literal('x')")
    extend(wheels, "raising", "broken: str | None", "lambda t: t.x.y.z")
    extend(wheels, "missing", "missing: str | None", "lambda t: t.no_such_column")
    wheels.add(
        "mutates", hooks=GRAPHQL_HOOK.format(key="mutates"),
        graphql="from schema.mutations import MutationInput, mutation\nfrom core.work import Work\n"
        "@mutation('mutates.never_declared')\nasync def sneaky(work: Work, input: MutationInput):\n    'x'\n",
    )  # fmt: skip
    wheels.add(
        "silent", hooks=GRAPHQL_HOOK.format(key="silent"),
        graphql="from schema.mutations import MutationInput, Subject, mutation\nfrom schema.nodes.core import Area\n"
        "from core.work import Work\n"
        "@mutation(None)\nasync def silent_do(work: Work, input: MutationInput):\n    'x'\n"
        "@mutation('core.link', on=Subject(Area, 'area_id'))\nasync def silent_at(work: Work, input: MutationInput):\n"
        "    'x'\n",
    )  # fmt: skip
    wheels.add("mute", rules="from core.errors import Refusal\ndef no(): raise Refusal('MUTE_SAYS_NO')\n")
    wheels.configure()
    messages = [(p.get("plugin"), p["message"]) for p in wheels.check()]
    said = {plugin: " ".join(m for p, m in messages if p == plugin) for plugin, _ in messages}
    assert set(said) == {"second", "taker", "certain", "raising", "missing", "mutates", "mute", "silent"}
    assert "mute: MUTE_SAYS_NO (" in said["mute"]
    assert "rules.py:2) has no message in locale/errors.toml" in said["mute"]
    assert "Area.colour: declared by first" in said["second"]
    assert "and by second" in said["second"]
    assert "Area.name: declared by core" in said["taker"]
    assert "must be nullable" in said["certain"]
    assert "raises" in said["raising"]
    assert "core_area has no column no_such_column" in said["missing"]
    assert "needs mutates.never_declared, never declared" in said["mutates"]
    assert "must begin with mutates_" in said["mutates"]
    assert "mutation silent_do declares no permission" in said["silent"]
    assert "mutation silent_at is about area_id, which its input has not" in said["silent"]
    wheels.configure(mode="degrade")
    with wheels.serve() as served:
        fields = served.ask('{ __type(name: "Area") { fields { name } } }')["data"]["__type"]["fields"]
        names = {f["name"] for f in fields}
        assert "colour" in names
        assert not names & {"certainty", "broken", "missing"}


def test_a_migration_that_raises_leaves_its_plugin_out(wheels: Wheels) -> None:
    wheels.add("good")
    wheels.add("breaks", hooks=MODELS_HOOK.format(key="breaks"), models=MODELS.format(tag="bx", table="breaks_thing"))
    wheels.migrations("breaks")
    file = next((wheels.folder / "site" / "breaks" / "migrations").glob("0001*.py"))
    file.write_text(file.read_text("utf-8") + "\nraise RuntimeError('half a migration')\n", "utf-8")
    wheels.configure()
    stopped = wheels.gongzhi("serve")
    assert stopped.returncode != 0
    assert "half a migration" in stopped.stderr
    wheels.configure(mode="degrade")
    with wheels.serve() as served:
        assert served.get("/readyz")["plugins"] == {"good": "OK", "breaks": "LEFT_OUT"}
        assert "half a migration" in served.get("/readyz")["problems"]["breaks"]
        problem = {p["key"]: p["problem"] for p in served.ask("{ plugins { key problem } }")["data"]["plugins"]}
        assert problem == {"good": None, "breaks": None}  # not for everybody


RUNTIME_GRAPHQL = """
from __future__ import annotations
import asyncio
import strawberry
from dataclasses import dataclass
from core.errors import Refusal
from core.models import Area as AreaRow
from core.work import Work
from core.ids import from_global
from schema.mutations import MutationInput, Result, mutation
from schema.nodes.composed import Query, plain
from schema.nodes.core import Area
from schema.nodes.declare import computed, extend, python
from schema.nodes.expressions import Expr
from schema.nodes.telling import public

@dataclass(frozen=True, eq=False)
class Wrong(Expr):
    def sql(self, scope): return "no_such_function(1)"
    def evaluate(self, env, tables): raise RuntimeError

def slow(values, facts): raise ValueError("python field")

@extend(Area)
class More:
    weather: str | None = computed(lambda t: Wrong())
    mood: str | None = python(slow, columns=lambda t: {"id": t.id})

def fails():
    return plain(why="It is made to fail.", scope=public("It says nothing."), description="Fails (失败).")

@extend(Query)
class Roots:
    @fails()
    def unlucky_root(self) -> str | None: raise RuntimeError("resolver")
    @fails()
    async def unlucky_cancel(self) -> str | None: raise asyncio.CancelledError
    @fails()
    def unlucky_exit(self) -> str | None: raise SystemExit(1)

@strawberry.input
class UnluckyInput(MutationInput):
    area_id: strawberry.ID
    how: str

@mutation("unlucky.do", area=Area)
async def unlucky_do(work: Work, input: UnluckyInput) -> Result:
    "Fail (出错)."
    area = await work.lock(AreaRow, from_global(input.area_id, "area"))
    work.require("unlucky.do", area)
    if input.how == "sleep":
        await asyncio.sleep(3600)
    if input.how in ("done", "noted"):
        work.record(f"unlucky.{input.how}", area, area_id=area.id)
        return {"area": area}
    if input.how == "cancel":
        raise asyncio.CancelledError
    if input.how == "exit":
        raise SystemExit(1)
    raise RuntimeError("rule")
"""
RUNTIME_HOOKS = """
from core.events import Handler

async def explode(work, event): raise RuntimeError("handler")

async def sleep(work, event):
    import asyncio
    await asyncio.sleep(3600)

@hookimpl
def gongzhi_graphql(): return "unlucky.graphql"

@hookimpl
def gongzhi_handlers(): return [Handler("unlucky", "core.area.renamed", explode), Handler("unlucky", "unlucky.done", sleep)]
"""
EVENTS = 'events_in = ["core.area.renamed", "unlucky.done"]\nevents_out = ["unlucky.done", "unlucky.noted"]\n'
PERMISSION = '\n[permissions."unlucky.do"]\ntitle = { en = "x", zh-CN = "x" }\nroles = ["ADMIN"]\n'


@pytest.mark.needs("adoption", "points")
def test_what_fails_while_serving_stays_with_its_plugin(wheels: Wheels) -> None:
    wheels.add("unlucky", manifest=EVENTS + PERMISSION, hooks=RUNTIME_HOOKS, graphql=RUNTIME_GRAPHQL)
    wheels.configure(plugins=["adoption", "points", "unlucky"], areas='[area.haicang]\nenable = ["unlucky"]\n')
    (wheels.folder / "limits.py").write_text("", "utf-8")
    made = wheels.gongzhi("demo", "--small", "--database", f"sqlite:{wheels.folder}/test.db")
    assert made.returncode == 0, made.stderr
    with wheels.serve() as served:
        sign_in = 'mutation { coreSignIn(input: {login: "admin", password: "gongzhi-demo"}) { token } }'
        token = served.ask(sign_in)["data"]["coreSignIn"]["token"]
        status = "{ plugins { key status problem } }"

        def unlucky() -> tuple[str, str]:
            found = next(p for p in served.ask(status, token)["data"]["plugins"] if p["key"] == "unlucky")
            return found["status"], found["problem"]

        assert unlucky() == ("OK", None)
        # An SQL expression: the field is null, everything beside it is there, and the error names the plugin.
        body = served.ask('{ area(code: "xishan") { id name weather adoptionAssets { totalCount } } }')
        assert body["data"]["area"] == {
            "id": body["data"]["area"]["id"], "name": "西山社", "weather": None, "adoptionAssets": {"totalCount": 3},
        } or body["data"]["area"]["adoptionAssets"]["totalCount"] > 0  # fmt: skip
        assert [(e["extensions"]["code"], e["extensions"]["plugin"]) for e in body["errors"]] == [
            ("PLUGIN_FAILED", "unlucky")
        ]
        assert unlucky()[0] == "FAILING"
        # A Python-computed field and a resolver.
        body = served.ask('{ area(code: "xishan") { name mood } }')
        assert body["data"]["area"] == {"name": "西山社", "mood": None}
        assert body["errors"][0]["extensions"]["code"] == "PLUGIN_FAILED"
        body = served.ask("{ unluckyRoot areas { totalCount } }")
        assert body["data"] == {"unluckyRoot": None, "areas": {"totalCount": 9}}
        assert body["errors"][0]["extensions"] | {"id": ""} == {"code": "PLUGIN_FAILED", "plugin": "unlucky", "id": ""}
        # What would end the server, or look like a client that left, is the plugin's failure as well.
        body = served.ask("{ unluckyCancel unluckyExit areas { totalCount } }")
        assert body["data"] == {"unluckyCancel": None, "unluckyExit": None, "areas": {"totalCount": 9}}
        assert {e["extensions"]["code"] for e in body["errors"]} == {"PLUGIN_FAILED"}
        # A rule that raises, and one that never ends: nothing is changed, and others go on.
        area = served.ask('{ area(code: "xishan") { id } }')["data"]["area"]["id"]
        mutation = "mutation($i: UnluckyInput!) { unluckyDo(input: $i) { area { id } errors { code } } }"
        for how in ("raise", "cancel", "exit"):
            body = served.ask(mutation, token, i={"areaId": area, "how": how})
            assert body["errors"][0]["extensions"]["code"] == "PLUGIN_FAILED"
        began = time.monotonic()
        body = served.ask(mutation, token, i={"areaId": area, "how": "sleep"})
        assert body["errors"][0]["extensions"]["code"] == "PLUGIN_FAILED"
        assert time.monotonic() - began < 15
        # A payload is served without the fields that fail; the change is made.
        with_fields = mutation.replace("area { id }", "area { code weather mood }")
        body = served.ask(with_fields, token, i={"areaId": area, "how": "noted"})
        assert body["data"]["unluckyDo"] == {"area": {"code": "xishan", "weather": None, "mood": None}, "errors": []}
        assert [e["extensions"]["plugin"] for e in body["errors"]] == ["unlucky"]
        # A handler that raises is set aside; the others get their events.
        rename = "mutation($i: CoreRenameAreaInput!) { coreRenameArea(input: $i) { errors { code } } }"
        assert served.ask(rename, token, i={"areaId": area, "name": "西山"})["data"]["coreRenameArea"] == {"errors": []}
        end = time.monotonic() + 10
        while "handler unlucky:core.area.renamed:explode" not in str(unlucky()[1]) and time.monotonic() < end:
            time.sleep(0.1)
        assert unlucky() == ("FAILING", "handler unlucky:core.area.renamed:explode")
        assert served.get("/readyz")["status"] == "ready"
        assert served.get("/readyz")["plugins"] == {"adoption": "OK", "points": "OK", "unlucky": "FAILING"}
