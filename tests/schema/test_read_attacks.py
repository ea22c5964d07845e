"""What a curious or hostile reader tries: nothing hidden is told by an id, a filter, an order, a cursor, an error, a name
that is suggested, another site's form, or what the server says of itself."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import httpx2
import pytest

from core.ids import new_id, to_global
from core.testing.kit import Neighbourhood, Refused

pytestmark = pytest.mark.anyio
NOWHERE = "00000000-0000-7000-8000-000000000000"


async def first_id(n: Neighbourhood, table: str) -> UUID:
    return UUID(
        str(
            (
                await n.server.runtime.database.read(
                    f"SELECT id FROM {table} WHERE area_id IS NOT NULL ORDER BY id LIMIT 1"
                )
            )[0][0]
        )
    )


async def test_a_hidden_id_and_a_missing_one_get_the_same_bytes(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    made = await n.do("admin", "coreExport", "dataExport { id }", list="areas", format="CSV")
    hidden = {
        "dataexport": UUID(made["dataExport"]["id"].removeprefix("dataexport_")),
        **{tag: await first_id(n, f"core_{tag}") for tag in ("membership", "mandate", "event")},
    }
    for tag, id in hidden.items():
        assert await told(n, "admin", tag, str(id)) != await told(n, "admin", tag, NOWHERE)
        assert await told(n, "resident", tag, str(id)) == await told(n, "resident", tag, NOWHERE)
    headers = {"authorization": f"Bearer {n.tokens['resident']}"}
    for route in ("exports", "imports"):
        one, other = [
            await n.http.get(f"/{route}/data{route[:-1]}_{id}", headers=headers)
            for id in (hidden["dataexport"], NOWHERE)
        ]
        assert (one.status_code, one.content) == (other.status_code, other.content) == (404, other.content)


async def told(n: Neighbourhood, who: str, tag: str, id: str) -> str:
    """Everything that is answered to questions with an id, without the id."""
    query = """query($i: ID!) { node(id: $i) { __typename id } nodes(ids: [$i, $i]) { id } dataExport(id: $i) { state }
        dataImport(id: $i) { state } events(where: {subject: {eq: $i}}) { totalCount } }"""
    return (await n.post(who, query, i=f"{tag}_{id}")).text.replace(id, "")


async def test_a_name_is_not_found_out_letter_by_letter(neighbourhood: Neighbourhood) -> None:
    """Binary search by what filters there are: they look at the mask, as the reader does."""
    n = neighbourhood
    person = await n.actor_id("郑雅婷")
    query = "query($w: ActorWhere) { actors(where: $w) { totalCount } }"

    async def count(who: str | None, **name: Any) -> int:
        where = {"and": [{"id": {"eq": person}}, {"name": name}]}
        return int((await n.ask(who, query, w=where))["actors"]["totalCount"])

    for guess in ({"startsWith": "郑雅"}, {"contains": "雅"}, {"eq": "郑雅婷"}, {"in": ["郑雅婷"]}):
        assert (await count("admin", **guess), await count("company", **guess), await count(None, **guess)) == (1, 0, 0)
    assert await count(None, startsWith="郑*") == 1
    orders = (await n.ask(None, '{ __type(name: "ActorOrder") { enumValues { name } } }'))["__type"]["enumValues"]
    assert {o["name"] for o in orders} == {"ID_ASC", "ID_DESC"}  # by name would tell the name
    refused = (await n.post(None, '{ actors(where: {sortName: {startsWith: "zheng"}}) { totalCount } }')).json()
    assert refused["errors"][0]["extensions"]["code"] == "VALIDATION_FAILED"


async def test_who_leads_nowhere_and_who_leads_to_what_is_hidden_are_alike(neighbourhood: Neighbourhood) -> None:
    """`not` over a to-one: hidden and null are both "not that one"."""
    n = neighbourhood
    events = "query($w: EventWhere) { events(where: $w, first: 100) { totalCount } }"
    mandate = to_global("mandate", await first_id(n, "core_mandate"))
    whole = (await n.ask("resident", events, w={}))["events"]["totalCount"]
    assert whole > 0
    for where in ({"mandate": {"id": {"eq": mandate}}}, {"mandate": {"organization": {"name": {"contains": "企业"}}}}):
        assert (await n.ask("resident", events, w={"not": where}))["events"]["totalCount"] == whole


async def test_a_cursor_is_no_key(neighbourhood: Neighbourhood) -> None:
    """Somebody else's cursor says where to go on among one's own rows; it opens nothing, and holds what they were shown."""
    n = neighbourhood
    query = """query($a: String) { events(first: 3, after: $a, orderBy: SEQ_ASC) {
        totalCount nodes { id seq } edges { cursor } } }"""
    theirs = (await n.ask("admin", query))["events"]
    mine: list[str] = []
    after: str | None = None
    while page := (await n.ask("resident", query, a=after))["events"]["nodes"]:
        mine += [e["id"] for e in page]
        after = (await n.ask("resident", query, a=after))["events"]["edges"][-1]["cursor"]
    assert 0 < len(mine) < theirs["totalCount"]
    for edge, node in zip(theirs["edges"], theirs["nodes"], strict=True):
        assert edge["cursor"] == f"SEQ_ASC.{node['id'].removeprefix('event_')}:{node['seq']}"
        found = (await n.ask("resident", query, a=edge["cursor"]))["events"]
        assert {e["id"] for e in found["nodes"]} <= set(mine)
        assert found["totalCount"] == len(mine)
        assert (await n.ask(None, query, a=edge["cursor"]))["events"]["nodes"] == []
    # One that nobody was given, of a row that is not there: the same.
    forged = f"SEQ_ASC.{new_id()}:0"
    assert [e["id"] for e in (await n.ask("resident", query, a=forged))["events"]["nodes"]] == mine[:3]


@pytest.mark.needs("adoption", "points")
async def test_fragments_nesting_and_fields_of_plugins_lead_no_further(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    household = await n.actor_id("西山社一组 3 号户")
    query = """query($i: ID!) {
        node(id: $i) { ...Secrets } nodes(ids: [$i]) { ... on Actor { ... on Node { ...Secrets } } }
        area(code: "xishan-1") { actors(first: 9) { nodes { ...Secrets area { name } ...Door } } } }
        fragment Door on Actor { ... on Household { there: address } }
        fragment Secrets on Node { ... on Actor { name pointsBalance memberships { totalCount nodes { id } } }
            ... on Household { address } ... on Actor { ... on Household { where: address } } }"""
    seen, hidden = (await n.post("clerk", query, i=household)).text, (await n.post(None, query, i=household)).text
    for key in ("address", "where", "there"):
        assert f'"{key}":"***"' in seen  # the door is for coreDisclose
        assert f'"{key}":null' in hidden
        assert f'"{key}":"' not in hidden
    assert '"3 号"' not in seen
    assert "3 号" not in hidden
    assert "errors" not in seen + hidden
    assert re.search(r'"memberships":\{"totalCount":[1-9]', hidden) is None
    assert re.search(r'"pointsBalance":\d', re.sub(r'"name":"企业甲","pointsBalance":\d+', "", hidden)) is None
    join = """mutation($i: CoreActivityInput!) { coreJoinActivity(input: $i) { errors { code } participation {
        actor { area { actors(first: 100) { nodes { name ... on Household { address } } } } } } } }"""
    open_one = "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }"
    activity = (await n.ask(None, open_one))["activities"]["nodes"][0]["id"]
    answer = (await n.post("company", join, i={"activityId": activity})).text
    assert '"errors":[]' in answer
    assert "3 号" not in answer


@pytest.mark.needs("adoption")
async def test_an_area_s_endpoint_suggests_nothing_that_it_has_not(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    off = {"areaId": await n.area_id("xishan"), "plugin": "adoption", "state": "OFF"}
    await n.do("admin", "coreTogglePlugin", "area { id }", **off)

    async def at(query: str) -> str:
        return str((await n.http.post("/areas/xishan/graphql", json={"query": query})).text)

    for query in ("{ adoptionAset { id } }", "{ areas { nodes { adoptionAset { id } } } }", "{ node(id: 1) { ... on AdoptionAset { id } } }",
                  "{ areas(where: {adoptionAset: 1}) { totalCount } }"):  # fmt: skip
        text = await at(query)
        assert "VALIDATION_FAILED" in text or "BAD_VARIABLES" in text
        assert "doption" not in text.replace("doptionAset", "")
    assert '"t":null' in await at('{ t: __type(name: "AdoptionAsset") { name } }')
    assert "Did you mean 'adoptionAsset'" in (await n.post(None, "{ adoptionAset { id } }")).text


async def test_another_site_can_make_a_browser_do_nothing(neighbourhood: Neighbourhood) -> None:
    """Who one is comes with the Authorization header alone, which no form sends and no browser adds by itself."""
    n = neighbourhood
    token = n.tokens["admin"]
    query = {"query": "{ viewer { id } memberships { totalCount } }"}
    cookies = {"cookie": f"authorization=Bearer {token}; token={token}; session={token}"}
    answer = await n.http.post("/graphql", json=query, headers=cookies)
    assert answer.json()["data"] == {"viewer": None, "memberships": {"totalCount": 0}}
    assert (
        await n.http.get("/graphql", params=query | {"token": token, "access_token": token}, headers=cookies)
    ).json()["data"]["viewer"] is None
    sign_out = "mutation { coreSignOut(input: {}) { errors { code } } }"
    assert (await n.http.get("/graphql", params={"query": sign_out}, headers=cookies)).status_code == 405
    # What a form of another site can send without asking first; the rest needs a preflight, which allows nothing.
    for content in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        sent = {"content-type": content, "origin": "https://evil.example"} if content else {}
        answer = await n.http.post("/graphql", content=f'{{"query": "{sign_out}"}}', headers=sent | cookies)
        assert answer.status_code == 415, content
    preflight = {"origin": "https://evil.example", "access-control-request-method": "POST",
                 "access-control-request-headers": "authorization, content-type"}  # fmt: skip
    for told in (await n.http.request("OPTIONS", "/graphql", headers=preflight), answer):
        named = {name.lower() for name in told.headers}
        assert not any(name.startswith("access-control-") or name == "set-cookie" for name in named)
    assert (await n.ask("admin", "{ viewer { id } }"))["viewer"] is not None


@pytest.mark.needs("points")
async def test_strangers_learn_that_the_server_works_and_no_more(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.server.runtime.kernel.health.failed("points", "handler points:core.area.renamed:explode")
    query = "{ plugins { key status problem } }"
    for who, expected in (("admin", "handler points:core.area.renamed:explode"), ("resident", None), (None, None)):
        found = {p["key"]: p for p in (await n.ask(who, query))["plugins"]}
        assert (found["points"]["status"], found["points"]["problem"]) == ("FAILING", expected), who

    async def ready(peer: str, **headers: str) -> dict[str, Any]:
        transport = httpx2.ASGITransport(app=n.server.app, client=(peer, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as http:
            answer = await http.get("/readyz", headers=headers)
            assert answer.status_code == 200
            found: dict[str, Any] = answer.json()
            return found

    here = await ready("127.0.0.1")
    assert here["problems"] == {"points": "handler points:core.area.renamed:explode"}
    bare = {"status": "ready"}
    assert await ready("203.0.113.9") == bare
    assert await ready("127.0.0.1", **{"x-forwarded-for": "203.0.113.9"}) == bare  # from a proxy that nobody named
    assert await ready("203.0.113.9", **{"x-forwarded-for": "127.0.0.1"}) == bare
    assert await ready("203.0.113.9", authorization=f"Bearer {n.tokens['resident']}") == bare
    assert await ready("203.0.113.9", authorization="Bearer nonsense") == bare
    assert (await ready("203.0.113.9", authorization=f"Bearer {n.tokens['admin']}"))["problems"] == here["problems"]


async def test_an_area_that_is_none_is_said_to_be_none(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    queries = (
        'query($c: String! = "nope") { areas(where: {within: $c}) { totalCount } }',
        'query($c: String! = "nope") { activities(where: {not: {or: [{area: {within: $c}}]}}) { nodes { id } } }',
        'query($c: String! = "nope") { area(code: "xishan") { children(where: {within: $c}) { totalCount } } }',
    )
    for query in queries:
        with pytest.raises(Refused) as refused:
            await n.ask(None, query)
        assert refused.value.codes == ["UNKNOWN_AREA"]
        assert "nope" in refused.value.errors[0]["message"]
        plain = await n.server.graphql.execute(query, plain=True)
        assert plain["errors"][0]["extensions"]["code"] == "UNKNOWN_AREA"
        await n.ask(None, query, c="xishan")
    # In a payload: the change is made, and what cannot be shown is null.
    add = """mutation($i: CoreCreatePostInput!) { coreCreatePost(input: $i) { errors { code } post { title area {
        children(where: {within: "nope"}) { totalCount } } } } }"""
    new = {"areaId": await n.area_id("xishan"), "title": "网格员"}
    body = (await n.post("admin", add, i=new)).json()
    assert body["data"]["coreCreatePost"] == {"errors": [], "post": None}
    assert [e["extensions"]["code"] for e in body["errors"]] == ["UNKNOWN_AREA"]
