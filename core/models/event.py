"""The event log: audit, bus and history in one. Append-only, and held so by the database (INV22, INV13)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from core.access import roles_sql
from core.database.guards import Guard, append_only, check, index, refuse, unique
from core.enums import Authority, BehalfBasis
from core.models.account import OF_AN_ACCOUNT
from core.models.base import Entity
from core.personal import Keep, Text, impersonal, personal

# What is added to the transaction ids of this cluster (PostgreSQL); see Epoch.
EPOCH_BASE = "(SELECT coalesce(max(base), 0) FROM core_epoch)"
# Does an active grant of a role that carries the permission cover the event's area, for this very person, and has no
# area at or above it cut the permission from the role (`core.settings.cuts`)?
_GRANT_COVERS = f"""EXISTS (
    SELECT 1 FROM ({roles_sql("NEW.recorded_at", of="NEW.actor_id", given="g.id = NEW.grant_id")}) r
    JOIN core_area_closure c ON c.ancestor_id = r.area_id AND c.descendant_id = NEW.area_id AND c.until IS NULL
    JOIN core_role_permission p ON p.role = r.role AND p.permission_id = NEW.permission
    WHERE (r.deputy_id IS NULL OR r.deputy_id = NEW.deputy_id)
      AND NOT EXISTS (
        SELECT 1 FROM core_area_closure x JOIN core_setting s ON s.area_id = x.ancestor_id
        WHERE x.descendant_id = NEW.area_id AND x.until IS NULL
          AND s.plugin = 'permissions' AND s.key = NEW.permission AND s.until_version IS NULL
          AND replace(s.value, '"' || r.role || '"', '') = s.value
          AND (s.origin = 'FILE' OR NOT EXISTS (SELECT 1 FROM core_setting f
               WHERE f.area_id = s.area_id AND f.plugin = s.plugin AND f.key = s.key AND f.origin = 'FILE'
                 AND f.until_version IS NULL))))"""
_MANDATE_COVERS = """EXISTS (
    SELECT 1 FROM core_mandate m
    JOIN core_area_closure c ON c.ancestor_id = m.area_id AND c.descendant_id = NEW.area_id AND c.until IS NULL
    WHERE m.id = NEW.mandate_id AND m.person_id = NEW.actor_id AND m.state = 'ACTIVE'
      AND m.since <= NEW.recorded_at AND (m.until IS NULL OR m.until > NEW.recorded_at))"""


# Whose the words are that came with an event `e`: what was said about the people, what they said in their own matters, and
# what a clerk noted who acted for them; not what somebody said in an office.
ONES_WORDS = (
    "(e.subject_id IN ({ids}) OR e.behalf_of_id IN ({ids})"
    " OR (e.actor_id IN ({ids}) AND e.authority IN ('SELF', 'OPEN')))"
)
OF_ONES_EVENTS = f"t.event_id IN (SELECT e.id FROM core_event e WHERE {ONES_WORDS})"

_EVENTS_AREA = "(SELECT e.area_id FROM core_event e WHERE e.id = t.event_id)"
_GUARDIAN = """EXISTS (
    SELECT 1 FROM core_guardianship g WHERE g.guardian_id = NEW.actor_id AND g.ward_id = NEW.behalf_of_id
      AND g.state = 'ACTIVE' AND g.since <= NEW.recorded_at AND (g.until IS NULL OR g.until > NEW.recorded_at))"""


class Event(Model):
    """Who did what, where, when it happened and when it was recorded, on what authority and for whom. Where a machine of
    theirs did it, `token_id` is its token's.

    Holds ids and codes only; free text lives in EventText and may be erased. `seq` orders the log; on PostgreSQL
    `transaction_id` (the cluster's own, plus the base of the `Epoch`) lets a reader stay behind transactions that are
    still open.
    """

    seq = fields.BigIntField(primary_key=True, generated=True)
    id = fields.UUIDField(unique=True)
    transaction_id = fields.BigIntField(default=0)
    type = fields.CharField(max_length=100)
    plugin = fields.CharField(max_length=40, default="core")
    area_id = fields.UUIDField(null=True)
    subject_tag = fields.CharField(max_length=41)
    subject_id = fields.UUIDField()
    actor_id = fields.UUIDField(null=True)
    token_id = fields.UUIDField(null=True)
    authority = fields.CharEnumField(Authority, description=Authority.__name__, max_length=40)
    permission = fields.CharField(max_length=100, null=True)
    grant_id = fields.UUIDField(null=True)
    mandate_id = fields.UUIDField(null=True)
    deputy_id = fields.UUIDField(null=True)
    behalf_of_id = fields.UUIDField(null=True)
    behalf_basis = fields.CharEnumField(BehalfBasis, description=BehalfBasis.__name__, max_length=40, null=True)
    cause_id = fields.UUIDField(null=True)
    data: fields.Field[dict[str, object]] = fields.JSONField(default=dict)
    occurred_at = fields.DatetimeField()
    recorded_at = fields.DatetimeField()

    tag: ClassVar[str] = "event"
    called: ClassVar[tuple[str, str]] = ("Events", "事件")
    about: ClassVar[tuple[str, ...]] = ("t.subject_id IN ({ids})", "t.actor_id IN ({ids})", "t.behalf_of_id IN ({ids})")
    texts: ClassVar[tuple[Text, ...]] = impersonal("type", "plugin", "subject_tag", "permission", "data")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        check("not_from_the_future", "NEW.occurred_at <= NEW.recorded_at", "IN_THE_FUTURE"),
        check("someone_did_it", "(NEW.actor_id IS NULL) = (NEW.authority = 'SYSTEM')", "UNLOGGED_CHANGE"),
        check("behalf_has_basis", "(NEW.behalf_of_id IS NULL) = (NEW.behalf_basis IS NULL)", "UNLOGGED_CHANGE"),
        refuse(
            "inv13_role",
            "INSERT",
            f"NEW.authority = 'ROLE' AND NOT {_GRANT_COVERS}",
            "OUTSIDE_MANDATE",
        ),
        refuse(
            "inv13_mandate",
            "INSERT",
            f"(NEW.mandate_id IS NOT NULL OR NEW.authority = 'MANDATE') AND NOT {_MANDATE_COVERS}",
            "OUTSIDE_MANDATE",
        ),
        refuse(
            "inv13_guardian",
            "INSERT",
            f"NEW.authority = 'GUARDIAN' AND NOT {_GUARDIAN}",
            "OUTSIDE_MANDATE",
        ),
        refuse(
            "inv13_open",
            "INSERT",
            "NEW.authority = 'OPEN' AND NOT EXISTS"
            " (SELECT 1 FROM core_permission p WHERE p.key = NEW.permission AND p.is_open)",
            "OUTSIDE_MANDATE",
        ),
        refuse(
            "inv13_enabled",
            "INSERT",
            "NEW.plugin <> 'core' AND NEW.area_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM core_plugin_area p"
            " WHERE p.plugin = NEW.plugin AND p.area_id = NEW.area_id"
            " AND (p.until IS NULL OR p.until > NEW.recorded_at))",
            "PLUGIN_DISABLED",
        ),
        index("transaction_id", "seq"),
        index("type", "seq"),
        index("type", "transaction_id", "seq"),
        index("area_id", "seq"),
        index("subject_id", "seq"),
        index("actor_id", "seq"),
        index("behalf_of_id", where="behalf_of_id IS NOT NULL"),
        index("cause_id"),
        unique("cause_id", where="type = 'core.event.undone'", code="ALREADY_UNDONE"),
    )

    class Meta:
        table = "core_event"


class Transition(Entity):
    """One row an event touched, and the states it went from and to (null where the row has none)."""

    tag: ClassVar[str] = "transition"

    event: fields.ForeignKeyRelation[Event] = fields.ForeignKeyField(
        "core.Event", to_field="id", on_delete=fields.RESTRICT, related_name=False
    )
    event_id: UUID
    subject_tag = fields.CharField(max_length=41)
    subject_id = fields.UUIDField()
    from_state = fields.CharField(max_length=40, null=True)
    to_state = fields.CharField(max_length=40, null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("subject_tag", "from_state", "to_state")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        index("subject_id"),
        unique("event_id", "subject_id", code="INTERNAL"),
    )

    class Meta:
        table = "core_transition"


class EventText(Entity):
    """Free text that came with an event (a reason, a note); erasable, unlike the event, and kept for a time only."""

    tag: ClassVar[str] = "eventtext"
    called: ClassVar[tuple[str, str]] = ("Words of events", "事件说明")

    event: fields.ForeignKeyRelation[Event] = fields.ForeignKeyField(
        "core.Event", to_field="id", on_delete=fields.RESTRICT, related_name=False
    )
    event_id: UUID
    key = fields.CharField(max_length=40)
    text = fields.TextField()
    recorded_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("key"),
        personal(
            "text",
            of=OF_ONES_EVENTS,
            goes=True,
            keep=Keep("recorded_at", "event_text_days", _EVENTS_AREA),
        ),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("event_id", "key", code="INTERNAL"),
        index("recorded_at"),
    )

    class Meta:
        table = "core_event_text"


class Idempotency(Entity):
    """One effect per account, mutation and key; `outcome` holds the ids to read again (kept 7 days)."""

    tag: ClassVar[str] = "idempotency"
    called: ClassVar[tuple[str, str]] = ("Keys of requests sent twice", "幂等键")

    account_id = fields.UUIDField()
    mutation = fields.CharField(max_length=100)
    key = fields.CharField(max_length=200)
    input_hash = fields.CharField(max_length=64)
    outcome = fields.TextField(null=True)
    created_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("mutation", "input_hash", "outcome"),
        personal("key", of=OF_AN_ACCOUNT, goes=True),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("account_id", "mutation", "key", code="INTERNAL"),
        index("created_at"),
    )

    class Meta:
        table = "core_idempotency"


class Delivery(Model):
    """How far one event handler has read: everything up to (transaction_id, seq) is done."""

    handler = fields.CharField(primary_key=True, max_length=200)
    transaction_id = fields.BigIntField(default=0)
    seq = fields.BigIntField(default=0)

    tag: ClassVar[str] = "delivery"
    texts: ClassVar[tuple[Text, ...]] = impersonal("handler")

    guards: ClassVar[tuple[Guard, ...]] = ()

    class Meta:
        table = "core_delivery"


class Epoch(Entity):
    """The database came to another PostgreSQL cluster, whose transaction ids begin anew: `base` is added to them since,
    so that new events go on coming after old ones. The latest base is the greatest; there is none in the first cluster.
    """

    base = fields.BigIntField()
    began_at = fields.DatetimeField()

    tag: ClassVar[str] = "epoch"
    guards: ClassVar[tuple[Guard, ...]] = (unique("base", code="INTERNAL"),)

    class Meta:
        table = "core_epoch"


class DeliverySkipped(Entity):
    """An event that came while the handler's plugin was off where it happened; delivered only by `plugin replay`."""

    tag: ClassVar[str] = "deliveryskipped"

    handler = fields.CharField(max_length=200)
    plugin = fields.CharField(max_length=40)
    event_id = fields.UUIDField()
    area_id = fields.UUIDField()
    skipped_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("handler", "plugin")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("handler", "event_id", code="INTERNAL"),
        index("plugin", "area_id"),
    )

    class Meta:
        table = "core_delivery_skipped"


class DeliveryFailure(Entity):
    """An event a handler could not digest: set aside so that later events still arrive; `plugin replay` tries again."""

    tag: ClassVar[str] = "deliveryfailure"
    called: ClassVar[tuple[str, str]] = ("Events that a mechanism failed at", "机制未能处理的事件")

    handler = fields.CharField(max_length=200)
    plugin = fields.CharField(max_length=40)
    event_id = fields.UUIDField()
    error = fields.TextField()
    failed_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("handler", "plugin"),
        personal("error", of=OF_ONES_EVENTS, keep=Keep("failed_at", "event_text_days", _EVENTS_AREA)),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("handler", "event_id", code="INTERNAL"),
        index("plugin"),
    )

    class Meta:
        table = "core_delivery_failure"
