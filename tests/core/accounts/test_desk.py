"""What the desk does with accounts: invite, reset, disable; and never with those who may more than the desk."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from core.accounts import TICKETS_TRIED
from core.demo import PASSWORD
from core.testing.kit import Neighbourhood, Refused

pytestmark = pytest.mark.anyio
NEW = "a new password 1"
REDEEM = "mutation($i: CoreRedeemTicketInput!) { coreRedeemTicket(input: $i) { token login errors { code path } } }"


@pytest.fixture
async def desk(neighbourhood: Neighbourhood) -> Neighbourhood:
    """The clerk is one for the whole district."""
    n = neighbourhood
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=await n.area_id("haicang"),
               actorId=await n.actor_id("陈志伟"))  # fmt: skip
    return n


async def redeem(n: Neighbourhood, ticket: str, login: str | None = None, password: str = NEW) -> str:
    """The refusal's code, or OK; the token is kept under the login."""
    answer = (await n.ask(None, REDEEM, i={"ticket": ticket, "login": login, "password": password}))["coreRedeemTicket"]
    if answer["errors"]:
        assert answer["token"] is None
        assert answer["errors"][0]["path"], answer
        return str(answer["errors"][0]["code"])
    n.tokens[answer["login"]] = answer["token"]
    return "OK"


async def me(n: Neighbourhood, who: str) -> str:
    return str((await n.ask(who, "{ viewer { id } }"))["viewer"]["id"])


async def ticket_for(n: Neighbourhood, person: str, who: str = "clerk", mutation: str = "coreInvite") -> str:
    return str((await n.do(who, mutation, "ticket expiresAt account { state }", personId=person))["ticket"])


async def test_an_invited_person_chooses_a_login_and_password_and_is_signed_in(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    person = (await n.registered("王小明"))[0]
    made = await n.do("clerk", "coreInvite", "ticket account { state login person { id } }", personId=person)
    assert made["account"] == {"state": "INVITED", "login": None, "person": {"id": person}}
    written = made["ticket"].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert await redeem(n, written, None) == "LOGIN_NEEDED"
    assert await redeem(n, written, "Clerk") == "LOGIN_TAKEN"
    assert await redeem(n, written, "wang", "short") == "PASSWORD_TOO_SHORT"
    assert await redeem(n, written, " Wang ") == "OK"
    assert (await n.ask("wang", "{ viewer { name } myAccount { login state } }")) == {
        "viewer": {"name": "王小明"},
        "myAccount": {"login": "wang", "state": "ACTIVE"},
    }
    assert await redeem(n, written, "again") == "TICKET_INVALID"
    await n.sign_in("wang", NEW)
    assert await n.refused("clerk", "coreInvite", "ticket", personId=person) == "ACCOUNT_EXISTS"


async def test_a_newer_invitation_takes_the_place_of_the_older_and_both_end(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    person = (await n.registered("王小明"))[0]
    first = await ticket_for(n, person)
    second = await ticket_for(n, person)
    assert await redeem(n, first, "wang") == "TICKET_INVALID"
    n.clock.advance(timedelta(days=7))
    assert await redeem(n, second, "wang") == "TICKET_INVALID"
    assert await redeem(n, await ticket_for(n, person), "wang") == "OK"


async def test_one_ticket_opens_one_session_however_many_try_at_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    ticket = await ticket_for(n, (await n.registered("王小明"))[0])
    results = await asyncio.gather(*(redeem(n, ticket, f"wang{number}") for number in range(6)))
    assert sorted(results) == ["OK", *["TICKET_INVALID"] * 5]


async def test_only_who_lies_in_the_clerks_subtree_is_invited(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    here, there = (await n.registered("王小明", area="xishan"))[0], (await n.registered("李小红", area="haihong"))[0]
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=await n.area_id("xishan"),
               actorId=await n.actor_id("郑雅婷"))  # fmt: skip
    assert await n.refused("clerk", "coreInvite", "ticket", personId=there) == "NOT_PERMITTED"
    assert await n.refused("resident", "coreInvite", "ticket", personId=there) == "NOT_PERMITTED"
    assert await n.refused("company", "coreInvite", "ticket", personId=here) == "NOT_PERMITTED"
    assert await ticket_for(n, here, "resident")
    household = (await n.registered("王家", kind="HOUSEHOLD"))[0]  # type: ignore[arg-type]
    assert await n.refused("clerk", "coreInvite", "ticket", personId=household) == "NOT_A_PERSON"


async def test_a_reset_ticket_ends_every_session_and_keeps_the_login(desk: Neighbourhood) -> None:
    n = desk
    old = n.tokens["resident"]
    ticket = await ticket_for(n, await n.actor_id("郑雅婷"), mutation="coreResetPassword")
    assert (await n.ask("resident", "{ viewer { name } }"))["viewer"]["name"] == "郑雅婷"
    assert await redeem(n, ticket, "other") == "LOGIN_DIFFERS"
    assert await redeem(n, ticket, " Resident ") == "OK"
    n.tokens["old"] = old
    assert (await n.post("old", "{ viewer { name } }")).status_code == 401
    with pytest.raises(Refused, match="SIGN_IN_FAILED"):
        await n.sign_in("resident")
    await n.sign_in("resident", NEW)


@pytest.mark.needs("adoption", "points")
async def test_nobody_resets_or_disables_who_may_more_or_themselves(desk: Neighbourhood) -> None:
    n = desk
    people = {name: await n.ask(name, "{ viewer { id } }") for name in ("admin", "clerk", "inspector", "company")}
    id = {name: answer["viewer"]["id"] for name, answer in people.items()}
    assert await n.refused("clerk", "coreResetPassword", "ticket", personId=id["admin"]) == "RIGHTS_ABOVE_OWN"
    assert await n.refused("clerk", "coreResetPassword", "ticket", personId=id["inspector"]) == "RIGHTS_ABOVE_OWN"
    assert await n.refused("clerk", "coreResetPassword", "ticket", personId=id["clerk"]) == "OWN_MATTER"
    assert await n.refused("admin", "coreDisableAccount", "account { state }", personId=id["admin"], reason="x") == (
        "OWN_MATTER"
    )
    for name in ("clerk", "inspector", "company"):
        assert await ticket_for(n, id[name], "admin", "coreResetPassword")
    # A role held by a post counts, and one that begins only later.
    haihong, resident = await n.area_id("haihong"), await n.actor_id("郑雅婷")
    assert await ticket_for(n, resident, mutation="coreResetPassword")
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=haihong, title="主任"))["post"]["id"]
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=haihong, postId=post)
    await n.do("admin", "coreAssignPost", "postHolding { id }", postId=post, personId=resident)
    assert await n.refused("clerk", "coreResetPassword", "ticket", personId=resident) == "RIGHTS_ABOVE_OWN"
    # An administrator of an area gives the inspector's role, and so may deal with an inspector, but with no administrator.
    wide = await n.area_id("haicang")
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=wide, actorId=resident)
    assert await ticket_for(n, id["inspector"], "resident", "coreResetPassword")
    assert await n.refused("resident", "coreResetPassword", "ticket", personId=id["admin"]) == "RIGHTS_ABOVE_OWN"


async def test_a_clerk_resets_no_equal_however_they_came_to_be_one(desk: Neighbourhood) -> None:
    """Nobody becomes whom they could not make: who cannot give a role cannot take its holder's account either."""
    n = desk
    xishan = await n.area_id("xishan")
    one, other = [await me(n, who) for who in await n.newcomers(2, "xishan")]
    for person in (one, other):
        assert await ticket_for(n, person, mutation="coreResetPassword")
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=xishan, actorId=one)
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=xishan, title="窗口"))["post"]["id"]
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=xishan, postId=post)
    await n.do("admin", "coreAssignPost", "postHolding { id }", postId=post, personId=other)
    for person in (one, other):
        assert await n.refused("clerk", "coreResetPassword", "ticket", personId=person) == "RIGHTS_ABOVE_OWN"
        assert await ticket_for(n, person, "admin", "coreResetPassword")


async def test_the_desk_measures_by_the_rule_by_which_roles_are_given(desk: Neighbourhood) -> None:
    """Where an area took from its administrators what clerks may do, these neither unmake a clerk nor become one."""
    n = desk
    xishan = await n.area_id("xishan")
    (who,) = await n.newcomers(1, "xishan")
    chief, clerk = await me(n, "resident"), await me(n, who)
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=xishan, actorId=chief)
    given = await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=xishan, actorId=clerk)
    assert await ticket_for(n, clerk, "resident", "coreResetPassword")
    await n.do("admin", "coreSetPluginSettings", "area { id }", areaId=xishan, plugin="permissions",
               settings=[{"key": "core.actor.register", "value": ["CLERK", "ADMIN"]}])  # fmt: skip
    role = {"roleGrantId": given["roleGrant"]["id"], "reason": "x"}
    assert await n.refused("resident", "coreRevokeRole", "roleGrant { id }", **role) == "ROLE_ABOVE_OWN"
    assert await n.refused("resident", "coreResetPassword", "ticket", personId=clerk) == "RIGHTS_ABOVE_OWN"
    assert await n.refused("resident", "coreDisableAccount", "account { id }", personId=clerk, reason="x") == (
        "RIGHTS_ABOVE_OWN"
    )


async def test_who_stands_in_for_somebody_does_not_become_them(desk: Neighbourhood) -> None:
    """What one has only as a deputy ends with the leave; a password would not."""
    n = desk
    xishan = await n.area_id("xishan")
    holder, stand_in, other, neighbour = await n.newcomers(4, "xishan")
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=xishan, title="主任"))["post"]["id"]
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=xishan, postId=post)
    put = {"postId": post, "personId": await me(n, holder)}
    held = (await n.do("admin", "coreAssignPost", "postHolding { id }", **put))["postHolding"]["id"]
    until = (n.clock.now() + timedelta(days=7)).isoformat()
    leave = {"postHoldingId": held, "personId": await me(n, stand_in), "until": until}
    await n.do("admin", "coreAppointDeputy", "deputy { id }", **leave)
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=xishan, actorId=await me(n, other))
    for person in (holder, other):
        code = await n.refused(stand_in, "coreResetPassword", "ticket", personId=await me(n, person))
        assert code == "RIGHTS_ABOVE_OWN"
    # The desk's own work goes on: who has no office may be seen to.
    assert await ticket_for(n, await me(n, neighbour), stand_in, "coreResetPassword")
    assert await ticket_for(n, await me(n, other), holder, "coreResetPassword")


async def test_a_person_sees_what_was_done_to_their_account_and_by_whom(desk: Neighbourhood) -> None:
    n = desk
    person, clerk, admin = await me(n, "resident"), await me(n, "clerk"), await me(n, "admin")
    await ticket_for(n, person, mutation="coreResetPassword")
    await n.do("admin", "coreDisableAccount", "account { id }", personId=person, reason="手机遗失")
    await n.do("admin", "coreEnableAccount", "account { id }", personId=person, reason="找回")
    await n.trust("resident")
    query = """query($a: ID!) { events(where: {subject: {eq: $a}, type: {ne: "core.account.signed_in"}}) {
      nodes { type actor { id } reason } } }"""
    account = (await n.ask("resident", "{ myAccount { id } }"))["myAccount"]["id"]
    seen = (await n.ask("resident", query, a=account))["events"]["nodes"]
    assert [(e["type"], e["actor"] and e["actor"]["id"], e["reason"]) for e in seen][:3] == [
        ("core.account.enabled", admin, "找回"),
        ("core.account.disabled", admin, "手机遗失"),
        ("core.account.reset", clerk, None),
    ]
    assert (await n.ask("company", query, a=account))["events"]["nodes"] == []


async def test_who_signs_for_a_company_is_reset_by_who_could_give_that_mandate(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    xingwang, resident = await n.area_id("xingwang"), await n.actor_id("郑雅婷")
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=xingwang, actorId=resident)
    company = (await n.ask("company", "{ viewer { id } }"))["viewer"]["id"]
    assert await n.refused("resident", "coreResetPassword", "ticket", personId=company) == "RIGHTS_ABOVE_OWN"


async def test_a_disabled_account_is_out_at_once_and_its_old_tokens_stay_dead(desk: Neighbourhood) -> None:
    n = desk
    person = await n.actor_id("郑雅婷")
    ticket = await ticket_for(n, person, mutation="coreResetPassword")
    assert (await n.ask("resident", "{ viewer { name } }"))["viewer"]["name"] == "郑雅婷"
    assert await n.refused("clerk", "coreDisableAccount", "account { id }", personId=person, reason="x") == (
        "NOT_PERMITTED"
    )
    done = await n.do("admin", "coreDisableAccount", "account { state }", personId=person, reason="手机遗失")
    assert done["account"]["state"] == "DISABLED"
    assert (await n.post("resident", "{ viewer { name } }")).json()["errors"][0]["extensions"]["code"] == "BAD_TOKEN"
    assert await redeem(n, ticket) == "TICKET_INVALID"
    with pytest.raises(Refused, match="SIGN_IN_FAILED"):
        await n.sign_in("resident")
    assert await n.refused("admin", "coreDisableAccount", "account { id }", personId=person, reason="x") == (
        "ACCOUNT_STATE"
    )
    await n.do("admin", "coreEnableAccount", "account { state }", personId=person, reason="找回")
    assert (await n.post("resident", "{ viewer { name } }")).status_code == 401
    await n.sign_in("resident", PASSWORD)


async def test_an_enabled_account_that_was_never_opened_waits_for_an_invitation(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    person = (await n.registered("王小明"))[0]
    old = await ticket_for(n, person)
    await n.do("admin", "coreDisableAccount", "account { state }", personId=person, reason="误邀")
    assert await n.refused("clerk", "coreInvite", "ticket", personId=person) == "ACCOUNT_EXISTS"
    done = await n.do("admin", "coreEnableAccount", "account { state }", personId=person, reason="更正")
    assert done["account"]["state"] == "INVITED"
    assert await redeem(n, old, "wang") == "TICKET_INVALID"
    assert await redeem(n, await ticket_for(n, person), "wang") == "OK"


async def test_accounts_are_seen_by_their_own_and_by_who_may_invite_there(desk: Neighbourhood) -> None:
    n = desk
    query = "{ accounts { nodes { login } } }"
    assert (await n.ask("resident", query))["accounts"]["nodes"] == [{"login": "resident"}]
    assert (await n.ask(None, query))["accounts"]["nodes"] == []
    seen = {a["login"] for a in (await n.ask("clerk", query))["accounts"]["nodes"]}
    assert {"resident", "clerk"} <= seen
    id = (await n.ask("clerk", "{ myAccount { id } }"))["myAccount"]["id"]
    assert (await n.ask("resident", "query($i: ID!) { node(id: $i) { id } }", i=id))["node"] is None


async def test_a_ticket_is_not_kept_with_an_idempotency_key(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    person = (await n.registered("王小明"))[0]
    code = await n.refused("clerk", "coreInvite", "ticket", personId=person, idempotencyKey="k")
    assert code == "NO_IDEMPOTENCY_KEY"


@pytest.mark.parametrize("what", ["role", "post", "role of the post", "mandate", "deputyship"])
async def test_a_ticket_handed_out_before_somebody_was_given_more_is_no_way_to_it(
    desk: Neighbourhood, what: str
) -> None:
    """Else a clerk would keep an invitation until its person is an administrator."""
    n = desk
    person, area = (await n.registered("王小明"))[0], await n.area_id("haicang")
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=area, title="主任"))["post"]["id"]
    if what == "role of the post":
        await n.do("admin", "coreAssignPost", "postHolding { id }", postId=post, personId=person)
    elif what in ("post", "deputyship"):
        await n.do("admin", "coreGrantRole", "roleGrant { id }", role="ADMIN", areaId=area, postId=post)
    ticket = await ticket_for(n, person)
    if what == "role":
        await n.do("admin", "coreGrantRole", "roleGrant { id }", role="ADMIN", areaId=area, actorId=person)
    elif what == "mandate":
        company = await n.actor_id("企业甲")
        await n.do("admin", "coreGiveMandate", "mandate { id }", personId=person, organizationId=company, areaId=area)
    elif what == "post":
        await n.do("admin", "coreAssignPost", "postHolding { id }", postId=post, personId=person)
    elif what == "deputyship":  # of a leave that is still to come
        put = {"postId": post, "personId": await n.actor_id("郑雅婷")}
        held = (await n.do("admin", "coreAssignPost", "postHolding { id }", **put))["postHolding"]["id"]
        since, until = (n.clock.now() + timedelta(days=days) for days in (1, 20))
        leave = {"postHoldingId": held, "personId": person, "since": since.isoformat(), "until": until.isoformat()}
        await n.do("admin", "coreAppointDeputy", "deputy { id }", **leave)
    else:
        await n.do("admin", "coreGrantRole", "roleGrant { id }", role="ADMIN", areaId=area, postId=post)
    assert await redeem(n, ticket, "wang") == "TICKET_INVALID"
    assert await redeem(n, await ticket_for(n, person, "admin"), "wang") == "OK"


async def test_a_ticket_that_is_redeemed_is_no_failure(neighbourhood: Neighbourhood) -> None:
    """An afternoon of opening accounts at one desk, from one address."""
    n = neighbourhood
    people = await n.registered(*(f"新居民{number}" for number in range(TICKETS_TRIED + 1)))
    for number, person in enumerate(people):
        assert await redeem(n, await ticket_for(n, person), f"new{number}") == "OK", number
    assert await redeem(n, "K7QM-3XWP-9TDA-HHYN", "x") == "TICKET_INVALID"


@pytest.mark.parametrize(
    "password", ["1234567890", "1234512345", "AAAAAAAAAAAA", "Password123", "woaini1314520", "i am wang-li 1", "WANG-LI WANG-LI"]
)  # fmt: skip
async def test_a_password_that_is_guessed_first_is_refused(neighbourhood: Neighbourhood, password: str) -> None:
    n = neighbourhood
    ticket = await ticket_for(n, (await n.registered("王小明"))[0])
    assert await redeem(n, ticket, "wang-li", password) == "PASSWORD_TOO_WEAK"
    assert await redeem(n, ticket, "wang-li") == "OK"
    change = "mutation($i: CoreChangePasswordInput!) { coreChangePassword(input: $i) { errors { code path } } }"
    given = {"currentPassword": NEW, "newPassword": password}
    assert (await n.ask("wang-li", change, i=given))["coreChangePassword"]["errors"] == [
        {"code": "PASSWORD_TOO_WEAK", "path": ["newPassword"]}
    ]
    await n.sign_in("wang-li", NEW)


async def test_a_login_is_one_word_however_wide_it_is_typed(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    ticket = await ticket_for(n, (await n.registered("王小明"))[0])
    for login in ("wang li", "wang\u3000li", "wang\tli", "wang\u200bli", "wang\u202eli", "wang\nli"):
        assert await redeem(n, ticket, login) in ("LOGIN_CHARACTERS", "BAD_TEXT"), login
    assert await redeem(n, ticket, "\u3000Ｗａｎｇ１ ") == "OK"
    assert (await n.ask("wang1", "{ myAccount { login } }"))["myAccount"]["login"] == "wang1"
    other = await ticket_for(n, (await n.registered("李小红"))[0])
    assert await redeem(n, other, "WANG1") == "LOGIN_TAKEN"
    await n.sign_in("ｗａｎｇ１", NEW)
