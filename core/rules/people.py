"""What is kept on people beyond their names: telephone, id document, who looked at it; consent and guardianship."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.database import Database
from core.enums import (
    ActorKind,
    ConsentBasis,
    ConsentState,
    GuardianBasis,
    GuardianshipState,
    SensitiveField,
)
from core.errors import ConfigurationError, Refusal
from core.id_numbers import DIGITS, has_birthday, is_id_number
from core.ids import new_id
from core.keys import KeyRing
from core.models import AccessRecord, Actor, Consent, Guardianship, PersonDetail
from core.problems import Problem
from core.rules.inputs import clean_text
from core.work import Work

DETAIL = "core.person.detail"
READ = "core.sensitive.read"
CONSENT = "core.consent.record"
GUARDIANSHIP = "core.guardianship.record"
ID_NUMBER = "id number"  # what a digest is of
SHOWN_FOR = timedelta(minutes=15)
_PHONE = re.compile(r"\+?\d{7,15}")


async def keys_fit(database: Database, keys: KeyRing) -> None:
    """Raises ConfigurationError (KEY_LOST) where something is kept under a key that is not there."""
    rows = await database.read("SELECT DISTINCT id_key FROM core_person_detail WHERE id_key IS NOT NULL")
    missing = keys.missing(row[0] for row in rows) if rows else []
    if missing:
        raise ConfigurationError(Problem("KEY_LOST", {"names": ", ".join(missing)}, str(keys.path or "key_file")))


async def _person(work: Work, person_id: UUID, permission: str, *, own: bool = False, at: Any = None) -> Actor:
    """The person, held, where the viewer may do this, or may do it where `at` lies: by a role, or for themselves if `own`."""
    person = await work.lock(Actor, person_id)
    work.require(permission, at or person, owner=person.id if own else None)
    if person.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON", path=("personId",))
    return person


async def _detail(work: Work, person: Actor) -> PersonDetail:
    found = await work.select(PersonDetail, lock=True, person_id=person.id)
    return found[0] if found else work.add(PersonDetail(id=new_id(), person_id=person.id))


# --- telephone and id document ---------------------------------------------------------------------------


async def set_phone(work: Work, *, person_id: UUID, phone: str | None) -> PersonDetail:
    """Keep a telephone number, or none any more; a person does it for themselves too. Refuses BAD_PHONE."""
    person = await _person(work, person_id, DETAIL, own=True)
    number = None
    if phone is not None and phone.strip():
        number = re.sub(r"[\s()-]", "", unicodedata.normalize("NFKC", phone))
        if not _PHONE.fullmatch(number) or is_id_number(number):
            raise Refusal("BAD_PHONE", path=("phone",))
    detail = await _detail(work, person)
    _set(work, detail, phone=number)
    work.record("core.person.phone_set", detail, area_id=person.area_id, data={"removed": number is None})
    return detail


def _set(work: Work, detail: PersonDetail, **values: object) -> None:
    """New values, of a row that may be new itself."""
    if detail in work.queued(PersonDetail):
        for name, value in values.items():
            setattr(detail, name, value)
    else:
        work.change(detail, **values)


def clean_id_number(number: str) -> str:
    """A citizen's number as it is digested; refuses BAD_ID_NUMBER, ID_NUMBER_BIRTHDAY, ID_NUMBER_CHECK."""
    flat = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", number)).upper()
    if not DIGITS.fullmatch(flat) or not flat.isascii():
        raise Refusal("BAD_ID_NUMBER", path=("number",))
    if not has_birthday(flat):
        raise Refusal("ID_NUMBER_BIRTHDAY", path=("number",))
    if not is_id_number(flat):
        raise Refusal("ID_NUMBER_CHECK", path=("number",))
    return flat


async def record_id_number(work: Work, *, person_id: UUID, number: str) -> PersonDetail:
    """Note that somebody saw a person's id document; the number itself is never kept.

    Refuses NO_KEY, what `clean_id_number` refuses, OWN_MATTER (INV10), and ID_NUMBER_KNOWN where it is somebody else's:
    they may be one person, registered twice.
    """
    person = await _person(work, person_id, DETAIL)
    if await work.concerned_in(person.id):
        raise Refusal("OWN_MATTER", path=("personId",))
    flat = clean_id_number(number)
    key = work.kernel.keys.in_use()
    if key is None:
        raise Refusal("NO_KEY")
    former = [digest for digest in work.kernel.keys.digests(ID_NUMBER, flat) if digest != key.digest(ID_NUMBER, flat)]
    known = await work.select(PersonDetail, id_digest=former) if former else []  # the database knows those of this key
    if any(detail.person_id != person.id for detail in known):
        raise Refusal("ID_NUMBER_KNOWN", path=("number",))
    detail = await _detail(work, person)
    _set(
        work, detail, id_digest=key.digest(ID_NUMBER, flat), id_key=key.name, id_last_four=flat[-4:],
        id_checked_at=work.now,
    )  # fmt: skip
    work.record("core.person.id_recorded", detail, area_id=person.area_id)
    return detail


async def verify_id_number(work: Work, *, person_id: UUID, number: str) -> PersonDetail:
    """At the desk: is this the document recorded for this person? It goes under the key in use, if it was under another.

    Refuses ID_NUMBER_MISSING, ID_NUMBER_DIFFERS.
    """
    person = await _person(work, person_id, DETAIL)
    flat = clean_id_number(number)
    found = await work.select(PersonDetail, lock=True, person_id=person.id)
    if not found or found[0].id_digest is None:
        raise Refusal("ID_NUMBER_MISSING", path=("personId",))
    detail, key = found[0], work.kernel.keys.in_use()
    if key is None or detail.id_digest not in work.kernel.keys.digests(ID_NUMBER, flat):
        raise Refusal("ID_NUMBER_DIFFERS", path=("number",))
    work.change(detail, id_digest=key.digest(ID_NUMBER, flat), id_key=key.name, id_checked_at=work.now)
    work.record("core.person.id_verified", detail, area_id=person.area_id)
    return detail


# --- sensitive facts -------------------------------------------------------------------------------------


async def disclose(work: Work, *, actor_id: UUID, field: SensitiveField, purpose: str) -> AccessRecord:
    """Look at a sensitive fact about somebody, for a purpose: the record shows it to the reader for a quarter of an hour,
    and to the person for good that it was looked at. Refuses NOTHING_THERE, ONLY_ONESELF."""
    actor = await work.get(Actor, actor_id)
    work.require(READ, actor)
    if work.acting.behalf_of_id is not None or work.acting.for_id is not None:
        raise Refusal("ONLY_ONESELF")
    text = clean_text(purpose, "purpose", limit=200)
    if actor.area_id is None:
        raise Refusal("ACTOR_HAS_NO_AREA")
    detail = await work.find(PersonDetail, person_id=actor.id)
    known = {
        SensitiveField.ADDRESS: actor.address,
        SensitiveField.PHONE: detail and detail.phone,
        SensitiveField.ID_LAST_FOUR: detail and detail.id_last_four,
    }
    if known[field] is None:
        raise Refusal("NOTHING_THERE", path=("field",))
    record = AccessRecord(
        id=new_id(), subject_id=actor.id, reader_id=work.person_id, area_id=actor.area_id, field=field, purpose=text,
        read_at=work.now, until=work.now + SHOWN_FOR,
    )  # fmt: skip
    work.add(record)
    work.record("core.sensitive.read", record, area_id=actor.area_id, data={"field": str(field)})
    return record


# --- consent ---------------------------------------------------------------------------------------------


async def give_consent(
    work: Work, *, person_id: UUID, purpose: str, basis: ConsentBasis, evidence: str | None, at: Any = None
) -> Consent:
    """A person agrees to a use of their data: themselves, their guardian, or at the desk with evidence: where `at` lies, the
    row they agree to, or else where they do.

    Refuses CONSENT_GIVEN, and EVIDENCE_NEEDED for what was not given online.
    """
    person = await _person(work, person_id, CONSENT, own=True, at=at)
    text = None if evidence is None or not evidence.strip() else clean_text(evidence, "evidence", limit=500)
    online = basis is ConsentBasis.ONLINE
    if online is not (work.viewer.person_id == person.id):
        raise Refusal("CONSENT_BASIS", path=("basis",))
    if not online and text is None:
        raise Refusal("EMPTY_TEXT", path=("evidence",))
    consent = Consent(
        id=new_id(), person_id=person.id, purpose=clean_text(purpose, "purpose", limit=200), basis=basis, evidence=text,
        state=ConsentState.GIVEN, since=work.now,
    )  # fmt: skip
    work.add(consent)
    work.record("core.consent.given", consent, area_id=(at or person).area_id, data={"basis": str(basis)})
    return consent


async def withdraw_consent(work: Work, *, consent_id: UUID) -> Consent:
    """As easily as it was given; refuses CONSENT_WITHDRAWN."""
    consent = await work.lock(Consent, consent_id)
    person = await _person(work, consent.person_id, CONSENT, own=True)
    work.expect_version(consent)
    if consent.state is ConsentState.WITHDRAWN:
        raise Refusal("CONSENT_WITHDRAWN")
    work.change(consent, state=ConsentState.WITHDRAWN, until=work.now)
    work.record("core.consent.withdrawn", consent, area_id=person.area_id)
    return consent


# --- guardianship ----------------------------------------------------------------------------------------


async def record_guardianship(
    work: Work, *, ward_id: UUID, guardian_id: UUID, basis: GuardianBasis, evidence: str, until: datetime | None = None
) -> Guardianship:
    """A guardian acts for a ward from now on; recorded by somebody else than the two (INV10).

    Refuses OWN_MATTER, ALREADY_GUARDIAN, NOT_TO_ITSELF, IN_THE_PAST.
    """
    ward = await _person(work, ward_id, GUARDIANSHIP)
    guardian = await work.get(Actor, guardian_id)
    if guardian.id == ward.id:
        raise Refusal("NOT_TO_ITSELF", path=("guardianId",))
    if await work.concerned_in(ward.id, guardian.id):
        raise Refusal("OWN_MATTER")
    if guardian.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON", path=("guardianId",))
    if until is not None and until <= work.now:
        raise Refusal("IN_THE_PAST", path=("until",))
    row = Guardianship(
        id=new_id(), ward_id=ward.id, guardian_id=guardian.id, basis=basis, state=GuardianshipState.ACTIVE,
        evidence=clean_text(evidence, "evidence", limit=500), since=work.now, until=until,
    )  # fmt: skip
    work.add(row)
    work.record("core.guardianship.recorded", row, area_id=ward.area_id, data={"basis": str(basis)})
    return row


async def end_guardianship(work: Work, *, guardianship_id: UUID, reason: str) -> Guardianship:
    row = await work.lock(Guardianship, guardianship_id)
    ward = await _person(work, row.ward_id, GUARDIANSHIP)
    if await work.concerned_in(row.ward_id, row.guardian_id):
        raise Refusal("OWN_MATTER")
    work.expect_version(row)
    if row.state is GuardianshipState.ENDED:
        raise Refusal("ALREADY_ENDED")
    text = clean_text(reason, "reason", limit=2000)
    work.change(row, state=GuardianshipState.ENDED, until=work.now)
    work.record("core.guardianship.ended", row, area_id=ward.area_id, text={"reason": text})
    return row
