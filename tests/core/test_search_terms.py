"""How names are folded and cut: a part of a name is always a part of what it is found by."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Refusal
from core.search import END, SHORTEST, Query, fold, syllables, terms

NAMES = st.text(st.sampled_from("陈陳明远遠单曾尉迟乐重庆长a1Ｂ· -吕"), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(NAMES, st.integers(0, 11), st.integers(0, 12))
def test_every_part_of_a_name_is_a_range_that_finds_it(name: str, start: int, length: int) -> None:
    part = name[start : start + length]
    rows = terms(name)
    if len(fold(part)) < SHORTEST:
        with pytest.raises(Refusal, match="SEARCH_TOO_SHORT"):
            Query.of(part)
        return
    asked = Query.of(part)
    assert any(asked.text <= row.text < asked.text + END for row in rows)


@settings(max_examples=60, deadline=None)
@given(NAMES)
def test_a_name_is_found_by_how_it_is_said(name: str) -> None:
    folded = fold(name)
    spoken = syllables(folded)
    assert len(spoken) == len(folded)
    rows = terms(name)
    assert [row.text for row in rows if row.pinyin is None or row.position > 0] == [
        folded[i:] for i in range(len(folded)) if i or folded == "".join(spoken)
    ]
    for row in rows:
        if row.pinyin is not None:
            assert row.initials is not None and len(row.initials) == len(row.text)
            assert row.mixed is None or row.mixed.endswith(row.initials[1:])


def test_a_surname_with_a_reading_of_its_own_has_a_row_for_each() -> None:
    assert [t.pinyin for t in terms("单明") if t.position == 0] == ["danming", "shanming"]
    assert [t.initials for t in terms("尉迟恭") if t.position == 0][-1] == "ycg"
    assert [t.pinyin for t in terms("陈明") if t.position == 0] == ["chenming"]
    assert terms("·-") == []
