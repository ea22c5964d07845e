"""The port `ballots`: other plugins put a matter to the vote, by their charter's rule and not the area's settings, and
learn who was elected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.errors import Refusal
from core.models import Entity
from core.work import Work
from plugins.ballots.models import Candidate, Election
from plugins.ballots.ports import Elected
from plugins.ballots.rules.announcing import own_roll, put, usual
from plugins.ballots.rules.common import in_order, switched_on
from plugins.ballots.rules.counting import Terms, share
from plugins.ballots.settings import BallotsSettings
from plugins.ballots.terms import BallotKind, CandidateState, ElectionState, ShareBase, TieRule

KEYS = frozenset({"kind", "quorum", "threshold", "base", "seats", "ties", "most", "points", "proxies"})


class PutToTheVote:
    """See `plugins.ballots.ports.Ballots`. `rule` may say `kind` (YES_NO unless told: for, against and perhaps abstaining),
    `quorum` and `threshold` (`[1, 2, true]` is more than a half, None is none), `base`, `seats`, `ties`, `most`, `points`
    and `proxies`; what it leaves out is as the area's settings say."""

    async def put(
        self, work: Work, *, subject: Entity, area_id: UUID, title: str, choices: Sequence[str],
        voters: Sequence[UUID] | None, is_secret: bool, opens_at: datetime, closes_at: datetime,
        rule: Mapping[str, Any] | None = None,
    ) -> UUID:  # fmt: skip
        """Refuses PLUGIN_DISABLED, VOTERS, OPTIONS, BAD_RULE, BAD_SHARE, ENDS_BEFORE_START."""
        area = await switched_on(work, area_id)
        in_order(opens_at, closes_at, 0)
        said = dict(rule or {})
        kind, terms = terms_from(said, len(choices), usual(await work.settings(BallotsSettings, area)))
        roll = await own_roll(work, area, title, voters)
        ballot = put(
            work, roll, title=title, question=None, kind=kind, options=[(c, None) for c in choices], is_secret=is_secret,
            has_papers=False, opens_at=opens_at, closes_at=closes_at, terms=terms, subject=(subject.tag, subject.id),
        )  # fmt: skip
        return ballot.id

    async def elected(self, work: Work, election_id: UUID) -> Elected | None:
        found = await work.select(Election, lock=True, id=election_id, state=ElectionState.SEATED)
        if not found:
            return None
        won = await work.select(Candidate, election_id=election_id, state=CandidateState.ELECTED)
        return Elected(found[0].area_id, work.place(found[0]).chain, frozenset(c.actor_id for c in won))


def terms_from(said: Mapping[str, Any], options: int, usual: Terms) -> tuple[BallotKind, Terms]:
    """The kind and the terms a caller asks for; refuses BAD_RULE, BAD_SHARE."""
    if said.keys() - KEYS:
        raise Refusal("BAD_RULE", path=("rule",))
    try:
        kind = BallotKind(said.get("kind", "YES_NO" if options in (2, 3) else "SINGLE"))
        seats = said.get("seats")
        most = said.get("most", min(seats or options, options) if kind is BallotKind.MULTIPLE else 1)
        return kind, Terms(
            share(said["quorum"], "rule", "quorum") if "quorum" in said else usual.quorum,
            share(said["threshold"], "rule", "threshold") if "threshold" in said else usual.threshold,
            ShareBase(said.get("base", usual.base)), seats, TieRule(said.get("ties", usual.ties)), int(most),
            int(said.get("points", usual.points)), int(said.get("proxies", 0)),
        )  # fmt: skip
    except (ValueError, TypeError):
        raise Refusal("BAD_RULE", path=("rule",)) from None
