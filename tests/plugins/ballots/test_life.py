"""A ballot from its announcement to what came of it, and an election from its roll to the seats."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.ballots import HALF, Balloting

pytestmark = pytest.mark.anyio


async def test_a_secret_ballot_is_counted_by_the_server(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 5)
    ballot = await b.ballot()
    people = list(b.voters)
    for who, choice in zip(people, (0, 0, 0, 1, 2), strict=True):
        assert await b.vote(who, ballot, choice) == "done"
    assert await b.vote(people[0], ballot, 1) == "ALREADY_VOTED"
    assert await b.vote("resident", ballot, 1) == "NOT_ON_ROLL"
    seen = await b.over(ballot)
    assert (seen["state"], seen["outcome"], seen["voters"], seen["cast"]) == ("CLOSED", "ADOPTED", 5, 5)
    assert [t["votes"] for t in seen["tally"]] == [3, 1, 1]
    assert await b.vote(people[0], ballot, 1) == "BALLOT_STATE"
    votes = "votes(first: 50) { totalCount nodes { choices voter { id } } }"
    own = await b.see(ballot, votes, people[0])
    assert own["votes"]["nodes"] == [{"choices": [], "voter": {"id": b.voters[people[0]]}}]
    assert (await b.see(ballot, votes))["votes"]["totalCount"] == 0


async def test_an_open_ballot_shows_who_chose_what_once_it_is_closed(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    ballot = await b.ballot(isSecret=False)
    for who, choice in zip(b.voters, (0, 1, 1), strict=True):
        assert await b.vote(who, ballot, choice) == "done"
    votes = "outcome turnout votes(first: 50) { nodes { choices voter { id } } }"
    running = await b.see(ballot, votes)
    assert running == {"outcome": None, "turnout": 3, "votes": {"nodes": []}}
    await b.over(ballot)
    seen = await b.see(ballot, votes)
    assert seen["outcome"] == "REJECTED"
    chosen = {v["voter"]["id"]: v["choices"] for v in seen["votes"]["nodes"]}
    assert chosen == dict(zip(b.voters.values(), ([0], [1], [1]), strict=True))


async def test_too_few_voters_decide_nothing(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 4)
    ballot = await b.ballot()
    for who in list(b.voters)[:2]:
        await b.vote(who, ballot, 0)
    assert (await b.over(ballot))["outcome"] == "NO_QUORUM"


async def test_equal_votes_are_a_tie(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 4)
    ballot = await b.ballot()
    for who, choice in zip(b.voters, (0, 0, 1, 1), strict=True):
        await b.vote(who, ballot, choice)
    assert (await b.over(ballot))["outcome"] == "TIED"


async def test_a_rule_may_ask_for_more_and_never_for_less(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    third = {"numerator": 1, "denominator": 3}
    given = {
        "areaId": b.area, "title": "凉亭改造", "opensAt": b.at(seconds=1), "closesAt": b.at(days=3),
        "voterIds": list(b.voters.values()),
    }  # fmt: skip
    for part in ("quorum", "threshold"):
        rule = {"quorum": HALF, "threshold": HALF, part: third}
        code = await b.n.refused("clerk", "ballotsAnnounce", "ballot { id }", rule=rule, **given)
        assert code == "RULE_TOO_LOOSE"
    two_thirds = {"numerator": 2, "denominator": 3, "isMore": False}
    ballot = await b.ballot(rule={"quorum": HALF, "threshold": two_thirds})
    for who, choice in zip(b.voters, (0, 0, 1), strict=True):
        await b.vote(who, ballot, choice)
    assert (await b.over(ballot))["outcome"] == "ADOPTED"


async def test_terms_that_are_not_named_are_as_the_settings_say(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    rule = "rule { quorum { numerator denominator isMore } threshold { numerator denominator } proxies }"
    seen = (await b.see(await b.ballot(rule={"proxies": 1}), rule))["rule"]
    half = {"numerator": 50, "denominator": 100}
    assert seen == {"quorum": {**half, "isMore": True}, "threshold": half, "proxies": 1}
    given = {
        "areaId": b.area, "title": "凉亭改造", "opensAt": b.at(seconds=1), "closesAt": b.at(days=3),
        "voterIds": list(b.voters.values()), "rule": {"quorum": None},
    }  # fmt: skip
    assert await b.n.refused("clerk", "ballotsAnnounce", "ballot { id }", **given) == "RULE_TOO_LOOSE"


async def test_messages_are_told_in_the_words_and_the_time_of_the_place(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    ballot = await b.ballot(closesAt="2031-05-06T16:30:00.078Z")

    async def said(language: str, mutation: str, input: dict[str, Any], who: str = "clerk") -> str:
        name = mutation[0].upper() + mutation[1:]
        answer = await b.n.http.post(
            "/graphql",
            json={
                "query": f"mutation($i: {name}Input!) {{ {mutation}(input: $i) {{ errors {{ message }} }} }}",
                "variables": {"i": input},
            },
            headers={"authorization": f"Bearer {b.n.tokens[who]}", "accept-language": language},
        )
        return str(answer.json()["data"][mutation]["errors"][0]["message"])

    close = ("ballotsClose", {"ballotId": ballot})
    assert await said("zh-CN", *close) == "投票至 2031-05-07 00:30 截止,尚有人未投票。"
    assert await said("en", *close) == "The ballot runs until 2031-05-07 00:30, and not everybody has voted."
    to_come = await b.ballot(opened=False, opensAt=b.at(days=1), closesAt=b.at(days=2))
    cast = ("ballotsCast", {"ballotId": to_come, "choices": [0]})
    who = next(iter(b.voters))
    assert await said("zh-CN", *cast, who) == "表决当前状态不允许:已公告。"
    assert await said("en", *cast, who) == "Not possible for a ballot in this state: announced."
    off = {"areaId": b.area, "plugin": "ballots", "state": "OFF", "reason": "停用"}
    await b.n.do("admin", "coreTogglePlugin", "area { id }", **off)
    assert await said("zh-CN", *cast, who) == "此处未启用 选举与表决;可由区域管理员启用。"
    assert await said("en", *cast, who) == "ballots is off here; the area's administration can turn it on."


async def test_no_area_lets_fewer_than_half_decide(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    tune = ("admin", "coreSetPluginSettings", "area { id }")
    given: dict[str, Any] = {"areaId": b.area, "plugin": "ballots"}
    loose = {**given, "settings": [{"key": "threshold_percent", "value": 0}]}
    assert await b.n.refused(*tune, **loose) == "BAD_SETTING"
    await b.n.do(*tune, **given, settings=[{"key": "quorum_percent", "value": 0}])
    ballot = await b.ballot()  # nobody has to vote, but more for it than against
    for who, choice in zip(b.voters, (0, 1, 1), strict=True):
        await b.vote(who, ballot, choice)
    assert (await b.over(ballot))["outcome"] == "REJECTED"


async def test_it_closes_by_hand_only_when_all_have_voted(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    ballot, (first, second) = await b.ballot(), list(b.voters)
    await b.vote(first, ballot, 0)
    close = ("clerk", "ballotsClose", "ballot { outcome }")
    assert await b.n.refused(*close, ballotId=ballot) == "BALLOT_RUNS"
    await b.vote(second, ballot, 0)
    assert (await b.n.do(*close, ballotId=ballot))["ballot"]["outcome"] == "ADOPTED"
    assert await b.n.refused(*close, ballotId=ballot) == "BALLOT_STATE"
    assert (
        await b.n.refused("clerk", "ballotsCancel", "ballot { id }", ballotId=ballot, reason="再议") == "BALLOT_CLOSED"
    )


async def test_seats_are_filled_by_an_election(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 12)
    n, people = b.n, list(b.voters)
    await b.rule()
    roll = await b.final_roll()
    seen = await n.ask("clerk", "query($i: ID!) { ballotsRoll(id: $i) { state listed } }", i=roll)
    on_roll = seen["ballotsRoll"]["listed"]
    assert seen["ballotsRoll"]["state"] == "FINAL" and 12 <= on_roll < 24
    made = await n.do("admin", "ballotsCallElection", "election { id }", rollId=roll, title="村委会换届", seats=2)
    election = made["election"]["id"]
    nominate = ("ballotsNominate", "candidate { id state }")
    own = [
        await n.do(p, *nominate, electionId=election, actorId=b.voters[p], statement="为大家做事") for p in people[:2]
    ]
    assert {c["candidate"]["state"] for c in own} == {"ACCEPTED"}
    named = await n.do(people[0], *nominate, electionId=election, actorId=b.voters[people[2]])
    assert (
        await n.refused(people[0], *nominate, electionId=election, actorId=b.voters[people[2]]) == "ALREADY_NOMINATED"
    )
    stranger = await n.actor_id("企业甲")
    assert await n.refused(people[0], *nominate, electionId=election, actorId=stranger) == "NOT_ON_ROLL"
    post = ("admin", "ballotsPostCandidates", "election { state }")
    assert await n.refused(*post, electionId=election) == "NOMINATIONS_STILL_COME"
    await n.do(
        people[2], "ballotsAnswerNomination", "candidate { state }", candidateId=named["candidate"]["id"], accept=True
    )
    n.clock.advance(timedelta(days=15))
    assert (await n.do(*post, electionId=election))["election"]["state"] == "CANDIDATES"
    quorum = {"quorum": {"numerator": 1, "denominator": 2}, "threshold": None}
    early = {"opensAt": b.at(days=1), "closesAt": b.at(days=2)}
    put = ("admin", "ballotsOpen", "ballot { id options(first: 9) { nodes { position label } } }")
    assert await n.refused(*put, electionId=election, **early) == "CANDIDATES_TOO_FRESH"
    n.clock.advance(timedelta(days=9))
    await n.due()
    times = {"opensAt": b.at(days=4), "closesAt": b.at(days=5)}
    made = await n.do(*put, electionId=election, rule=quorum, **times)
    ballot = made["ballot"]["id"]
    labels = {o["label"]: o["position"] for o in made["ballot"]["options"]["nodes"]}
    assert labels.keys() == set(people[:3])
    n.clock.advance(timedelta(days=4, minutes=1))
    first, second, third = (labels[p] for p in people[:3])
    papers = ([first, second], [first], [first, second], [second], [third], [], *[[first, second]] * 6)
    for who, chosen in zip(people, papers, strict=True):
        assert await b.vote(who, ballot, *chosen) == "done"
    assert await b.vote(people[0], ballot, first) == "ALREADY_VOTED"
    seen = await b.over(ballot)
    assert seen["outcome"] == "ELECTED"
    votes = [t["votes"] for t in seen["tally"]]
    assert (votes[first], votes[second], votes[third]) == (9, 9, 1)
    stands = await n.ask(
        None,
        "query($i: ID!) { ballotsElection(id: $i) { state candidates(first: 9) { nodes { state actor { id } } } } }",
        i=election,
    )
    won = {c["actor"]["id"] for c in stands["ballotsElection"]["candidates"]["nodes"] if c["state"] == "ELECTED"}
    assert won == {b.voters[people[0]], b.voters[people[1]]}
    n.clock.advance(timedelta(days=20))  # the result has hung out, where it is made public
    await n.due()
    seated = await n.do("admin", "ballotsSeat", "election { state }", electionId=election)
    assert seated["election"]["state"] == "SEATED"
    assert await b.rows("SELECT count(*) FROM ballots_entry WHERE hold = 'VILLAGE_COMMITTEE'") == [(0,)]
