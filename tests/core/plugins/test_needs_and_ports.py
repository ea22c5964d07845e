"""Plugins that need each other, area by area, and plugins that do things for each other through a port."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kits.third_party import Served, Wheels

TOGGLE = "mutation($i: CoreTogglePluginInput!) { coreTogglePlugin(input: $i) { errors { code message } } }"
STANDING = "query($c: String!) { area(code: $c) { plugins { key state missingNeed own } } }"
SIGN_IN = 'mutation { coreSignIn(input: {login: "admin", password: "gongzhi-demo"}) { token } }'


def toggle(served: Served, token: str, area: str, plugin: str, state: str) -> list[str]:
    id = served.ask("query($c: String!) { area(code: $c) { id } }", c=area)["data"]["area"]["id"]
    body = served.ask(TOGGLE, token, i={"areaId": id, "plugin": plugin, "state": state})
    return [f"{e['code']}: {e['message']}" for e in body["data"]["coreTogglePlugin"]["errors"]]


@pytest.mark.needs("points")
def test_what_is_needed_cannot_be_turned_off_below_it(tmp_path: Path) -> None:
    wheels = Wheels(tmp_path)
    wheels.add("prizes", manifest='needs = ["points"]\n')
    wheels.configure(plugins=["points", "prizes"])
    made = wheels.gongzhi("demo", "--small", "--database", f"sqlite:{tmp_path}/test.db")
    assert made.returncode == 0, made.stderr
    with wheels.serve() as served:
        token = served.ask(SIGN_IN)["data"]["coreSignIn"]["token"]
        assert toggle(served, token, "haicang", "prizes", "OFF") == []
        assert toggle(served, token, "xishan", "prizes", "ON") == []
        assert toggle(served, token, "hongtang", "points", "OFF") == []
        refused = toggle(served, token, "haicang", "points", "OFF")
        assert [r.partition(":")[0] for r in refused] == ["PLUGIN_NEEDED"]
        assert "prizes" in refused[0]
        assert "xishan" in refused[0]
        refused = toggle(served, token, "hongtang", "prizes", "ON")
        assert [r.partition(":")[0] for r in refused] == ["PLUGIN_NEEDS"]
        assert toggle(served, token, "xishan", "prizes", "INHERIT") == []
        assert toggle(served, token, "haicang", "points", "OFF") == []
    # The same in the file: what contradicts itself there is an error, what disagrees with mutations a notice.
    wheels.configure(
        plugins=["points", "prizes"],
        areas='[area.haicang]\nenable = ["points", "prizes"]\n[area.xishan]\ndisable = [\n  "points",\n]\n',
    )
    problems = wheels.check()
    assert [(p["code"], p["line"]) for p in problems] == [("NEED_IS_OFF", 8)]
    assert problems[0]["message"] == (
        "prizes is on in xishan, but it needs points, which is off there; enable points too"
    )
    assert wheels.gongzhi("apply").returncode == 2
    wheels.configure(plugins=["points", "prizes"], areas='[area.dongfu]\nenable = ["prizes"]\n')
    checked = wheels.gongzhi("check", "--json")
    assert checked.returncode == 0
    assert [(p["code"], p["line"]) for p in json.loads(checked.stdout)["notices"]] == [("NEED_IS_OFF", 5)]
    refused = wheels.gongzhi("plugin", "disable", "points", "--area", "dongfu")
    assert refused.returncode == 2
    assert "it needs points, which is off there" in refused.stderr
    with wheels.serve() as served:
        shown = {p["key"]: p for p in served.ask(STANDING, c="dongfu")["data"]["area"]["plugins"]}
        assert shown["prizes"] == {"key": "prizes", "state": "OFF", "missingNeed": "points", "own": "ON"}
        assert [n["code"] for n in served.get("/readyz")["notices"]] == ["NEED_IS_OFF"]


ASKING = """
from typing import Protocol
from core.plugins import Port

class Payments(Protocol):
    async def pay(self, to: str, fen: int) -> str: ...

class NoPayments:
    async def pay(self, to, fen): return "nobody pays"

@hookimpl
def gongzhi_ports(): return [Port("payments", Payments, NoPayments())]

@hookimpl
def gongzhi_graphql(): return "asking.graphql"
"""
ASKING_GRAPHQL = """
from __future__ import annotations
import strawberry
from strawberry.types.info import Info
from schema.nodes.composed import Query, plain
from schema.nodes.declare import extend
from schema.nodes.telling import public

@extend(Query)
class Roots:
    @plain(why="A port answers.", scope=public("It says nothing."), description="Pays (支付).")
    async def asking_pays(self, info: Info) -> str | None:
        return await info.context.graphql.runtime.kernel.ports["payments"].pay("x", 100)
"""
PAYING = """
class Bank:
    async def pay(self, to, fen): return f"{fen} fen to {to}"

@hookimpl
def gongzhi_providers(): return {"payments": Bank()}
"""


def test_a_port_has_a_null_provider_until_somebody_provides_it(tmp_path: Path) -> None:
    wheels = Wheels(tmp_path)
    wheels.add("asking", manifest='ports = ["payments"]\n', hooks=ASKING, graphql=ASKING_GRAPHQL)
    wheels.add("paying", manifest='provides = ["payments"]\n', hooks=PAYING)
    wheels.configure(plugins=["asking"])
    with wheels.serve() as served:
        assert served.ask("{ askingPays }") == {"data": {"askingPays": "nobody pays"}}
    wheels.configure(plugins=["asking", "paying"])
    with wheels.serve() as served:
        assert served.ask("{ askingPays }") == {"data": {"askingPays": "100 fen to x"}}
    wheels.add("second", manifest='provides = ["payments"]\n', hooks=PAYING)
    wheels.add("lacking", manifest='provides = ["payments"]\n', hooks=PAYING.replace("def pay", "def spend"))
    wheels.add("unlisted", hooks=PAYING)
    wheels.add("astray", hooks=PAYING.replace('"payments"', '"pyaments"'))
    wheels.configure()
    assert {(p["plugin"], p["code"]): p["message"] for p in wheels.check()} == {
        ("second", "PORT_TWICE"): "port payments is provided by second and by paying; install one of them",
        ("lacking", "BAD_DECLARATION"): "port payments: the provider has no pay",
        ("unlisted", "BAD_DECLARATION"): "the port 'payments' is not listed under provides in plugin.toml",
        (
            "astray",
            "PORT_UNKNOWN",
        ): "astray: there is no port 'pyaments'; did you mean 'payments'? (ports: phone_codes, eligibility, decision_gate, payments)",
    }
