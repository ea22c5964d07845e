"""M01, the conduct clause, from end to end: 西山社's charter says how order is kept; a member is called to order, put out and kept
out of the next meeting; what was decided without them is public, and waits; they appeal, are heard by somebody else, and the
matter is put again with them there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

pytest.importorskip("plugins.councils")

from core.testing.kit import Neighbourhood
from tests.kits.sitting import APPEAL, CALL, COME, DECIDE, EFFECT, EXCLUDE, House

pytestmark = [pytest.mark.anyio, pytest.mark.needs("councils", "ballots", "disclosure")]
CONDUCT = {"SPEAKING_MINUTES": 3, "CALLS_TO_ORDER": 3, "EXCLUSION_DAYS": 10, "APPEAL_DAYS": 14}


async def test_order_is_kept_and_whoever_was_wronged_is_heard(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    await h.close()
    clauses: list[dict[str, Any]] = [
        {"key": str(k), "heading": "会议秩序", "text": "照此执行。", "parameter": parameter, "value": value}
        for k, (parameter, value) in enumerate(CONDUCT.items(), 1)
    ]
    charter = await h.c.draft("西山社村民自治章程", clauses=clauses)
    await h.c.adopt(charter)
    await h.c.enact(charter)

    # A meeting with disorder: three calls, as the charter asks, and no longer than it says.
    await h.sit("修凉亭")
    loud = h.logins[1]
    for kind, reason in (("OVER_TIME", "讲了十分钟"), ("INTERRUPTION", "打断三人"), ("INTERRUPTION", "再次打断")):
        assert await n.refused(h.chair, *EXCLUDE, **h.at(loud), reason="不听劝阻") == "TOO_FEW_CALLS"
        await n.do(h.chair, *CALL, **h.at(loud), kind=kind, reason=reason)
    out: dict[str, Any] = {**h.at(loud), "reason": "不听劝阻"}
    assert await n.refused(h.chair, *EXCLUDE, **out, until=h.day(11)) == "EXCLUSION_TOO_LONG"
    exclusion = (await n.do(h.chair, *EXCLUDE, **out, until=h.day(10)))["exclusion"]["id"]
    seen = await h.put(3, 1)
    assert (seen["state"], seen["eligible"], seen["putOut"], seen["votesAbstained"]) == ("EFFECTIVE", 5, 1, 1)
    await h.close()

    # The next meeting spends money with two of the three who are there. It is made public, and nobody objects.
    await h.sit("动用集体资金", came=[h.chair, *h.logins[2:4]], matter="FUNDS")
    spent = await h.put(2, 1)
    assert (spent["state"], spent["eligible"], spent["keptOut"], spent["restsOnExclusions"]) == ("ADOPTED", 3, 1, True)
    assert await n.refused("clerk", *EFFECT, resolutionId=spent["id"]) == "UNDER_NOTICE"
    await n.do(loud, *APPEAL, exclusionId=exclusion, text="是别人先打断我")
    await h.close()
    await h.c.days(30)
    await n.delivered()
    assert (await h.c.see(spent["id"], "state", None))["state"] == "ADOPTED"
    assert await n.refused("clerk", *EFFECT, resolutionId=spent["id"]) == "EXCLUSION_NOT_FINAL"

    # The chair excluded them; a clerk who had no part in it finds that they were wronged.
    decide = {"exclusionId": exclusion, "overturn": True, "decision": "录音显示系他人先打断"}
    assert await n.refused(h.chair, *DECIDE, **decide) == "NOT_PERMITTED"
    await n.do("clerk", *DECIDE, **decide)
    void = await h.c.see(spent["id"], "state effectiveAt item { id state }")
    item = void["item"]["id"]
    assert void == {"state": "OVERTURNED", "effectiveAt": None, "item": {"id": item, "state": "PROPOSED"}}
    assert await n.refused("clerk", *EFFECT, resolutionId=spent["id"]) == "RESOLUTION_STATE"
    told = 'query { events(first: 9, where: {type: {eq: "councils.meeting.exclusion_overturned"}}) { nodes { data } } }'
    (event,) = (await n.ask("admin", told))["events"]["nodes"]
    assert set(event["data"]) == {"body", "meeting"}

    # It is put again, and with everybody there it does not pass.
    h.items, h.meeting = [item], await h.c.call(item)
    n.clock.advance(timedelta(days=6))
    came = [{"seatId": h.c.seats[x]} for x in h.logins]
    opened = await n.do("clerk", *COME, meetingId=h.meeting, came=came)
    assert opened["meeting"] == {"state": "OPEN", "members": 5, "present": 5}
    assert (await h.put(2, 3))["state"] == "REJECTED"
