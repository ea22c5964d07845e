"""What votes come to equals an independent, straightforward count, for random papers and rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.ballots.rules.counting import Share, Terms, decide, drawn
from plugins.ballots.terms import BallotKind, BallotOutcome, ShareBase, TieRule

LOT = "00ff"
SHARES = st.one_of(
    st.none(),
    st.builds(lambda d, n, more: Share(min(n, d), d, more), st.integers(1, 9), st.integers(0, 9), st.booleans()),
)


def more(share: Share | None, part: int, whole: int) -> bool:
    if share is None:
        return True
    part_of = Fraction(share.numerator, share.denominator)
    return part > part_of * whole if share.is_more and part_of < 1 else part >= part_of * whole


@st.composite
def simple(draw: st.DrawFn, kind: BallotKind) -> tuple[int, list[tuple[int, ...]]]:
    options = draw(st.integers(2, 3 if kind is BallotKind.YES_NO else 5))
    most = options if kind in (BallotKind.MULTIPLE, BallotKind.RANKED) else 1
    if kind is BallotKind.SCORE:
        paper = st.one_of(st.just(()), st.tuples(*[st.integers(0, 10)] * options))
    else:
        paper = st.lists(st.integers(0, options - 1), max_size=most, unique=True).map(tuple)
    return options, draw(st.lists(paper, max_size=30))


@given(
    simple(BallotKind.YES_NO), SHARES, SHARES, st.sampled_from(ShareBase), st.sampled_from(TieRule), st.integers(0, 5),
    st.integers(0, 40),
)  # fmt: skip
@settings(max_examples=600, deadline=None)
def test_yes_or_no(
    given: tuple[int, list[tuple[int, ...]]], quorum: Share | None, threshold: Share | None, base: ShareBase,
    ties: TieRule, spoiled: int, absent: int,
) -> None:  # fmt: skip
    options, papers = given
    cast, roll = len(papers) + spoiled, len(papers) + spoiled + absent
    terms = Terms(quorum, threshold, base, ties=ties)
    found = decide(BallotKind.YES_NO, options, Counter(papers), terms, cast=cast, roll=roll, lot=LOT)
    yes, no = sum(p == (0,) for p in papers), sum(p == (1,) for p in papers)
    whole = {ShareBase.ROLL: roll, ShareBase.BALLOTS: cast, ShareBase.VALID: yes + no}[base]
    passes = yes > no and more(threshold, yes, whole)
    if not more(quorum, cast, roll):
        expected = BallotOutcome.NO_QUORUM
    elif passes:
        expected = BallotOutcome.ADOPTED
    elif yes == no != 0 and (
        threshold is None
        or (yes + no == whole and Fraction(threshold.numerator, threshold.denominator) == Fraction(1, 2))
    ):
        # half for it and half against, where more than half are asked for
        carried = drawn(LOT, 0) < drawn(LOT, 1)
        lot = BallotOutcome.ADOPTED if carried else BallotOutcome.REJECTED
        expected = {TieRule.TIED: BallotOutcome.TIED, TieRule.LOT: lot, TieRule.REJECT: BallotOutcome.REJECTED}[ties]
    else:
        expected = BallotOutcome.REJECTED
    assert found.outcome is expected
    assert found.votes[:2] == (yes, no)
    assert found.outcome is not BallotOutcome.ADOPTED or yes > no or (yes == no and ties is TieRule.LOT)


@given(
    st.sampled_from([BallotKind.SINGLE, BallotKind.MULTIPLE, BallotKind.SCORE]).flatmap(
        lambda k: st.tuples(st.just(k), simple(k))
    ),
    SHARES, st.integers(1, 4), st.sampled_from(TieRule), st.integers(0, 20),
)  # fmt: skip
@settings(max_examples=600, deadline=None)
def test_seats(
    given: tuple[BallotKind, tuple[int, list[tuple[int, ...]]]], threshold: Share | None, seats: int, ties: TieRule,
    absent: int,
) -> None:  # fmt: skip
    kind, (options, papers) = given
    terms = Terms(None, threshold, ShareBase.ROLL, seats, ties, most=options)
    roll = len(papers) + absent
    found = decide(kind, options, Counter(papers), terms, cast=len(papers), roll=roll, lot=LOT)
    votes = []
    for option in range(options):
        if kind is BallotKind.SCORE:
            votes.append(sum(p[option] for p in papers if p))
        else:
            votes.append(sum(option in p for p in papers))
    assert list(found.votes) == votes
    whole = roll * (10 if kind is BallotKind.SCORE else 1)
    able = [o for o in range(options) if votes[o] > 0 and more(threshold, votes[o], whole)]
    # somebody has a seat for certain when fewer than `seats` others have as many votes or more
    sure = {o for o in able if sum(votes[x] >= votes[o] for x in able if x != o) < seats}
    edge = {o for o in able if o not in sure and sum(votes[x] > votes[o] for x in able) < seats}
    if ties is TieRule.LOT:
        lucky = sorted(edge, key=lambda o: drawn(LOT, o))[: seats - len(sure)]
        assert set(found.winners) == sure | set(lucky)
        assert not found.tied
    else:
        assert set(found.winners) == sure
        assert set(found.tied) == (edge if ties is TieRule.TIED else set())
    if edge and ties is TieRule.TIED:
        assert found.outcome is BallotOutcome.TIED
    else:
        assert found.outcome is (BallotOutcome.ELECTED if found.winners else BallotOutcome.REJECTED)
    assert len(found.winners) <= seats


def possible(papers: list[tuple[int, ...]], waiting: frozenset[int], vacant: int, enough: Callable[[int], bool]) -> Any:
    """Everybody whom a teller at a table may find elected, one heap after the other, in whatever order those go out, or
    are seated, who are level."""
    if not vacant or not waiting:
        return {frozenset[int]()}
    found = set()
    for left, votes in ends(papers, waiting):
        if not votes or not enough(votes):
            found.add(frozenset[int]())
        for seated in [left] if len(left) <= vacant else [frozenset({one}) for one in left]:
            if votes and enough(votes):
                found |= {seated | rest for rest in possible(papers, waiting - seated, vacant - len(seated), enough)}
    return found


def ends(papers: list[tuple[int, ...]], standing: frozenset[int]) -> set[tuple[frozenset[int], int]]:
    """How a run-off may end: who is left, all with so many votes."""
    heaps = {o: 0 for o in standing}
    for paper in papers:
        for choice in paper:
            if choice in standing:
                heaps[choice] += 1
                break
    counted = sum(heaps.values())
    ahead = [o for o in standing if heaps[o] * 2 > counted]
    if ahead:
        return {(frozenset(ahead), heaps[ahead[0]])}
    if len(set(heaps.values())) == 1:
        return {(standing, min(heaps.values()))}
    weakness = {o: (heaps[o], sum(p[:1] == (o,) for p in papers)) for o in standing}
    out = [o for o in standing if weakness[o] == min(weakness.values())]
    return set().union(*(ends(papers, standing - {o}) for o in out))


@given(simple(BallotKind.RANKED), SHARES, st.integers(1, 4), st.sampled_from(TieRule), st.integers(0, 5))
@settings(max_examples=1200, deadline=None)
def test_ranked(
    given: tuple[int, list[tuple[int, ...]]], threshold: Share | None, seats: int, ties: TieRule, absent: int
) -> None:
    options, papers = given
    roll = len(papers) + absent
    terms = Terms(None, threshold, ShareBase.ROLL, seats, ties)
    found = decide(BallotKind.RANKED, options, Counter(papers), terms, cast=len(papers), roll=roll, lot=LOT)
    assert list(found.votes) == [sum(p[:1] == (o,) for p in papers) for o in range(options)]
    every = possible(papers, frozenset(range(options)), min(seats, options), lambda n: more(threshold, n, roll))
    won, stopped = set(found.winners), found.outcome is BallotOutcome.TIED
    assert len(found.winners) == len(won) <= seats
    if ties is TieRule.LOT:
        assert won in every and not found.tied
    elif len(every) > 1:  # chance would decide: nobody has the seat by it
        assert won <= frozenset.intersection(*every)
        assert stopped is (ties is TieRule.TIED) and bool(found.tied) is stopped
    elif not stopped and ties is TieRule.TIED:
        assert {frozenset(won)} == every
    if stopped:  # those who are undecided are more than the seats that are left
        assert len(found.tied) > 1 and not won & {*found.tied}
        assert all(len(w - won) == 0 or (w - won) & {*found.tied} for w in every if w >= won)
    else:
        assert found.outcome is (BallotOutcome.ELECTED if won else BallotOutcome.REJECTED)


def test_in_a_ranked_vote_chance_decides_only_where_the_rule_says_so() -> None:
    """One of the second and third goes out, and with them the first's lead."""
    papers = Counter({(0,): 4, (1, 0): 3, (2, 1): 3})
    for ties, outcome in (
        (TieRule.TIED, BallotOutcome.TIED), (TieRule.REJECT, BallotOutcome.REJECTED), (TieRule.LOT, BallotOutcome.ELECTED),
    ):  # fmt: skip
        terms = Terms(None, None, ShareBase.VALID, 1, ties)
        found = {decide(BallotKind.RANKED, 3, papers, terms, cast=10, roll=10, lot=str(n)) for n in range(20)}
        assert {f.outcome for f in found} == {outcome}
        assert len(found) == (2 if ties is TieRule.LOT else 1)
    terms = Terms(None, None, ShareBase.VALID, 1)
    assert decide(BallotKind.RANKED, 3, papers, terms, cast=10, roll=10, lot=LOT).tied == (0, 1, 2)


def test_who_are_level_and_all_fit_the_seats_are_elected() -> None:
    for ties in TieRule:
        terms = Terms(None, None, ShareBase.VALID, 2, ties)
        papers = Counter({(0, 1): 5, (1, 0): 5, (2,): 2})
        assert decide(BallotKind.RANKED, 3, papers, terms, cast=12, roll=12, lot=LOT).winners == (0, 1)
        terms = Terms(None, None, ShareBase.VALID, 3, ties)
        papers = Counter({(0, 1, 2): 5, (1, 0, 2): 5})
        found = decide(BallotKind.RANKED, 4, papers, terms, cast=10, roll=10, lot=LOT)
        assert (found.outcome, found.winners, found.tied) == (BallotOutcome.ELECTED, (0, 1, 2), ())


def test_equal_votes_under_two_thirds_are_no_tie_and_more_than_all_is_all() -> None:
    papers = Counter({(0,): 1, (1,): 1})
    found = decide(BallotKind.YES_NO, 2, papers, Terms(None, Share(2, 3, False)), cast=2, roll=2, lot=LOT)
    assert found.outcome is BallotOutcome.REJECTED
    every = Terms(Share(100, 100, True), Share(100, 100, True))
    found = decide(BallotKind.YES_NO, 2, Counter({(0,): 5}), every, cast=5, roll=5, lot=LOT)
    assert found.outcome is BallotOutcome.ADOPTED
    assert Share(1, 1, False).at_least(100) and not Share(99, 100, True).at_least(100)
