"""From papers to an outcome: pure functions, so that anybody can count again (INV8).

A paper is a tuple: chosen positions, in order of preference where they are ranked, points by position where they are
scored; an empty one is blank. Lots are drawn from a seed that is kept with the result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import Refusal
from plugins.ballots.ports import AGAINST, FOR
from plugins.ballots.terms import BallotKind, BallotOutcome, ShareBase, TieRule

Choices = tuple[int, ...]
MOST_POINTS = 100


@dataclass(frozen=True)
class Share:
    """A part of a whole, exactly: more than it (`is_more`), or at least it. More than all is all."""

    numerator: int
    denominator: int
    is_more: bool

    def reached(self, part: int, whole: int) -> bool:
        left, right = part * self.denominator, self.numerator * whole
        return left > right if self.is_more and self.numerator < self.denominator else left >= right

    def plain(self) -> list[Any]:
        return [self.numerator, self.denominator, self.is_more]

    def at_least(self, percent: int) -> bool:
        """Does it ask for as much as more than so many per cent, or for all at 100?"""
        left, right = self.numerator * 100, percent * self.denominator
        return left > right or (left == right and (self.is_more or percent in (0, 100)))


@dataclass(frozen=True)
class Terms:
    """The rule of one ballot. `seats` is None where a matter is decided and nobody elected."""

    quorum: Share | None
    threshold: Share | None
    base: ShareBase = ShareBase.BALLOTS
    seats: int | None = None
    ties: TieRule = TieRule.TIED
    most: int = 1
    points: int = 10
    proxies: int = 0

    def dumped(self) -> str:
        """As `terms_of` reads it: all but `ties`, which the ballot says in a column of its own."""
        plain = {
            "quorum": self.quorum.plain() if self.quorum else None,
            "threshold": self.threshold.plain() if self.threshold else None,
            "base": self.base.value, "seats": self.seats, "most": self.most, "points": self.points,
            "proxies": self.proxies,
        }  # fmt: skip
        return json.dumps(plain, sort_keys=True)


def share(value: Any, *path: str) -> Share | None:
    """`[1, 2, true]` is more than a half; refuses BAD_SHARE."""
    if value is None:
        return None
    match value:
        case [int(n), int(d), bool(more)] if 0 <= n <= d <= 1000 and d > 0:
            return Share(n, d, more)
    raise Refusal("BAD_SHARE", path=path)


def terms_of(rule: str, ties: TieRule) -> Terms:
    """The rule as it is stored with a ballot."""
    said = json.loads(rule)
    return Terms(
        share(said["quorum"]), share(said["threshold"]), ShareBase(said["base"]), said["seats"], ties, said["most"],
        said["points"], said["proxies"],
    )  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What came of it: votes by position, who won, and between whom the last seat is undecided."""

    outcome: BallotOutcome
    votes: tuple[int, ...]
    winners: tuple[int, ...] = ()
    tied: tuple[int, ...] = ()


def check_paper(kind: BallotKind, options: int, terms: Terms, choices: Sequence[int]) -> Choices:
    """Refuses BAD_PAPER: it could not be counted."""
    paper = tuple(choices)
    if kind is BallotKind.SCORE:
        sound = not paper or (len(paper) == options and all(0 <= p <= terms.points for p in paper))
    else:
        most = {BallotKind.MULTIPLE: terms.most, BallotKind.RANKED: options}.get(kind, 1)
        sound = len(paper) <= most and len({*paper}) == len(paper) and all(0 <= p < options for p in paper)
    if not sound:
        raise Refusal("BAD_PAPER", path=("choices",))
    return paper if kind in (BallotKind.RANKED, BallotKind.SCORE) else tuple(sorted(paper))


def tally(kind: BallotKind, options: int, papers: Mapping[Choices, int]) -> tuple[int, ...]:
    """Votes by position: how often chosen; points in all where scored; first preferences where ranked."""
    votes = [0] * options
    for paper, times in papers.items():
        if kind is BallotKind.SCORE:
            for position, points in enumerate(paper):
                votes[position] += points * times
        else:
            for position in paper[:1] if kind is BallotKind.RANKED else paper:
                votes[position] += times
    return tuple(votes)


def decide(
    kind: BallotKind, options: int, papers: Mapping[Choices, int], terms: Terms, *, cast: int, roll: int, lot: str
) -> Result:
    """What the votes come to under the rule. `cast` counts everybody who voted, blank and spoiled papers too."""
    votes = tally(kind, options, papers)
    if terms.quorum is not None and not terms.quorum.reached(cast, roll):
        return Result(BallotOutcome.NO_QUORUM, votes)
    whole = {ShareBase.ROLL: roll, ShareBase.BALLOTS: cast, ShareBase.VALID: _valid(kind, papers, votes)}[terms.base]
    if kind is BallotKind.YES_NO:
        return _yes_or_no(votes, terms, whole, lot)
    if kind is BallotKind.RANKED:
        return _ranked(options, papers, votes, terms, whole, lot)
    if kind is BallotKind.SCORE:
        whole *= terms.points
    enough = [p for p in range(options) if votes[p] > 0 and _enough(terms, votes[p], whole)]
    return _seated(enough, votes, terms, lot)


def _valid(kind: BallotKind, papers: Mapping[Choices, int], votes: Sequence[int]) -> int:
    """Papers that say something; of a question those for and against."""
    return votes[FOR] + votes[AGAINST] if kind is BallotKind.YES_NO else sum(n for paper, n in papers.items() if paper)


def _enough(terms: Terms, votes: int, whole: int) -> bool:
    return terms.threshold is None or terms.threshold.reached(votes, whole)


def _yes_or_no(votes: tuple[int, ...], terms: Terms, whole: int, lot: str) -> Result:
    """Adopted with more votes for than against, whatever share the rule asks for. Equal votes are a tie only where nothing
    else is missing: the rule asks for more than half of the whole, and for and against are half of it each; or it asks for
    no share."""
    for_it, against = votes[FOR], votes[AGAINST]
    passed = for_it > against and _enough(terms, for_it, whole)
    level = for_it == against > 0
    if terms.threshold is not None:
        is_half = terms.threshold.numerator * 2 == terms.threshold.denominator
        level = level and is_half and for_it + against == whole
    if passed or (level and terms.ties is TieRule.LOT and drawn(lot, FOR) < drawn(lot, AGAINST)):
        return Result(BallotOutcome.ADOPTED, votes, (FOR,))
    if level and terms.ties is TieRule.TIED:
        return Result(BallotOutcome.TIED, votes, (), (FOR, AGAINST))
    return Result(BallotOutcome.REJECTED, votes)


def drawn(lot: str, position: int) -> str:
    """Where the lot puts a position: the smallest comes first."""
    return hashlib.sha256(f"{lot}:{position}".encode()).hexdigest()


def _seated(enough: Sequence[int], votes: Sequence[int], terms: Terms, lot: str) -> Result:
    seats = terms.seats or 1
    order = sorted(enough, key=lambda p: (-votes[p], drawn(lot, p)))
    if len(order) <= seats or votes[order[seats - 1]] > votes[order[seats]] or terms.ties is TieRule.LOT:
        return _result(votes, order[:seats], (), terms)
    level = votes[order[seats]]
    clear = [p for p in order if votes[p] > level]
    return _result(votes, clear, [p for p in order if votes[p] == level], terms)


def _result(votes: Sequence[int], winners: Sequence[int], tied: Collection[int], terms: Terms) -> Result:
    if tied and terms.ties is TieRule.TIED:
        return Result(BallotOutcome.TIED, tuple(votes), tuple(winners), tuple(sorted(tied)))
    won = BallotOutcome.ADOPTED if terms.seats is None else BallotOutcome.ELECTED
    return Result(won if winners else BallotOutcome.REJECTED, tuple(votes), tuple(winners))


def _ranked(
    options: int, papers: Mapping[Choices, int], votes: tuple[int, ...], terms: Terms, whole: int, lot: str
) -> Result:
    """Seat after seat by instant run-off among those who have none yet. Who are level at its end and all fit the open
    seats have them. The last seat is undecided between who was left in its run-off, one before it between all who wait.
    """
    waiting, winners, vacant = frozenset(range(options)), list[int](), min(terms.seats or 1, options)
    while vacant and waiting:
        # With a seat for everybody and no threshold it does not matter who has theirs first.
        by_lot = terms.ties is TieRule.LOT or (len(waiting) <= vacant and terms.threshold is None)
        left = _run_off(papers, waiting, votes, lot if by_lot else None)
        best, is_level = max(left.values()), len({*left.values()}) == 1
        if best == 0 or not _enough(terms, best if is_level else sum(left.values()), whole):
            break
        if is_level and len(left) <= vacant:
            seated = sorted(left)
        elif terms.ties is TieRule.LOT:
            seated = [min(left, key=lambda p: drawn(lot, p))]
        else:
            return _result(votes, winners, left if vacant == 1 else waiting, terms)
        winners += seated
        waiting -= {*seated}
        vacant -= len(seated)
    return _result(votes, winners, (), terms)


def _run_off(
    papers: Mapping[Choices, int], standing: frozenset[int], first: Sequence[int], lot: str | None
) -> dict[int, int]:
    """Whoever has fewest votes goes out again and again, until one has more than half of the papers that still name
    somebody. Who is left then, with their votes: this one; several who are level; or, without a lot, all who stand when
    two are level for going out, by votes and by first preferences, and it matters which."""
    while True:
        votes = dict.fromkeys(standing, 0)
        for paper, times in papers.items():
            choice = next((p for p in paper if p in standing), None)
            if choice is not None:
                votes[choice] += times
        best, fewest = max(votes.values()), min(votes.values())
        if best * 2 > sum(votes.values()):
            return {p: n for p, n in votes.items() if n == best}
        if best == fewest:
            return votes
        last = [p for p in standing if votes[p] == fewest]
        if fewest * len(last) < min(n for n in votes.values() if n > fewest):  # none of them can come up any more
            standing -= {*last}
            continue
        last = [p for p in last if first[p] == min(first[o] for o in last)]
        if len(last) > 1 and lot is None:
            return votes
        standing -= {max(last, key=lambda p: drawn(str(lot), p))}
