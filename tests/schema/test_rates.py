"""Quotas of cost by viewer and by address, what a request costs, and who counts as whom behind a proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic as real_time
from time import sleep
from typing import Any

import httpx2
import pytest

import schema.rates
from core.config import Config
from core.testing.kit import Databases, Neighbourhood, served
from core.testing.process import start
from schema.rates import Buckets, OverLimit

pytestmark = pytest.mark.anyio
VERSION = "{ version }"
AREAS = "query($n: Int) { areas(first: $n) { nodes { code } } }"


class Time:
    """What the buckets take for the time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(schema.rates, "monotonic", made)
    return made


@pytest.fixture
def config(databases: Databases) -> Config:
    return databases.config(databases.fresh("sqlite", "demo"))


@asynccontextmanager
async def limited(config: Config, **settings: Any) -> AsyncIterator[Neighbourhood]:
    """A neighbourhood without exceptions, in time that stands still."""
    async with served(replace(config, **{"unlimited": (), **settings})) as made:
        await made.trust("resident", "clerk")
        yield made


async def send(n: Neighbourhood, query: str, who: str | None = None, *, peer: str = "127.0.0.1", **headers: str) -> Any:
    if who:
        headers["authorization"] = f"Bearer {n.tokens[who]}"
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    transport = httpx2.ASGITransport(app=n.server.app, client=(peer, 4711))
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as http:
        return await http.post("/graphql", json={"query": query, "variables": {"n": 100}}, headers=sent)


async def test_an_address_has_a_quota_and_is_told_of_it(config: Config, time: Time) -> None:
    async with limited(config, address_quota=600) as n:
        answer = await send(n, AREAS)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"address";q=600;qu="cost";w=60'
        left = int(answer.headers["ratelimit"].split(";r=")[1].split(";")[0])
        assert answer.headers["ratelimit"] == f'"address";r={left};t={(600 - left) // 10 + bool((600 - left) % 10)}'
        assert 400 < left < 450  # the request, a hundred rows, and a document that was new
        assert (await send(n, AREAS)).status_code == 200
        assert (await send(n, AREAS)).status_code == 200
        refused = await send(n, AREAS, accept_language="en")
        assert refused.status_code == 429
        assert refused.headers["ratelimit"].startswith('"address";r=')
        error = refused.json()["errors"][0]
        seconds = int(refused.headers["retry-after"])
        assert error["extensions"] == {"code": "RATE_LIMITED", "policy": "address", "seconds": seconds}
        assert (
            error["message"] == f"Too much was asked for in too short a time (address); try again in {seconds} seconds."
        )
        assert (await send(n, AREAS, peer="192.0.2.1")).status_code == 200
        time.now += seconds
        assert (await send(n, AREAS)).status_code == 200
        for path in ("/livez", "/readyz"):
            assert (await n.http.get(path)).status_code == 200


async def test_a_viewer_has_a_quota_wherever_they_are(config: Config, time: Time) -> None:
    async with limited(config, viewer_quota=320) as n:
        for peer in ("192.0.2.1", "192.0.2.2"):
            answer = await send(n, AREAS, "resident", peer=peer)
            assert answer.status_code == 200
        assert '"viewer";q=320;qu="cost";w=60' in answer.headers["ratelimit-policy"]
        assert '"viewer";r=7;' in answer.headers["ratelimit"]
        refused = await send(n, AREAS, "resident", peer="192.0.2.3")
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["policy"]) == (429, "viewer")
        assert (await send(n, AREAS, "clerk", peer="192.0.2.3")).status_code == 200
        assert (await send(n, AREAS, peer="192.0.2.3")).status_code == 200


async def test_what_is_beyond_the_quota_never_reaches_the_database(config: Config, time: Time) -> None:
    async with limited(config, address_quota=250) as n:
        await send(n, AREAS)
        await n.quiet()
        with n.statements() as statements:
            assert (await send(n, AREAS)).status_code == 429
            assert (await send(n, AREAS, authorization="Bearer guessed")).status_code == 429
        assert statements == []


async def test_a_mutation_is_refused_before_it_begins_and_pays_for_what_it_reads(config: Config, time: Time) -> None:
    async with limited(config, viewer_quota=1000) as n:
        activity = (await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }"))["activities"]
        id = activity["nodes"][0]["id"]
        join = (
            f'mutation {{ a: coreJoinActivity(input: {{activityId: "{id}"}}) {{ errors {{ code }} participation'
            " { activity { area { activities(first: 100) { nodes { participations(first: 10) { totalCount } } } } } } } }"
        )
        assert "errors" not in (await send(n, join, "clerk")).json()
        refused = await send(n, VERSION, "clerk")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 1


async def test_signing_in_costs_what_checking_a_password_does(config: Config, time: Time) -> None:
    sign_in = 'mutation { coreSignIn(input: {login: "x%d", password: "wrong-password"}) { errors { code } } }'
    async with limited(config, address_quota=11_000) as n:
        codes = [(await send(n, sign_in % k)).status_code for k in range(3)]
        assert codes == [200, 200, 429]


async def test_cost_is_shown_when_asked_for(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    for _ in range(2):  # the same, whether or not the document is known
        answer = (await send(n, AREAS, gongzhi_cost="1")).json()
        assert answer["extensions"] == {"cost": {"total": 150, "rows": 100, "maxRows": 100_000}}
    assert "extensions" not in (await send(n, AREAS)).json()
    one = "{ areas(first: 10) { totalCount nodes { children(first: 5) { nodes { code } } } } }"
    assert (await send(n, one, gongzhi_cost="1")).json()["extensions"]["cost"]["rows"] == 10 + 10 * (1 + 5)
    schema_ = (await send(n, "{ __schema { queryType { name } } }", gongzhi_cost="1")).json()
    assert schema_["extensions"]["cost"]["total"] == 1050


async def test_unless_told_this_machine_is_not_limited_and_others_are(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    assert "ratelimit" not in (await send(n, VERSION)).headers
    assert "ratelimit" in (await send(n, VERSION, peer="192.0.2.1")).headers
    # Who comes through a proxy that is not named is not this machine.
    assert "ratelimit" in (await send(n, VERSION, x_forwarded_for="127.0.0.1")).headers


async def test_behind_a_trusted_proxy_each_client_has_its_own(config: Config, time: Time) -> None:
    async with limited(config, address_quota=290, trusted_proxies=("127.0.0.1",)) as n:
        for client in ("192.0.2.1", "192.0.2.2", "2001:db8:0:1::1", "2001:db8:0:2::1"):
            assert (await send(n, AREAS, x_forwarded_for=f"203.0.113.9, {client}")).status_code == 200
        assert (await send(n, AREAS, x_forwarded_for="203.0.113.8, 192.0.2.1")).status_code == 429
        assert (await send(n, AREAS, x_forwarded_for="2001:db8:0:1:ffff::2")).status_code == 429
        assert (await send(n, AREAS, forwarded="for=192.0.2.2")).status_code == 429
        for forged in ("192.0.2.7", "192.0.2.8"):
            answer = await send(n, AREAS, peer="198.51.100.1", x_forwarded_for=forged)
        assert answer.status_code == 429


async def test_sign_ins_are_throttled_by_the_client_behind_the_proxy(config: Config) -> None:
    sign_in = 'mutation { coreSignIn(input: {login: "clerk", password: "%s"}) { token errors { code } } }'
    async with limited(config, trusted_proxies=("127.0.0.1",)) as n:
        for _ in range(10):
            await send(n, sign_in % "wrong-password", x_forwarded_for="192.0.2.1")
        refused = (await send(n, sign_in % "gongzhi-demo", x_forwarded_for="192.0.2.1")).json()
        assert refused["data"]["coreSignIn"]["errors"] == [{"code": "SIGN_IN_THROTTLED"}]
        assert (await send(n, sign_in % "gongzhi-demo", x_forwarded_for="192.0.2.2")).json()["data"]["coreSignIn"][
            "token"
        ]


async def test_files_count_too(config: Config, time: Time) -> None:
    async with limited(config, viewer_quota=60) as n:
        headers = {"authorization": f"Bearer {n.tokens['clerk']}"}
        assert (await n.http.get("/imports/x", headers=headers)).status_code != 429
        assert (await n.http.get("/imports/x", headers=headers)).status_code == 429


def test_the_process_itself_believes_no_header_either(tmp_path: Path) -> None:
    """uvicorn would believe it from this machine."""
    (tmp_path / "gongzhi.toml").write_text('database = "sqlite:x.db"\nport = 0\naddress_quota = 80\n', "utf-8")
    log = tmp_path / "log"
    log.write_text("")
    process = start(tmp_path, "serve", out=log)
    try:
        end = real_time() + 60
        while "gongzhi serves " not in log.read_text() and real_time() < end:
            sleep(0.05)
        address = log.read_text().split("gongzhi serves ")[1].split(" ")[0]
        codes = [
            httpx2.post(address, json={"query": VERSION}, headers={"x-forwarded-for": client}).status_code
            for client in ("192.0.2.1", "192.0.2.2")
        ]
        assert codes == [200, 429]
    finally:
        process.terminate()
        process.join()


def test_buckets_fill_by_time_and_are_bounded_in_number(time: Time) -> None:
    buckets = Buckets("address", 60, limit=3)
    buckets.require("a", 1000)  # a full one is enough for anything
    buckets.take("a", 50)
    buckets.require("a", 1000, 50)
    time.now += 50
    buckets.take("a", 90)
    with pytest.raises(OverLimit) as caught:
        buckets.require("a", 10)
    assert caught.value.seconds == 40
    time.now += 40
    buckets.require("a", 10)
    time.now += 1000
    assert buckets.level("a") == 60
    for key in "bcd":
        buckets.take(key, 10)
    assert len(buckets) == 3
    assert buckets.level("a") == 60
