"""Mending mistakes over the API: undo an event, look at a merge before it happens, merge."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.types.info import Info

from core.corrections import Finding
from core.ids import from_global
from core.rules import corrections
from core.rules.erasure import told
from core.runtime import Command
from core.work import Work
from schema.mutations import MutationInput, Needs, Result, Subject, mutation
from schema.nodes.composed import ByRule, Query, plain
from schema.nodes.core import Actor, Event
from schema.nodes.declare import extend


@strawberry.input
class CoreUndoInput(MutationInput):
    event_id: strawberry.ID
    reason: str


@mutation(Needs.AS_IT_WAS_DONE, event=Event)
async def core_undo(work: Work, input: CoreUndoInput) -> Result:
    """Undo what an event did, within 24 hours; for whoever did it, or whose role carries the same permission (撤销)."""
    id = from_global(input.event_id, "event", "eventId")
    return {"event": await corrections.undo(work, event_id=id, reason=input.reason)}  # type: ignore[dict-item]


@strawberry.input
class CoreMergeActorsInput(MutationInput):
    kept_id: strawberry.ID
    gone_id: strawberry.ID
    reason: str


@mutation(corrections.MERGE, "core.role.grant", "core.mandate.manage", on=Subject(Actor, "gone_id"), actor=Actor)
async def core_merge_actors(work: Work, input: CoreMergeActorsInput) -> Result:
    """Two actors prove to be one: everything moves to the one kept, whose the other's id is from now on (合并主体)."""
    actor = await corrections.merge_actors(
        work,
        kept_id=from_global(input.kept_id, "actor", "keptId"),
        gone_id=from_global(input.gone_id, "actor", "goneId"),
        reason=input.reason,
    )
    return {"actor": actor}


@strawberry.type(description="What a merge would do to one kind of row (合并影响).")
class MergeFinding:
    kind: str = strawberry.field(
        description="What moves: `membership`; `membership.double` ends, because the one kept has it too (类别)."
    )
    count: int
    code: str | None = strawberry.field(description="What must be settled first; the merge is refused with it (阻碍).")
    message: str | None = strawberry.field(description="The same for people, in the request's language (说明).")


@strawberry.type(description="What a merge would do, and whether it can be done (合并预览).")
class MergePreview:
    possible: bool
    findings: list[MergeFinding]


@extend(Query)
class CorrectionsQuery:
    @plain(
        why="It asks the merge's own rule, with its permissions, in a transaction (由合并规则在事务中判断).",
        scope=ByRule(corrections.MERGE),
        description="What `coreMergeActors` would do; changes nothing (合并预览).",
    )  # type: ignore[untyped-decorator]
    async def core_merge_preview(self, info: Info, kept_id: strawberry.ID, gone_id: strawberry.ID) -> MergePreview:
        context = info.context
        kept, gone = from_global(kept_id, "actor", "keptId"), from_global(gone_id, "actor", "goneId")
        found: list[Finding] = []

        async def look(work: Work) -> dict[str, Any]:
            found[:] = await corrections.merge_preview(work, kept_id=kept, gone_id=gone)
            return {}

        runtime = context.graphql.runtime
        await runtime.perform(Command("coreMergePreview", context.viewer, within=context.root_area), look)

        def message(finding: Finding) -> str | None:
            if finding.code is None:
                return None
            values = told(runtime.database.models, finding)
            return str(runtime.messages.render(finding.code, context.language, values))

        findings = [MergeFinding(kind=f.kind, count=f.count, code=f.code, message=message(f)) for f in found]
        return MergePreview(possible=all(f.code is None for f in found), findings=findings)
