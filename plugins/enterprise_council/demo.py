"""Enterprises in the demo."""

from __future__ import annotations

from core.demo import DemoDistrict
from core.runtime import Runtime


async def fill(runtime: Runtime, d: DemoDistrict) -> None:
    return None
