"""What no statement answers: why somebody may vote or not, and whether a count comes to the same again."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import Info

from core.ids import from_global
from core.runtime import Command
from core.work import Work
from plugins.ballots import rules
from plugins.ballots.graphql.nodes import BallotsTally
from plugins.ballots.graphql.rolls import BallotsFinding, finding
from plugins.ballots.terms import BallotOutcome
from schema.nodes.composed import ByRule, Query, plain
from schema.nodes.declare import extend


@strawberry.type(description="Whether somebody may vote, and why (资格认定).")
class BallotsEligibility:
    eligible: bool = strawberry.field(description="Whether they would be on the roll today (是否合格).")
    basis: str | None = strawberry.field(description="The clause by which (登记依据).")
    waits_for_consent: bool = strawberry.field(description="Only the meeting's consent is missing (是否待同意).")
    code: str | None = strawberry.field(description="Why not, as a stable code (原因代码).")
    message: str | None = strawberry.field(description="The same for people (原因说明).")
    findings: list[BallotsFinding] = strawberry.field(description="What each predicate came to (认定明细).")


@strawberry.type(description="A ballot counted again (重新计票).")
class BallotsRecount:
    agrees: bool = strawberry.field(description="Whether it comes to what was recorded (是否一致).")
    outcome: BallotOutcome = strawberry.field(description="What it comes to (结果).")
    cast: int = strawberry.field(description="Who voted (投票人数).")
    voters: int = strawberry.field(description="On the roll (选民数).")
    spoiled: int = strawberry.field(description="Papers that could not be counted (废票数).")
    tally: list[BallotsTally] = strawberry.field(description="Votes by option (得票).")


async def _asked(info: Info, name: str, rule: Any) -> None:
    context = info.context
    command = Command(name, context.viewer, within=context.root_area)
    await context.graphql.runtime.perform(command, rule)


@extend(Query)
class BallotsAsking:
    @plain(
        why="Residence is asked of a port, in the rule's own words (居住情况由资格端口判断).",
        scope=ByRule("ballots.vote.cast"),
        description="Whether the viewer, or somebody a clerk looks up, may vote in elections of a kind (资格查询).",
    )  # type: ignore[untyped-decorator]
    async def ballots_eligibility(
        self, info: Info, area_id: strawberry.ID, election_kind: str = "DEFAULT", actor_id: strawberry.ID | None = None
    ) -> BallotsEligibility:
        area = from_global(area_id, "area", "areaId")
        actor = from_global(actor_id, "actor", "actorId") if actor_id else None
        found: list[BallotsEligibility] = []

        async def look(work: Work) -> dict[str, Any]:
            verdict = await rules.look_up(work, area_id=area, kind=election_kind, actor_id=actor)
            waits = verdict.state is not None and verdict.state.value == "PENDING_CONSENT"
            code = "CONSENT_NEEDED" if waits else verdict.code
            messages = info.context.graphql.runtime.messages
            found.append(
                BallotsEligibility(
                    eligible=verdict.state is not None and not waits,
                    basis=verdict.basis,
                    waits_for_consent=waits,
                    code=code,
                    message=str(messages.render(code, info.context.language, {})) if code else None,
                    findings=[finding(f.plain()) for f in verdict.findings],
                )
            )
            return {}

        await _asked(info, "ballotsEligibility", look)
        return found[-1]

    @plain(
        why="It counts every paper again by the ballot's own rule (逐票重新计算).",
        scope=ByRule("ballots.vote.cast"),
        description="Count a closed ballot again, from the papers, for everybody with an account (重新计票).",
    )  # type: ignore[untyped-decorator]
    async def ballots_recount(self, info: Info, ballot_id: strawberry.ID) -> BallotsRecount:
        id = from_global(ballot_id, "ballots_ballot", "ballotId")
        found: list[BallotsRecount] = []

        async def count(work: Work) -> dict[str, Any]:
            _, counted, result, agrees = await rules.recount(work, ballot_id=id)
            tally = [
                BallotsTally(position=n, votes=votes, won=n in result.winners, tied=n in result.tied)
                for n, votes in enumerate(result.votes)
            ]
            found.append(
                BallotsRecount(
                    agrees=agrees,
                    outcome=result.outcome,
                    cast=counted.cast,
                    voters=counted.voters,
                    spoiled=counted.spoiled,
                    tally=tally,
                )
            )
            return {}

        await _asked(info, "ballotsRecount", count)
        return found[-1]
