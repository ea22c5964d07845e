"""Code of plugins, run so that whatever becomes of it is its own failure: an exception, a cancellation nobody asked
for, an exit, or no end within the limit. And how long what failed rests before it is tried again.

What cannot be contained is a plugin that never gives the processor back: plugins are trusted code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum

from core.database.trouble import can_pass
from core.errors import GongzhiError

LIMIT_SECONDS = 2.0  # of one event or one due row; on SQLite every other writer waits meanwhile


class Overran(GongzhiError):
    """It did not end within the limit, and was cancelled."""


class Ended(GongzhiError):
    """It ended in something that is not an Exception: a cancellation of its own, SystemExit."""


async def contained(act: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Run `act`; raises what it raises as an Exception, and Overran after so many seconds.

    It runs in a task of its own, so that a cancellation of ours and one of its own can be told apart.
    """

    async def run() -> BaseException | None:
        try:
            await act()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return error
        return None

    task = asyncio.create_task(run())
    try:
        async with asyncio.timeout(seconds) as limit:
            error = await task
            mine = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and mine is not None and mine.cancelling():
                raise error
    except TimeoutError:
        raise Overran(f"no end within {seconds:g} s") from None
    if error is None:
        return
    if limit.expired():
        raise Overran(f"no end within {seconds:g} s") from error
    if isinstance(error, Exception):
        raise error
    raise Ended(type(error).__name__) from error


class Failure(Enum):
    """How something failed, by what to expect of another try."""

    RAISED = "raised"
    PASSING = "passing"
    SLOW = "slow"

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        if isinstance(error, Overran):
            return cls.SLOW
        return cls.PASSING if can_pass(error) else cls.RAISED


# Seconds of rest after the first, second, … failure of its kind; one failure more, and it is given up.
PAUSES: dict[Failure, tuple[float, ...]] = {
    Failure.RAISED: (0.1, 1.0),  # two workers may have met on a unique index; the second look finds the row
    Failure.PASSING: (0.1, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 600.0),
    Failure.SLOW: (30.0, 60.0, 120.0, 240.0, 480.0, 600.0),
}
