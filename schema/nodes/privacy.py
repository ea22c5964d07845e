"""What is kept on people, who looked at it, consent, guardianship and erasure, as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry.types.info import Info

from core import models
from core.corrections import Finding
from core.data import rules
from core.enums import (
    ConsentBasis,
    ConsentState,
    ExportFormat,
    GuardianBasis,
    GuardianshipState,
    SensitiveField,
)
from core.holdings import HOLDINGS
from core.ids import from_global
from core.messages import DEFAULT_LANGUAGE
from core.rules import erasure, people
from core.runtime import Command
from core.work import Work
from schema.mutations import ChangeInput, MutationInput, Needs, Result, Subject, mutation, secret
from schema.nodes.composed import ByRule, Query, every, plain
from schema.nodes.core import Actor, Area, Person
from schema.nodes.data import DataExport
from schema.nodes.declare import Connection, column, computed, connection, extend, node, to_one
from schema.nodes.expressions import Expr, RowOf, Select, area_of, case, now, select
from schema.nodes.viewing import ViewerFacts

# --- who looked at what ----------------------------------------------------------------------------------


def _access_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.subject_id) | v.is_self(t.reader_id) | v.may("core.sensitive.review", t.area_id)


def _shown(t: RowOf, v: ViewerFacts) -> Expr:
    return v.is_self(t.reader_id) & (t.until > now) & v.may(people.READ, t.area_id)


def _value(t: RowOf) -> Expr:
    detail = select(models.PersonDetail).where(lambda d: d.person_id == t.subject_id)
    address = select(models.Actor).where(lambda a: a.id == t.subject_id).first("address", order_by="id")
    number = case(t.field == SensitiveField.ID_LAST_FOUR, detail.first("id_last_four", order_by="id"), address)
    return case(t.field == SensitiveField.PHONE, detail.first("phone", order_by="id"), number)


@node(models.AccessRecord, scope=_access_scope, order="-read_at")
class AccessRecord:
    """Somebody looked at one sensitive fact about somebody, for a purpose (敏感信息查阅记录)."""

    field: SensitiveField = column()
    purpose: str = column(filter=False, description="What for (目的).")
    read_at: datetime = column(order=True, description="When (查阅时间).")
    until: datetime = column(description="Until when `value` is shown to the reader (可见截止).")
    value: str | None = computed(
        _value, visible=_shown, description="What was looked at; for the reader alone, for a quarter of an hour (内容)."
    )
    reader_name: str | None = computed(
        lambda t: select(models.Actor).where(lambda a: a.id == t.reader_id).first("name", order_by="id"),
        visible=_access_scope,
        description="Full name of who looked: whoever looks does not do so masked (查阅人姓名).",
    )
    subject: Actor = to_one(description="About whom (被查阅主体).")
    reader: Actor = to_one(description="Who looked (查阅人).")
    area: Area = to_one()


# --- consent and guardianship ----------------------------------------------------------------------------


def _consent_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.person_id) | guards(t.person_id, v) | v.may(people.CONSENT, area_of(models.Actor, t.person_id))


def guards(ward: Expr, v: ViewerFacts) -> Expr:
    """Is the viewer the guardian?"""
    return _guarding(ward, v).exists()


def guards_until(ward: Expr, v: ViewerFacts) -> Expr:
    """When the viewer is no longer the guardian; null where no end is set, and for others."""
    return _guarding(ward, v).first("until", order_by="id")


def _guarding(ward: Expr, v: ViewerFacts) -> Select:
    def holds(g: RowOf) -> Expr:
        running = (g.state == GuardianshipState.ACTIVE) & (g.until.is_null() | (g.until > now))
        return (g.ward_id == ward) & v.is_self(g.guardian_id) & running

    return select(models.Guardianship).where(holds)


@node(models.Consent, scope=_consent_scope, place=lambda t: area_of(models.Actor, t.person_id), order="-since")
class Consent:
    """A person agrees to a use of their data, until they withdraw it (同意记录)."""

    purpose: str = column(description="To what (同意事项).")
    basis: ConsentBasis = column()
    evidence: str | None = column(filter=False, description="What shows it (凭据).")
    state: ConsentState = column()
    since: datetime = column(order=True, description="When it was given (同意时间).")
    until: datetime | None = column(description="When it was withdrawn (撤回时间).")
    version: int = column(filter=False)
    person: Actor = to_one(description="Who agrees (个人).")


def _guardianship_scope(t: RowOf, v: ViewerFacts) -> Expr:
    clerk = v.may(people.GUARDIANSHIP, area_of(models.Actor, t.ward_id))
    return v.acts_as(t.ward_id) | v.is_self(t.guardian_id) | clerk


@node(models.Guardianship, scope=_guardianship_scope, place=lambda t: area_of(models.Actor, t.ward_id), order="-since")
class Guardianship:
    """Who acts for somebody who cannot act alone (监护关系)."""

    basis: GuardianBasis = column()
    evidence: str = column(filter=False, description="What shows it (凭据).")
    state: GuardianshipState = column()
    since: datetime = column(order=True, description="Since when (起始).")
    until: datetime | None = column(description="Until when (截止).")
    version: int = column(filter=False)
    ward: Actor = to_one(description="For whom (被监护人).")
    guardian: Actor = to_one(description="Who acts (监护人).")


@extend(Actor)
class ActorPrivacy:
    sensitive_reads: Connection[AccessRecord] = connection(
        "subject_id", description="Who looked at sensitive facts about them (敏感信息查阅记录)."
    )


@extend(Person)
class PersonPrivacy:
    consents: Connection[Consent] = connection("person_id", description="What they agreed to (同意记录).")
    guardians: Connection[Guardianship] = connection("ward_id", description="Who acts for them (监护人).")
    wards: Connection[Guardianship] = connection("guardian_id", description="For whom they act (被监护人).")


@extend(Query)
class PrivacyQuery:
    access_records: Connection[AccessRecord] = every(
        description="Who looked at sensitive facts, as the viewer may see, the latest first (敏感信息查阅记录)."
    )
    consents: Connection[Consent] = every(description="Consents the viewer may see, the latest first (同意记录).")
    guardianships: Connection[Guardianship] = every(
        description="Guardianships the viewer may see, the latest first (监护关系)."
    )


@strawberry.type(description="What stands in the way of erasing a person, or goes with them (注销影响).")
class ErasureFinding:
    kind: str = strawberry.field(
        description="What kind of thing: `rolegrant`, `adoption_agreement`, `household` (类别)."
    )
    count: int = strawberry.field(description="How many (数量).")
    code: str | None = strawberry.field(description="What it would be refused with; null for what goes too (阻碍).")
    message: str | None = strawberry.field(description="The same for people, in the request's language (说明).")


@extend(Query)
class ErasureQuery:
    @plain(
        why="It asks the erasure's own rule, with its permissions, in a transaction (由注销规则在事务中判断).",
        scope=ByRule(erasure.ERASE),
        description="What `coreErasePerson` would refuse with; changes nothing (注销预览).",
    )  # type: ignore[untyped-decorator]
    async def core_erasure_preview(self, info: Info, person_id: strawberry.ID) -> list[ErasureFinding]:
        context = info.context
        id, found = from_global(person_id, "actor", "personId"), list[Finding]()

        async def look(work: Work) -> dict[str, Any]:
            found[:] = await erasure.erasure_preview(work, person_id=id)
            return {}

        runtime = context.graphql.runtime
        await runtime.perform(Command("coreErasurePreview", context.viewer, within=context.root_area), look)

        def message(finding: Finding) -> str | None:
            if finding.code is None:
                return None
            values = erasure.told(runtime.database.models, finding)
            return str(runtime.messages.render(finding.code, context.language, values))

        return [ErasureFinding(kind=f.kind, count=f.count, code=f.code, message=message(f)) for f in found]


# --- mutations -------------------------------------------------------------------------------------------


OTHERS = Subject(Person, "person_id")
ONES_OWN = Subject(Person, "person_id", lambda t: [t.id])


@strawberry.input
class CoreSetPhoneInput(MutationInput):
    person_id: strawberry.ID = strawberry.field(description="Whose (个人).")
    phone: str | None = strawberry.field(
        default=None, description="To call; nobody signs in by it. None: keep none any more (电话)."
    )


@mutation(people.DETAIL, on=ONES_OWN, person=Actor)
async def core_set_phone(work: Work, input: CoreSetPhoneInput) -> Result:
    """Keep a person's telephone number, or none any more; for themselves or by a clerk (登记电话)."""
    id = from_global(input.person_id, "actor", "personId")
    await people.set_phone(work, person_id=id, phone=input.phone)
    return {"person": await work.get(models.Actor, id)}


@strawberry.input
class IdNumberInput(MutationInput):
    person_id: strawberry.ID = strawberry.field(description="Whose (个人).")
    number: str = secret(
        description="As it stands in the document; only a keyed digest and the last four are kept (证件号)."
    )


@strawberry.input
class CoreRecordIdNumberInput(IdNumberInput):
    pass


@strawberry.input
class CoreVerifyIdNumberInput(IdNumberInput):
    pass


@mutation(people.DETAIL, on=OTHERS, person=Actor)
async def core_record_id_number(work: Work, input: CoreRecordIdNumberInput) -> Result:
    """Note that a person's id document was seen; somebody else's is refused, as they may be one person (登记证件)."""
    id = from_global(input.person_id, "actor", "personId")
    await people.record_id_number(work, person_id=id, number=input.number)
    return {"person": await work.get(models.Actor, id)}


@mutation(people.DETAIL, on=OTHERS, person=Actor)
async def core_verify_id_number(work: Work, input: CoreVerifyIdNumberInput) -> Result:
    """At the desk: is this the id document that is recorded for this person? Refused if not (核验证件)."""
    id = from_global(input.person_id, "actor", "personId")
    await people.verify_id_number(work, person_id=id, number=input.number)
    return {"person": await work.get(models.Actor, id)}


@strawberry.input
class CoreDiscloseInput(MutationInput):
    actor_id: strawberry.ID = strawberry.field(description="About whom (主体).")
    field: SensitiveField = strawberry.field(description="What to look at (信息项).")
    purpose: str = strawberry.field(description="What for; the person sees it (目的).")


@mutation(people.READ, on=Subject(Actor, "actor_id"), batch=True, access_record=AccessRecord)
async def core_disclose(work: Work, input: CoreDiscloseInput) -> Result:
    """Look at a sensitive fact for a purpose; that it was looked at is noted, and the person sees it (查阅敏感信息)."""
    id = from_global(input.actor_id, "actor", "actorId")
    return {"access_record": await people.disclose(work, actor_id=id, field=input.field, purpose=input.purpose)}


@strawberry.input
class CoreGiveConsentInput(MutationInput):
    person_id: strawberry.ID = strawberry.field(description="Who agrees (个人).")
    purpose: str = strawberry.field(description="To what (同意事项).")
    basis: ConsentBasis = ConsentBasis.ONLINE
    evidence: str | None = strawberry.field(default=None, description="What shows it, unless given online (凭据).")


@mutation(people.CONSENT, on=ONES_OWN, consent=Consent)
async def core_give_consent(work: Work, input: CoreGiveConsentInput) -> Result:
    """Agree to a use of one's data; a guardian or a clerk records it with evidence (作出同意)."""
    made = await people.give_consent(
        work,
        person_id=from_global(input.person_id, "actor", "personId"),
        purpose=input.purpose,
        basis=input.basis,
        evidence=input.evidence,
    )
    return {"consent": made}


@strawberry.input
class CoreWithdrawConsentInput(ChangeInput):
    consent_id: strawberry.ID = strawberry.field(description="Which (同意记录).")


@mutation(people.CONSENT, on=Subject(Consent, "consent_id", lambda t: [t.person_id]), consent=Consent)
async def core_withdraw_consent(work: Work, input: CoreWithdrawConsentInput) -> Result:
    """Withdraw a consent; no reason is asked (撤回同意)."""
    id = from_global(input.consent_id, "consent", "consentId")
    return {"consent": await people.withdraw_consent(work, consent_id=id)}


@strawberry.input
class CoreRecordGuardianshipInput(MutationInput):
    ward_id: strawberry.ID = strawberry.field(description="Who cannot act alone (被监护人).")
    guardian_id: strawberry.ID = strawberry.field(description="Who acts for them (监护人).")
    basis: GuardianBasis
    evidence: str = strawberry.field(description="What shows it (凭据).")
    until: datetime | None = strawberry.field(default=None, description="Until when, if that is known (截止).")


@mutation(people.GUARDIANSHIP, on=Subject(Person, "ward_id"), guardianship=Guardianship)
async def core_record_guardianship(work: Work, input: CoreRecordGuardianshipInput) -> Result:
    """Record who is whose guardian; the guardian then acts with `onBehalfOf` and the basis GUARDIAN (登记监护)."""
    made = await people.record_guardianship(
        work,
        ward_id=from_global(input.ward_id, "actor", "wardId"),
        guardian_id=from_global(input.guardian_id, "actor", "guardianId"),
        basis=input.basis,
        evidence=input.evidence,
        until=input.until,
    )
    return {"guardianship": made}


@strawberry.input
class CoreEndGuardianshipInput(ChangeInput):
    guardianship_id: strawberry.ID = strawberry.field(description="Which (监护关系).")
    reason: str


@mutation(people.GUARDIANSHIP, on=Subject(Guardianship, "guardianship_id"), guardianship=Guardianship)
async def core_end_guardianship(work: Work, input: CoreEndGuardianshipInput) -> Result:
    """A guardianship is over (终止监护)."""
    id = from_global(input.guardianship_id, "guardianship", "guardianshipId")
    return {"guardianship": await people.end_guardianship(work, guardianship_id=id, reason=input.reason)}


@mutation(Needs.OWN_MATTER, data_export=DataExport)
async def core_export_holdings(work: Work, input: MutationInput) -> Result:
    """All that is held on oneself, as a JSON file for a day; `dataExport` tells when it is ready (导出本人数据)."""
    row = await rules.ask_export(
        work, list_name=HOLDINGS, request={}, format=ExportFormat.JSON, language=DEFAULT_LANGUAGE
    )
    return {"data_export": row}


@strawberry.input
class CoreErasePersonInput(MutationInput):
    person_id: strawberry.ID = strawberry.field(description="Whom; oneself, or who asked at the desk (个人).")
    reason: str = strawberry.field(
        description="Why. It stays after the erasure: no names, numbers or addresses (理由)."
    )


@mutation(erasure.ERASE, on=ONES_OWN)
async def core_erase_person(work: Work, input: CoreErasePersonInput) -> Result:
    """Erase a person for good: a pseudonym stays, so that ledgers and counts stay true (注销个人信息)."""
    id = from_global(input.person_id, "actor", "personId")
    await erasure.erase_person(work, person_id=id, reason=input.reason)
    return {}
