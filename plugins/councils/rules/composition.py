"""The composition of a body: what its seat rules come to, and the check that follows every change (INV5).

A share is of the body's *seats*: it comes to a number of them, so that a vacancy is a defect until it is filled (M11). And
at every instant it is the most a category has of those who *sit* there (INV5: at all times), so that no category outweighs
its share by the others' seats being empty. What counts seats, not parts, is that number alone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from core.errors import Refusal
from core.ids import new_id
from core.work import Work
from plugins.councils.models import Body, CompositionCheck, Seat, SeatRule
from plugins.councils.rules.common import unpacked
from plugins.councils.terms import Rounding, SeatCategory

CROSSING = (
    SeatCategory.WOMEN,
    SeatCategory.NEW_RESIDENT,
    SeatCategory.RESIDENT,
)  # a holder is often of another as well


def _share(numerator: int, out_of: int, size: int, rounding: Rounding) -> int:
    whole = numerator * size
    if rounding is Rounding.UP:
        return -(-whole // out_of)
    if rounding is Rounding.DOWN:
        return whole // out_of
    return (2 * whole + out_of) // (2 * out_of)


def bounds(minimum: int, maximum: int, out_of: int | None, rounding: Rounding, size: int) -> tuple[int, int]:
    """The fewest and the most seats of `size` that a category may have; refuses BAD_SEAT_RULE.

    An exact share is rounded as told; of a range the lower bound goes up and the upper one down, so that both hold.
    """
    if out_of is None:
        lower, upper = minimum, maximum
    else:
        is_exact = minimum == maximum
        lower = _share(minimum, out_of, size, rounding if is_exact else Rounding.UP)
        upper = _share(maximum, out_of, size, rounding if is_exact else Rounding.DOWN)
    if not 0 <= minimum <= maximum or (out_of is not None and not 1 <= maximum <= out_of <= 1000):
        raise Refusal("BAD_SEAT_RULE", path=("minimum",))
    if not 0 <= lower <= upper <= size:
        raise Refusal("BAD_SEAT_RULE", path=("minimum",))
    return lower, upper


def require_possible(size: int, rules: Iterable[SeatRule]) -> None:
    """Can all of them hold at once? Refuses SEAT_RULES_IMPOSSIBLE when the categories need more seats than there are."""
    least = sum(r.lower for r in rules if r.category not in CROSSING)
    if least > size:
        raise Refusal("SEAT_RULES_IMPOSSIBLE", needed=least, size=size)


def counted(seats: Iterable[Seat]) -> Counter[str]:
    """How many holders count in each category."""
    return Counter(category for seat in seats for category in unpacked(seat.categories))


def most(rule: SeatRule, sitting: int) -> int:
    """The most that may be of the category while so many sit there: its share of them, or a number of seats."""
    if rule.out_of is None:
        return rule.upper
    is_exact = rule.minimum == rule.maximum
    return _share(rule.maximum, rule.out_of, sitting, rule.rounding if is_exact else Rounding.DOWN)


def violations(seats: Sequence[Seat], rules: Iterable[SeatRule]) -> list[tuple[str, int, int, int]]:
    """(category, how many there are, lower, upper) of each category out of its bounds: those of its seats where there are too
    few, and what its share of those who sit there allows where there are too many."""
    counts, found = counted(seats), []
    for rule in sorted(rules, key=lambda r: str(r.category)):
        count, upper = counts[str(rule.category)], most(rule, len(seats))
        if count < rule.lower:
            found.append((str(rule.category), count, rule.lower, rule.upper))
        elif count > upper:
            found.append((str(rule.category), count, min(rule.lower, upper), upper))
    return found


def recheck(
    work: Work, body: Body, seats: Sequence[Seat], rules: Sequence[SeatRule], *, is_noted: bool = False
) -> CompositionCheck:
    """Queue the check that follows a change, and record it; to be called after the change itself was recorded.

    `is_noted`: the body's row was changed just now, and says already whether it is valid.
    """
    wrong = violations(seats, rules)
    check = CompositionCheck(
        id=new_id(),
        area_id=body.area_id,
        body_id=body.id,
        checked_at=work.now,
        size=body.size,
        filled=len(seats),
        counts=json.dumps(dict(sorted(counted(seats).items())), ensure_ascii=False),
        violations=json.dumps(wrong),
        is_valid=not wrong,
    )
    work.add(check)
    if not is_noted:
        work.change(body, is_valid=not wrong)
    work.record(
        "councils.composition.changed", body, area_id=body.area_id, data={"body": str(body.id), "valid": not wrong}
    )
    return check
