"""Ballots in the demo: the village has decided about its pavilion, and elects whom to send to the council."""

from __future__ import annotations

from core.demo import DemoDistrict
from core.runtime import Runtime


async def fill(runtime: Runtime, d: DemoDistrict) -> None:
    """Nothing yet."""
