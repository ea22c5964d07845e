"""M32 from end to end: 海虹社区 elects its committee. Four stand for three seats; people vote online, by proxy, at the desk and at
home into a mobile box; two tellers count, and disagree once; the last seat goes by lot; the result is public, objected to, and
stands; who was elected sits. What anybody chose leads to nobody."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

pytest.importorskip("plugins.ballots")
pytest.importorskip("plugins.councils")
pytest.importorskip("plugins.disclosure")

from core.testing.kit import Neighbourhood
from tests.kits.ballots import Balloting, uuid

pytestmark = [pytest.mark.anyio, pytest.mark.needs("ballots", "councils", "disclosure")]
KIND = "COMMUNITY_COMMITTEE"
SHEET = ["计票表照片 1"]
RULE = {"quorum": {"numerator": 1, "denominator": 2}, "threshold": None, "ties": "LOT", "proxies": 1}


@dataclass
class Community:
    """海虹社区 on its way to a vote: two clerks who keep the roll and the desk, and voters with accounts."""

    b: Balloting
    clerks: list[str] = field(default_factory=list)

    @property
    def n(self) -> Neighbourhood:
        return self.b.n

    async def clerk(self, login: str) -> None:
        actor = (await self.n.ask(login, "{ viewer { id } }"))["viewer"]["id"]
        await self.n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=self.b.area, actorId=actor)
        self.clerks.append(login)

    async def days(self, count: float) -> None:
        self.n.clock.advance(timedelta(days=count))
        await self.n.due()

    async def roll(self, roll: str, who: str | None = None) -> dict[str, Any]:
        query = """query($i: ID!) { ballotsRoll(id: $i) { state postedOn listed
            entries(first: 100) { nodes { basis state actor { id } found { predicate } } } } }"""
        found: dict[str, Any] = (await self.n.ask(who, query, i=roll))["ballotsRoll"]
        return found

    async def election(self, election: str, who: str | None = None) -> dict[str, Any]:
        query = """query($i: ID!) { ballotsElection(id: $i) { state candidatesOn
            candidates(first: 9) { nodes { id state actor { id } } } } }"""
        found: dict[str, Any] = (await self.n.ask(who, query, i=election))["ballotsElection"]
        return found

    async def notice(self, kind: str, subject: str) -> dict[str, Any]:
        query = """query($k: String!, $s: ID!) { disclosureNotices(where: {kind: {eq: $k}, subject: {eq: $s}}) {
            nodes { id state title } } }"""
        (found,) = (await self.n.ask(None, query, k=kind, s=subject))["disclosureNotices"]["nodes"]
        return dict(found)


async def test_a_community_elects_its_committee(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    c = Community(Balloting(n, await n.area_id("haihong")))
    b = c.b
    people = await b.settle(16, "haihong")
    (late,) = await b.settle(1, "haihong", n.clock.today() - timedelta(days=150))
    first, second, desk = await n.newcomers(3, "haihong")
    for login in (first, second):
        await c.clerk(login)
    await c.clerk(people[3])  # a clerk as well, who will stand

    # (1) The rule: twelve months of residence, wherever one is registered. It says why not.
    await n.do(
        "admin", "ballotsMakeRule", "rule { edition }", areaId=b.area, kind=KIND, title="居委会选举选民资格",
        clauses=[{"basis": "RESIDENT_1Y", "all": [{"predicate": "RESIDENCE", "number": 12}]}],
    )  # fmt: skip
    ask = "query($a: ID!, $k: String!) { ballotsEligibility(areaId: $a, electionKind: $k) { eligible basis code } }"
    for login, basis, code in ((people[0], "RESIDENT_1Y", None), (late, None, "RESIDENCE_TOO_SHORT")):
        told = (await n.ask(login, ask, a=b.area, k=KIND))["ballotsEligibility"]
        assert told == {"eligible": code is None, "basis": basis, "code": code}

    # (2) The roll is drafted; nobody sees it yet, and nothing rests on a draft. Somebody comes to be known afterwards.
    draft = (first, "ballotsDraftRoll", "roll { id }")
    roll = (await n.do(*draft, areaId=b.area, kind=KIND, title="海虹社区选民名册"))["roll"]["id"]
    await n.due()
    assert (await n.ask(None, "query($i: ID!) { ballotsRoll(id: $i) { id } }", i=roll))["ballotsRoll"] is None
    call = ("admin", "ballotsCallElection", "election { id state }")
    assert await n.refused(*call, rollId=roll, title="x", seats=3) == "ROLL_STATE"
    (missed,) = await b.settle(1, "haihong")
    add = (first, "ballotsAddToRoll", "entry { id }")
    assert await n.refused(*add, rollId=roll, actorId=b.voters[late]) == "RESIDENCE_TOO_SHORT"
    await n.do(first, "ballotsPostRoll", "roll { state }", rollId=roll)
    posted = n.clock.today()
    assert (await c.notice("选民名册", roll))["state"] == "PUBLISHED"
    listed = (await c.roll(roll))["listed"]
    early = {"areaId": b.area, "title": "赶早", "rollId": roll, "opensAt": b.at(days=19), "closesAt": b.at(days=20)}
    assert await n.refused(first, "ballotsAnnounce", "ballot { id }", **early) == "ROLL_TOO_FRESH"

    # Two object: one was missed and is right, one has not lived here long enough and is not.
    object_to = ("ballotsObjectToRoll", "objection { id }")
    wishes = [
        (await n.do(who, *object_to, rollId=roll, personId=b.voters[who], wish="ADD", statement="本人住本社区"))["objection"]["id"]
        for who in (missed, late)
    ]  # fmt: skip
    third = {"rollId": roll, "personId": b.voters[people[15]], "wish": "REMOVE", "statement": "听说已搬走"}
    doubted = (await n.do(second, *object_to, **third))["objection"]["id"]
    finalise = (first, "ballotsFinaliseRoll", "roll { state }")
    assert await n.refused(*finalise, rollId=roll) == "OBJECTIONS_STILL_COME"
    answer = ("ballotsAnswerObjection", "objection { state }")
    await c.days(6)
    assert await n.refused(*finalise, rollId=roll) == "OBJECTIONS_OPEN"
    nothing = {"uphold": False, "answer": "仍住 3 栋"}
    assert await n.refused(second, *answer, objectionId=doubted, **nothing) == "OWN_MATTER"  # who objected
    assert await n.refused(people[15], *answer, objectionId=doubted, **nothing) in ("NOT_PERMITTED", "OWN_MATTER")
    assert await n.refused(first, *answer, objectionId=wishes[1], uphold=True, answer="x") == "RESIDENCE_TOO_SHORT"
    for wish, upheld, why in (
        (wishes[0], True, "登记遗漏"),
        (wishes[1], False, "未满十二个月"),
        (doubted, False, "仍住 3 栋"),
    ):
        done = await n.do(first, *answer, objectionId=wish, uphold=upheld, answer=why)
        assert done["objection"]["state"] == ("UPHELD" if upheld else "DISMISSED")
    await c.days(16)
    assert (await n.do(*finalise, rollId=roll))["roll"]["state"] == "FINAL"
    final = await c.roll(roll)
    states = {e["actor"]["id"]: e["state"] for e in final["entries"]["nodes"]}
    assert final["listed"] == listed + 1 and final["postedOn"] == posted.isoformat()
    assert states[b.voters[missed]] == states[b.voters[people[15]]] == "LISTED" and b.voters[late] not in states
    assert all(e["found"] is None for e in final["entries"]["nodes"])  # on what it rests is not for everybody

    # (3) Three seats. Who is named by another is asked; one declines; three are too few for three seats, four are not.
    short = (n.clock.today() + timedelta(days=2)).isoformat()
    given: dict[str, Any] = {"rollId": roll, "title": "海虹社区居委会换届", "seats": 3}
    assert await n.refused(*call, **given, nominationsBy=short) == "NOMINATIONS_TOO_SHORT"
    election = (await n.do(*call, **given))["election"]["id"]
    name = ("ballotsNominate", "candidate { id state }")
    for who in people[:3]:
        await n.do(who, *name, electionId=election, actorId=b.voters[who], statement="为大家办事")
    assert await n.refused(people[0], *name, electionId=election, actorId=b.voters[people[1]]) == "ALREADY_NOMINATED"
    assert await n.refused(late, *name, electionId=election, actorId=b.voters[late]) == "NOT_ON_ROLL"
    asked = [
        (await n.do(people[5], *name, electionId=election, actorId=b.voters[who]))["candidate"] for who in people[3:5]
    ]
    assert [a["state"] for a in asked] == ["NOMINATED", "NOMINATED"]
    public = {x["actor"]["id"] for x in (await c.election(election))["candidates"]["nodes"]}
    assert public == {b.voters[who] for who in people[:3]}  # who has not agreed is named to nobody else
    reply = ("ballotsAnswerNomination", "candidate { state }")
    assert await n.refused(people[5], *reply, candidateId=asked[1]["id"], accept=True) == "NOT_PERMITTED"
    await n.do(people[4], *reply, candidateId=asked[1]["id"], accept=False)
    post = ("admin", "ballotsPostCandidates", "election { state candidatesOn }")
    assert await n.refused(*post, electionId=election) == "NOMINATIONS_STILL_COME"
    await c.days(8)
    assert await n.refused(*post, electionId=election) == "TOO_FEW_CANDIDATES"
    await n.do(people[3], *reply, candidateId=asked[0]["id"], accept=True)
    await n.do(*post, electionId=election)
    assert (await c.notice("候选人名单", election))["state"] == "PUBLISHED"

    # (4) The vote is announced once the candidates have been public; it has papers, one proxy each, and a lot for the last seat.
    put = ("admin", "ballotsOpen", "ballot { id }")
    times = {"opensAt": b.at(days=1), "closesAt": b.at(days=2)}
    assert await n.refused(*put, electionId=election, rule=RULE, **times) == "CANDIDATES_TOO_FRESH"
    await c.days(9)
    times = {"opensAt": b.at(hours=2), "closesAt": b.at(hours=12), "hasPapers": True}
    loose = {**RULE, "quorum": {"numerator": 1, "denominator": 10}}
    assert await n.refused(*put, electionId=election, rule=loose, **times) == "RULE_TOO_LOOSE"
    ballot = (await n.do(*put, electionId=election, rule=RULE, **times))["ballot"]["id"]
    seen = await b.see(
        ballot,
        "state isSecret rule { seats most ties proxies } options(first: 9) { nodes { position candidate { actor { id } } } }",
    )
    assert (seen["state"], seen["isSecret"]) == ("ANNOUNCED", True)
    assert seen["rule"] == {"seats": 3, "most": 3, "ties": "LOT", "proxies": 1}
    place = {o["candidate"]["actor"]["id"]: o["position"] for o in seen["options"]["nodes"]}
    w, x, y, z = (place[b.voters[who]] for who in people[:4])
    assert await b.vote(people[0], ballot, w) == "BALLOT_STATE"
    n.clock.advance(timedelta(hours=3))
    await n.due()
    assert (date.fromisoformat(final["postedOn"]) - n.clock.today()).days <= -20
    assert (await c.roll(roll))["state"] == "FROZEN"

    # (5) Online: once, three names at the most; one old man lets his neighbour vote for him, who may do so for one.
    give = ("ballotsGiveProxy", "proxy { id }")
    neighbour, old = people[0], people[15]
    await n.do(old, *give, ballotId=ballot, holderId=b.voters[neighbour])
    assert await n.refused(people[1], *give, ballotId=ballot, holderId=b.voters[neighbour]) == "TOO_MANY_PROXIES"
    assert await b.vote(neighbour, ballot, w, x, y, z) == "BAD_PAPER"
    for who, paper in ((neighbour, (w, x, y)), (people[1], (w, x, z)), (people[2], (w, y)), (people[3], (x, z))):
        assert await b.vote(who, ballot, *paper) == "done"
    assert await b.vote(people[1], ballot, y) == "ALREADY_VOTED"
    assert await b.vote(neighbour, ballot, w, forVoterId=b.voters[people[6]]) == "NO_PROXY"
    assert await b.vote(neighbour, ballot, w, forVoterId=b.voters[old]) == "done"
    assert await b.vote(old, ballot, z) == "ALREADY_VOTED"
    assert await b.vote(late, ballot, w) == "NOT_ON_ROLL"

    # At the desk and at home: whoever is ticked off votes online no more, and whoever voted online gets no paper.
    tick = ("ballotsHandOut", "vote { channel }")
    assert await n.refused(people[3], *tick, ballotId=ballot, voterId=b.voters[people[4]]) == "OWN_MATTER"  # who stands
    assert await n.refused(desk, *tick, ballotId=ballot, voterId=b.voters[people[4]]) == "NOT_PERMITTED"
    assert await n.refused(first, *tick, ballotId=ballot, voterId=b.voters[neighbour]) == "ALREADY_VOTED"
    for who in people[4:15]:
        assert (await n.do(first, *tick, ballotId=ballot, voterId=b.voters[who]))["vote"]["channel"] == "DESK"
    assert await b.vote(people[4], ballot, w) == "ALREADY_VOTED"
    assert await n.refused(first, *tick, ballotId=ballot, voterId=b.voters[people[4]]) == "ALREADY_VOTED"
    running = await b.see(ballot, "state turnout tally { votes } cast")
    assert running == {"state": "OPEN", "turnout": 16, "tally": [], "cast": None}  # how it stands nobody knows

    # (6) Time is up; papers are counted by two. A wrong count is found, and entered anew; no paper is lost or added.
    await c.days(1)
    assert (await b.see(ballot, "state"))["state"] == "COUNTING"
    assert await b.vote(missed, ballot, w) == "BALLOT_STATE"
    enter = ("ballotsEnterPapers", "papers { id state }")
    station = {"ballotId": ballot, "box": "STATION", "place": "海虹社区服务中心", "evidence": SHEET, "spoiled": 1}
    counted = [{"choices": [w, x], "papers": 3}, {"choices": [y], "papers": 1}, {"choices": [z], "papers": 1}]
    wrong = [{"choices": [w, x], "papers": 4}, {"choices": [z], "papers": 1}]
    assert await n.refused(people[3], *enter, **station, counts=counted) == "OWN_MATTER"
    assert await n.refused(first, *enter, **{**station, "evidence": []}, counts=counted) == "EVIDENCE_NEEDED"
    assert await n.refused(first, *enter, **{**station, "spoiled": 9}, counts=counted) == "MORE_PAPERS_THAN_VOTERS"
    confirm = ("ballotsConfirmPapers", "papers { state }")
    close = (second, "ballotsClose", "ballot { state }")
    slip = (await n.do(first, *enter, **station, counts=wrong))["papers"]["id"]
    assert await n.refused(first, *confirm, papersId=slip) == "SAME_TELLER"
    assert await n.refused(*close, ballotId=ballot) == "PAPERS_UNCONFIRMED"
    found = await n.do(second, *confirm, papersId=slip, agrees=False, note="第三张是另一人")
    assert found["papers"]["state"] == "REJECTED"
    again = (await n.do(first, *enter, **station, counts=counted))["papers"]["id"]
    await n.do(second, *confirm, papersId=again)
    assert await n.refused(*close, ballotId=ballot) == "PAPERS_MISSING"
    mobile = {**station, "box": "MOBILE", "place": "3 栋、5 栋老人家中", "spoiled": 0}
    visits = [{"choices": [w, x], "papers": 3}, {"choices": [y, z], "papers": 2}]
    box = (await n.do(second, *enter, **mobile, counts=visits))["papers"]["id"]
    await n.do(first, *confirm, papersId=box)
    assert await n.refused(people[3], *close[1:], ballotId=ballot) == "OWN_MATTER"
    await n.do(*close, ballotId=ballot)

    # (7) Two are clear; two are level for the last seat, and the lot from the kept seed says who. Anybody counts again.
    result = await b.see(ballot, "outcome voters cast valid spoiled lot tally { position votes won tied }")
    assert {k: result[k] for k in ("outcome", "voters", "cast", "valid", "spoiled")} == {
        "outcome": "ELECTED", "voters": listed + 1, "cast": 16, "valid": 15, "spoiled": 1,
    }  # fmt: skip
    votes = {t["position"]: t["votes"] for t in result["tally"]}
    assert votes == {w: 10, x: 9, y: 5, z: 5} and not any(t["tied"] for t in result["tally"])
    lucky = min((y, z), key=lambda p: hashlib.sha256(f"{result['lot']}:{p}".encode()).hexdigest())
    assert {t["position"] for t in result["tally"] if t["won"]} == {w, x, lucky}
    recount = (
        "query($i: ID!) { ballotsRecount(ballotId: $i) { agrees outcome cast spoiled tally { position votes won } } }"
    )
    counted_again = (await n.ask("resident", recount, i=ballot))["ballotsRecount"]
    assert counted_again["agrees"] is True and (counted_again["cast"], counted_again["spoiled"]) == (16, 1)
    assert counted_again["tally"] == [{k: t[k] for k in ("position", "votes", "won")} for t in result["tally"]]
    batches = (await b.see(ballot, "papers(first: 9) { nodes { state box firstTeller { id } secondTeller { id } } }"))[
        "papers"
    ]
    shown = {(p["state"], p["box"], p["firstTeller"]["id"] != p["secondTeller"]["id"]) for p in batches["nodes"]}
    assert shown == {("REJECTED", "STATION", True), ("CONFIRMED", "STATION", True), ("CONFIRMED", "MOBILE", True)}
    assert await n.refused(*close, ballotId=ballot) == "BALLOT_STATE"

    # (8) The result is public first. Somebody objects to it, and is answered; then it stands, and the roll is let go.
    take = ("admin", "ballotsSeat", "election { state }")
    assert await n.refused(*take, electionId=election) == "NOT_YET_CLEAN"
    public_result = await c.notice("选举结果", ballot)
    doubt = await n.do(
        people[6], "disclosureObject", "objection { id }", noticeId=public_result["id"], text="有人送米拉票"
    )
    await c.days(9)
    assert await n.refused(*take, electionId=election) == "NOT_YET_CLEAN"
    await n.do(
        "admin", "disclosureAnswerObjection", "objection { state }", objectionId=doubt["objection"]["id"], uphold=False,
        answer="走访核实,系社区慰问物资,与选举无关",
    )  # fmt: skip
    await c.days(1)
    assert (await n.do(*take, electionId=election))["election"]["state"] == "SEATED"
    stood = {x["actor"]["id"]: x["state"] for x in (await c.election(election))["candidates"]["nodes"]}
    elected = {actor for actor, state in stood.items() if state == "ELECTED"}
    assert elected == {actor for actor, position in place.items() if position in (w, x, lucky)}
    assert sorted(stood.values()) == ["ELECTED", "ELECTED", "ELECTED", "NOT_ELECTED"]
    assert (await c.roll(roll))["state"] == "RELEASED"

    # The elected take their seats in the committee, which is an organ of the residents' own organization.
    committee = await n.do(
        "admin", "coreRegisterActor", "actor { id }", kind="ORGANIZATION", organizationKind="RESIDENTS_COMMITTEE",
        name="海虹社区居民委员会", areaId=b.area,
    )  # fmt: skip
    body = await n.do(
        "admin", "councilsCreateBody", "body { id }", areaId=b.area, kind="COMMITTEE", name="海虹社区居委会", size=3,
        organizationId=committee["actor"]["id"],
    )  # fmt: skip
    for actor in sorted(elected):
        await n.do(
            "admin", "councilsFillSeat", "seat { id }", bodyId=body["body"]["id"], holderId=actor, category="RESIDENT",
            via="ELECTED", electionId=election,
        )  # fmt: skip
    sits = "query($i: ID!) { councilsBody(id: $i) { vacancies isValid seats { nodes { via holder { id } } } } }"
    seated = (await n.ask(None, sits, i=body["body"]["id"]))["councilsBody"]
    assert (seated["vacancies"], seated["isValid"]) == (0, True)
    assert {s["holder"]["id"] for s in seated["seats"]["nodes"] if s["via"] == "ELECTED"} == elected

    # (9) What anybody chose leads to nobody: not by the API, whoever asks, and not by any row of the database.
    who_chose = "votes(first: 50) { totalCount nodes { choices voter { id } } }"
    for viewer, visible in ((None, 0), (neighbour, 2), (people[1], 1), (first, 16), ("admin", 16)):
        marks = (await b.see(ballot, who_chose, viewer))["votes"]
        assert marks["totalCount"] == visible, viewer
        assert all(m["choices"] == [] for m in marks["nodes"])
    stored = await n.stored()
    papers = [str(id) for (id,) in await b.rows("SELECT id FROM ballots_paper WHERE ballot_id = {}", uuid(ballot))]
    assert len(papers) == 5  # four online and one by proxy
    voters = [str(uuid(b.voters[who])) for who in people]
    assert not any(voter in row for row in stored["ballots_paper"] for voter in voters)
    for table, rows in stored.items():
        assert table == "ballots_paper" or not any(paper in row for row in rows for paper in papers), table
    marked = await b.rows("SELECT DISTINCT choices FROM ballots_vote WHERE ballot_id = {}", uuid(ballot))
    assert marked == [(None,)]
