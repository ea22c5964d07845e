"""Ports: what a plugin would like others to do for it, with a provider that does nothing when nobody does.

    class Payments(Protocol):
        async def pay(self, work: Work, to: UUID, fen: int) -> bool: ...

    PAYMENTS: Port[Payments] = Port("payments", Payments, NoPayments())

    @hookimpl
    def gongzhi_ports() -> list[Port]:
        return [PAYMENTS]

A rule asks `work.port(PAYMENTS)` and never knows who answers; mypy knows what may be asked. A plugin that may be there or
not names the port again, `PAYMENTS: Port[Payments] = Port("payments")`, with the type imported for mypy. The kernel offers ports too.
"""

from __future__ import annotations

from typing import Any

from core.ports import DECISION_GATE, ELIGIBILITY, Port
from core.sign_in.phone import NoChannel, PhoneChannel

PHONE_CODES: Port[PhoneChannel] = Port("phone_codes", PhoneChannel, NoChannel())
CORE_PORTS: tuple[Port[Any], ...] = (PHONE_CODES, ELIGIBILITY, DECISION_GATE)

__all__ = ["CORE_PORTS", "Port"]
