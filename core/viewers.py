"""Whom tokens stand for, as last seen: looked at again at least once a second, and at once where this worker changed it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic

from core.access import Viewer

SECONDS = 1.0
MOST = 5_000
# What decides who somebody is and what they may do.
DECISIVE = frozenset({"account", "token", "rolegrant", "new rolegrant", "postholding", "new postholding", "mandate",
                      "new mandate", "deputy", "new deputy"})  # fmt: skip


class Viewers:
    """Of one worker. Another worker's changes are seen within SECONDS."""

    def __init__(self, look: Callable[[str], Awaitable[Viewer]]) -> None:
        self._look = look
        self._seen: dict[str, tuple[float, Viewer]] = {}
        self._forgotten = 0

    async def of(self, token_hash: str) -> Viewer:
        """ANONYMOUS for a token that is no good."""
        kept = self._seen.get(token_hash)
        if kept is not None and monotonic() - kept[0] < SECONDS:
            return kept[1]
        began, forgotten = monotonic(), self._forgotten
        viewer = await self._look(token_hash)
        if not viewer.signed_in:
            self._seen.pop(token_hash, None)
        elif forgotten == self._forgotten:
            if len(self._seen) >= MOST:
                self._seen.clear()
            self._seen[token_hash] = (began, viewer)
        return viewer

    def changed(self, touched: set[str]) -> None:
        """Rows with these tags were changed just now (`Work.touched`)."""
        if not DECISIVE.isdisjoint(touched):
            self._seen.clear()
            self._forgotten += 1
