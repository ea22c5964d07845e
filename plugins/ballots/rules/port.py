"""The port `ballots`: other plugins put a matter to the vote, by their charter's rule and not the area's settings, and
learn who was elected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.events import EventRecord
from core.models import Area, Entity
from core.work import Work
from plugins.ballots.models import Candidate, Election
from plugins.ballots.ports import ANSWERS, Closed, Elected, Rule
from plugins.ballots.rules.announcing import own_roll, put, usual
from plugins.ballots.rules.common import in_order
from plugins.ballots.rules.counting import Terms, share
from plugins.ballots.settings import BallotsSettings
from plugins.ballots.terms import BallotKind, CandidateState, ElectionState, ShareBase, TieRule


class PutToTheVote:
    """See `plugins.ballots.ports.Ballots`."""

    async def put(
        self, work: Work, *, subject: Entity, area_id: UUID, title: str,
        voters: Sequence[UUID] | None, is_secret: bool, opens_at: datetime, closes_at: datetime,
        choices: Sequence[str] = (), may_abstain: bool = True, rule: Rule | None = None,
    ) -> UUID:  # fmt: skip
        area = await work.get(Area, area_id)
        in_order(opens_at, closes_at, 0)
        kind, terms = terms_from(rule or {}, len(choices), usual(await work.settings(BallotsSettings, area)))
        choices = choices or (ANSWERS if may_abstain else ANSWERS[:2])
        roll = await own_roll(work, area, title, voters)
        ballot = put(
            work, roll, title=title, question=None, kind=kind, options=[(c, None) for c in choices], is_secret=is_secret,
            has_papers=False, opens_at=opens_at, closes_at=closes_at, terms=terms, subject=(subject.tag, subject.id),
        )  # fmt: skip
        return ballot.id

    def closed(self, event: EventRecord) -> Closed:
        data = event.data
        votes = tuple(data["tally"][str(n)] for n in range(len(data["tally"])))
        return Closed(data["outcome"], votes, tuple(data["winners"]), data["ballots"], data["roll"])

    async def elected(self, work: Work, election_id: UUID) -> Elected | None:
        found = await work.select(Election, lock=True, id=election_id, state=ElectionState.SEATED)
        if not found:
            return None
        won = await work.select(Candidate, election_id=election_id, state=CandidateState.ELECTED)
        return Elected(found[0].area_id, work.place(found[0]).chain, frozenset(c.actor_id for c in won))


def terms_from(rule: Rule, choices: int, usual: Terms) -> tuple[BallotKind, Terms]:
    """The kind and the terms a caller asks for. Refuses BAD_SHARE."""
    said: dict[str, Any] = dict(rule)
    kind = BallotKind(said.pop("kind", "SINGLE" if choices else "YES_NO"))
    if kind is BallotKind.MULTIPLE:
        said.setdefault("most", min(said.get("seats") or choices, choices))
    for name in ("quorum", "threshold"):
        if said.get(name) is not None:
            said[name] = share([*said[name]], "rule", name)
    base, ties = ShareBase(said.pop("base", usual.base)), TieRule(said.pop("ties", usual.ties))
    return kind, replace(usual, base=base, ties=ties, **said)
