"""The unit of work: permission, rule, rows, event, idempotency and version in one transaction, few round trips.

A rule reads and locks rows, asks `require`, queues `add` and `change`, and names what happened with `record`.
Nothing is written before the rule has ended; then events go first and rows after them, so that the database can
check that every row it takes has an event behind it (INV22) and every event an authority (INV13).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload
from uuid import UUID

from tortoise.models import Model

from core.access import LATELY, Acting, Ground, Viewer, entered_by, own_sql, viewer_of
from core.clock import to_millisecond
from core.database import Transaction
from core.database.batch import Batch, Raw, among, spread
from core.database.dialect import POSTGRES, Dialect
from core.decisions import NOWHERE, Place, decide
from core.enums import Authority
from core.errors import Conflict, GongzhiError, Refusal
from core.ids import new_id
from core.kernel import Kernel
from core.models import Actor, Area, Entity, Logged
from core.models.event import EPOCH_BASE
from core.ports import Port
from core.search import ENTRY, TERM, entry_of, is_renamed
from core.settings import Settings, SettingsBook
from core.settings.store import as_uuid

if TYPE_CHECKING:
    from core.events import EventRecord

M = TypeVar("M", bound=Model)
N = TypeVar("N", bound=Model)
P = TypeVar("P")
L = TypeVar("L", bound=Logged)

EVENTS = 400  # to a statement
LATEST_ENTRY = timedelta(days=92)  # how long after the fact something may be entered at the desk
S = TypeVar("S", bound=Settings)


@dataclass
class PendingEvent:
    id: UUID
    type: str
    plugin: str
    area_id: UUID | None
    subject: Entity
    ground: Ground
    data: dict[str, Any]
    occurred_at: datetime
    text: dict[str, str]
    transitions: list[tuple[str, UUID, str | None, str | None]] = field(default_factory=list)


@dataclass
class _Write:
    row: Entity
    changed: dict[str, Any] | None  # None: a new row
    expected: int = 0
    from_state: Any = None
    event: PendingEvent | None = None


class Work:
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

    # --- who ---------------------------------------------------------------------------------------------

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

    async def concerned_in(self, *actor_ids: UUID, or_among: str = "", values: Sequence[Any] = ()) -> bool:
        """Is the matter of one of these actors the person's own, in any of their hats (INV10)?

        `or_among` is a SELECT of more of them, with `{}` for each of its `values`, asked in the same statement.
        """
        if not or_among:
            return not (await self.own()).isdisjoint(actor_ids)
        own, known = self._own_sql()
        known += [*actor_ids, *values]
        marks = [f"{{{n}}}" for n in range(len(known))]
        more = or_among.format(*marks[len(known) - len(values) :])
        named = ", ".join(marks[len(known) - len(values) - len(actor_ids) : len(known) - len(values)]) or "NULL"
        return bool(
            await self.rows(
                f"SELECT 1 AS yes FROM ({own}) o WHERE o.id IN ({named}) OR o.id IN ({more}) LIMIT 1", *known
            )
        )

    async def not_own(self, *actor_ids: UUID | None) -> None:
        """Refuses OWN_MATTER (INV10) where one of them is the person, or somebody they belong to or act for."""
        named = [id for id in actor_ids if id is not None]
        if named and await self.concerned_in(*named):
            raise Refusal("OWN_MATTER")

    async def not_at_the_desk_of(self, *actor_ids: UUID | None) -> None:
        """Refuses OWN_MATTER (INV10) where one of them, say who decided what is appealed against, enters it at the desk
        for somebody else. Nobody is kept from what they do in their own name."""
        person, named = self.viewer.person_id, [id for id in actor_ids if id is not None]
        if self.acting.behalf_of_id is not None and person is not None and named:
            cast = "::uuid" if self.transaction.database.dialect is POSTGRES else ""
            own = own_sql(f"{{2}}{cast}", "{0}", "{1}")
            marks = ", ".join(f"{{{n + 3}}}" for n in range(len(named)))
            sql = f"SELECT 1 AS yes FROM ({own}) o WHERE o.id IN ({marks}) LIMIT 1"
            if await self.rows(sql, self.now, self.now - LATELY, person, *named):
                raise Refusal("OWN_MATTER")

    async def not_entered(self, row: Entity, *types: str) -> None:
        """Refuses ENTERED_BY_YOU (INV10) where the person who decides about a row did something about it at the desk for
        somebody else: an event of one of these types, or of any."""
        if self.viewer.person_id is not None:
            entered = entered_by("{0}", "{1}", *types)
            if await self.rows(f"SELECT 1 AS yes WHERE {entered}", self.viewer.person_id, row.id):
                raise Refusal("ENTERED_BY_YOU")

    async def own(self) -> frozenset[UUID]:
        """Whose matter is the person's own, and at the desk that of whom they act for (`core.access.own_sql`)."""
        if self._own is None:
            sql, values = self._own_sql()
            self._own = (
                frozenset(as_uuid(row["id"]) for row in await self.rows(sql, *values)) if values else frozenset()
            )
        return self._own

    def _own_sql(self) -> tuple[str, list[Any]]:
        people = [id for id in (self.viewer.person_id, self.acting.behalf_of_id) if id is not None]
        cast = "::uuid" if self.transaction.database.dialect is POSTGRES else ""
        each = [own_sql(f"{{{n + 2}}}{cast}", "{0}", "{1}") for n in range(len(people))]
        return " UNION ".join(each) or "SELECT id FROM core_actor WHERE 1 = 0", (
            [self.now, self.now - LATELY, *people] if people else []
        )

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

    # --- reading -----------------------------------------------------------------------------------------

    def is_over(self, until: datetime | None) -> bool:
        """Has this passed by the moment of asking? Whoever was waited for may have ended it after this work began."""
        return until is not None and until <= self.clock.now()

    async def lock(self, model: type[M], id: UUID) -> M:
        """The row, held until the end of the transaction; refuses NOT_FOUND. A merged actor's id gives the one kept."""
        return await self._one(model, id, lock=True)

    async def get(self, model: type[M], id: UUID) -> M:
        """The row without holding it; refuses NOT_FOUND."""
        return await self._one(model, id, lock=False)

    async def _one(self, model: type[M], id: UUID, *, lock: bool) -> M:
        rows = await self._select(model, "t.id = {}", [id], lock=lock)
        found = rows[0] if rows else None
        if isinstance(found, Actor) and found.gone_at is not None:
            if found.merged_into_id is not None:
                return await self._one(model, found.merged_into_id, lock=lock)
            found = None
        if found is None:
            raise self._not_found(model, id)
        return found

    def _not_found(self, model: type[Model], id: UUID) -> Refusal:
        tag = getattr(model, "tag", model.__name__)
        return Refusal("NOT_FOUND", path=self.paths().get(f"{tag}_{id}", ()), kind=tag)

    async def lock_with(self, model: type[M], id: UUID, above: type[N]) -> tuple[N, M]:
        """The row that row `id` of `model` points at by its foreign key to `above`, and the row itself, both held, the
        one above first; refuses NOT_FOUND."""
        keys = [f for f in model._meta.fields_map.values() if getattr(f, "related_model", None) is above]
        if len(keys) != 1:
            raise GongzhiError(f"{model.__name__} has {len(keys)} foreign keys to {above.__name__}")
        dialect = self.transaction.database.dialect
        upper, lower = _columns(above, "u", dialect), _columns(model, "t", dialect)
        hold = f"{dialect.lock} OF u, t" if dialect.lock else ""
        rows = await self.transaction.fetch(
            f"SELECT {upper.sql}, {lower.sql} FROM {above._meta.db_table} u JOIN {model._meta.db_table} t"
            f" ON t.{keys[0].source_field} = u.id WHERE t.id = {dialect.mark(1)}{hold}",
            id,
        )
        if not rows:
            raise self._not_found(model, id)
        return self._made(upper, rows[0]), self._made(lower, rows[0])

    @overload
    async def heard(self, event: EventRecord, model: type[M], *, above: None = None, **columns: Any) -> M | None: ...
    @overload
    async def heard(
        self, event: EventRecord, model: type[M], *, above: type[N], **columns: Any
    ) -> tuple[N, M] | None: ...
    async def heard(
        self, event: EventRecord, model: type[M], *, above: type[N] | None = None, **columns: Any
    ) -> M | tuple[N, M] | None:
        """The row of `model` that another mechanism tells about (`subjectTag`, `subjectId`), held, where its columns still are
        so: `state=VOTING, ballot_id=event.data["ballot"]`; with the row `above` it (`lock_with`). None where they are not,
        null among them, or where the event is about something else."""
        if event.data.get("subjectTag") != getattr(model, "tag", None):
            return None
        id = UUID(event.data["subjectId"])
        higher, row = (None, await self.lock(model, id)) if above is None else await self.lock_with(model, id, above)
        if any(getattr(row, name) is None or str(getattr(row, name)) != str(value) for name, value in columns.items()):
            return None
        return row if higher is None else (higher, row)

    async def find(self, model: type[M], **equals: Any) -> M | None:
        """The only row with these column values, or None."""
        rows = await self.select(model, **equals)
        return rows[0] if rows else None

    async def select(self, model: type[M], *, lock: bool = False, **equals: Any) -> list[M]:
        """Rows with these column values (a list means "one of"), oldest first."""
        conditions, values = [], []
        for column, value in equals.items():
            if isinstance(value, (list, tuple, set, frozenset)):
                conditions.append(f"t.{column} IN ({', '.join(['{}'] * len(value)) or 'NULL'})")
                values += list(value)
            elif value is None:
                conditions.append(f"t.{column} IS NULL")
            else:
                conditions.append(f"t.{column} = {{}}")
                values.append(value)
        return await self._select(model, " AND ".join(conditions) or "1 = 1", values, lock=lock)

    async def _select(self, model: type[M], condition: str, values: list[Any], *, lock: bool) -> list[M]:
        dialect = self.transaction.database.dialect
        columns = _columns(model, "t", dialect)
        key = "seq" if "seq" in columns.names else model._meta.db_pk_column
        marks = [dialect.mark(i + 1) for i in range(len(values))]
        sql = (
            f"SELECT {columns.sql} FROM {model._meta.db_table} t"
            f" WHERE {condition.format(*marks)} ORDER BY t.{key}{dialect.lock + ' OF t' if lock and dialect.lock else ''}"
        )
        return [self._made(columns, record) for record in await self.transaction.fetch(sql, *values)]

    def _made(self, columns: _Columns[M], record: Any) -> M:
        row = columns.model._init_from_db(**{c: record[f"{columns.alias}_{c}"] for c in columns.names})
        if columns.placed:
            above, plugins = record[f"{columns.alias}_gz_above"], record[f"{columns.alias}_gz_plugins"]
            self._places[row.pk] = Place.read(above, plugins, self.now)
        return row

    def knows_place(self, row: Model) -> bool:
        """Was the row read through this work, and has it an area of its own?"""
        return row.pk in self._places

    def place(self, row: Model) -> Place:
        """Where a row lies that was read through this work."""
        return self._places[row.pk]

    async def settings(self, model: type[S], at: Model, *, version: int | None = None) -> S:
        """What holds where `at` lies: the newest settings, or those of the version a process began with."""
        book = await self.settings_book(version)
        found: S = book.values(self.kernel.settings.by_model[model], self.place(at).chain)
        return found

    async def settings_book(self, version: int | None = None) -> SettingsBook:
        """Everything that areas have set, as of a version; the newest unless told."""
        mark, store = self.transaction.database.dialect.mark, self.kernel.settings
        wanted = await self.settings_version() if version is None else version
        return await store.book(self.transaction.fetch, mark, wanted, remember=not self.changes_settings)

    async def settings_version(self) -> int:
        """The version in force, for a process to keep that should go on under the rules it began with."""
        if self._settings is None:
            self._settings = await self.kernel.settings.version(self.transaction.fetch)
        return self._settings

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

    def hold(self, alias: str) -> str:
        """The end of a statement of the rule's own that holds the rows of `alias` until the end of the transaction;
        others may still refer to them. Nothing on SQLite, where one transaction writes at a time."""
        return f" FOR NO KEY UPDATE OF {alias}" if self.transaction.database.dialect.lock else ""

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        """A statement of the rule's own; `{}` stands for each parameter."""
        mark = self.transaction.database.dialect.mark
        return await self.transaction.fetch(sql.format(*(mark(i + 1) for i in range(len(values)))), *values)

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

    def queued(self, model: type[M]) -> list[M]:
        """New rows of this model that wait to be written, in order."""
        return [w.row for w in self._writes if w.changed is None and isinstance(w.row, model)]

    def changed(self, model: type[M]) -> list[M]:
        """Rows of this model with new values that wait to be written, in order."""
        return [w.row for w in self._writes if w.changed is not None and isinstance(w.row, model)]

    # --- writing -----------------------------------------------------------------------------------------

    def add(self, row: L) -> L:
        """Queue a new row; the next `record` speaks for it."""
        self._writes.append(_Write(row, None))
        return row

    def append(self, row: Entity) -> None:
        """Queue a bookkeeping row that has no life of its own (closure rows, ledger entries): no transition."""
        self._writes.append(_Write(row, None))

    def change(self, row: L, **values: Any) -> L:
        """Queue new column values; the row's version goes up by one and must not have moved meanwhile."""
        pending = next((w for w in self._writes if w.row is row and w.event is None), None)
        before = getattr(row, "state", None)
        for name, value in values.items():
            setattr(row, name, value)
        if pending is None:
            row.version += 1
            changed = {**values, "version": row.version}
            self._writes.append(_Write(row, changed, expected=row.version - 1, from_state=before))
        elif pending.changed is not None:
            pending.changed.update(values)
        return row

    def patch(self, row: Entity, **values: Any) -> None:
        """Queue new values of a bookkeeping row (no version, no transition)."""
        self._writes.append(_Write(row, values, -1))

    def record(
        self,
        type: str,
        subject: Entity,
        *,
        area_id: UUID | None,
        data: dict[str, Any] | None = None,
        text: dict[str, str | None] | None = None,
        occurred_at: datetime | None = None,
    ) -> PendingEvent:
        """Name what happened; every row queued since the last `record` belongs to it."""
        if self.ground is None:
            raise GongzhiError(f"{type}: a rule recorded an event without asking `require` first")
        owner = self.kernel.owner(type)
        if owner != "core" and type not in self.kernel.manifests[owner].events_out:
            raise GongzhiError(f"{type}: not listed under events_out in the plugin.toml of {owner}")
        event = PendingEvent(
            id=new_id(),
            type=type,
            plugin=owner,
            area_id=area_id,
            subject=subject,
            ground=self.ground,
            data=data or {},
            occurred_at=to_millisecond(occurred_at) if occurred_at else self.occurred_at,
            text={k: v for k, v in {"behalfEvidence": self.acting.evidence, **(text or {})}.items() if v},
        )
        for write in self._writes:
            if write.event is not None:
                continue
            write.event = event
            self.touched.add(write.row.tag if write.changed is not None else f"new {write.row.tag}")
            if isinstance(write.row, Logged):
                state = getattr(write.row, "state", None)
                event.transitions.append((write.row.tag, write.row.id, _text(write.from_state), _text(state)))
                write.row.event_id = event.id
        self.events.append(event)
        return event

    def then(self, sql: str, *values: Any) -> None:
        """Queue a statement that runs after the rows are written (derived tables); `{}` stands for each parameter."""
        self._afterwards.append((sql, values))

    async def flush_now(self) -> None:
        """Write what is queued so far, within the same transaction, so that later steps can read it."""
        await self.flush()
        self.events, self._writes = [], []
        self.flushed = True

    async def flush(self, outcome: tuple[UUID, str] | None = None) -> None:
        """Write everything queued. `outcome` is the idempotency record to complete: (id, JSON)."""
        if any(w.event is None for w in self._writes):
            raise GongzhiError("a rule queued rows and recorded no event for them")
        batch = Batch(self.transaction)
        for start in range(0, len(self.events), EVENTS):
            self._add_events(batch, self.events[start : start + EVENTS])
        for write in self._writes:
            if write.changed is None:
                batch.insert(write.row)
            else:
                batch.update(write.row, self._changed(write), write.expected)
        new = [w.row for w in self._writes if w.changed is None]
        renamed = [w.row for w in self._writes if w.changed is not None and is_renamed(w.row, w.changed)]
        _add_names(batch, new, renamed)
        if outcome is not None:
            batch.add("UPDATE core_idempotency SET outcome =", [outcome[1], Raw(" WHERE id = "), outcome[0]])
        await batch.run()
        for sql, values in self._afterwards:
            await self.rows(sql, *values)
        self._afterwards = []

    async def index(self, new: Sequence[Entity], renamed: Sequence[Entity] = ()) -> None:
        """Write what these rows are found by (`core.search`), in place of what the renamed ones were found by."""
        batch = Batch(self.transaction)
        _add_names(batch, new, renamed)
        await batch.run()

    @staticmethod
    def _changed(write: _Write) -> dict[str, Any]:
        assert write.changed is not None
        return {**write.changed, "event_id": write.row.event_id} if isinstance(write.row, Logged) else write.changed

    def _add_events(self, batch: Batch, events: list[PendingEvent]) -> None:
        is_postgres = self.transaction.database.dialect is POSTGRES
        xact = f"pg_current_xact_id()::text::bigint + {EPOCH_BASE}" if is_postgres else "0"
        names = (
            "id, transaction_id, type, plugin, area_id, subject_tag, subject_id, actor_id, token_id, authority, permission,"
            " grant_id, mandate_id, deputy_id, behalf_of_id, behalf_basis, cause_id, data, occurred_at, recorded_at"
        )
        rows = [
            [
                event.id,
                Raw(xact),
                event.type,
                event.plugin,
                event.area_id,
                event.subject.tag,
                event.subject.id,
                None if self.by_server else self.viewer.person_id,
                None if self.by_server or self.viewer.scope is None else self.viewer.scope.token_id,
                event.ground.authority,
                event.ground.permission,
                event.ground.grant_id,
                event.ground.mandate_id,
                self.viewer.deputy_for(event.ground.grant_id),
                None if self.by_server else self.acting.behalf_of_id,
                None if self.by_server else self.acting.basis,
                self.cause_id,
                event.data,
                event.occurred_at,
                self.now,
            ]
            for event in events
        ]
        batch.add(f"INSERT INTO core_event ({names}) VALUES", spread(rows))
        transitions = [[new_id(), e.id, *t] for e in events for t in e.transitions]
        columns = ("id", "event_id", "subject_tag", "subject_id", "from_state", "to_state")
        batch.insert_values("core_transition", columns, transitions)
        texts = [[new_id(), e.id, key, value, self.now] for e in events for key, value in e.text.items()]
        if texts:
            batch.add("INSERT INTO core_event_text (id, event_id, key, text, recorded_at) VALUES", spread(texts))


def _add_names(batch: Batch, new: Sequence[Entity], renamed: Sequence[Entity]) -> None:
    again = tuple(row.id for row in renamed)
    if again:
        batch.add("DELETE FROM core_search_entry WHERE", [*among("id", again)], ids=again)
    for rows, ids in (([r for r in new if r.id not in again], ()), (renamed, again)):
        latest = {row.id: row for row in rows}.values()
        found = [made for row in latest if (made := entry_of(row, str(type(row)._meta.app))) is not None]
        batch.insert_values("core_search_entry", ENTRY, [entry for entry, _ in found], ids)
        batch.insert_values("core_search_term", TERM, [term for _, terms in found for term in terms], ids)


class _Columns(Generic[M]):
    """What is read of a model, under an alias: its columns; and where it lies in an area, the areas above (with their
    distance) and the plugins that are on there, as JSON."""

    def __init__(self, model: type[M], alias: str, dialect: Dialect) -> None:
        self.model, self.alias = model, alias
        self.names = list(model._meta.fields_db_projection.values())
        self.placed = model is Area or "area_id" in self.names
        parts = [f"{alias}.{c} AS {alias}_{c}" for c in self.names]
        if self.placed:
            area = f"{alias}.{'id' if model is Area else 'area_id'}"
            rows, pair = ("json_agg", "json_build_array") if dialect is POSTGRES else ("json_group_array", "json_array")
            parts.append(
                f"(SELECT {rows}({pair}(c.ancestor_id, c.depth)) FROM core_area_closure c"
                f" WHERE c.descendant_id = {area} AND c.until IS NULL) AS {alias}_gz_above"
            )
            parts.append(
                f"(SELECT {rows}({pair}(p.plugin, p.until)) FROM core_plugin_area p WHERE p.area_id = {area})"
                f" AS {alias}_gz_plugins"
            )
        self.sql = ", ".join(parts)


@cache
def _columns(model: type[M], alias: str, dialect: Dialect) -> _Columns[M]:
    return _Columns(model, alias, dialect)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
