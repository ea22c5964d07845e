"""A person takes out all that is held on them, of core and of plugins; nothing of anybody else, and no secret."""

from __future__ import annotations

import json
import re
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
UUID_ALONE = re.compile(r"(?<![a-z]_)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SOME_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:.*")


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
    await n.do(
        "clerk", "coreAddMembership", "membership { id }",
        actorId=me, organizationId=await n.actor_id("西山社村民委员会"), role="MEMBER", since="2020-01-01",
    )  # fmt: skip
    found = await mine(n, login)
    assert all(section["title"]["en"] and section["title"]["zh-CN"] for section in found["held"].values())
    assert found["held"]["core_membership"]["title"] == {"en": "Memberships", "zh-CN": "成员关系"}
    held = {table: section["rows"] for table, section in found["held"].items()}
    assert found["person"] == me
    assert held["core_actor"][0]["name"] == login and held["core_account"][0]["login"] == login
    assert held["core_person_detail"][0]["phone"] == "13959201234"
    assert [r["purpose"] for r in held["core_access_record"]] == ["走访"]
    assert [c["purpose"] for c in held["core_consent"]] == ["公示姓名"]
    assert len(held["core_participation"]) == 1
    text = json.dumps(found, ensure_ascii=False)
    database = n.server.runtime.database
    happened = {
        r[0]
        for row in (
            "core_membership WHERE actor_id",
            "core_participation WHERE actor_id",
            "core_account WHERE person_id",
        )
        for r in await database.read(
            "SELECT e.id FROM core_event e JOIN core_transition t ON t.event_id = e.id WHERE t.subject_id IN"
            f" (SELECT id FROM {row} = (SELECT id FROM core_actor WHERE name = {database.dialect.mark(1)}))",
            [login],
        )
    }
    assert len(happened) == 3  # by the clerk, by themselves, by the server
    assert {f"event_{id}" for id in happened} <= {e["id"] for e in held["events"]}
    assert {"core.consent.given", "core.activity.joined"} <= {e["type"] for e in held["events"]}
    assert UUID_ALONE.findall(text) == []
    times = [v for rows in held.values() for row in rows for v in row.values() if SOME_TIME.fullmatch(str(v))]
    assert len(times) > 10 and INSTANT.fullmatch(found["made_at"])
    assert [v for v in times if not INSTANT.fullmatch(v)] == []
    reader = held["core_access_record"][0]["reader_id"]
    assert reader == {"id": await n.actor_id("陈志伟"), "name": "陈志伟"}
    assert held["core_access_record"][0]["subject_id"] == {"id": me, "name": login}
    people = [r[0] for r in await database.read("SELECT name FROM core_actor WHERE kind = 'PERSON'")]
    others = [name for name in people if name not in (login, "陈志伟")]
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
    transfers = {str(id) for (id,) in await database.read("SELECT transfer_id FROM points_entry")}  # rows of no table
    seen: set[str] = set()
    for id, name, _ in actors:  # organizations too: the demo's points are theirs
        found = await holdings(database, id, n.clock.now())
        text = json.dumps(found, ensure_ascii=False, default=str)
        assert [other for other in names if other != name and other in text] == []
        assert set(UUID_ALONE.findall(text)) <= transfers
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
    assert found["held"]["core_actor"]["rows"][0]["name"] == "郑雅婷"
    assert (tmp_path / "mine.json").stat().st_mode & 0o077 == 0
    again = process.gongzhi(tmp_path, "holdings", "clerk", "mine.json", GONGZHI_DATABASE=url)
    assert again.returncode == 2 and "mine.json is there already" in again.stderr
    assert json.loads((tmp_path / "mine.json").read_text("utf-8")) == found
    forced = process.gongzhi(tmp_path, "holdings", found["person"], "mine.json", "--force", GONGZHI_DATABASE=url)
    assert forced.returncode == 0, forced.stderr
    assert json.loads((tmp_path / "mine.json").read_text("utf-8"))["held"] == found["held"]
    nobody = process.gongzhi(tmp_path, "holdings", "nobody", "none.json", GONGZHI_DATABASE=url)
    assert nobody.returncode == 2 and not (tmp_path / "none.json").exists()
    assert "'nobody'" in nobody.stderr and url in nobody.stderr
    none = process.gongzhi(tmp_path, "holdings", "nobody", "none.json", GONGZHI_DATABASE=f"sqlite:{tmp_path}/none.db")
    assert none.returncode == 2 and f"sqlite:{tmp_path}/none.db" in none.stderr
    assert not (tmp_path / "none.db").exists()
