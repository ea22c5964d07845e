"""What votes come to equals an independent, straightforward count, for random papers and rules."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

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
    bound = Fraction(share.numerator, share.denominator) * whole
    return part > bound if share.is_more else part >= bound


@st.composite
def simple(draw: st.DrawFn, kind: BallotKind) -> tuple[int, list[tuple[int, ...]]]:
    options = draw(st.integers(2, 3 if kind is BallotKind.YES_NO else 5))
    most = options if kind in (BallotKind.MULTIPLE, BallotKind.RANKED) else 1
    if kind is BallotKind.SCORE:
        paper = st.one_of(st.just(()), st.tuples(*[st.integers(0, 10)] * options))
    else:
        paper = st.lists(st.integers(0, options - 1), max_size=most, unique=True).map(tuple)
    return options, draw(st.lists(paper, max_size=30))


@given(simple(BallotKind.YES_NO), SHARES, SHARES, st.sampled_from(ShareBase), st.integers(0, 5), st.integers(0, 40))
@settings(max_examples=400, deadline=None)
def test_yes_or_no(
    given: tuple[int, list[tuple[int, ...]]], quorum: Share | None, threshold: Share | None, base: ShareBase,
    spoiled: int, absent: int,
) -> None:  # fmt: skip
    options, papers = given
    cast, roll = len(papers) + spoiled, len(papers) + spoiled + absent
    found = decide(
        BallotKind.YES_NO, options, Counter(papers), Terms(quorum, threshold, base), cast=cast, roll=roll, lot=LOT
    )
    yes, no = sum(p == (0,) for p in papers), sum(p == (1,) for p in papers)
    whole = {ShareBase.ROLL: roll, ShareBase.BALLOTS: cast, ShareBase.VALID: yes + no}[base]
    passes = yes > 0 and (yes > no if threshold is None else more(threshold, yes, whole))
    if not more(quorum, cast, roll):
        expected = BallotOutcome.NO_QUORUM
    elif passes:
        expected = BallotOutcome.ADOPTED
    elif yes == no != 0:
        expected = BallotOutcome.TIED
    else:
        expected = BallotOutcome.REJECTED
    assert found.outcome is expected
    assert found.votes[:2] == (yes, no)


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


@given(simple(BallotKind.RANKED))
@settings(max_examples=400, deadline=None)
def test_who_more_than_half_prefer_to_anybody_is_elected_by_ranking(given: tuple[int, list[tuple[int, ...]]]) -> None:
    options, papers = given
    terms = Terms(None, None, ShareBase.VALID, 1, TieRule.LOT)
    found = decide(BallotKind.RANKED, options, Counter(papers), terms, cast=len(papers), roll=len(papers), lot=LOT)
    standing = set(range(options))
    while True:  # one paper after the other, as a teller at a table would
        heaps: dict[int, int] = {o: 0 for o in standing}
        for paper in papers:
            for choice in paper:
                if choice in standing:
                    heaps[choice] += 1
                    break
        counted = sum(heaps.values())
        ahead = [o for o in standing if heaps[o] * 2 > counted]
        if ahead or not counted or len(standing) == 1 or len(set(heaps.values())) == 1:
            break
        first = [sum(p[:1] == (o,) for p in papers) for o in range(options)]
        weakest = sorted(standing, key=lambda o: (heaps[o], first[o], [255 - b for b in bytes.fromhex(drawn(LOT, o))]))
        standing.remove(weakest[0])
    if not counted:
        assert found.outcome is BallotOutcome.REJECTED
    elif ahead:
        assert found.winners == (ahead[0],)
    else:
        assert set(found.winners) <= standing
        assert len(found.winners) == 1
