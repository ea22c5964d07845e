"""Telephone, address and id document: masked, looked at only for a purpose, and each time noted; consent; guardians."""

from __future__ import annotations

import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.access import LATELY
from core.config import read_config
from core.errors import ConfigurationError, Refusal
from core.keys import Key, KeyRing, read_keys
from core.masks import mask_address, mask_tail
from core.rules.people import keys_fit
from core.testing import process
from core.testing.kit import Databases, Neighbourhood

pytestmark = pytest.mark.anyio
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
PERSON = "query($i: ID!) { node(id: $i) { ... on Person { phone idLastFour idCheckedAt } } }"
VALUE = "accessRecord { id value purpose until subject { id } }"


def id_number(order: int) -> str:
    body = f"35999919850412{order:03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("沧湖路海投小区 3 栋 502 室", "沧湖路海投小区 ***"),
        ("祠堂边2栋301", "祠堂边 ***"),
        ("西山社一组三号户", "西山社一组 ***"),
        ("3 号", "***"),
        ("A座1203", "***"),
        ("祠堂边", "祠堂边"),
    ],
)
def test_an_address_keeps_road_and_compound(address: str, shown: str) -> None:
    assert mask_address(address) == shown


def test_a_number_keeps_its_last_four() -> None:
    assert [mask_tail(n) for n in ("13959201234", "1234", "7")] == ["*******1234", "****", "*"]


async def test_sensitive_facts_are_looked_at_for_a_purpose_and_the_person_sees_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    (login,) = await n.newcomers(1, "xishan")
    me = (await n.ask(login, "{ viewer { id } }"))["viewer"]["id"]
    (other,) = await n.registered("田小禾", area="haihong")
    await n.do(login, "coreSetPhone", "person { id }", personId=me, phone="139 5920-1234")
    assert await n.refused(login, "coreSetPhone", "person { id }", personId=me, phone="call me") == "BAD_PHONE"
    assert (
        await n.refused(login, "coreSetPhone", "person { id }", personId=other, phone="13959201234") == "NOT_PERMITTED"
    )
    number = id_number(7)
    kept = await n.do(
        "clerk", "coreRecordIdNumber", "person { ... on Person { idCheckedAt } }", personId=me, number=number
    )
    assert kept["person"]["idCheckedAt"]
    seen = {who: (await n.ask(who, PERSON, i=me))["node"] for who in (login, "clerk", "inspector", None)}
    assert seen[login] == {
        "phone": "13959201234",
        "idLastFour": number[-4:],
        "idCheckedAt": kept["person"]["idCheckedAt"],
    }
    assert seen["clerk"] == {"phone": "*******1234", "idLastFour": None, "idCheckedAt": kept["person"]["idCheckedAt"]}
    assert seen["inspector"] == seen[None] == {"phone": None, "idLastFour": None, "idCheckedAt": None}

    asked = {"actorId": me, "field": "PHONE", "purpose": "核对低保申请"}
    assert await n.refused("inspector", "coreDisclose", VALUE, **asked) == "NOT_PERMITTED"
    assert await n.refused("clerk", "coreDisclose", VALUE, **(asked | {"purpose": " "})) == "EMPTY_TEXT"
    assert await n.refused("clerk", "coreDisclose", VALUE, **(asked | {"field": "ADDRESS"})) == "NOTHING_THERE"
    assert await n.refused("clerk", "coreDisclose", VALUE, **(asked | {"actorId": other})) == "NOT_PERMITTED"
    record = (await n.do("clerk", "coreDisclose", VALUE, **asked))["accessRecord"]
    assert record["value"] == "13959201234"
    last = (await n.do("clerk", "coreDisclose", VALUE, **(asked | {"field": "ID_LAST_FOUR"})))["accessRecord"]
    assert last["value"] == number[-4:]
    look = "query($i: ID!) { node(id: $i) { ... on AccessRecord { value readerName } } }"
    assert (await n.ask("admin", look, i=record["id"]))["node"]["value"] is None  # the reader's alone
    reads = "{ viewer { sensitiveReads { nodes { field purpose value readerName } } } }"
    mine = (await n.ask(login, reads))["viewer"]["sensitiveReads"]["nodes"]
    assert [(r["field"], r["purpose"], r["value"]) for r in mine] == [
        ("ID_LAST_FOUR", "核对低保申请", None), ("PHONE", "核对低保申请", None)
    ]  # fmt: skip
    assert all(r["readerName"] and "*" not in r["readerName"] for r in mine)
    assert (await n.ask("company", look, i=record["id"]))["node"] is None
    n.clock.advance(timedelta(minutes=16))
    assert (await n.ask("clerk", look, i=record["id"]))["node"]["value"] is None
    events = await n.ask("admin", '{ events(where: {type: {eq: "core.sensitive.read"}}) { nodes { data } } }')
    assert [e["data"] for e in events["events"]["nodes"]] == [{"field": "ID_LAST_FOUR"}, {"field": "PHONE"}]
    database = n.server.runtime.database
    with pytest.raises(Exception, match=r"APPEND_ONLY|UNLOGGED"):
        async with database.transaction() as transaction:
            await transaction.fetch("UPDATE core_access_record SET purpose = 'x'")


async def test_an_address_is_masked_for_clerks_and_hides_from_filters(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    made = await n.do(
        "clerk", "coreRegisterActor", "actor { id ... on Household { address } }", kind="HOUSEHOLD", name="田家",
        areaId=await n.area_id("xishan"), address="祠堂边 2 栋 301 室",
    )  # fmt: skip
    assert made["actor"]["address"] == "祠堂边 ***"
    id = made["actor"]["id"]
    assert (await n.ask("resident", "query($i: ID!) { node(id: $i) { ... on Household { address } } }", i=id)) == {
        "node": {"address": None}
    }
    shown = await n.do("clerk", "coreDisclose", VALUE, actorId=id, field="ADDRESS", purpose="上门走访")
    assert shown["accessRecord"]["value"] == "祠堂边 2 栋 301 室"
    for name in ("address", "phone"):
        body = (await n.post("clerk", f'{{ actors(where: {{{name}: {{contains: "3"}}}}) {{ totalCount }} }}')).json()
        assert body["errors"] and not body.get("data")


async def test_an_id_number_is_kept_as_a_keyed_digest_only(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    database = n.server.runtime.database
    keys = tmp_path / "keys"
    n.server.runtime.kernel.keys = KeyRing(keys, makes=True)
    first, twin, clerk = *(await n.registered("田小禾", "田小河")), await n.actor_id("郑雅婷")
    number, record = id_number(8), ("coreRecordIdNumber", "person { id }")
    wide = f"{number[:6]} {number[6:14]}-{number[14:].lower()}"
    await n.do("clerk", *record, personId=first, number=wide, idempotencyKey="a")
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    for wrong, code in (
        (number[:17], "BAD_ID_NUMBER"), (f"{number[:6]}19851399{number[14:]}", "ID_NUMBER_BIRTHDAY"),
        (number[:16] + str((int(number[16]) + 1) % 10) + number[17], "ID_NUMBER_CHECK"),
    ):  # fmt: skip
        assert await n.refused("clerk", *record, personId=first, number=wrong) == code
    assert await n.refused("clerk", *record, personId=twin, number=number) == "ID_NUMBER_KNOWN"
    assert await n.refused("resident", *record, personId=clerk, number=id_number(9)) == "NOT_PERMITTED"
    verify = ("coreVerifyIdNumber", "person { id }")
    assert await n.refused("clerk", *verify, personId=twin, number=number) == "ID_NUMBER_MISSING"
    assert await n.refused("clerk", *verify, personId=first, number=id_number(9)) == "ID_NUMBER_DIFFERS"
    # A new key: what is under the old one is still known, and goes under the new one when it is seen again.
    old = keys.read_text()
    keys.write_text(f"{'ab' * 32}  # since this year\n{old}")
    n.server.runtime.kernel.keys = KeyRing(keys)
    assert await n.refused("clerk", *record, personId=twin, number=number) == "ID_NUMBER_KNOWN"
    await n.do("clerk", *verify, personId=first, number=number)
    rows = await database.read("SELECT id_key, id_digest, id_last_four FROM core_person_detail")
    key = Key.of("ab" * 32)
    assert [tuple(r) for r in rows] == [(key.name, key.digest("id number", number), number[-4:])]
    # Somebody else's file does not fit this database, and the server does not start with it.
    keys.write_text(old)
    with pytest.raises(ConfigurationError, match="put the file back"):
        await keys_fit(database, KeyRing(keys))
    n.server.runtime.kernel.keys = KeyRing()
    assert await n.refused("clerk", *record, personId=twin, number=id_number(11)) == "NO_KEY"
    text = await n.dump()
    assert number not in text and number[6:17] not in text


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [("ab", 0o600, "32 random"), ("# only this\n", 0o600, "32 random"), ("ab" * 32, 0o644, "600")],
)
def test_a_bad_key_file_is_told(tmp_path: Path, text: str, mode: int, said: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=said):
        read_keys(path)


def test_keys_may_come_from_the_environment() -> None:
    config = read_config(None, {"GONGZHI_KEY": f"{'k' * 32}\n{'l' * 32}", "GONGZHI_DATABASE": "postgres://a@b/c"})
    assert [key.secret for key in config.keys.keys] == [b"k" * 32, b"l" * 32]
    assert "kkk" not in repr(config)
    with pytest.raises(ConfigurationError, match="32 random"):
        assert read_config(None, {"GONGZHI_KEY": "short"}).keys.keys


async def test_two_who_are_one_keep_one_document(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a, b, c = await n.registered("田小禾", "田小和", "田小河")
    merge = ("coreMergeActors", "actor { id ... on Person { phone idCheckedAt } }")
    await n.do("clerk", "coreRecordIdNumber", "person { id }", personId=b, number=id_number(21))
    await n.do("clerk", "coreSetPhone", "person { id }", personId=a, phone="13959201234")
    await n.do("clerk", "coreSetPhone", "person { id }", personId=b, phone="13959209999")
    await n.do("clerk", "coreRecordIdNumber", "person { id }", personId=c, number=id_number(22))
    merged = (await n.do("admin", *merge, keptId=a, goneId=b, reason="同一人"))["actor"]
    assert merged["phone"] == "*******1234" and merged["idCheckedAt"]
    assert await n.refused("admin", *merge, keptId=a, goneId=c, reason="?") == "BOTH_HAVE_ID_NUMBERS"
    await n.do("clerk", "coreVerifyIdNumber", "person { id }", personId=a, number=id_number(21))


async def test_what_is_over_goes_to_the_one_kept_too(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    kept, gone, child = await n.registered("田小禾", "田小和", "田小苗")
    written = {"basis": "WRITTEN", "evidence": "同意书"}
    for person in (gone, kept):
        made = await n.do("clerk", "coreGiveConsent", "consent { id }", personId=person, purpose="公示", **written)
        if person == gone:
            await n.do("clerk", "coreWithdrawConsent", "consent { id }", consentId=made["consent"]["id"])
            await n.do("clerk", "coreGiveConsent", "consent { id }", personId=gone, purpose="公示", **written)
    guards = {"wardId": child, "guardianId": gone, "basis": "PARENT", "evidence": "户口簿"}
    row = await n.do("clerk", "coreRecordGuardianship", "guardianship { id }", **guards)
    end = {"guardianshipId": row["guardianship"]["id"], "reason": "登记有误"}
    await n.do("clerk", "coreEndGuardianship", "guardianship { id }", **end)
    await n.do("clerk", "coreRecordGuardianship", "guardianship { id }", **guards)
    await n.do("clerk", "coreSetPhone", "person { id }", personId=gone, phone="13959201234")
    await n.do("clerk", "coreDisclose", "accessRecord { id }", actorId=gone, field="PHONE", purpose="走访")
    await n.do("admin", "coreMergeActors", "actor { id }", keptId=kept, goneId=gone, reason="同一人")
    shown = "consents { nodes { state } } wards { nodes { state } } sensitiveReads { totalCount } phone"
    seen = (await n.ask("clerk", f"query($i: ID!) {{ node(id: $i) {{ ... on Person {{ {shown} }} }} }}", i=kept))[
        "node"
    ]
    assert sorted(c["state"] for c in seen["consents"]["nodes"]) == ["GIVEN", "WITHDRAWN", "WITHDRAWN"]
    assert sorted(w["state"] for w in seen["wards"]["nodes"]) == ["ACTIVE", "ENDED"]
    assert seen["sensitiveReads"]["totalCount"] == 1 and seen["phone"] == "*******1234"


async def test_consent_is_given_and_withdrawn_and_its_history_stays(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    (login,) = await n.newcomers(1, "xishan")
    me, (other,) = (await n.ask(login, "{ viewer { id } }"))["viewer"]["id"], await n.registered("田小禾")
    give, show = "coreGiveConsent", "consent { id state basis }"
    first = await n.do(login, give, show, personId=me, purpose="公示姓名")
    assert first["consent"]["state"] == "GIVEN"
    assert await n.refused(login, give, show, personId=me, purpose="公示姓名") == "CONSENT_GIVEN"
    assert await n.refused(login, give, show, personId=other, purpose="公示姓名") == "NOT_PERMITTED"
    assert await n.refused("clerk", give, show, personId=other, purpose="公示姓名") == "CONSENT_BASIS"
    assert await n.refused("clerk", give, show, personId=other, purpose="公示姓名", basis="WRITTEN") == "EMPTY_TEXT"
    await n.do("clerk", give, show, personId=other, purpose="公示姓名", basis="WRITTEN", evidence="同意书 12 号")
    id = first["consent"]["id"]
    assert await n.refused("inspector", "coreWithdrawConsent", show, consentId=id) == "NOT_FOUND"
    gone = await n.do(login, "coreWithdrawConsent", show, consentId=id)
    assert gone["consent"]["state"] == "WITHDRAWN"
    assert await n.refused(login, "coreWithdrawConsent", show, consentId=id) == "CONSENT_WITHDRAWN"
    n.clock.advance(timedelta(minutes=1))
    await n.do(login, give, show, personId=me, purpose="公示姓名")
    mine = await n.ask(login, "{ consents { nodes { purpose state until } } }")
    assert [c["state"] for c in mine["consents"]["nodes"]] == ["GIVEN", "WITHDRAWN"]
    assert (await n.ask("company", "{ consents { totalCount } }"))["consents"]["totalCount"] == 0
    assert (await n.ask("clerk", "{ consents { totalCount } }"))["consents"]["totalCount"] == 3
    for change in ("purpose = 'x' WHERE state = 'WITHDRAWN'", "evidence = 'x' WHERE evidence IS NULL"):
        with pytest.raises(Refusal, match="CONSENT_WITHDRAWN"):
            async with n.server.runtime.database.transaction() as transaction:
                await transaction.fetch(f"UPDATE core_consent SET {change}")


async def test_a_guardian_acts_for_a_ward_while_it_lasts(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    guardian, ward = await n.actor_id("郑雅婷"), (await n.registered("郑小禾"))[0]
    given = {"personId": ward, "purpose": "参加夏令营", "basis": "GUARDIAN", "evidence": "母亲"}
    behalf = {"onBehalfOf": {"actorId": ward, "basis": "GUARDIAN", "evidence": "母亲"}}
    consent = ("coreGiveConsent", "consent { id }")
    for who in ("resident", "clerk", "admin"):
        assert await n.refused(who, *consent, **given, **behalf) == "NO_GUARDIANSHIP"
    facts = {"wardId": ward, "guardianId": guardian, "basis": "PARENT", "evidence": "户口簿"}
    record = ("coreRecordGuardianship", "guardianship { id state }")
    assert await n.refused("resident", *record, **facts) == "NOT_PERMITTED"
    ends = (n.clock.now() + timedelta(days=90)).isoformat()
    made = await n.do("clerk", *record, **facts, until=ends)
    assert await n.refused("clerk", *record, **facts) == "ALREADY_GUARDIAN"
    await n.do("resident", *consent, **given, **behalf)
    events = await n.ask(
        "admin", '{ events(where: {type: {eq: "core.consent.given"}}, first: 1) { nodes { authority behalfBasis } } }'
    )
    assert events["events"]["nodes"] == [{"authority": "GUARDIAN", "behalfBasis": "GUARDIAN"}]
    seen = await n.ask(
        "resident", "{ viewer { ... on Person { wards { nodes { ward { id } } } } } consents { totalCount } }"
    )
    assert seen["viewer"]["wards"]["nodes"] == [{"ward": {"id": ward}}] and seen["consents"]["totalCount"] == 1
    # `can` says of a guardian what the mutation does, and of others that they would need the desk's permission.
    found = await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }")
    activity = found["activities"]["nodes"][0]["id"]
    can = """query($on: ID!, $w: ID!) { can(action: "coreJoinActivity", on: $on, onBehalfOf: $w) {
      reason permission until } }"""
    may = {who: (await n.ask(who, can, on=activity, w=ward))["can"] for who in ("resident", "company")}
    until = datetime.fromisoformat(may["resident"].pop("until"))
    assert may["resident"] == {"reason": "BY_GUARDIAN", "permission": "core.activity.join"}
    assert abs(until - datetime.fromisoformat(ends)) < timedelta(milliseconds=1)
    assert may["company"] == {"reason": "NEEDS_ROLE", "permission": "core.act_on_behalf", "until": None}
    join = ("coreJoinActivity", "participation { actor { id } }")
    joined = await n.do("resident", *join, activityId=activity, **behalf)
    assert joined["participation"]["actor"]["id"] == ward
    other = {"personId": ward, "purpose": "拍照", "basis": "GUARDIAN", "evidence": "母亲"}
    asked = {"onBehalfOf": behalf["onBehalfOf"] | {"basis": "PHONE"}}
    assert await n.refused("resident", *consent, **other, **asked) == "NOT_PERMITTED"
    # An office's work is not a guardian's: only what is the ward's own.
    phone = {"wardId": ward, "guardianId": guardian, "basis": "PARENT", "evidence": "户口簿"}
    assert await n.refused("resident", *record, **phone, **behalf) == "NOT_PERMITTED"
    end = ("coreEndGuardianship", "guardianship { state }")
    id = made["guardianship"]["id"]
    assert (await n.do("clerk", *end, guardianshipId=id, reason="成年"))["guardianship"]["state"] == "ENDED"
    assert await n.refused("resident", *consent, **other, **behalf) == "NO_GUARDIANSHIP"
    assert (await n.ask("resident", can, on=activity, w=ward))["can"]["permission"] == "core.act_on_behalf"


async def test_a_ward_s_matter_is_the_guardian_s_own(neighbourhood: Neighbourhood) -> None:
    """While it lasts and for a month after, as with every hat; not the other way round."""
    n = neighbourhood
    n.clock.set(n.clock.now())
    clerk = (await n.ask("clerk", "{ viewer { id } }"))["viewer"]["id"]
    ward, other = await n.registered("郑小禾", "郑小苗")
    document = ("coreRecordIdNumber", "person { id }")
    facts = {"wardId": ward, "guardianId": clerk, "basis": "APPOINTED", "evidence": "判决书"}
    record = ("coreRecordGuardianship", "guardianship { id }")
    made = (await n.do("admin", *record, **facts))["guardianship"]["id"]
    assert await n.refused("clerk", *document, personId=ward, number=id_number(41)) == "OWN_MATTER"
    second = facts | {"guardianId": other}
    assert await n.refused("clerk", *record, **second) == "OWN_MATTER"
    await n.do("admin", "coreEndGuardianship", "guardianship { id }", guardianshipId=made, reason="成年")
    assert await n.refused("clerk", *document, personId=ward, number=id_number(41)) == "OWN_MATTER"
    n.clock.advance(LATELY + timedelta(days=1))
    await n.do("clerk", *document, personId=ward, number=id_number(41))


def test_postgres_without_a_key_is_not_served_to_others(databases: Databases, tmp_path: Path) -> None:
    url = databases.fresh("postgres", "empty")
    try:
        done = process.gongzhi(tmp_path, "serve", GONGZHI_DATABASE=url, GONGZHI_HOST="0.0.0.0", GONGZHI_PORT="0")
        assert done.returncode == 2 and "no key" in done.stderr, done.stdout + done.stderr
    finally:
        databases.drop(url)


@pytest.mark.parametrize("dialect", ["postgres"], indirect=True)
async def test_a_look_takes_few_round_trips(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.quiet()
    (person,) = await n.registered("田小禾")
    for mutation, selection, input in (
        ("coreSetPhone", "person { id }", {"personId": person, "phone": "13959201234"}),
        ("coreRecordIdNumber", "person { id }", {"personId": person, "number": id_number(31)}),
        ("coreVerifyIdNumber", "person { id }", {"personId": person, "number": id_number(31)}),
        ("coreDisclose", "accessRecord { value }", {"actorId": person, "field": "PHONE", "purpose": "走访"}),
        ("coreGiveConsent", "consent { id }", {"personId": person, "purpose": "公示", "basis": "WRITTEN", "evidence": "x"}),
    ):  # fmt: skip
        await n.ask("clerk", "{ viewer { id } }")  # the token is known
        with n.statements() as statements:
            await n.do("clerk", mutation, selection, idempotencyKey=mutation, **input)
        within = statements[statements.index("BEGIN") : statements.index("COMMIT") + 1]
        assert len(within) <= 8, (mutation, within)
