"""A person takes out all that is held on them, of core and of plugins; nothing of anybody else, and no secret."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.holdings import holdings
from core.personal import about
from core.settings.store import as_uuid
from core.testing import process
from core.testing.kit import Databases, Neighbourhood

pytestmark = pytest.mark.anyio


async def mine(n: Neighbourhood, who: str) -> dict[str, Any]:
    asked = await n.do(who, "coreExportHoldings", "dataExport { id state list }")
    await n.server.transfers.run_due()
    id = asked["dataExport"]["id"]
    answer = await n.http.get(f"/exports/{id}", headers={"authorization": f"Bearer {n.tokens[who]}"})
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    others = {"authorization": f"Bearer {n.tokens['admin']}"}
    assert (await n.http.get(f"/exports/{id}", headers=others)).status_code == 404
    found: dict[str, Any] = answer.json()
    return found


async def test_a_person_takes_out_what_is_held_on_them(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    await n.server.transfers.stop()
    (login,) = await n.newcomers(1, "xishan")
    me = (await n.ask(login, "{ viewer { id } }"))["viewer"]["id"]
    await n.do(login, "coreSetPhone", "person { id }", personId=me, phone="13959201234")
    await n.do("clerk", "coreDisclose", "accessRecord { id }", actorId=me, field="PHONE", purpose="走访")
    await n.do(login, "coreGiveConsent", "consent { id }", personId=me, purpose="公示姓名")
    start = n.clock.now() + timedelta(hours=1)
    made = await n.do(
        "clerk", "coreOrganiseActivity", "activity { id }", areaId=await n.area_id("xishan"), title="义诊",
        startsAt=start.isoformat(), endsAt=(start + timedelta(hours=2)).isoformat(),
    )  # fmt: skip
    await n.do("clerk", "coreOpenActivity", "activity { id }", activityId=made["activity"]["id"])
    for who in (login, "resident"):
        await n.do(who, "coreJoinActivity", "participation { id }", activityId=made["activity"]["id"])
    found = await mine(n, login)
    held = found["held"]
    assert found["person"] == me
    assert held["core_actor"][0]["name"] == login and held["core_account"][0]["login"] == login
    assert held["core_person_detail"][0]["phone"] == "13959201234"
    assert [r["purpose"] for r in held["core_access_record"]] == ["走访"]
    assert [c["purpose"] for c in held["core_consent"]] == ["公示姓名"]
    assert len(held["core_participation"]) == 1
    assert {"core.consent.given", "core.activity.joined"} <= {e["type"] for e in held["events"]}
    text = json.dumps(found, ensure_ascii=False)
    database = n.server.runtime.database
    others = [r[0] for r in await database.read("SELECT name FROM core_actor WHERE kind = 'PERSON'") if r[0] != login]
    assert [name for name in others if name in text] == []
    secrets = "SELECT hash FROM core_token UNION SELECT password_hash FROM core_account"
    assert [s for (s,) in await database.read(secrets) if s in text] == []


@pytest.mark.needs("adoption", "points")
async def test_what_plugins_hold_is_in_it_unasked(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.delivered()
    database = n.server.runtime.database
    actors = [
        (as_uuid(id), name, kind) for id, name, kind in await database.read("SELECT id, name, kind FROM core_actor")
    ]
    names = [name for _, name, kind in actors if kind == "PERSON"]
    seen: set[str] = set()
    for id, name, _ in actors:  # organizations too: the demo's points are theirs
        found = await holdings(database, id, n.clock.now())
        text = json.dumps(found, ensure_ascii=False, default=str)
        assert [other for other in names if other != name and other in text] == []
        seen |= set(found["held"])
    # Every table that has a row about anybody is in somebody's export.
    for model in database.models:
        table = model._meta.db_table
        if table in ("core_event", "core_event_text", "core_search_entry", "core_search_term"):
            continue
        for condition in about(model):
            everybody = condition.replace("{ids}", "SELECT a.id FROM core_actor a")
            if await database.read(f"SELECT 1 FROM {table} t WHERE {everybody} LIMIT 1"):
                assert table in seen
    assert {"points_account", "points_entry"} <= seen


def test_an_operator_takes_it_out_for_somebody_without_an_account(databases: Databases, tmp_path: Path) -> None:
    url = databases.fresh("sqlite", "demo")
    done = process.gongzhi(tmp_path, "holdings", "resident", "mine.json", GONGZHI_DATABASE=url)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "mine.json").read_text("utf-8"))
    assert found["held"]["core_actor"][0]["name"] == "郑雅婷"
    assert (tmp_path / "mine.json").stat().st_mode & 0o077 == 0
    done = process.gongzhi(tmp_path, "holdings", "nobody", "none.json", GONGZHI_DATABASE=url)
    assert done.returncode == 1 and not (tmp_path / "none.json").exists()
