"""Who starts activities in an area, as the API shows it (M46)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from core import models
from core.ids import from_global
from plugins.councils.initiative import INITIATIVE, percent
from plugins.councils.terms import ActivityStarter
from schema.nodes.composed import Query, every
from schema.nodes.core import Area
from schema.nodes.declare import Connection, Source, SourceArgument, column, extend, node, python, to_one
from schema.nodes.telling import public

_COLUMNS = ("residents", "organizations", "enterprises", "government")


def _area_id(value: str, context: Any) -> UUID:
    return from_global(value, "area", "areaId")


def _start(value: str, context: Any) -> datetime:
    start: datetime = context.clock.period(value)[0]
    return start


def _end(value: str, context: Any) -> datetime:
    end: datetime = context.clock.period(value)[1]
    return end


def _from_period(bind: Any) -> SourceArgument:
    about = "`2026`, `2026-H1`, `2026-Q3` or `2026-07`, in civil time (期间)."
    return SourceArgument(str, bind, "instant", "period", about)


REPORT = Source(
    INITIATIVE,
    {"id": "uuid", "area_id": "uuid", **dict.fromkeys(("activities", *_COLUMNS), "int")},
    {
        "area": SourceArgument(
            strawberry.ID, _area_id, "uuid", "areaId", "In this area and below (区域).", names_area=True
        ),
        "start": _from_period(_start),
        "end": _from_period(_end),
    },
)  # fmt: skip


@strawberry.type(description="How many activities one kind of actors started (各类主体发起情况).")
class CouncilsInitiativeShare:
    starter: ActivityStarter = strawberry.field(description="Who started them (发起主体).")
    activities: int = strawberry.field(description="How many (活动数).")
    percent: float | None = strawberry.field(description="Of all, with one decimal; null of none (占比,%).")


def _shares(values: dict[str, Any], facts: Any) -> list[CouncilsInitiativeShare]:
    count = {
        name: int(value) for name, value in values.items()
    }  # PostgreSQL hands out the numbers of a source as texts
    return [
        CouncilsInitiativeShare(
            starter=starter, activities=count[name], percent=percent(count[name], count["activities"])
        )
        for starter, name in zip(ActivityStarter, _COLUMNS, strict=True)
    ]  # fmt: skip


@node(models.Area, source=REPORT, scope=public("Activities are public, and so is what kind of actors organise them."))
class CouncilsInitiative:
    """Who starts the activities of an area and period; those only planned or called off are left out (活动发起情况)."""

    activities: int = column(filter=False, description="How many there are (活动数).")
    shares: list[CouncilsInitiativeShare] = python(
        _shares, columns=lambda t: {name: getattr(t, name) for name in ("activities", *_COLUMNS)}, settings=False,
        description="By who started them (各类主体占比).",
    )  # fmt: skip
    area: Area = to_one()


@extend(Query)
class CouncilsInitiativeQuery:
    councils_initiative: Connection[CouncilsInitiative] = every(
        description="Who starts activities, in an area and below, in a period; one row (活动发起情况)."
    )
