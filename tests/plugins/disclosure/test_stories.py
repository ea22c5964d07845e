"""Stories over HTTP: published once everybody in them consents, and down as soon as somebody does not (INV14)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.disclosure import Disclosing
from tests.kits.guards import refused

pytestmark = pytest.mark.anyio
PUBLISH = ("clerk", "disclosurePublishStory", "story { state }")
ANSWER = "answer { state consent { id purpose state } }"
SHOWN = "query($i: ID!) { disclosureStory(id: $i) { state title text photos people { nodes { state } } } }"


async def people(n: Neighbourhood, count: int) -> dict[str, str]:
    """So many who live in 西山: ids by login."""
    logins = await n.newcomers(count, "xishan")
    return {who: (await n.ask(who, "{ viewer { id } }"))["viewer"]["id"] for who in logins}


async def draft(d: Disclosing, *who: str, **more: Any) -> str:
    made = await d.n.do(
        "clerk", "disclosureDraftStory", "story { id state }", areaId=d.xishan, personIds=list(who),
        **{"title": "邻里互助", "text": "赵某某常年照看凉亭。", "photos": ["照片 1"], **more},
    )  # fmt: skip
    assert made["story"]["state"] == "DRAFT"
    return str(made["story"]["id"])


async def read(d: Disclosing, story: str, who: str = "clerk") -> dict[str, Any]:
    """What somebody says who read the story: its version."""
    query = "query($i: ID!) { disclosureStory(id: $i) { version } }"
    return {"expectedVersion": (await d.n.ask(who, query, i=story))["disclosureStory"]["version"]}


async def answer(d: Disclosing, who: str, story: str, consent: bool = True, **more: Any) -> dict[str, Any]:
    more |= await read(d, story, who) if consent else {}
    made = await d.n.do(who, "disclosureAnswerStory", ANSWER, storyId=story, consent=consent, **more)
    found: dict[str, Any] = made["answer"]
    return found


async def seen(d: Disclosing, story: str, who: str | None = None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (await d.n.ask(who, SHOWN, i=story))["disclosureStory"]
    return found


async def published(d: Disclosing, *who: tuple[str, str], **more: Any) -> str:
    story = await draft(d, *(id for _, id in who), **more)
    for login, _ in who:
        await answer(d, login, story)
    made = await d.n.do(*PUBLISH, storyId=story)
    assert made["story"]["state"] == "PUBLISHED"
    return story


async def test_it_is_published_once_everybody_in_it_consents(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    found = await people(n, 2)
    (one, other), (aunt,) = found, await n.registered("赵大婶")
    ids = [found[one], aunt]
    story = await draft(d, *ids, ids[0])
    assert await seen(d, story) is None and await seen(d, story, other) is None
    assert await seen(d, story, one) == {
        "state": "DRAFT", "title": "邻里互助", "text": "赵某某常年照看凉亭。", "photos": ["照片 1"],
        "people": {"nodes": [{"state": "ASKED"}]},
    }  # fmt: skip
    assert len((await seen(d, story, "clerk") or {})["people"]["nodes"]) == 2
    assert await n.refused(*PUBLISH, storyId=story) == "NOT_ALL_CONSENT"
    reply = ("disclosureAnswerStory", ANSWER)
    agrees = {"storyId": story, "consent": True, **await read(d, story)}
    for who, code in ((other, "NOT_FOUND"), ("clerk", "NOT_PERMITTED")):
        assert await n.refused(who, *reply, **agrees) == code
    assert await n.refused(one, *reply, storyId=story, consent=True) == "VERSION_NEEDED"
    can = 'query($i: ID!) { can(action: "disclosureAnswerStory", on: $i) { allowed reason } }'
    assert (await n.ask("clerk", can, i=story))["can"] == {"allowed": False, "reason": "NOT_YOURS"}
    assert (await n.ask(one, can, i=story))["can"] == {"allowed": True, "reason": "OWN"}
    given = await answer(d, one, story)
    assert given["state"] == "CONSENTED" and given["consent"]["state"] == "GIVEN"
    assert given["consent"]["purpose"] == f"刊发宣传稿({story})"
    assert await n.refused(one, *reply, **agrees) == "ALREADY_ANSWERED"
    paper = {"actorId": aunt, "basis": "PHONE", "evidence": "来电"}
    assert (await answer(d, "clerk", story, False, onBehalfOf=paper))["state"] == "REFUSED"
    assert await n.refused(*PUBLISH, storyId=story) == "NOT_ALL_CONSENT"
    assert await n.refused("clerk", *reply, **agrees, onBehalfOf=paper) == "CONSENT_BASIS"
    signed = {**paper, "basis": "WRITTEN", "evidence": "同意书 2027-3"}
    assert (await answer(d, "clerk", story, onBehalfOf=signed))["state"] == "CONSENTED"
    assert (await n.do(*PUBLISH, storyId=story))["story"]["state"] == "PUBLISHED"
    shown = await seen(d, story)
    assert shown is not None and (shown["state"], shown["people"]["nodes"]) == ("PUBLISHED", [])
    edit = ("clerk", "disclosureEditStory", "story { id }")
    assert await n.refused(*edit, storyId=story, text="另一篇") == "STORY_STATE"
    for who in (one, other, "resident"):
        assert (
            await n.refused(who, "disclosureWithdrawStory", "story { id }", storyId=story, reason="x")
            == "NOT_PERMITTED"
        )
    log = await n.server.runtime.database.read("SELECT data FROM core_event WHERE type LIKE 'disclosure.story.%'")
    told = json.dumps([r[0] for r in log])
    assert not [id for id in ids if str(split_global(id)[1]) in told]  # INV14


async def test_an_edited_draft_asks_anew(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (one, first), (two, second) = (await people(n, 2)).items()
    story = await draft(d, first)
    await answer(d, one, story)
    edit = ("clerk", "disclosureEditStory", "story { text people { nodes { state answeredAt consent { id } } } }")
    made = await n.do(*edit, storyId=story, text="赵某某照看凉亭三年。")
    asked = {"state": "ASKED", "answeredAt": None, "consent": None}
    assert made["story"] == {"text": "赵某某照看凉亭三年。", "people": {"nodes": [asked]}}
    consents = await n.ask(one, "{ consents { nodes { state } } }")
    assert consents["consents"]["nodes"] == [{"state": "WITHDRAWN"}]
    assert await n.refused(*PUBLISH, storyId=story) == "NOT_ALL_CONSENT"
    made = await n.do(*edit, storyId=story, personIds=[second])
    assert sorted(p["state"] for p in made["story"]["people"]["nodes"]) == ["ASKED", "LEFT_OUT"]
    assert await seen(d, story, one) is None
    assert await n.refused(one, "disclosureAnswerStory", ANSWER, storyId=story, consent=True) == "NOT_FOUND"
    await answer(d, two, story)
    await n.do(*edit, storyId=story, personIds=[first, second])
    for who in (one, two):
        await answer(d, who, story)
    assert (await n.do(*PUBLISH, storyId=story))["story"]["state"] == "PUBLISHED"
    # Whom it is about is in it; and no household is.
    about = await draft(d, subjectId=first)
    assert (await seen(d, about, one) or {})["state"] == "DRAFT"
    rows = await n.server.runtime.database.read("SELECT id FROM core_actor WHERE kind = 'HOUSEHOLD' LIMIT 1")
    for wrong in ({"personIds": [await n.actor_id("企业甲")]}, {"personIds": [f"actor_{rows[0][0]}"]}):
        given = {"areaId": d.xishan, "title": "x", "text": "x", **wrong}
        assert await n.refused("clerk", "disclosureDraftStory", "story { id }", **given) == "NOT_A_PERSON"


async def test_a_consent_taken_back_takes_the_story_down(neighbourhood: Neighbourhood) -> None:
    """By a no to the story, by taking back what core keeps, and where disclosure is off meanwhile."""
    n = neighbourhood
    d = await Disclosing.begin(n)
    one, two = (await people(n, 2)).items()
    committee = await n.actor_id("西山社村民委员会")
    first = await published(d, one, two, organizationId=committee)
    assert (await answer(d, one[0], first, False))["state"] == "REFUSED"
    assert await seen(d, first) is None and await seen(d, first, two[0]) is None
    assert (await seen(d, first, "clerk") or {})["state"] == "WITHDRAWN"
    second = await published(d, one, two)
    await n.quiet()
    query = "{ consents(where: {state: {eq: GIVEN}}) { nodes { id } } }"
    (given,) = (await n.ask(two[0], query))["consents"]["nodes"]
    await n.do(two[0], "coreWithdrawConsent", "consent { state }", consentId=given["id"])
    assert await seen(d, second) is None  # at once, before anybody has heard of it
    await n.delivered()
    assert (await seen(d, second, "clerk") or {})["state"] == "WITHDRAWN"
    assert (await n.ask(one[0], query))["consents"]["nodes"] == []  # to a story that is no more
    third = await published(d, one, two)
    (given,) = (await n.ask(one[0], query))["consents"]["nodes"]
    toggle = ("admin", "coreTogglePlugin", "area { id }")
    await n.do(*toggle, areaId=d.xishan, plugin="disclosure", state="OFF")
    await n.do(one[0], "coreWithdrawConsent", "consent { state }", consentId=given["id"])
    await n.delivered()
    await n.do(*toggle, areaId=d.xishan, plugin="disclosure", state="ON")
    assert await seen(d, third) is None
    settled = await n.server.runtime.jobs.run_due(n.server.runtime)
    assert settled["disclosure.stories"] == 1
    assert (await seen(d, third, "clerk") or {})["state"] == "WITHDRAWN"
    await n.delivered()
    file = """query($i: ID!) { node(id: $i) { ... on Actor { disclosureFile(where: {heading: {eq: STORY}}) {
        nodes { type } } disclosureStories { totalCount } } } }"""
    of = (await n.ask(None, file, i=committee))["node"]
    told = [e["type"] for e in of["disclosureFile"]["nodes"]]
    assert sorted(told) == [*["disclosure.story.published"] * 2, "disclosure.story.withdrawn"]  # and the demo's


async def test_who_is_erased_is_in_no_story(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    one, two = (await people(n, 2)).items()
    story, waiting = await published(d, one, two), await draft(d, one[1])
    await n.quiet()
    await n.do(one[0], "coreErasePerson", "", personId=one[1], reason="本人申请")
    assert await seen(d, story) is None
    await n.delivered()
    for id, state in ((story, "WITHDRAWN"), (waiting, "DRAFT")):
        left = await seen(d, id, "clerk")
        assert left is not None and (left["state"], left["title"], left["text"]) == (state, "[已清除]", "[已清除]")
        assert left["photos"] == []
    assert "赵某某" not in await n.dump()
    assert await n.refused(*PUBLISH, storyId=waiting) == "NOT_ALL_CONSENT"
    await n.do(
        "clerk", "disclosureWithdrawStory", "story { state withdrawnAt }", storyId=waiting, reason="当事人已注销"
    )  # fmt: skip
    log = await n.server.runtime.database.read(
        "SELECT count(*) FROM core_event WHERE type = 'disclosure.story.discarded'"
    )
    assert log[0][0] == 1


async def test_the_database_publishes_nothing_without_consent(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    one, two = (await people(n, 2)).items()
    waiting = await draft(d, one[1])
    other = await draft(d, two[1])
    story = await published(d, one)
    await answer(d, two[0], other)
    await n.quiet()

    def id_of(global_id: str) -> str:
        return str(split_global(global_id)[1])

    now = "published_at = '2027-03-01 02:00:00+00:00'"
    table, row = "UPDATE disclosure_story SET", "UPDATE disclosure_story_person SET"
    theirs = f"(SELECT consent_id FROM disclosure_story_person WHERE story_id = '{id_of(other)}')"
    for sql, code in (
        (f"{table} state = 'PUBLISHED', {now} WHERE id = '{id_of(waiting)}'", "NOT_ALL_CONSENT"),
        (f"{table} text = '改写' WHERE id = '{id_of(other)}'", "NOT_ALL_CONSENT"),
        (f"{table} text = '改写' WHERE id = '{id_of(story)}'", "STORY_STATE"),
        (f"{table} state = 'DRAFT' WHERE id = '{id_of(story)}'", "STORY_STATE"),
        (f"{row} state = 'REFUSED', consent_id = NULL WHERE story_id = '{id_of(story)}'", "NOT_ALL_CONSENT"),
        (f"{row} state = 'CONSENTED', answered_at = asked_at, consent_id = {theirs} WHERE story_id = '{id_of(waiting)}'",
         "NOT_ALL_CONSENT"),
        (f"{row} story_id = '{id_of(waiting)}' WHERE story_id = '{id_of(story)}'", "STORY_STATE"),
    ):  # fmt: skip
        assert await refused(n, sql) == code, sql


async def test_published_and_taken_back_at_once_leaves_nothing_published(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    found = list((await people(n, 6)).items())
    query = "{ consents(where: {state: {eq: GIVEN}}) { nodes { id } } }"
    for number, (who, id) in enumerate(found):
        story = await draft(d, id)
        await answer(d, who, story)
        (given,) = (await n.ask(who, query))["consents"]["nodes"]
        back = (
            n.outcome(who, "coreWithdrawConsent", "consent { id }", consentId=given["id"])
            if number % 2
            else n.outcome(who, "disclosureAnswerStory", "answer { id }", storyId=story, consent=False)
        )
        done, taken = await asyncio.gather(n.outcome(*PUBLISH, storyId=story), back)
        assert done in ("done", "NOT_ALL_CONSENT") and taken == "done", (done, taken)
        assert await seen(d, story) is None
        await n.delivered()
        state = "WITHDRAWN" if done == "done" else "DRAFT"
        assert (await seen(d, story, "clerk") or {})["state"] == state, done
    drafts = await n.ask(
        "clerk", "{ disclosureStories(where: {state: {eq: PUBLISHED}}, first: 50) { nodes { title } } }"
    )
    assert "邻里互助" not in [s["title"] for s in drafts["disclosureStories"]["nodes"]]


async def test_a_yes_is_to_what_was_read(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    ((one, first),) = (await people(n, 1)).items()
    story = await draft(d, first)
    before = await read(d, story, one)
    await n.do("clerk", "disclosureEditStory", "story { id }", storyId=story, text="赵某某欠债不还。")
    yes = {"storyId": story, "consent": True}
    assert await n.refused(one, "disclosureAnswerStory", ANSWER, **yes, **before) == "VERSION_CONFLICT"
    await answer(d, one, story)


async def test_a_consent_to_a_draft_is_taken_back_and_given_again(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    ((one, first),) = (await people(n, 1)).items()
    story = await draft(d, first)
    states = "query($i: ID!) { disclosureStory(id: $i) { people { nodes { state } } } }"
    for is_heard in (True, False):
        await answer(d, one, story)
        given = await n.ask(one, "{ consents(where: {state: {eq: GIVEN}}) { nodes { id } } }")
        (consent,) = given["consents"]["nodes"]
        if not is_heard:
            await n.quiet()
        await n.do(one, "coreWithdrawConsent", "consent { state }", consentId=consent["id"])
        if is_heard:
            await n.delivered()
            shown = (await n.ask("clerk", states, i=story))["disclosureStory"]["people"]["nodes"]
            assert shown == [{"state": "REFUSED"}]
        assert await n.refused(*PUBLISH, storyId=story) == "NOT_ALL_CONSENT"
    await answer(d, one, story)
    assert (await n.do(*PUBLISH, storyId=story))["story"]["state"] == "PUBLISHED"


async def test_the_desk_of_the_story_takes_the_consent_of_somebody_who_lives_elsewhere(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (old,) = await n.registered("外社老人", area="haihong")
    story = await draft(d, old)
    can = 'query($i: ID!, $b: ID!) { can(action: "disclosureAnswerStory", on: $i, onBehalfOf: $b) { allowed } }'
    assert (await n.ask("clerk", can, i=story, b=old))["can"] == {"allowed": True}
    signed = {"actorId": old, "basis": "WRITTEN", "evidence": "同意书"}
    assert (await answer(d, "clerk", story, onBehalfOf=signed))["state"] == "CONSENTED"
    await n.do(*PUBLISH, storyId=story)
    assert (await answer(d, "clerk", story, False, onBehalfOf=signed))["state"] == "REFUSED"
    assert await seen(d, story) is None


async def test_a_guardian_answers_for_a_ward(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (child,) = await n.registered("小禾")
    (one, mother), (other, _) = (await people(n, 2)).items()
    facts = {"wardId": child, "guardianId": mother, "basis": "PARENT", "evidence": "户口簿"}
    await n.do("clerk", "coreRecordGuardianship", "guardianship { id }", **facts)
    story = await draft(d, child)
    assert (await seen(d, story, one) or {})["people"] == {"nodes": [{"state": "ASKED"}]}
    assert await seen(d, story, other) is None
    behalf = {"actorId": child, "basis": "GUARDIAN", "evidence": "母亲"}
    assert (await answer(d, one, story, onBehalfOf=behalf))["state"] == "CONSENTED"
    await n.do(*PUBLISH, storyId=story)
    assert (await answer(d, one, story, False, onBehalfOf=behalf))["state"] == "REFUSED"
    assert await seen(d, story) is None


async def test_two_who_prove_to_be_one(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    one, two = await n.registered("同一人", "同一人二")
    both, hers = await draft(d, one, two), await draft(d, two)
    paper = {"actorId": two, "basis": "IN_PERSON", "evidence": "当面签字"}
    await answer(d, "clerk", hers, onBehalfOf=paper)
    await n.do(*PUBLISH, storyId=hers)
    merge = ("admin", "coreMergeActors", "actor { id }")
    assert await n.refused(*merge, keptId=one, goneId=two, reason="同一人") == "BOTH_IN_STORY"
    await n.do("clerk", "disclosureEditStory", "story { id }", storyId=both, personIds=[one])
    await n.do(*merge, keptId=one, goneId=two, reason="同一人")
    assert (await seen(d, hers) or {})["state"] == "PUBLISHED"
    no = {**paper, "actorId": one}
    assert (await answer(d, "clerk", hers, False, onBehalfOf=no))["state"] == "REFUSED"
    assert await seen(d, hers) is None


@pytest.mark.parametrize("is_public", [True, False])
async def test_who_was_left_out_and_proves_to_be_in_it_answers_for_it(
    neighbourhood: Neighbourhood, is_public: bool
) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    ((one, kept),) = (await people(n, 1)).items()
    (gone,) = await n.registered("同一人二")
    story = await draft(d, kept)
    await n.do("clerk", "disclosureEditStory", "story { id }", storyId=story, personIds=[gone])
    await answer(d, "clerk", story, onBehalfOf={"actorId": gone, "basis": "WRITTEN", "evidence": "同意书"})
    if is_public:
        await n.do(*PUBLISH, storyId=story)
    await n.do("admin", "coreMergeActors", "actor { id }", keptId=kept, goneId=gone, reason="同一人")
    mine = "{ disclosureStoryPeople { nodes { state story { state } } } }"
    in_it = {"state": "CONSENTED", "story": {"state": "PUBLISHED" if is_public else "DRAFT"}}
    assert (await n.ask(one, mine))["disclosureStoryPeople"]["nodes"] == [in_it]
    assert (await answer(d, one, story, False))["state"] == "REFUSED"
    await n.delivered()
    assert await seen(d, story) is None
    if not is_public:
        assert await n.refused(*PUBLISH, storyId=story) == "NOT_ALL_CONSENT"
        await answer(d, one, story)
        await n.do(*PUBLISH, storyId=story)
