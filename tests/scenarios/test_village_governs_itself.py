"""M01–M05, M10 and M46 from end to end: 西山社 votes a charter that constitutes its council, its villagers' council and its
panels; each does what it may and no more; a compound below has its co-residents' council; the town leaves a matter to the
villagers and takes it back; and the charter is amended, so that one is in force at every instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytest.importorskip("plugins.councils")

from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.councils import Council

pytestmark = [pytest.mark.anyio, pytest.mark.needs("councils", "ballots", "disclosure")]
START = datetime(2027, 3, 1, 2, tzinfo=UTC)  # a Monday, ten o'clock in Shanghai
WOMEN = {"category": "WOMEN", "minimum": 1, "maximum": 3, "outOf": 3}
VOTE = ("clerk", "councilsPassResolution", "resolution { id }")


def clauses(**more: int) -> list[dict[str, Any]]:
    """What the charter says in words, and tells the server in numbers."""
    numbers = {"QUORUM_PERCENT": 60, "NOTICE_DAYS": 7, "TERM_MONTHS": 24, "SPEAKING_MINUTES": 3, **more}
    said: list[dict[str, Any]] = [{"key": "1", "heading": "总则", "text": "本社村民依法自治。"}]
    for key, (parameter, value) in enumerate(numbers.items(), 2):
        said.append(
            {"key": str(key), "heading": f"第{key}条", "text": "照此执行。", "parameter": parameter, "value": value}
        )
    listed = {"key": "9", "heading": "慎议", "text": "组成不全时不议福利。", "parameter": "LISTED_MATTER"}
    return [*said, {**listed, "matter": "WELFARE"}]


@dataclass
class Village:
    """The bodies of 西山社 by name, and its people who have accounts, by what they are."""

    n: Neighbourhood
    area: str
    bodies: dict[str, Council] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)

    async def person(self, name: str) -> str:
        """Somebody who lives in 西山社, and has an account."""
        (self.logins[name],) = await self.n.newcomers(1, "xishan")
        self.people[name] = str((await self.n.ask(self.logins[name], "{ viewer { id } }"))["viewer"]["id"])
        home = {"areaId": self.area, "role": "RESIDENT", "since": "2024-05-01"}
        await self.n.do("admin", "coreAddMembership", "membership { id }", actorId=self.people[name], **home)
        return self.people[name]

    async def found(self, name: str, kind: str, size: int, area: str | None = None) -> Council:
        made = self.bodies[name] = Council(self.n, area or self.area)
        made.body = await made.found(name=name, kind=kind, size=size)
        return made

    async def in_force(self, at: datetime) -> list[str]:
        query = "query($t: Instant!, $a: ID!) { councilsCharters(where: {inForceAt: $t, area: {id: {eq: $a}}}) { nodes { id } } }"
        found = (await self.n.ask(None, query, t=at.isoformat(), a=self.area))["councilsCharters"]["nodes"]
        return [str(c["id"]) for c in found]

    async def tellers(self, charter: str) -> tuple[str, str]:
        """Who entered the assembly's count last, and by whose word it became the result."""
        query = """query($t: String!) { events(first: 50, where: {type: {eq: $t}}, orderBy: SEQ_DESC) {
            nodes { subject data actor { id } } } }"""
        found = []
        for type in ("counted", "adopted"):
            events = (await self.n.ask("admin", query, t=f"councils.charter.{type}"))["events"]["nodes"]
            ours = [e for e in events if e["subject"] == charter or str(split_global(charter)[1]) in str(e["data"])]
            found.append(str(ours[0]["actor"]["id"]))
        return found[0], found[1]


async def meet(c: Council, *items: str, came: Sequence[str] | None = None) -> tuple[str, dict[str, Any]]:
    """A meeting called eight days before, as the charter asks for seven; those who came are noted."""
    meeting = await c.call(*items, days=8)
    return meeting, await c.open(meeting, came, days=8)


async def test_a_village_gives_itself_a_charter_and_lives_by_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(START)
    await n.due()
    v = Village(n, await n.area_id("xishan"))
    before = await v.in_force(START)  # what the village has had until now, if anything

    # The bodies are founded, and a chair sits in the council; what they may do only the charter will say.
    council = await v.found("村民理事会", "RESIDENTS_COUNCIL", 5)
    villagers = await v.found("村民议事会", "VILLAGERS_COUNCIL", 6)
    honoured = await v.found("乡贤会", "RESPECTED_VILLAGERS", 3)
    panel = await v.found("道德评议会", "MORALITY_PANEL", 5)
    await council.seat(await v.person("理事长"), name="理事长", office="CHAIR")

    # (1) M01: the council's chair drafts; a laxer number than the district's is refused; a draft is not for everybody.
    chair = v.logins["理事长"]
    constitutes = [
        {"bodyId": council.body, "size": 5, "seatRules": [WOMEN]},
        {"bodyId": villagers.body, "size": 6, "seatRules": [WOMEN], "matters": ["ACTIVITIES", "WELFARE"]},
        {"bodyId": honoured.body, "size": 3, "isAdvisory": True},
        {"bodyId": panel.body, "size": 5, "isAdvisory": True, "matters": ["PERSONNEL"]},
    ]
    draft = {"areaId": v.area, "title": "西山社村民自治章程(2027)", "draftingBodyId": council.body}
    draft_it = (chair, "councilsDraftCharter", "charter { id number state }")
    too_lax = await n.refused(*draft_it, **draft, clauses=clauses(TERM_MONTHS=60), constitutes=constitutes)
    assert too_lax == "PARAMETER_TOO_LAX"
    first = (await n.do(*draft_it, **draft, clauses=clauses(), constitutes=constitutes))["charter"]["id"]
    assert await n.ask(None, "query($i: ID!) { councilsCharter(id: $i) { id } }", i=first) == {"councilsCharter": None}
    assert await council.see(villagers.body, "matters charter { id }") == {"matters": [], "charter": None}

    # The assembly does not want it: fifty of a hundred are not more than half. A second draft passes, counted by two.
    assert await council.adopt(first, votes_for=50) == "REJECTED"
    enact = ("clerk", "councilsEnactCharter", "charter { state }")
    assert await n.refused(*enact, charterId=first) == "CHARTER_STATE"
    first = (await n.do(*draft_it, **draft, clauses=clauses(), constitutes=constitutes))["charter"]["id"]
    submit = (chair, "councilsSubmitCharter", "charter { state }")
    assert await n.refused(*submit, charterId=first, byBallot=False) == "CHARTER_STATE"  # nobody was asked yet
    assert await council.adopt(first, votes_for=70) == "ADOPTED"
    counted, adopted = await v.tellers(first)
    assert {counted, adopted} == {await council.person("clerk"), await council.person("admin")}

    # It is public first, and only then in force.
    assert await n.refused(*enact, charterId=first) == "UNDER_NOTICE"
    seen = await council.see(first, "votesFor tookPart electorate noticeId effectiveFrom", None)
    assert (seen["votesFor"], seen["tookPart"], seen["electorate"], seen["effectiveFrom"]) == (70, 100, 120, None)
    notice = "query($i: ID!) { disclosureNotice(id: $i) { state kind subject body } }"
    shown = (await n.ask(None, notice, i=seen["noticeId"]))["disclosureNotice"]
    assert (shown["state"], shown["kind"], shown["subject"]) == ("PUBLISHED", "自治章程", first)
    assert "本社村民依法自治" in shown["body"]
    assert await v.in_force(n.clock.now()) == before
    await council.enact(first)
    since = n.clock.now()
    assert sorted((await council.see(villagers.body, "matters", None))["matters"]) == ["ACTIVITIES", "WELFARE"]
    rule = {"bodyId": council.body, "category": "WOMEN", "minimum": 0, "maximum": 5}
    assert await n.refused("admin", "councilsSetSeatRule", "seatRule { id }", **rule) == "BY_THE_CHARTER"

    # (2) M02: five sit, two of them women; nobody for longer than the charter allows.
    await council.seat(await v.person("副理事长"), name="副理事长", office="VICE_CHAIR", also=["WOMEN"])
    for name, also in (("黄秀珠", ["WOMEN"]), ("林文辉", []), ("陈水木", [])):
        await council.seat(await council.resident(name), name=name, also=also)
    assert await council.see(council.body, "isValid filledSeats vacancies") == {
        "isValid": True, "filledSeats": 5, "vacancies": 0,
    }  # fmt: skip
    late = {"bodyId": villagers.body, "holderId": await villagers.resident("任期过长"), "category": "RESIDENT"}
    assert await n.refused("admin", "councilsFillSeat", "seat { id }", **late, termMonths=36) == "TERM_TOO_LONG"

    # A villager asks for a road lamp; called too shortly it is refused, with three of five there it waits.
    await v.person("村民")
    lamp = await council.propose("村口修路灯", "PROJECT", who=v.logins["村民"])
    (outsider,) = await n.newcomers(1, "haihong")
    strange = {"bodyId": council.body, "title": "外村议题", "matter": "OTHER"}
    assert await n.refused(outsider, "councilsProposeAgendaItem", "item { id }", **strange) == "NOT_FROM_HERE"
    soon = {"startsAt": (n.clock.now() + timedelta(days=5)).isoformat(),
            "endsAt": (n.clock.now() + timedelta(days=5, hours=1)).isoformat()}  # fmt: skip
    call = (chair, "councilsCallMeeting", "meeting { id }")
    assert await n.refused(*call, bodyId=council.body, itemIds=[lamp], **soon) == "NOTICE_TOO_SHORT"
    seats = list(council.seats.values())
    _, opened = await meet(council, lamp, came=seats[:3])
    assert opened == {"state": "ADJOURNED", "members": 5, "present": 3, "quorumMet": False}
    hands = {"itemId": lamp, "text": "同意修建", "votesFor": 3, "votesAgainst": 0}
    assert await n.refused(*VOTE, **hands) == "NOT_ON_THE_AGENDA"

    # With four there it passes; it holds only after its notice, to which a villager objects in vain.
    meeting, opened = await meet(council, lamp, came=seats[:4])
    assert (opened["state"], opened["present"]) == ("OPEN", 4)
    assert await council.see(meeting, "quorumPercent noticeDays speakingMinutes", None) == {
        "quorumPercent": 60, "noticeDays": 7, "speakingMinutes": 3,
    }  # fmt: skip
    assert await n.refused(*VOTE, **{**hands, "votesAgainst": 2}) == "HANDS_DO_NOT_ADD_UP"
    resolved = await council.decide(lamp, 3, 1, who=chair)
    resolution = resolved["id"]
    assert (resolved["state"], resolved["eligible"], resolved["votesAbstained"]) == ("ADOPTED", 4, 0)
    assert await n.refused(*VOTE, **hands) == "ALREADY_VOTED_ON"
    effect = (chair, "councilsTakeEffect", "resolution { state }")
    assert await n.refused(*effect, resolutionId=resolution) == "UNDER_NOTICE"
    task = {"resolutionId": resolution, "assigneeId": v.people["村民"], "title": "联系施工队"}
    assign = (chair, "councilsAssignTask", "task { id }")
    by = (n.clock.today() + timedelta(days=60)).isoformat()
    assert await n.refused(*assign, **task, dueOn=by) == "NOT_IN_EFFECT"
    posted = (await council.see(resolution, "noticeId", None))["noticeId"]
    objected = await n.do(
        v.logins["村民"], "disclosureObject", "objection { id }", noticeId=posted, text="灯位影响农田"
    )
    await council.days(10)
    assert (await council.see(resolution, "state", None))["state"] == "ADOPTED"  # it waits for the answer
    await n.do(
        "admin", "disclosureAnswerObjection", "objection { state }", objectionId=objected["objection"]["id"],
        uphold=False, answer="灯位已避开农田",
    )  # fmt: skip
    await council.days(1)
    held = await council.see(resolution, "state effectiveAt decidedAt", None)
    assert held["state"] == "EFFECTIVE" and held["effectiveAt"] > held["decidedAt"]

    # Somebody sees to it; the minutes and the year are put on record, by somebody else than who did and wrote it.
    task_id = (await n.do(*assign, **task, dueOn=by))["task"]["id"]
    report = (v.logins["村民"], "councilsReportTask", "task { state }")
    assert await n.refused(chair, *report[1:], taskId=task_id, report="好了") == "NOT_PERMITTED"
    await n.do(*report, taskId=task_id, report="路灯六盏,已通电")
    done = await n.do(chair, "councilsConfirmTask", "task { state activity { state } }", taskId=task_id)
    assert done["task"] == {"state": "CONFIRMED", "activity": {"state": "FINISHED"}}
    await n.do(chair, "councilsCloseMeeting", "meeting { state }", meetingId=meeting, minutes="三人赞成,一人反对。")
    confirm = ("councilsConfirmMinutes", "meeting { state confirmedBy { id } }")
    assert await n.refused(chair, *confirm, meetingId=meeting) == "OWN_MATTER"
    await n.do(v.logins["副理事长"], *confirm, meetingId=meeting)
    headings = {
        "deliberation": "两次会议",
        "decision": "修路灯",
        "work": "六盏路灯",
        "supervision": "验收",
        "service": "夜间出行",
    }
    yearly = (chair, "councilsFileAnnualReport", "report { id }")
    assert await n.refused(*yearly, bodyId=council.body, year=2028, **headings) == "IN_THE_FUTURE"
    await n.do(*yearly, bodyId=council.body, year=2027, **headings)
    assert await n.refused(*yearly, bodyId=council.body, year=2027, **headings) == "REPORT_EXISTS"
    account = await n.ask(
        None,
        "query($b: ID!) { councilsReports(where: {body: {id: {eq: $b}}}) { nodes { kind deliberation decision work"
        " supervision service figures { name value } } } }",
        b=council.body,
    )
    (year,) = account["councilsReports"]["nodes"]
    assert {k: year[k] for k in headings} == headings and year["kind"] == "ANNUAL"
    figures = {f["name"]: f["value"] for f in year["figures"]}
    counted_by_the_server = {"meetings": 1, "adjourned": 1, "agendaItems": 1, "adopted": 1, "rejected": 0, "tasks": 1,
                             "tasksConfirmed": 1}  # fmt: skip
    assert {k: figures[k] for k in counted_by_the_server} == counted_by_the_server

    # (3) M03: respected villagers need not live here; what they say is advice, and is answered by whom it is for.
    for name in ("侨亲甲", "企业家乙"):
        await honoured.seat(await honoured.resident(name, "haihong"), name=name, category="RESPECTED")
    grant = await honoured.propose("捐资助学", "WELFARE")
    await meet(honoured, grant)
    assert await n.refused(*VOTE, itemId=grant, text="同意", votesFor=2, votesAgainst=0) == "ADVISORY_BODY"
    opinion = await n.do(
        "clerk", "councilsIssueOpinion", "opinion { id }", bodyId=honoured.body, title="关于助学", text="建议设奖学金",
        itemId=grant, addressedToId=council.body, agreeing=2, differing=0,
    )  # fmt: skip
    answer = {"opinionId": opinion["opinion"]["id"], "reply": "列入下次议程"}
    assert await n.refused("clerk", "councilsAnswerOpinion", "opinion { id }", **answer) == "OWN_MATTER"
    assert await n.refused(outsider, "councilsAnswerOpinion", "opinion { id }", **answer) == "NOT_PERMITTED"
    await n.do(chair, "councilsAnswerOpinion", "opinion { reply }", **answer)
    told = "resolutions { totalCount } opinions { nodes { agreeing reply repliedBy { id } } }"
    assert await honoured.see(honoured.body, told, None) == {
        "resolutions": {"totalCount": 0},
        "opinions": {"nodes": [{"agreeing": 2, "reply": "列入下次议程", "repliedBy": {"id": v.people["理事长"]}}]},
    }  # fmt: skip

    # (4) M04: the panel reviews one of its own; she keeps out unasked, an aunt by her own word, and nobody puts others out.
    for name in ("评议员", "姑姑"):
        await panel.seat(await v.person(name), name=name)
    for name in ("洪大伯", "蔡老师", "许医生"):
        await panel.seat(await panel.resident(name), name=name)
    review = await panel.propose("评议好媳妇人选", "PERSONNEL", concernsId=v.people["评议员"])
    await meet(panel, review)
    keep_out = ("councilsRecuse", "recusal { isAutomatic }")
    theirs = {"itemId": review, "seatId": panel.seats["洪大伯"], "reason": "不喜欢"}
    assert await n.refused(v.logins["姑姑"], *keep_out, **theirs) == "NOT_PERMITTED"
    assert await n.refused("clerk", *keep_out, **{**theirs, "reason": " "}) == "EMPTY_TEXT"
    await n.do(v.logins["姑姑"], *keep_out, itemId=review, seatId=panel.seats["姑姑"], reason="亲属")
    verdict = await panel.decide(review, 3)
    assert (verdict["eligible"], verdict["recused"], verdict["state"]) == (3, 2, "ADOPTED")
    out = await panel.see(review, "recusals { nodes { isAutomatic reason seat { id } } }", None)
    assert {(r["seat"]["id"], r["isAutomatic"], r["reason"]) for r in out["recusals"]["nodes"]} == {
        (panel.seats["评议员"], True, None), (panel.seats["姑姑"], False, None),  # why is not for everybody
    }  # fmt: skip

    # (5) M05: the villagers' council with one woman of two meets, and decides nothing that the charter lists.
    for number in range(3):
        await villagers.seat(await villagers.resident(f"代表{number}"), name=f"代表{number}")
    await villagers.seat(await villagers.resident("女代表一"), name="女代表一", also=["WOMEN"])
    short = await villagers.see(
        villagers.body, "isValid compositions(first: 1) { nodes { violations { category count lower } } }", None
    )
    assert short == {"isValid": False, "compositions": {"nodes": [
        {"violations": [{"category": "WOMEN", "count": 1, "lower": 2}]},
    ]}}  # fmt: skip
    feast, meals, bridge = [
        await villagers.propose(title, matter)
        for title, matter in (("中秋晚会", "ACTIVITIES"), ("老人餐桌", "WELFARE"), ("修桥", "FUNDS"))
    ]
    await meet(villagers, feast, meals, bridge)
    assert (await villagers.decide(feast, 4))["state"] == "EFFECTIVE"
    yes = {"text": "同意", "votesFor": 4, "votesAgainst": 0}
    assert await n.refused(*VOTE, itemId=meals, **yes) == "COMPOSITION_DEFECT"
    await villagers.seat(await villagers.resident("女代表二"), name="女代表二", also=["WOMEN"])
    assert (await villagers.see(villagers.body, "isValid"))["isValid"] is True
    assert (await villagers.decide(meals, 4))["state"] == "EFFECTIVE"

    # What it was not given goes up, not aside.
    assert await n.refused(*VOTE, itemId=bridge, **yes) == "MATTER_NOT_GIVEN"
    beside = await v.found("洪塘村议事会", "VILLAGERS_COUNCIL", 3, await n.area_id("hongtang"))
    refer = ("clerk", "councilsReferItem", "item { id state body { id } referredFrom { state body { id } } }")
    assert await n.refused(*refer, itemId=bridge, toBodyId=beside.body) == "BODY_NOT_ABOVE"
    gone = (await n.do(*refer, itemId=bridge, toBodyId=council.body, answer="议事会无权议决"))["item"]
    assert (gone["state"], gone["body"], gone["referredFrom"]) == (
        "PROPOSED", {"id": council.body}, {"state": "REFERRED", "body": {"id": villagers.body}},
    )  # fmt: skip

    # (6) M10: co-residents' councils are for what lies below a community; units sit there by mandate, and go with it.
    wrong = {"areaId": v.area, "name": "同驻共建理事会", "kind": "CO_RESIDENT", "size": 4}
    assert await n.refused("admin", "councilsCreateBody", "body { id }", **wrong) == "BELOW_A_COMMUNITY"
    compound = await n.do(
        "admin",
        "coreCreateArea",
        "area { id }",
        parentId=v.area,
        kind="COMPOUND",
        name="西山花园",
        code="xishan-garden",
    )
    shared = await v.found("西山花园同驻共建理事会", "CO_RESIDENT", 4, compound["area"]["id"])
    there = {"areaId": compound["area"]["id"], "role": "RESIDENT", "since": "2025-01-01"}
    owner = await v.person("业主")
    await n.do("admin", "coreAddMembership", "membership { id }", actorId=owner, **there)
    await shared.seat(owner, name="业主", office="CHAIR")
    clinic = await n.do(
        "admin", "coreRegisterActor", "actor { id }", kind="ORGANIZATION", organizationKind="PRIVATE_NON_ENTERPRISE",
        name="西山卫生室", areaId=v.area,
    )  # fmt: skip
    clinic_id, doctor = clinic["actor"]["id"], await v.person("卫生室代表")
    sits = {"category": "RESIDENT_UNIT", "bodyId": shared.body, "holderId": doctor, "mandateOfId": clinic_id}
    assert await n.refused("admin", "councilsFillSeat", "seat { id }", **sits) == "SEAT_MANDATE"
    mandate = await n.do(
        "admin", "coreGiveMandate", "mandate { id }", personId=doctor, organizationId=clinic_id, areaId=v.area
    )
    await shared.seat(doctor, name="卫生室", category="RESIDENT_UNIT", mandateOfId=clinic_id)
    firm, agent = await n.actor_id("企业甲"), await shared.person("company")
    await shared.seat(agent, name="企业甲", category="RESIDENT_UNIT", mandateOfId=firm, office="VICE_CHAIR")

    # It supervises who serves the compound; who is looked at does not write the report.
    look = {"bodyId": shared.body, "title": "保洁监督", "findings": "垃圾清运每日两次,达标。", "aboutId": firm}
    supervise = ("councilsFileSupervisionReport", "report { kind about { name } supervision }")
    assert await n.refused("company", *supervise, **look) == "OWN_MATTER"
    found = await n.do(v.logins["业主"], *supervise, **look)
    assert found["report"] == {
        "kind": "SUPERVISION", "about": {"name": "企业甲"}, "supervision": "垃圾清运每日两次,达标。",
    }  # fmt: skip
    await n.do("admin", "coreRevokeMandate", "mandate { id }", mandateId=mandate["mandate"]["id"], reason="调离")
    await n.delivered()
    assert await shared.see(shared.seats["卫生室"], "state vacatedBecause", None) == {
        "state": "VACATED", "vacatedBecause": "MANDATE_ENDED",
    }  # fmt: skip
    assert (await shared.see(shared.body, "filledSeats vacancies", None)) == {"filledSeats": 2, "vacancies": 2}

    # (7) M46: the town leaves the upkeep of the green to the villagers' council, by an instrument and with money.
    town = await n.do(
        "admin", "coreRegisterActor", "actor { id }", kind="GOVERNMENT_BODY", name="东孚镇绿化办", areaId=v.area
    )
    office, official = town["actor"]["id"], await v.person("镇干部")
    await n.do("admin", "coreGiveMandate", "mandate { id }", personId=official, organizationId=office, areaId=v.area)
    at_town = v.logins["镇干部"]
    give: dict[str, Any] = {
        "bodyId": villagers.body, "title": "绿化养护", "matter": "FACILITIES", "instrument": "东孚镇放权清单第 7 项",
        "bounds": "单笔不超过一万元", "budget": 5_000_000, "actingFor": office,
    }  # fmt: skip
    delegate = (at_town, "councilsDelegateMatter", "delegation { id }")
    committee = await n.actor_id("西山社村民委员会")
    assert await n.refused("admin", *delegate[1:], **{**give, "actingFor": None}, governmentId=committee) == (
        "NOT_GOVERNMENT"
    )
    assert await n.refused(chair, *delegate[1:], **{**give, "actingFor": None}, governmentId=office) == "NOT_PERMITTED"
    given = (await n.do(*delegate, **give, governmentId=office))["delegation"]["id"]

    # The official attends without a vote; the villagers decide; the town decides one thing itself, and it is on record.
    await villagers.seat(official, name="镇干部", category="GOVERNMENT", mandateOfId=office)
    team, hedge = [await villagers.propose(title) for title in ("选定养护队", "补种树篱")]
    _, opened = await meet(villagers, team, hedge)
    assert (opened["members"], opened["present"]) == (5, 5)
    assert (await villagers.decide(team, 4, 1))["state"] == "EFFECTIVE"
    back = (at_town, "councilsTakeBackMatter", "takenBack { id }")
    alone = {"delegationId": given, "what": "镇里直接抢修倒伏树木", "actingFor": office}
    assert await n.refused(*back, **alone, reason=" ") == "EMPTY_TEXT"
    await n.do(*back, **alone, reason="台风抢险")
    assert (await villagers.decide(hedge, 5))["state"] == "EFFECTIVE"  # the delegation goes on
    query = """query($b: ID!) { councilsDelegations(where: {body: {id: {eq: $b}}}) { nodes { state title instrument budget
        reason endedOn takenBack { nodes { what reason } } } } }"""
    listed = (await n.ask(None, query, b=villagers.body))["councilsDelegations"]["nodes"]
    assert listed == [{
        "state": "ACTIVE", "title": "绿化养护", "instrument": "东孚镇放权清单第 7 项", "budget": 5_000_000, "reason": None,
        "endedOn": None, "takenBack": {"nodes": [{"what": "镇里直接抢修倒伏树木", "reason": "台风抢险"}]},
    }]  # fmt: skip

    # Revoked with a reason, it is no longer theirs; a second one runs out by itself.
    revoke = (at_town, "councilsRevokeDelegation", "delegation { state }")
    assert await n.refused(*revoke, delegationId=given, reason="", actingFor=office) == "EMPTY_TEXT"
    await n.do(*revoke, delegationId=given, reason="职能划转", actingFor=office)
    assert await n.refused(*back, **alone, reason="再来一次") == "DELEGATION_STATE"
    ends = n.clock.today() + timedelta(days=12)
    trial = (await n.do(*delegate, **give, governmentId=office, endsOn=ends.isoformat()))["delegation"]["id"]
    shade, lawn = [await villagers.propose(title) for title in ("种遮阴树", "铺草坪")]
    await meet(villagers, shade, lawn)
    assert (await villagers.decide(shade, 5))["state"] == "EFFECTIVE"
    await villagers.days(4)
    assert await villagers.see(trial, "state endedOn", None) == {"state": "ENDED", "endedOn": ends.isoformat()}
    assert await n.refused(*VOTE, itemId=lawn, **yes) == "MATTER_NOT_GIVEN"

    # (8) The charter is amended: the villagers' council loses welfare, the honoured are not named any more.
    second = await council.draft(
        "西山社村民自治章程(修正)", clauses=clauses(QUORUM_PERCENT=66),
        constitutes=[{**constitutes[0], "size": 7}, {**constitutes[1], "matters": ["ACTIVITIES"]}, constitutes[3]],
    )  # fmt: skip
    assert await council.adopt(second) == "ADOPTED"
    assert (await council.see(council.body, "size", None))["size"] == 5
    await council.enact(second)
    amended = n.clock.now()
    assert await council.see(council.body, "size isValid vacancies charter { id }", None) == {
        "size": 7, "isValid": False, "vacancies": 2, "charter": {"id": second},  # a third of seven are three women
    }  # fmt: skip
    assert await honoured.see(honoured.body, "state charter { id }", None) == {"state": "ACTIVE", "charter": None}
    table = await villagers.propose("老人餐桌续办", "WELFARE")
    meeting, _ = await meet(villagers, table)
    assert (await villagers.see(meeting, "quorumPercent", None))["quorumPercent"] == 66
    assert await n.refused(*VOTE, itemId=table, **yes) == "MATTER_NOT_GIVEN"
    one = await council.see(first, "state effectiveFrom supersededAt", None)
    two = await council.see(second, "state effectiveFrom supersededAt", None)
    assert (one["state"], two["state"]) == ("SUPERSEDED", "IN_FORCE") and one["supersededAt"] == two["effectiveFrom"]
    for step in (-60, -1, 0, 1, 60):
        at = since + timedelta(seconds=step)
        assert await v.in_force(at) == (before if step < 0 else [first]), step
        at = amended + timedelta(seconds=step)
        assert await v.in_force(at) == [first if step < 0 else second], step
