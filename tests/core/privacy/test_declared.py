"""Every free text of core and the plugins is said to be nobody's or somebody's; and what is said is what guards let pass."""

from __future__ import annotations

from typing import ClassVar

import pytest
from tortoise import fields

from core.models import Entity
from core.personal import Keep, Text, about, impersonal, personal, texts_of, undecided
from core.retention import wrong_keeps
from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio


def test_a_new_text_without_a_decision_is_named() -> None:
    class Diary(Entity):
        words = fields.TextField()
        mood = fields.CharField(max_length=10)
        written_at = fields.DatetimeField()
        texts: ClassVar[tuple[Text, ...]] = (*impersonal("mood"), personal("wrods", of="id"))

        class Meta:
            table = "diary"

    assert undecided([Diary]) == ["diary", "diary.words", "diary.wrods"]


def test_a_time_that_cannot_be_is_named() -> None:
    class Letter(Entity):
        words = fields.TextField()
        title = fields.TextField()
        written_at = fields.DatetimeField()
        texts: ClassVar[tuple[Text, ...]] = (
            personal("words", of="id", keep=Keep("wrote_at", "case_text_days", "t.id")),
            personal("title", of="id", keep=Keep("written_at", "letter_days")),
        )

        class Meta:
            table = "letter"

    named, days, place = wrong_keeps(Letter)
    assert named == "letter.words is kept since 'wrote_at', which is no column of instants"
    assert days.startswith("letter.title is kept for 'letter_days', which is none of event_text_days, ")
    assert place == "letter.title is kept in no area: there is no area_id, and Keep says no `where`"


async def test_every_text_of_every_table_is_decided(shared_neighbourhood: Neighbourhood) -> None:
    models = shared_neighbourhood.server.runtime.database.models
    assert undecided(models) == []
    assert [wrong for model in models for wrong in wrong_keeps(model)] == []


async def test_what_is_declared_is_sql_that_finds_rows(shared_neighbourhood: Neighbourhood) -> None:
    database = shared_neighbourhood.server.runtime.database
    found = 0
    for model in database.models:
        for condition in [*about(model), *(str(t.whose) for t in texts_of(model) if t.whose)]:
            everybody = condition.replace("{ids}", "SELECT a.id FROM core_actor a")
            found += bool(await database.read(f"SELECT 1 FROM {model._meta.db_table} t WHERE {everybody} LIMIT 1"))
    assert found > 20
