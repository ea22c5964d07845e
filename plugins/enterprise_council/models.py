"""What is kept of enterprises in co-governance: their seats and share, compacts, concerns, and what they solve themselves."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import at_the_desk_of, entered_by, own_matter
from core.agreement import Agreement, Signature
from core.database.guards import Guard, append_only, by_event, check, index, refuse, same, unique
from core.models import Actor, Area, Logged, references
from core.personal import Keep, Text, impersonal, personal
from plugins.enterprise_council.terms import (
    CommitmentState,
    ConcernState,
    EnterpriseSeatState,
    PartyRole,
    SeatEnd,
    SelfHelpState,
)


def _is_no(actor: str, kind: str) -> str:
    return f"NOT EXISTS (SELECT 1 FROM core_actor a WHERE a.id = {actor} AND a.kind = '{kind}')"


class EnterpriseShare(Logged):
    """How many of a body's seats are the enterprises', and how many have a representative; as councils tell."""

    tag: ClassVar[str] = "enterprise_council_share"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body_id = fields.UUIDField()
    body_name = fields.CharField(max_length=200)
    size = fields.IntField()
    seats = fields.IntField()
    taken = fields.IntField()
    is_whole = fields.BooleanField()
    is_valid = fields.BooleanField()
    changed_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("body_name")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("body_id", code="INTERNAL"),
        check("counts", "NEW.seats BETWEEN 0 AND NEW.size AND NEW.taken >= 0"),
        check("whole", "NEW.is_whole = (NEW.taken = NEW.seats)"),
        refuse("stays", "UPDATE", "NEW.body_id <> OLD.body_id", "APPEND_ONLY"),
        index("area_id", "body_name"),
        index("body_name"),
    )

    class Meta:
        table = "enterprise_council_share"


class EnterpriseSeat(Logged):
    """An enterprise's seat in a body: `number` of its `seats`. It sits through a representative (`council_seat_id`), and
    keeps the seat while it has none, until the term is over or it leaves; meanwhile the composition is defective."""

    tag: ClassVar[str] = "enterprise_council_seat"
    called: ClassVar[tuple[str, str]] = ("Enterprise seats", "企业席位")
    refers: ClassVar[dict[str, str]] = {"body_id": "councils_body", "council_seat_id": "councils_seat"}

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body_id = fields.UUIDField()
    number = fields.IntField()
    seats = fields.IntField()
    enterprise: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    enterprise_id: UUID
    representative: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    representative_id: UUID | None
    council_seat_id = fields.UUIDField(null=True)
    letter = fields.CharField(max_length=200)
    state = fields.CharEnumField(EnterpriseSeatState, description="EnterpriseSeatState", max_length=40)
    since = fields.DateField()
    term_end = fields.DateField()
    ended_on = fields.DateField(null=True)
    ended_because = fields.CharEnumField(SeatEnd, description="SeatEnd", max_length=40, null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("letter")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("body_id", "number", where="state <> 'ENDED'", code="ENTERPRISE_SEATS_FULL"),
        unique("body_id", "enterprise_id", where="state <> 'ENDED'", code="ENTERPRISE_SEATED"),
        unique("council_seat_id", where="state = 'HELD'", code="INTERNAL"),
        check("one_of_so_many", "NEW.number BETWEEN 1 AND NEW.seats", "ENTERPRISE_SEATS_FULL"),
        check(
            "held_by_somebody",
            "NEW.state <> 'HELD' OR (NEW.representative_id IS NOT NULL AND NEW.council_seat_id IS NOT NULL)",
        ),
        check("vacant", "NEW.state <> 'VACANT' OR NEW.council_seat_id IS NULL"),
        check(
            "ended",
            "(NEW.state = 'ENDED') = (NEW.ended_on IS NOT NULL)"
            " AND (NEW.ended_on IS NULL) = (NEW.ended_because IS NULL)",
        ),
        refuse("of_an_enterprise", "INSERT", _is_no("NEW.enterprise_id", "ENTERPRISE"), "NOT_AN_ENTERPRISE"),
        refuse(
            "of_who_is_here",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM core_membership m JOIN core_area_closure c ON c.descendant_id = m.area_id"
            " AND c.ancestor_id = NEW.area_id AND c.until IS NULL WHERE m.actor_id = NEW.enterprise_id"
            " AND m.role = 'RESIDENT_UNIT' AND m.state = 'ACTIVE')",
            "ENTERPRISE_NOT_HERE",
        ),
        refuse(
            "stays",
            "UPDATE",
            "NEW.body_id <> OLD.body_id OR NEW.number <> OLD.number OR NEW.since <> OLD.since"
            f" OR NEW.term_end <> OLD.term_end OR (NEW.enterprise_id <> OLD.enterprise_id AND NOT {by_event('enterprise_council.seat.merged')})",
            "APPEND_ONLY",
        ),
        refuse("ended_for_good", "UPDATE", f"OLD.state = 'ENDED' AND NOT {by_event('enterprise_council.seat.merged')}", "ENTERPRISE_SEAT_ENDED"),
        index("body_id", "number"),
        index("area_id", "since"),
        index("enterprise_id", "since"),
        index("representative_id"),
        index("since"),
        index("council_seat_id"),
    )  # fmt: skip

    class Meta:
        table = "enterprise_council_seat"


class Compact(Agreement):
    """Town, village and enterprise promise each other something, both ways, for a term (镇村企"命运共同体")."""

    tag: ClassVar[str] = "enterprise_council_compact"
    called: ClassVar[tuple[str, str]] = ("Compacts", "共建公约")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    title = fields.CharField(max_length=200)
    purpose = fields.TextField(null=True)
    proposed_by: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    proposed_by_id: UUID
    next_review_on = fields.DateField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("title", "purpose")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("title_not_empty", "length(NEW.title) > 0"),
        refuse(
            "both_ways",
            "UPDATE",
            "NEW.state = 'ACTIVE' AND OLD.state = 'DRAFT' AND (NOT EXISTS (SELECT 1 FROM enterprise_council_commitment c"
            " WHERE c.compact_id = NEW.id AND c.role = 'ENTERPRISE') OR NOT EXISTS (SELECT 1"
            " FROM enterprise_council_commitment c WHERE c.compact_id = NEW.id AND c.role <> 'ENTERPRISE'))",
            "ONE_SIDED",
        ),
        refuse(
            "signed_by_all",
            "UPDATE",
            "NEW.state = 'ACTIVE' AND OLD.state = 'DRAFT' AND (SELECT count(*) FROM enterprise_council_party p"
            " WHERE p.compact_id = NEW.id) > (SELECT count(*) FROM enterprise_council_signature g"
            " WHERE g.agreement_id = NEW.id) + 1",
            "AGREEMENT_STATE",
        ),
        index("area_id", "starts_on"),
        index("starts_on"),
        index("ends_on"),
        index("title"),
        index("proposed_by_id"),
        index("next_review_on"),
    )

    class Meta:
        table = "enterprise_council_compact"


class CompactParty(Logged):
    """Who is in a compact, and as what."""

    tag: ClassVar[str] = "enterprise_council_party"
    called: ClassVar[tuple[str, str]] = ("Parts in compacts", "公约签约方")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    compact: fields.ForeignKeyRelation[Compact] = references("enterprise_council.Compact")
    compact_id: UUID
    actor: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    actor_id: UUID
    role = fields.CharEnumField(PartyRole, description="PartyRole", max_length=40)

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("compact_id", "actor_id", code="ALREADY_A_PARTY"),
        refuse(
            "enterprises_are_enterprises",
            "INSERT",
            f"(NEW.role = 'ENTERPRISE') = ({_is_no('NEW.actor_id', 'ENTERPRISE')})",
            "WRONG_PARTY",
        ),
        refuse("stays", "UPDATE", f"NOT {by_event('enterprise_council.compact.merged')}", "APPEND_ONLY"),
        index("actor_id"),
    )

    class Meta:
        table = "enterprise_council_party"


class CompactSignature(Signature):
    """A party's signature under a compact."""

    tag: ClassVar[str] = "enterprise_council_signature"

    agreement: fields.ForeignKeyRelation[Compact] = references("enterprise_council.Compact")
    agreement_id: UUID

    guards: ClassVar[tuple[Guard, ...]] = (
        refuse(
            "by_a_party",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM enterprise_council_party p WHERE p.compact_id = NEW.agreement_id"
            " AND p.actor_id = NEW.party_id)",
            "NOT_A_PARTY",
        ),
    )

    class Meta:
        table = "enterprise_council_signature"


DELIVERED = "enterprise_council.commitment.delivered"


class Commitment(Logged):
    """What a party of a compact promises until a day. The party says that it is done, and another side confirms it."""

    tag: ClassVar[str] = "enterprise_council_commitment"
    called: ClassVar[tuple[str, str]] = ("Commitments", "承诺")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    compact: fields.ForeignKeyRelation[Compact] = references("enterprise_council.Compact")
    compact_id: UUID
    party: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    party_id: UUID
    role = fields.CharEnumField(PartyRole, description="PartyRole", max_length=40)
    position = fields.IntField()
    text = fields.TextField()
    due_on = fields.DateField()
    state = fields.CharEnumField(CommitmentState, description="CommitmentState", max_length=40)
    report = fields.TextField(null=True)
    evidence = fields.TextField(default="[]")  # a JSON list of texts
    delivered_on = fields.DateField(null=True)
    remark = fields.TextField(null=True)
    confirmed_by_id = fields.UUIDField(null=True)
    confirmed_on = fields.DateField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("text", "report", "evidence", "remark")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("delivered", "(NEW.state <> 'OPEN') = (NEW.delivered_on IS NOT NULL)"),
        check(
            "confirmed",
            "(NEW.state = 'CONFIRMED') = (NEW.confirmed_by_id IS NOT NULL)"
            " AND (NEW.confirmed_by_id IS NULL) = (NEW.confirmed_on IS NULL)",
        ),
        refuse(
            "of_a_draft",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM enterprise_council_compact c WHERE c.id = NEW.compact_id AND c.state = 'DRAFT')",
            "AGREEMENT_STATE",
        ),
        refuse(
            "stays",
            "UPDATE",
            "NEW.compact_id <> OLD.compact_id OR NEW.text <> OLD.text OR NEW.due_on <> OLD.due_on OR NEW.role <> OLD.role"
            f" OR ((OLD.state = 'CONFIRMED' OR NEW.party_id <> OLD.party_id) AND NOT {by_event('enterprise_council.commitment.merged')})",
            "APPEND_ONLY",
        ),
        refuse(
            "inv10_confirmed",
            "UPDATE",
            f"NEW.state = 'CONFIRMED' AND OLD.state <> 'CONFIRMED' AND {own_matter('NEW.confirmed_by_id', 'NEW.party_id')}",
            "OWN_MATTER",
        ),
        refuse(
            "inv10_entered",
            "UPDATE",
            "NEW.state = 'CONFIRMED' AND OLD.state <> 'CONFIRMED'"
            f" AND {entered_by('NEW.confirmed_by_id', 'NEW.id', DELIVERED)}",
            "ENTERED_BY_YOU",
        ),
        unique("compact_id", "position", code="INTERNAL"),
        index("party_id"),
        index("due_on"),
    )

    class Meta:
        table = "enterprise_council_commitment"


class CompactReview(Logged):
    """How a year of a compact went: what the server counted, and what was found; never edited."""

    tag: ClassVar[str] = "enterprise_council_review"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    compact: fields.ForeignKeyRelation[Compact] = references("enterprise_council.Compact")
    compact_id: UUID
    year = fields.IntField()
    due = fields.IntField()
    delivered = fields.IntField()
    confirmed = fields.IntField()
    late = fields.IntField()
    findings = fields.TextField()
    next_steps = fields.TextField(null=True)
    reviewed_by_id = fields.UUIDField()
    reviewed_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("findings", "next_steps")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        unique("compact_id", "year", code="COMPACT_REVIEWED"),
        check("counts", "NEW.confirmed <= NEW.delivered AND NEW.delivered <= NEW.due AND NEW.late <= NEW.due"),
        index("reviewed_at"),
    )

    class Meta:
        table = "enterprise_council_review"


class Concern(Logged):
    """What an enterprise asks for (企业诉求): somebody owns it, and answers by a day that is not moved (INV12)."""

    tag: ClassVar[str] = "enterprise_council_concern"
    called: ClassVar[tuple[str, str]] = ("Concerns", "企业诉求")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    enterprise: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    enterprise_id: UUID
    title = fields.CharField(max_length=200)
    details = fields.TextField()
    state = fields.CharEnumField(ConcernState, description="ConcernState", max_length=40)
    raised_at = fields.DatetimeField()
    due_on = fields.DateField()
    round = fields.IntField(default=1)
    owner: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    owner_id: UUID | None
    reply = fields.TextField(null=True)
    replied_by_id = fields.UUIDField(null=True)
    replied_at = fields.DatetimeField(null=True)
    response = fields.TextField(null=True)
    is_satisfied = fields.BooleanField(null=True)
    closed_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("title"),
        personal("details", of="enterprise_id", keep=Keep("raised_at", "case_text_days")),
        personal("reply", of="enterprise_id", keep=Keep("raised_at", "case_text_days")),
        personal("response", of="enterprise_id", keep=Keep("raised_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("title_not_empty", "length(NEW.title) > 0"),
        check("owned", "NEW.state NOT IN ('ASSIGNED', 'ANSWERED', 'CLOSED') OR NEW.owner_id IS NOT NULL"),
        check(
            "answered", "NEW.state NOT IN ('ANSWERED', 'CLOSED') OR NEW.replied_at IS NOT NULL", "CONCERN_NOT_ANSWERED"
        ),
        check("closed", "(NEW.state IN ('CLOSED', 'WITHDRAWN')) = (NEW.closed_at IS NOT NULL)"),
        refuse("of_an_enterprise", "INSERT", _is_no("NEW.enterprise_id", "ENTERPRISE"), "NOT_AN_ENTERPRISE"),
        refuse(
            "its_day_stays",
            "UPDATE",
            f"(NEW.due_on <> OLD.due_on OR NEW.round <> OLD.round) AND NOT {by_event('enterprise_council.concern.reopened')}"
            f" OR NEW.raised_at <> OLD.raised_at OR (NEW.enterprise_id <> OLD.enterprise_id AND NOT {by_event('enterprise_council.concern.merged')})",
            "APPEND_ONLY",
        ),
        refuse(
            "closed_for_good",
            "UPDATE",
            f"OLD.state IN ('CLOSED', 'WITHDRAWN') AND NOT {by_event('enterprise_council.concern.merged')}",
            "CONCERN_STATE",
        ),
        refuse(
            "inv10_owner",
            "UPDATE",
            f"NEW.owner_id IS NOT NULL AND NOT {same('NEW.owner_id', 'OLD.owner_id')}"
            f" AND {own_matter('NEW.owner_id', 'NEW.enterprise_id')} AND NOT {by_event('enterprise_council.concern.merged')}",
            "OWN_MATTER",
        ),
        refuse(
            "inv10_replied",
            "UPDATE",
            f"NEW.state = 'ANSWERED' AND OLD.state = 'ASSIGNED' AND {own_matter('NEW.replied_by_id', 'NEW.enterprise_id')}",
            "OWN_MATTER",
        ),
        refuse(
            "inv10_desk",
            "UPDATE",
            "(NEW.state IN ('CLOSED', 'WITHDRAWN') AND NEW.state <> OLD.state OR NEW.round <> OLD.round)"
            f" AND ({at_the_desk_of('OLD.owner_id')} OR {at_the_desk_of('OLD.replied_by_id')})",
            "OWN_MATTER",
        ),
        index("area_id", "raised_at"),
        index("enterprise_id", "raised_at"),
        index("owner_id"),
        index("raised_at"),
        index("due_on"),
    )

    class Meta:
        table = "enterprise_council_concern"


class SelfHelp(Logged):
    """A problem that an enterprise, or a resident, finds, studies and solves themselves; the community confirms it (M13)."""

    tag: ClassVar[str] = "enterprise_council_self_help"
    called: ClassVar[tuple[str, str]] = ("Problems solved themselves", "自行解决的问题")
    searchable: ClassVar[str | None] = "title"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    owner: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    owner_id: UUID
    title = fields.CharField(max_length=200)
    problem = fields.TextField()
    place = fields.CharField(max_length=200, null=True)
    state = fields.CharEnumField(SelfHelpState, description="SelfHelpState", max_length=40)
    declared_at = fields.DatetimeField()
    study = fields.TextField(null=True)
    studied_at = fields.DatetimeField(null=True)
    solution = fields.TextField(null=True)
    evidence = fields.TextField(default="[]")  # a JSON list of texts
    solved_at = fields.DatetimeField(null=True)
    outcome = fields.TextField(null=True)
    confirmed_by_id = fields.UUIDField(null=True)
    confirmed_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("title", "place"),
        personal("problem", of="owner_id"),
        personal("study", of="owner_id"),
        personal("solution", of="owner_id"),
        personal("evidence", of="owner_id", erased="[]"),
        personal("outcome", of="owner_id"),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("title_not_empty", "length(NEW.title) > 0"),
        check("studied", "NEW.state NOT IN ('STUDIED', 'SOLVED', 'CONFIRMED') OR NEW.studied_at IS NOT NULL"),
        check("solved", "(NEW.state IN ('SOLVED', 'CONFIRMED')) = (NEW.solved_at IS NOT NULL)"),
        check(
            "confirmed",
            "(NEW.state = 'CONFIRMED') = (NEW.confirmed_by_id IS NOT NULL)"
            " AND (NEW.confirmed_by_id IS NULL) = (NEW.confirmed_at IS NULL)",
        ),
        refuse(
            "path",
            "UPDATE",
            "NEW.state <> OLD.state AND NOT ((OLD.state = 'DECLARED' AND NEW.state IN ('STUDIED', 'ABANDONED'))"
            " OR (OLD.state = 'STUDIED' AND NEW.state IN ('SOLVED', 'ABANDONED'))"
            " OR (OLD.state = 'SOLVED' AND NEW.state IN ('CONFIRMED', 'STUDIED')))"
            f" OR (OLD.state IN ('CONFIRMED', 'ABANDONED') AND NOT {by_event('enterprise_council.self_help.merged')})",
            "SELF_HELP_STATE",
        ),
        refuse(
            "stays",
            "UPDATE",
            f"NOT {same('NEW.declared_at', 'OLD.declared_at')}"
            f" OR (NEW.owner_id <> OLD.owner_id AND NOT {by_event('enterprise_council.self_help.merged')})",
            "APPEND_ONLY",
        ),
        refuse(
            "inv10_confirmed",
            "UPDATE",
            f"NEW.state = 'CONFIRMED' AND OLD.state = 'SOLVED' AND {own_matter('NEW.confirmed_by_id', 'NEW.owner_id')}",
            "OWN_MATTER",
        ),
        refuse(
            "inv10_entered",
            "UPDATE",
            f"NEW.state = 'CONFIRMED' AND OLD.state = 'SOLVED' AND {entered_by('NEW.confirmed_by_id', 'NEW.id')}",
            "ENTERED_BY_YOU",
        ),
        index("area_id", "declared_at"),
        index("owner_id", "declared_at"),
        index("declared_at"),
        index("title"),
    )

    class Meta:
        table = "enterprise_council_self_help"
