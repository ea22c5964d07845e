"""The unit of work: permission, rule, rows, event, idempotency and version in one transaction, few round trips.

A rule reads and locks rows, asks `require`, queues `add` and `change`, and names what happened with `record`.
Nothing is written before the rule has ended; then events go first and rows after them, so that the database can
check that every row it takes has an event behind it (INV22) and every event an authority (INV13).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from tortoise.models import Model

from core.access import Acting, Ground, Viewer, viewer_of
from core.clock import to_millisecond
from core.database import Transaction
from core.decisions import NOWHERE, Place, decide
from core.enums import Authority
from core.errors import Conflict, GongzhiError, Refusal
from core.kernel import Kernel
from core.models import Area, Logged
from core.ports import Port
from core.work.impartial import Impartial
from core.work.writing import PendingEvent, Writing, _Write

P = TypeVar("P")

LATEST_ENTRY = timedelta(days=92)  # how long after the fact something may be entered at the desk


class Work(Impartial, Writing):
    """Given to every rule. Made by `Desk.perform` for requests and by the event dispatcher for handlers."""

    def __init__(
        self,
        transaction: Transaction,
        kernel: Kernel,
        viewer: Viewer,
        acting: Acting,
        *,
        within: UUID | None = None,
        system: bool = False,
        cause_id: UUID | None = None,
        occurred_at: datetime | None = None,
        settings: int | None = None,
        paths: Callable[[], Mapping[str, tuple[str, ...]]] = dict,
        asks: frozenset[str | None] | None = None,
    ) -> None:
        """`paths` tells the input field each global id stands in, so that NOT_FOUND can say which; `asks` what `require`
        may ask for (None among them: one's own matter), anything unless told."""
        self.transaction = transaction
        self.kernel = kernel
        self.book = kernel.permissions
        self.clock = kernel.clock
        self.within = within
        self._settings = settings
        self.changes_settings = False
        self._own: frozenset[UUID] | None = None
        self.instead: Mapping[UUID, UUID] = {}  # merged actors the input names → whom each stands for
        self.viewer = viewer
        self.acting = acting
        self.now = kernel.clock.now()
        self.system = system  # may do everything
        self.by_server = system  # its events name nobody
        self.cause_id = cause_id
        self.occurred_at = to_millisecond(occurred_at) if occurred_at else self.now
        self.ground: Ground | None = Ground(Authority.SYSTEM) if system else None
        self.events: list[PendingEvent] = []
        self._writes: list[_Write] = []
        self._places: dict[UUID, Place] = {}
        self._afterwards: list[tuple[str, tuple[Any, ...]]] = []
        self.expected_version: int | None = None
        self.paths = paths
        self.asks = asks
        self.flushed = False
        self.touched: set[str] = set()  # tags of the rows that events were recorded for

    # --- who and when ------------------------------------------------------------------------------------

    @property
    def person_id(self) -> UUID:
        """The person acting; refuses NOT_SIGNED_IN."""
        if self.viewer.person_id is None:
            raise Refusal("NOT_SIGNED_IN")
        return self.viewer.person_id

    @property
    def principal_id(self) -> UUID:
        """The actor in whose name this is done: someone at the desk, an organization, or oneself."""
        return self.acting.behalf_of_id or self.acting.for_id or self.person_id

    @property
    def happened_on(self) -> date:
        """The civil day on which it happens: today, or the day a clerk says."""
        return self.clock.civil_date(self.occurred_at)

    @property
    def recorded_on(self) -> date:
        """The civil day it is now: no window begins or ends on a day that somebody says."""
        return self.clock.civil_date(self.now)

    async def viewer_of(self, account_id: UUID) -> Viewer:
        """Who holds an account, as of now; ANONYMOUS when it is disabled."""
        transaction, cuts = self.transaction, self.kernel.cuts(await self.settings_book())
        return await viewer_of(transaction.fetch, transaction.database.dialect, account_id, self.now, cuts)

    @contextmanager
    def deciding_as(self, viewer: Viewer) -> Iterator[None]:
        """Meanwhile the server may do only what this person may; its events still name nobody."""
        before = self.viewer, self.system
        self.viewer, self.system, self._own = viewer, False, None
        try:
            yield
        finally:
            (self.viewer, self.system), self._own = before, None

    def port(self, port: Port[P], at: Model | None = None) -> P:
        """Whoever provides this port, or its null provider (`core.plugins.ports`).

        Refuses PLUGIN_DISABLED where there is neither; with `at` (a row read through this work) also where no plugin provides
        it, or the one that does is off there.
        """
        found: P | None = self.kernel.ports.get(port.name, port.null)
        provider = self.kernel.provider(port)
        if found is None or (at is not None and provider not in self.place(at).plugins):
            raise Refusal("PLUGIN_DISABLED", plugin=provider or port.name)
        return found

    # --- permission --------------------------------------------------------------------------------------

    def require(
        self, permission: str, at: Area | Model, *, owner: UUID | None = None, owners: Collection[UUID] = ()
    ) -> Ground:
        """Allow only who may do this where `at` (a row read through this work) lies; refuses NOT_PERMITTED.

        `owner` names the actor whose own matter it is, `owners` several: they, and who holds a mandate for them there, may
        do it too; of what is open to everybody, they alone (NOT_YOURS).
        Refuses PLUGIN_DISABLED where the permission's plugin is off, for the server itself as well.
        """
        self._declared(permission)
        return self._rest_on(self.entitled(permission, at, owner=owner, owners=owners))

    def entitled(
        self, permission: str, at: Area | Model, *, owner: UUID | None = None, owners: Collection[UUID] = ()
    ) -> Ground:
        """What `require` asks, of a permission that is not used but passed on (to a machine): the act does not rest on it."""
        decision = decide(
            self.book, self.viewer, self.acting, permission, self._places.get(at.pk, NOWHERE),
            owners=(owner,) if owner else owners, within=self.within, system=self.system,
        )  # fmt: skip
        if decision.ground is None:
            raise decision.refusal()
        return decision.ground

    def _declared(self, permission: str | None) -> None:
        """A mutation's rule asks for what the mutation declares, because that is what `can` answers for."""
        if self.asks is not None and permission not in self.asks:
            wanted = permission or "their own matter"
            raise GongzhiError(f"a rule asked for {wanted}, which its mutation does not declare")

    def own_matter(self) -> Ground:
        """What a person may always do with what is theirs alone (their token, their password); no area involved."""
        self._declared(None)
        if self.acting.for_id is not None or self.acting.behalf_of_id is not None:
            raise Refusal("ONLY_ONESELF")
        self.in_person()
        return self._rest_on(Ground(Authority.SYSTEM if self.system else Authority.SELF))

    def in_person(self) -> None:
        """Refuse what is no machine's to do (TOKEN_SCOPE)."""
        if self.viewer.scope is not None:
            raise Refusal("TOKEN_SCOPE", **self.viewer.scope.told)

    def _rest_on(self, ground: Ground) -> Ground:
        late = self.now - self.occurred_at
        if late and not self.system:
            if late > LATEST_ENTRY:
                raise Refusal("TOO_LONG_AGO", path=("occurredAt",), days=LATEST_ENTRY.days)
            if ground.authority is not Authority.ROLE:
                raise Refusal("ONLY_NOW", path=("occurredAt",))
        self.ground = Ground(Authority.SYSTEM) if self.by_server else ground
        return ground

    def expect_version(self, row: Logged) -> None:
        """Refuse VERSION_CONFLICT when the client's `expectedVersion` is not the row's."""
        if self.expected_version is not None and self.expected_version != row.version:
            raise Conflict(expected=self.expected_version, actual=row.version, current=row)


__all__ = ["LATEST_ENTRY", "PendingEvent", "Work"]
