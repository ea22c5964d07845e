"""What a sceptic found: how a notice, an officer, an old paper or an empty seat might have decided for the members."""

from __future__ import annotations

import pytest
from councilling import Council

from core.testing.kit import Neighbourhood, Refused

pytestmark = pytest.mark.anyio

PASS = ("councilsPassResolution", "resolution { id state eligible recused votesFor }")


async def chaired(n: Neighbourhood, *, size: int = 5, members: int = 4, **more: str) -> tuple[Council, str, str]:
    """A council with a chair who has an account; their login and their actor."""
    c = await Council.begin(n, size=size, members=members, **more)
    (login,) = await n.newcomers(1, "xishan")
    me = await c.person(login)
    await n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=me, areaId=c.area, role="RESIDENT", since="2024-05-01"
    )
    await c.seat(me, name=login, office="CHAIR")
    return c, login, me


@pytest.mark.needs("disclosure")
async def test_a_notice_of_another_area_voids_neither_resolution_nor_charter(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n)
    charter = await c.draft("公示中的章程")
    assert await c.adopt(charter) == "ADOPTED"
    (item,) = await c.session("动用集体资金修桥", matter="FUNDS")
    resolution = (await c.decide(item, 5))["id"]
    elsewhere = await n.area_id("haihong")
    logins = await n.newcomers(2, "haihong")
    for login in logins:
        await n.do(
            "admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=elsewhere, actorId=await c.person(login)
        )
    for subject in (resolution, charter):
        try:
            draft = await n.do(
                logins[0], "disclosureDraft", "notice { id }", areaId=elsewhere, kind="x", title="t", body="b",
                subjectId=subject,
            )  # fmt: skip
        except Refused:
            continue  # where nobody publishes about what lies elsewhere
        notice = draft["notice"]["id"]
        await n.do(logins[0], "disclosurePublish", "notice { state }", noticeId=notice)
        objection = await n.do("resident", "disclosureObject", "objection { id }", noticeId=notice, text="z")
        await n.do(
            logins[1], "disclosureAnswerObjection", "objection { id }", objectionId=objection["objection"]["id"],
            uphold=True, answer="y",
        )  # fmt: skip
    await c.days(30)
    assert (await c.see(resolution, "state"))["state"] != "OVERTURNED"
    assert (await c.see(charter, "state"))["state"] == "ADOPTED"
