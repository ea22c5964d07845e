"""Dormitory lists, registrations and what was shown for them."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import entered_by, own_matter
from core.database.guards import Guard, Upon, append_only, by_event, by_others, check, index, refuse, same, unique
from core.models import Actor, Area, Logged, Membership, references
from core.personal import Keep, Text, impersonal, personal
from plugins.new_residents.terms import DormitoryListState, IdentityCheck, ResidenceProofKind, ResidenceState

ENTERED = tuple(f"new_residents.registration.{done}" for done in ("submitted", "confirmed", "amended"))
_CLOSED = Keep("closed_at", "case_text_days")
LIVING = "state IN ('VERIFIED', 'PENDING_CONSENT', 'CONSENT_REFUSED')"
# The desk has recorded that they live in an area that is neither above nor below that of the registration.
_ELSEWHERE = (
    "EXISTS (SELECT 1 FROM core_membership m WHERE m.actor_id = NEW.person_id AND m.role = 'RESIDENT'"
    " AND m.state = 'ACTIVE' AND m.organization_id IS NULL AND NOT EXISTS (SELECT 1 FROM core_area_closure c"
    " WHERE c.until IS NULL AND (c.ancestor_id = m.area_id AND c.descendant_id = NEW.area_id"
    " OR c.ancestor_id = NEW.area_id AND c.descendant_id = m.area_id)))"
)
# Of a registration `r`, as a membership changes: the mechanism is on where it lies.
_ON = (
    "EXISTS (SELECT 1 FROM core_plugin_area p WHERE p.area_id = r.area_id AND p.plugin = 'new_residents' AND"
    " (p.until IS NULL OR p.until > (SELECT n.recorded_at FROM core_event n WHERE n.id = NEW.event_id)))"
)
# While a residence is verified the desk records no home elsewhere, and does not end the membership it has made: moving
# away does both. Where the mechanism is off, the desk ends it first.
_DESK = (
    Upon(
        Membership,
        refuse(
            "elsewhere",
            "INSERT OR UPDATE",
            "NEW.role = 'RESIDENT' AND NEW.state = 'ACTIVE' AND NEW.area_id IS NOT NULL AND EXISTS (SELECT 1 FROM"
            f" new_residents_registration r WHERE r.person_id = NEW.actor_id AND r.{LIVING} AND (EXISTS (SELECT 1 FROM"
            " core_membership h WHERE h.id = r.membership_id AND h.state = 'ACTIVE') OR (r.membership_id IS NULL AND"
            f" {_ON})) AND NOT EXISTS (SELECT 1 FROM core_area_closure c WHERE c.until IS NULL AND"
            " (c.ancestor_id = NEW.area_id AND c.descendant_id = r.area_id"
            " OR c.ancestor_id = r.area_id AND c.descendant_id = NEW.area_id)))",
            "LIVES_ELSEWHERE",
        ),
    ),
    Upon(
        Membership,
        refuse(
            "verified",
            "UPDATE",
            "OLD.state = 'ACTIVE' AND NEW.state = 'ENDED' AND EXISTS (SELECT 1 FROM core_event e WHERE e.id = NEW.event_id"
            " AND e.type IN ('core.membership.ended', 'core.membership.added.undone')) AND EXISTS (SELECT 1 FROM"
            f" new_residents_registration r WHERE r.membership_id = NEW.id AND r.state = 'VERIFIED' AND {_ON})",
            "RESIDENCE_VERIFIED",
        ),
    ),
)
# Whom the desk may record as living in no other part of the tree, and where they live: what `_DESK` refuses.
HOMES = (
    f"SELECT r.person_id AS actor_id, r.area_id FROM new_residents_registration r WHERE r.{LIVING} AND (EXISTS (SELECT 1"
    " FROM core_membership h WHERE h.id = r.membership_id AND h.state = 'ACTIVE') OR (r.membership_id IS NULL AND EXISTS"
    " (SELECT 1 FROM core_plugin_area p WHERE p.area_id = r.area_id AND p.plugin = 'new_residents'"
    " AND (p.until IS NULL OR p.until > :now:))))"
)
# Whom an employer has had asked about a dormitory: not answered yet, or what they agreed to still holds.
ASKED = (
    "SELECT r.id, t.employer_id, t.area_id, t.address, r.person_id FROM new_residents_list t"
    f" JOIN new_residents_registration r ON r.dormitory_id = t.id AND (r.{LIVING} OR r.state IN ('INVITED', 'SUBMITTED'))"
)
_NOBODY_YET = "'INVITED', 'DECLINED', 'LAPSED'"


class DormitoryList(Logged):
    """An employer says who lives in its dormitory; each worker answers for themselves."""

    tag: ClassVar[str] = "new_residents_list"
    called: ClassVar[tuple[str, str]] = ("Dormitory lists", "宿舍名单")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    employer: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    employer_id: UUID
    address = fields.CharField(max_length=200)
    state = fields.CharEnumField(DormitoryListState, description="DormitoryListState", max_length=40)
    submitted_at = fields.DatetimeField()
    confirm_by = fields.DateField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("address")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("address_not_empty", "length(NEW.address) > 0", "EMPTY_TEXT"),
        refuse(
            "stays",
            "UPDATE",
            f"NEW.area_id <> OLD.area_id OR NEW.address <> OLD.address OR NEW.confirm_by <> OLD.confirm_by"
            f" OR (NEW.employer_id <> OLD.employer_id AND NOT {by_event('new_residents.registration.merged')})",
            "APPEND_ONLY",
        ),
        index("employer_id", "submitted_at"),
        index("area_id", "submitted_at"),
        index("submitted_at"),
    )

    class Meta:
        table = "new_residents_list"


class Registration(Logged):
    """A person says where and since when they live here; a clerk verifies it. `since` is what was verified.

    A person lives in one place: at most one registration of theirs is verified at a time, on whatever day.
    """

    tag: ClassVar[str] = "new_residents_registration"
    called: ClassVar[tuple[str, str]] = ("Residence registrations", "居住登记")
    refers: ClassVar[dict[str, str]] = {
        "consent_id": "consent",
        "membership_id": "membership",
        "consent_ballot_id": "ballots_ballot",
    }

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    employer: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    employer_id: UUID | None
    dormitory: fields.ForeignKeyNullableRelation[DormitoryList] = references("new_residents.DormitoryList", null=True)
    dormitory_id: UUID | None
    consent_id = fields.UUIDField(null=True)
    state = fields.CharEnumField(ResidenceState, description="ResidenceState", max_length=40)
    address = fields.CharField(max_length=200, null=True)
    workplace = fields.CharField(max_length=200, null=True)
    claimed_since = fields.DateField()
    submitted_at = fields.DatetimeField()
    confirm_by = fields.DateField(null=True)
    identity = fields.CharEnumField(IdentityCheck, description="IdentityCheck", max_length=40, null=True)
    since = fields.DateField(null=True)
    until = fields.DateField(null=True)
    decided_by_id = fields.UUIDField(null=True)
    decided_on = fields.DateField(null=True)
    reason = fields.TextField(null=True)
    membership_id = fields.UUIDField(null=True)
    consent_ballot_id = fields.UUIDField(null=True)
    consent_evidence = fields.CharField(max_length=500, null=True)
    consented_on = fields.DateField(null=True)
    closed_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("address", of="person_id", keep=_CLOSED),
        personal("workplace", of="person_id", keep=_CLOSED),
        personal("reason", of="person_id", keep=_CLOSED),
        personal("consent_evidence", of="person_id", keep=_CLOSED),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("person_id", where=LIVING, code="LIVES_ELSEWHERE"),
        unique("person_id", "area_id", where="state = 'SUBMITTED'", code="ALREADY_REGISTERED"),
        unique("dormitory_id", "person_id", where="dormitory_id IS NOT NULL", code="TWICE_ON_LIST"),
        check(
            "with_their_consent",
            f"NEW.dormitory_id IS NULL OR NEW.state IN ({_NOBODY_YET}) OR NEW.consent_id IS NOT NULL",
            "WORKER_CONSENT",
        ),
        refuse(
            "consent_given",
            "UPDATE",
            f"NEW.dormitory_id IS NOT NULL AND NEW.{LIVING} AND NOT (OLD.{LIVING}) AND NOT EXISTS (SELECT 1 FROM"
            " core_consent c WHERE c.id = NEW.consent_id AND c.person_id = NEW.person_id AND c.state = 'GIVEN')",
            "WORKER_CONSENT",
        ),
        check("verified", f"NOT (NEW.{LIVING}) OR (NEW.since IS NOT NULL AND NEW.decided_by_id IS NOT NULL)"),
        refuse(
            "not_before_claimed",
            "UPDATE",
            f"NEW.since < NEW.claimed_since AND NOT {same('NEW.since', 'OLD.since')}",
            "SINCE_BEFORE_CLAIMED",
        ),
        check("identified", f"NOT (NEW.{LIVING}) OR NEW.identity IS NOT NULL", "IDENTITY_NEEDED"),
        check("until_after_since", "NEW.until IS NULL OR (NEW.since IS NOT NULL AND NEW.until >= NEW.since)"),
        check("moved", "NEW.state <> 'MOVED_AWAY' OR NEW.until IS NOT NULL"),
        check(
            "consented",
            "(NEW.consent_ballot_id IS NULL AND NEW.consent_evidence IS NULL) OR NEW.consented_on IS NOT NULL",
        ),
        refuse(
            "facts_stay",
            "UPDATE",
            "NEW.area_id <> OLD.area_id OR NEW.claimed_since <> OLD.claimed_since"
            f" OR (NEW.person_id <> OLD.person_id AND NOT {by_event('new_residents.registration.merged')})"
            f" OR NOT {same('NEW.dormitory_id', 'OLD.dormitory_id')}",
            "APPEND_ONLY",
        ),
        refuse(
            "since_stays",
            "UPDATE",
            "OLD.since IS NOT NULL AND OLD.state <> 'REVOKED' AND (NEW.since IS NULL OR NEW.since <> OLD.since)"
            f" AND NOT {by_event('new_residents.appeal.granted')}",
            "APPEND_ONLY",
        ),
        refuse(
            "again_by_appeal_alone",
            "UPDATE",
            f"OLD.state IN ('REJECTED', 'REVOKED') AND NEW.{LIVING} AND NOT EXISTS (SELECT 1 FROM new_residents_appeal p"
            " WHERE p.registration_id = NEW.id AND p.state = 'GRANTED')",
            "REGISTRATION_STATE",
        ),
        refuse(
            "over",
            "UPDATE",
            "OLD.state IN ('MOVED_AWAY', 'WITHDRAWN', 'DECLINED', 'LAPSED') AND NEW.state <> OLD.state",
            "REGISTRATION_STATE",
        ),
        refuse(
            "only_the_person_answers",
            "UPDATE",
            f"OLD.state = 'INVITED' AND NEW.state NOT IN ('INVITED', 'SUBMITTED', {_NOBODY_YET})",
            "WORKER_CONSENT",
        ),
        refuse(
            "asked_once",
            "INSERT",
            f"NEW.state = 'INVITED' AND EXISTS (SELECT 1 FROM new_residents_list n JOIN ({ASKED}) a ON"
            " a.employer_id = n.employer_id AND a.area_id = n.area_id AND a.address = n.address"
            " WHERE n.id = NEW.dormitory_id AND a.person_id = NEW.person_id)",
            "ALREADY_ASKED",
        ),
        refuse("one_home_new", "INSERT", f"NEW.{LIVING} AND {_ELSEWHERE}", "LIVES_ELSEWHERE"),
        refuse(
            "one_home",
            "UPDATE",
            f"NEW.{LIVING} AND (NOT (OLD.{LIVING}) OR NEW.person_id <> OLD.person_id) AND {_ELSEWHERE}",
            "LIVES_ELSEWHERE",
        ),
        refuse(
            "asked_first",
            "UPDATE",
            f"NEW.consent_ballot_id IS NOT NULL AND NOT {same('NEW.consent_ballot_id', 'OLD.consent_ballot_id')}"
            " AND NEW.state <> 'PENDING_CONSENT'",
            "REGISTRATION_STATE",
        ),
        refuse(
            "the_ballot_decides",
            "UPDATE",
            "OLD.state = 'PENDING_CONSENT' AND OLD.consent_ballot_id IS NOT NULL AND NEW.state IN ('VERIFIED',"
            f" 'CONSENT_REFUSED') AND NOT ({same('NEW.consent_ballot_id', 'OLD.consent_ballot_id')}"
            " AND NEW.consent_evidence IS NULL)",
            "CONSENT_ASKED",
        ),
        refuse(
            "decided_later",
            "UPDATE",
            "OLD.state = 'CONSENT_REFUSED' AND NEW.consent_evidence IS NOT NULL AND (NEW.consented_on < OLD.consented_on"
            " OR (OLD.consent_evidence IS NULL AND NEW.consented_on = OLD.consented_on))",
            "CONSENT_TOO_EARLY",
        ),
        *_DESK,
        *by_others(
            "inv10_decision",
            "decided_by_id",
            own_matter("NEW.decided_by_id", "NEW.person_id"),
            own_matter("NEW.decided_by_id", "NEW.employer_id"),
        ),
        refuse(
            "inv10_entered",
            "UPDATE",
            f"NEW.{LIVING} AND NOT ({same('NEW.since', 'OLD.since')} AND {same('NEW.decided_by_id', 'OLD.decided_by_id')})"
            f" AND {entered_by('NEW.decided_by_id', 'NEW.id', *ENTERED)}",
            "ENTERED_BY_YOU",
        ),
        index("area_id", "state", "submitted_at"),
        index("area_id", "submitted_at"),
        index("person_id", "submitted_at"),
        index("dormitory_id"),
        index("employer_id"),
        index("consent_id", where="consent_id IS NOT NULL"),
        index("membership_id", where="membership_id IS NOT NULL"),
        index("state", "confirm_by"),
        index("submitted_at"),
    )

    class Meta:
        table = "new_residents_registration"


class Evidence(Logged):
    """What shows that somebody lives here, by reference; never the paper itself."""

    tag: ClassVar[str] = "new_residents_evidence"
    called: ClassVar[tuple[str, str]] = ("Evidence of residence", "居住凭据")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    registration: fields.ForeignKeyRelation[Registration] = references("new_residents.Registration")
    registration_id: UUID
    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    kind = fields.CharEnumField(ResidenceProofKind, description="ResidenceProofKind", max_length=40)
    reference = fields.CharField(max_length=500)
    added_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = (
        personal("reference", of="person_id", keep=Keep("added_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        refuse(
            "stays",
            "UPDATE",
            f"NEW.kind <> OLD.kind OR NEW.registration_id <> OLD.registration_id OR NEW.reference <> OLD.reference"
            f" OR (NEW.person_id <> OLD.person_id AND NOT {by_event('new_residents.registration.merged')})",
            "APPEND_ONLY",
        ),
        check("reference_not_empty", "length(NEW.reference) > 0", "EMPTY_TEXT"),
        index("registration_id", "added_at"),
        index("person_id"),
        index("added_at"),
    )

    class Meta:
        table = "new_residents_evidence"
