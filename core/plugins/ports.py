"""Ports: what a plugin would like others to do for it, with a provider that does nothing when nobody does.

    class Payments(Protocol):
        async def pay(self, work: Work, to: UUID, fen: int) -> bool: ...

    @hookimpl
    def gongzhi_ports() -> list[Port]:
        return [Port("payments", Payments, NoPayments())]

A rule asks `work.port("payments")` and never knows who answers. The kernel offers ports too: `CORE_PORTS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.ports import DecisionGate, Eligibility, Memberships, NoGate
from core.sign_in.phone import NoChannel, PhoneChannel


@dataclass(frozen=True)
class Port:
    """`protocol` names the methods a provider must have; `null` is used when no plugin provides the port."""

    name: str
    protocol: type
    null: Any

    def missing(self, provider: Any) -> list[str]:
        """The protocol's methods that `provider` lacks."""
        wanted = [n for n in vars(self.protocol) if not n.startswith("_")]
        return [n for n in wanted if not callable(getattr(provider, n, None))]


CORE_PORTS = (
    Port("phone_codes", PhoneChannel, NoChannel()),
    Port("eligibility", Eligibility, Memberships()),
    Port("decision_gate", DecisionGate, NoGate()),
)
