"""The seats that are kept here: the fixed proportion of enterprises in any body that a charter names, and from the
beginning in a co-building council (M11). Councils ask through their port `seat_keeper`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.errors import Refusal
from core.models import Area
from core.work import Work
from plugins.councils.ports import KeptShare
from plugins.enterprise_council.settings import EnterpriseCouncilSettings
from plugins.enterprise_council.terms import CO_BUILDING, ENTERPRISE, KEY


class Keeper:
    """The port `seat_keeper` of councils."""

    def keeps(self, category: str) -> str | None:
        return KEY if category == ENTERPRISE else None

    async def accept(self, work: Work, body: Any, category: str, *, seats: int, size: int) -> None:
        """Refuses ENTERPRISE_SHARE out of what the areas above allow (INV17)."""
        settings = await work.settings(EnterpriseCouncilSettings, body)
        if seats < 1 or not settings.least_percent * size <= seats * 100 <= settings.most_percent * size:
            raise Refusal(
                "ENTERPRISE_SHARE", path=("constitutes",), seats=seats, size=size, least=settings.least_percent,
                most=settings.most_percent,
            )  # fmt: skip

    async def of_a_new_body(self, work: Work, area: Area, kind: str) -> Sequence[KeptShare]:
        """A co-building council begins with the share that is set there."""
        if kind != CO_BUILDING or KEY not in work.place(area).plugins:
            return ()
        settings = await work.settings(EnterpriseCouncilSettings, area)
        _, percent, _ = sorted((settings.least_percent, settings.share_percent, settings.most_percent))
        return (KeptShare(KEY, ENTERPRISE, percent, 100, str(settings.share_rounding)),)
