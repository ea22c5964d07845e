"""A2, from the roll on: 丙 (14 months here) and 丁 (5 months) ask to vote; 丙 moves away after voting has begun; in a village 庚
waits for the villagers, once to take part and once to stand on the roll."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

pytest.importorskip("plugins.ballots")
pytest.importorskip("plugins.new_residents")

from core.testing.kit import Neighbourhood
from tests.kits.ballots import Balloting, entry_id, uuid
from tests.kits.new_residents import Arriving

pytestmark = [pytest.mark.anyio, pytest.mark.needs("ballots", "new_residents")]
KIND = "VILLAGE_COMMITTEE"
ROLL = "query($i: ID!) { ballotsRoll(id: $i) { entries(first: 100) { nodes { id basis state consent { id } actor { id } } } } }"


async def entries(n: Neighbourhood, who: str, roll: str) -> dict[str, Any]:
    nodes = (await n.ask(who, ROLL, i=roll))["ballotsRoll"]["entries"]["nodes"]
    return {e["actor"]["id"]: e for e in nodes}


async def test_residence_alone_gives_a_vote_in_the_community(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    b = Balloting(n, a.haihong)
    bing, home = await a.settled(14)
    ding, _ = await a.settled(5)
    people = {login: await a.person(login) for login in (bing, ding)}

    # (3) The roll of the committee's election: by verified residence of twelve months, posted, objected to, final.
    await b.rule()
    made = await n.do(a.clerk, "ballotsDraftRoll", "roll { id }", areaId=a.haihong, kind=KIND, title="居委会选民名册")
    roll = made["roll"]["id"]
    await n.due()
    listed = await entries(n, a.clerk, roll)
    assert listed[people[bing]]["basis"] == "RESIDENT_1Y" and people[ding] not in listed
    add = (a.clerk, "ballotsAddToRoll", "entry { id }")
    assert await n.refused(*add, rollId=roll, actorId=people[ding]) == "RESIDENCE_TOO_SHORT"
    await n.do(a.clerk, "ballotsPostRoll", "roll { id }", rollId=roll)
    objected = await n.do(
        ding, "ballotsObjectToRoll", "objection { id }", rollId=roll, personId=people[bing], wish="REMOVE",
        statement="不住这里",
    )  # fmt: skip
    n.clock.advance(timedelta(days=9))
    await n.due()
    final = (a.clerk, "ballotsFinaliseRoll", "roll { state }")
    assert await n.refused(*final, rollId=roll) == "OBJECTIONS_OPEN"
    await n.do(
        a.other, "ballotsAnswerObjection", "objection { state }", objectionId=objected["objection"]["id"], uphold=False,
        answer="已核实居住",
    )  # fmt: skip
    assert (await n.do(*final, rollId=roll))["roll"]["state"] == "FINAL"
    on = await b.rows(
        "SELECT count(*) FROM ballots_entry e JOIN ballots_roll r ON r.id = e.roll_id WHERE e.actor_id = {}"
        " AND e.state = 'LISTED' AND r.area_id = {}",
        uuid(people[bing]), uuid(a.haihong),
    )  # fmt: skip
    assert on == [(1,)]

    # (4) What residence alone decides: both vote.
    announce = (a.clerk, "ballotsAnnounce", "ballot { id }")
    opens = {"areaId": a.haihong, "title": "同心合议厅:晾衣杆", "opensAt": b.at(seconds=1), "closesAt": b.at(days=2)}
    both = (await n.do(*announce, **opens))["ballot"]["id"]
    n.clock.advance(timedelta(seconds=2))
    await n.due()
    assert [await b.vote(login, both, 0) for login in people] == ["done", "done"]

    # (5) 丙 votes twice, and moves away after opening.
    later = {"opensAt": b.at(days=20), "closesAt": b.at(days=21)}
    made = await n.do(*announce, areaId=a.haihong, title="居委会工作评议", rollId=roll, **later)
    ballot = made["ballot"]["id"]
    n.clock.advance(timedelta(days=20, minutes=1))
    assert await b.vote(bing, ballot, 0) == "done"
    assert await b.vote(ding, ballot, 0) == "NOT_ON_ROLL"
    await n.do(bing, "newResidentsMoveAway", "registration { state }", registrationId=home)
    assert await b.vote(bing, ballot, 1) == "ALREADY_VOTED"
    seen = await b.over(ballot, days=2)
    assert (seen["cast"], [t["votes"] for t in seen["tally"]][:2]) == (1, [1, 0])


async def test_in_a_village_the_villagers_agree_first(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    b = Balloting(n, a.xishan)
    locals_ = await b.settle(3)
    clauses = [
        {"basis": "REGISTERED", "all": [{"predicate": "HOUSEHOLD_REGISTRATION"}]},
        {
            "basis": "NON_LOCAL_1Y",
            "all": [{"predicate": "RESIDENCE", "number": 12}, {"predicate": "APPLICATION"}, {"predicate": "CONSENT"}],
        },
    ]
    await n.do(
        "admin", "ballotsMakeRule", "rule { id }", areaId=a.xishan, kind=KIND, title="村委会选举", clauses=clauses,
        statute="村民委员会组织法第十三条",
    )  # fmt: skip
    (geng,) = await n.newcomers(1, "haihong")
    person = await a.person(geng)
    registration = await a.register(geng, a.xishan)
    assert (await a.verify(registration, by="clerk"))["state"] == "PENDING_CONSENT"

    async def asked() -> str:
        made = await n.do(
            "clerk", "newResidentsAskConsent", "registration { consentBallotId }", registrationId=registration,
            representativeIds=list(b.voters.values()), opensAt=b.at(seconds=1), closesAt=b.at(days=2),
        )  # fmt: skip
        n.clock.advance(timedelta(seconds=2))
        await n.due()
        return str(made["registration"]["consentBallotId"])

    # (6) Nobody comes to the first vote: it decides nothing, and is asked again.
    first = await asked()
    again = ("clerk", "newResidentsAskConsent", "registration { id }")
    more = {"representativeIds": list(b.voters.values()), "opensAt": b.at(seconds=1), "closesAt": b.at(days=2)}
    assert await n.refused(*again, registrationId=registration, **more) == "CONSENT_ASKED"
    assert (await b.over(first))["outcome"] == "NO_QUORUM"
    called_off = await asked()
    await n.do("clerk", "ballotsCancel", "ballot { id }", ballotId=called_off, reason="改期")
    await n.delivered()
    second = await asked()
    for who in locals_:
        assert await b.vote(who, second, 0) == "done"
    assert (await b.over(second))["outcome"] == "ADOPTED"
    assert await a.see(registration, "state consentBallotId") == {
        "state": "VERIFIED", "consentBallotId": second,
    }  # fmt: skip

    # On the roll 庚 waits for the consent to this election, as the statute asks.
    attest = ("clerk", "ballotsAttest", "attestation { id }")
    await n.do(
        *attest,
        areaId=a.xishan,
        personId=person,
        fact="APPLICATION",
        day=n.clock.today().isoformat(),
        evidence="申请书",
    )
    roll = await b.roll(KIND)
    entry = (await entries(n, "clerk", roll))[person]
    assert (entry["state"], entry["basis"]) == ("PENDING_CONSENT", "NON_LOCAL_1Y")
    await n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll)
    consent = await b.ballot(title="同意庚参加选举", subjectId=entry_id(uuid(entry["id"])))
    for who in locals_:
        assert await b.vote(who, consent, 0) == "done"
    await b.over(consent)
    entry = (await entries(n, "clerk", roll))[person]
    assert (entry["state"], entry["consent"]) == ("LISTED", {"id": consent})
