"""Logs: plain tracebacks without the values of local variables, so that no secret is ever written."""

from __future__ import annotations

import structlog


def configure_logs() -> None:
    """Set up structlog for this process; harmless when done before."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        cache_logger_on_first_use=True,
    )
