"""What tests of adoption do again and again, over HTTP: a company of one's own, a spot, an agreement signed by all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from core.access import Acting
from core.events import EventRecord
from core.ids import split_global
from core.runtime import Command
from core.testing.kit import Neighbourhood
from core.work import Work


@dataclass
class Adopting:
    """A neighbourhood with a standing clock, 西山社 and its committee, and a company that the login `company` acts for."""

    n: Neighbourhood
    xishan: str
    committee: str
    company: str

    @classmethod
    async def begin(cls, n: Neighbourhood) -> Adopting:
        """The company is made for the test, so that the demo's story stays out of the sums."""
        n.clock.set(n.clock.now())
        xishan = await n.area_id("xishan")
        made = cls(n, xishan, await n.actor_id("西山社村民委员会"), "")
        made.company = await made.enterprise("企业乙", "company")
        return made

    async def person(self, login: str) -> str:
        return str((await self.n.ask(login, "{ viewer { id } }"))["viewer"]["id"])

    async def enterprise(self, name: str, login: str) -> str:
        """A company that this person acts for."""
        made = await self.n.do(
            "admin", "coreRegisterActor", "actor { id }", kind="ENTERPRISE", name=name, areaId=self.xishan
        )
        id = made["actor"]["id"]
        await self.n.do(
            "admin", "coreGiveMandate", "mandate { id }",
            personId=await self.person(login), organizationId=id, areaId=await self.n.area_id("haicang"),
        )  # fmt: skip
        return str(id)

    async def spot(self, name: str, kind: str = "GREEN_SPACE", **more: Any) -> str:
        made = await self.n.do(
            "clerk", "adoptionListAsset", "asset { id state }",
            areaId=self.xishan, custodianId=self.committee, name=name, kind=kind, duties="浇水、修剪", **more,
        )  # fmt: skip
        assert made["asset"]["state"] == "AVAILABLE"
        return str(made["asset"]["id"])

    async def claim(self, asset: str, mode: str = "CARE", **more: Any) -> str:
        """By the company."""
        made = await self.n.do(
            "company", "adoptionSubmitClaim", "claim { id }", assetId=asset, mode=mode, actingFor=self.company, **more
        )
        return str(made["claim"]["id"])

    async def accept(self, claim: str, **more: Any) -> str:
        """By the custodian; the draft."""
        made = await self.n.do(
            "custodian", "adoptionDecideClaim", "agreement { id state }",
            claimId=claim, accept=True, actingFor=self.committee, **more,
        )  # fmt: skip
        return str(made["agreement"]["id"])

    async def sign(self, agreement: str, *others: tuple[str, str | None]) -> str:
        """By the company, those who adopt as well (login, for whom), and the custodian; the state then."""
        state = ""
        for login, actor in (("company", self.company), *others, ("custodian", self.committee)):
            made = await self.n.do(
                login, "adoptionSignAgreement", "agreement { state }",
                agreementId=agreement, **({"actingFor": actor} if actor else {}),
            )  # fmt: skip
            state = made["agreement"]["state"]
        return state

    async def adopt(self, asset: str, **more: Any) -> str:
        """The agreement of the company, running from today."""
        agreement = await self.accept(await self.claim(asset, **more))
        assert await self.sign(agreement) == "ACTIVE"
        return agreement

    async def inspect(self, agreement: str, score: int, **more: Any) -> dict[str, Any]:
        made = await self.n.do(
            "inspector", "adoptionInspect", "inspection { id result rectifyBy evidence }",
            agreementId=agreement, score=score, **more,
        )  # fmt: skip
        found: dict[str, Any] = made["inspection"]
        return found

    async def see(self, id: str, selection: str, who: str | None = None) -> dict[str, Any]:
        """Fields of one node."""
        kind = {"adoption_agreement": "AdoptionAgreement", "adoption_asset": "AdoptionAsset",
                "adoption_claim": "AdoptionClaim", "adoption_revocation": "AdoptionRevocation",
                "adoption_inspection": "AdoptionInspection"}[split_global(id)[0]]  # fmt: skip
        query = f"query($i: ID!) {{ node(id: $i) {{ ... on {kind} {{ {selection} }} }} }}"
        found: dict[str, Any] = (await self.n.ask(who, query, i=id))["node"]
        return found

    async def days(self, count: int) -> dict[str, int]:
        """So many days pass, and what they make due is settled."""
        self.n.clock.advance(timedelta(days=count))
        return await self.n.due()

    async def tune(self, **values: Any) -> None:
        """Settings of the village."""
        await self.n.do(
            "admin", "coreSetPluginSettings", "area { id }", areaId=self.xishan, plugin="adoption",
            settings=[{"key": key, "value": value} for key, value in values.items()],
        )  # fmt: skip

    async def events(self, subject: str) -> list[str]:
        """Types of the events about a row, the oldest first."""
        query = "query($s: ID!) { events(first: 100, where: {subject: {eq: $s}}, orderBy: SEQ_ASC) { nodes { type } } }"
        return [e["type"] for e in (await self.n.ask("admin", query, s=subject))["events"]["nodes"]]

    async def undo(self, login: str, event_type: str, subject: str, *, acting_for: str | None = None) -> None:
        """Undo the latest event of this type about a row, as this person; the bounds in time are core's matter."""
        runtime, id = self.n.server.runtime, split_global(subject)[1]
        mark = runtime.database.dialect.mark
        rows = await runtime.database.read(
            "SELECT id, type, area_id, subject_tag, subject_id, actor_id, occurred_at, transaction_id, seq"
            f" FROM core_event WHERE type = {mark(1)} AND subject_id = {mark(2)} ORDER BY seq DESC LIMIT 1",
            [event_type, id],
        )
        event, type, area, tag, about, actor, at, transaction, seq = rows[0]
        record = EventRecord(
            UUID(str(event)), type, UUID(str(area)), tag, UUID(str(about)), UUID(str(actor)), {}, at, transaction, seq
        )

        async def rule(work: Work) -> dict[str, Any]:
            await self.n.server.host.undos[event_type].act(work, record)
            return {}

        acting = Acting(for_id=split_global(acting_for)[1] if acting_for else None)
        await runtime.perform(Command("undo", await self.n.viewer(login), acting), rule)
        await self.n.delivered()
