"""What the rules of councils share: whose matter it is, and the strictest terms that hold for a body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import Refusal
from core.ports import Port
from core.work import Work
from plugins.councils.models import Body
from plugins.councils.settings import CouncilsSettings
from plugins.councils.terms import BodyState, CharterParameter, Matter

if TYPE_CHECKING:
    from plugins.ballots.ports import Ballots

BALLOTS: Port[Ballots] = Port("ballots")
_CLAUSES = (
    "SELECT k.parameter, k.value, k.matter, x.depth FROM councils_charter c"
    " JOIN core_area_closure x ON x.ancestor_id = c.area_id AND x.descendant_id = {} AND x.until IS NULL"
    " JOIN councils_clause k ON k.charter_id = c.id AND k.is_dropped = FALSE AND k.parameter IS NOT NULL"
    " WHERE c.state = 'IN_FORCE'"
)


@dataclass(frozen=True)
class Terms:
    """What holds for the bodies of an area: the settings, made stricter, about conduct milder, by the charters in force
    there and above."""

    quorum_percent: int
    majority_percent: int
    term_months: int
    notice_days: int
    speaking_minutes: int | None
    calls_to_order: int
    exclusion_days: int
    appeal_days: int
    listed: frozenset[Matter]
    residents_one_in: int
    members_one_in: int


def packed(values: Sequence[Matter] | Sequence[str]) -> str:
    """A set of terms as it is stored: `|FUNDS|RULES|`, and `|` for none."""
    return "|" + "".join(f"{v}|" for v in dict.fromkeys(str(v) for v in values))


def unpacked(text: str) -> list[str]:
    return [part for part in text.split("|") if part]


def require_active(body: Body) -> None:
    """Refuses BODY_DISSOLVED."""
    if body.state is not BodyState.ACTIVE:
        raise Refusal("BODY_DISSOLVED")


def more_than(percent: int, part: int, whole: int) -> bool:
    """Is the part more than so many per cent of the whole?"""
    return part * 100 > percent * whole


async def terms(work: Work, body: Body) -> Terms:
    """The strictest, about conduct the mildest, of the settings and of the clauses in force at and above the body."""
    settings = await work.settings(CouncilsSettings, body)
    clauses = await work.rows(_CLAUSES, body.area_id)

    def said(parameter: CharterParameter) -> list[int]:
        return [c["value"] for c in clauses if c["parameter"] == parameter]

    return Terms(
        quorum_percent=max(settings.quorum_percent, *said(CharterParameter.QUORUM_PERCENT), 0),
        majority_percent=max(settings.majority_percent, *said(CharterParameter.MAJORITY_PERCENT), 0),
        term_months=min([settings.term_months, *said(CharterParameter.TERM_MONTHS)]),
        notice_days=max(settings.notice_days, *said(CharterParameter.NOTICE_DAYS), 0),
        speaking_minutes=min(said(CharterParameter.SPEAKING_MINUTES), default=None),
        calls_to_order=max([settings.calls_to_order, *said(CharterParameter.CALLS_TO_ORDER)]),
        exclusion_days=min([settings.exclusion_days, *said(CharterParameter.EXCLUSION_DAYS)]),
        appeal_days=max([settings.appeal_days, *said(CharterParameter.APPEAL_DAYS)]),
        listed=frozenset(
            [
                *(Matter(m) for m in settings.listed_matters),
                *(Matter(c["matter"]) for c in clauses if c["parameter"] == CharterParameter.LISTED_MATTER),
            ]
        ),
        residents_one_in=max(settings.request_residents_one_in, *said(CharterParameter.REQUEST_RESIDENTS_ONE_IN), 1),
        members_one_in=max(settings.request_members_one_in, *said(CharterParameter.REQUEST_MEMBERS_ONE_IN), 1),
    )
