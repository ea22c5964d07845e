"""What can be done about living here: registrations, lists, verification, the villagers' consent, service points."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.new_residents import rules
from plugins.new_residents.graphql.nodes import (
    NewResidentsDormitoryList,
    NewResidentsRegistration,
    NewResidentsServicePoint,
)
from plugins.new_residents.terms import IdentityCheck, ResidenceProofKind
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.core import Area
from schema.nodes.expressions import Expr, RowOf

MEMBERSHIPS = "core.membership.manage"


def person(t: RowOf) -> list[Expr]:
    """Whose own matter a registration, an entitlement or an appeal is."""
    return [t.person_id]


REGISTRATION = Subject(NewResidentsRegistration, "registration_id")
THEIRS = Subject(NewResidentsRegistration, "registration_id", person)


# --- registering -----------------------------------------------------------------------------------------


@strawberry.input(description="What shows that somebody lives here, by reference (居住凭据).")
class NewResidentsProof:
    kind: ResidenceProofKind = strawberry.field(description="What kind of paper (凭据类型).")
    reference: str = strawberry.field(description="Its number, or where it is kept; no id number (凭据编号或存放处).")


def _proofs(given: list[NewResidentsProof]) -> list[rules.Proof]:
    return [rules.Proof(p.kind, p.reference) for p in given]


@strawberry.input(description="Register where one lives (居住登记).")
class NewResidentsRegisterInput(MutationInput):
    area_id: strawberry.ID = strawberry.field(description="The community, village or compound (居住区域).")
    address: str = strawberry.field(description="Where, with the door (居住地址).")
    since: date = strawberry.field(description="Since when (入住日期).")
    workplace: str | None = strawberry.field(default=None, description="Where one works (工作单位).")
    employer_id: strawberry.ID | None = strawberry.field(default=None, description="The employer, if known (用人单位).")
    evidence: list[NewResidentsProof] = strawberry.field(
        default_factory=list, description="What shows it; at most ten (凭据)."
    )


@mutation("new_residents.register", on=Subject(Area, "area_id"), registration=NewResidentsRegistration)
async def new_residents_register(work: Work, input: NewResidentsRegisterInput) -> Result:
    """Register where one lives, with evidence, in one stop; the desk does it for who has no account (居住登记)."""
    employer = input.employer_id
    registration = await rules.register(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        address=input.address,
        workplace=input.workplace,
        employer_id=None if employer is None else from_global(employer, "actor", "employerId"),
        since=input.since,
        evidence=_proofs(input.evidence),
    )
    return {"registration": registration}


@strawberry.input(description="A registration (居住登记).")
class NewResidentsRegistrationInput(ChangeInput):
    registration_id: strawberry.ID = strawberry.field(description="Which registration (居住登记).")


def _registration(input: NewResidentsRegistrationInput) -> UUID:
    return from_global(input.registration_id, "new_residents_registration", "registrationId")


@strawberry.input(description="Bring more evidence (补充凭据).")
class NewResidentsAddEvidenceInput(NewResidentsRegistrationInput):
    evidence: list[NewResidentsProof] = strawberry.field(description="What shows it (凭据).")


@mutation("new_residents.register", on=THEIRS, registration=NewResidentsRegistration)
async def new_residents_add_evidence(work: Work, input: NewResidentsAddEvidenceInput) -> Result:
    """Bring more of what shows it, while it waits or before an appeal (补充凭据)."""
    found = await rules.add_evidence(work, registration_id=_registration(input), evidence=_proofs(input.evidence))
    return {"registration": found}


@strawberry.input(description="Withdraw a registration (撤回登记).")
class NewResidentsWithdrawRegistrationInput(NewResidentsRegistrationInput):
    pass


@mutation("new_residents.register", on=THEIRS, registration=NewResidentsRegistration)
async def new_residents_withdraw_registration(work: Work, input: NewResidentsWithdrawRegistrationInput) -> Result:
    """Withdraw one's registration before it is verified (撤回登记)."""
    return {"registration": await rules.withdraw_registration(work, registration_id=_registration(input))}


# --- verified, refused, over -----------------------------------------------------------------------------


@strawberry.input(description="Verify a residence (核验居住).")
class NewResidentsVerifyResidenceInput(NewResidentsRegistrationInput):
    since: date = strawberry.field(description="Since when they live there, as the evidence shows (核定居住起始日).")
    identity: IdentityCheck | None = strawberry.field(
        default=None,
        description="How they were identified; not needed where the desk has done it before (身份核验方式).",
    )


@mutation(
    "new_residents.residence.verify", MEMBERSHIPS, on=REGISTRATION, batch=True, registration=NewResidentsRegistration
)
async def new_residents_verify_residence(work: Work, input: NewResidentsVerifyResidenceInput) -> Result:
    """Verify that somebody lives here since a day, as a clerk with no part in it (核验居住)."""
    found = await rules.verify_residence(
        work, registration_id=_registration(input), since=input.since, identity=input.identity
    )
    return {"registration": found}


@strawberry.input(description="Refuse a registration (不予核验).")
class NewResidentsRejectRegistrationInput(NewResidentsRegistrationInput):
    reason: str = strawberry.field(description="Why; the person reads it (理由).")


@mutation("new_residents.residence.verify", on=REGISTRATION, registration=NewResidentsRegistration)
async def new_residents_reject_registration(work: Work, input: NewResidentsRejectRegistrationInput) -> Result:
    """Refuse a registration, which the person may appeal against (不予核验)."""
    found = await rules.reject_registration(work, registration_id=_registration(input), reason=input.reason)
    return {"registration": found}


@strawberry.input(description="Revoke a verified residence (撤销核验).")
class NewResidentsRevokeResidenceInput(NewResidentsRegistrationInput):
    reason: str = strawberry.field(description="Why; the person reads it (理由).")


@mutation("new_residents.residence.verify", on=REGISTRATION, registration=NewResidentsRegistration)
async def new_residents_revoke_residence(work: Work, input: NewResidentsRevokeResidenceInput) -> Result:
    """Take back what proves wrong; the person may appeal (撤销核验)."""
    found = await rules.revoke_residence(work, registration_id=_registration(input), reason=input.reason)
    return {"registration": found}


@strawberry.input(description="Say that one has moved away (迁出).")
class NewResidentsMoveAwayInput(NewResidentsRegistrationInput):
    until: date | None = strawberry.field(default=None, description="The last day; today unless told (迁出日期).")


@mutation(
    "new_residents.residence.end",
    on=THEIRS,
    registration=NewResidentsRegistration,
)
async def new_residents_move_away(work: Work, input: NewResidentsMoveAwayInput) -> Result:
    """Say, or record at the desk, that somebody no longer lives here (迁出)."""
    found = await rules.move_away(work, registration_id=_registration(input), until=input.until)
    return {"registration": found}


# --- the villagers' consent ------------------------------------------------------------------------------


@strawberry.input(description="Ask the villagers' representatives (提请村民代表表决).")
class NewResidentsAskConsentInput(NewResidentsRegistrationInput):
    body_id: strawberry.ID | None = strawberry.field(
        default=None, description="The representatives' meeting of the village: who sits in it votes (村民代表会议)."
    )
    representative_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Who votes, where the village has no such body (村民代表)."
    )
    opens_at: datetime = strawberry.field(description="When the ballot opens (表决开始时间).")
    closes_at: datetime = strawberry.field(description="When it closes (表决结束时间).")


@mutation("new_residents.consent.record", on=REGISTRATION, registration=NewResidentsRegistration)
async def new_residents_ask_consent(work: Work, input: NewResidentsAskConsentInput) -> Result:
    """Put it to the villagers' representatives whether somebody takes part in the village (提请村民代表表决)."""
    found = await rules.ask_consent(
        work,
        registration_id=_registration(input),
        representatives=[
            from_global(id, "actor", "representativeIds", str(n)) for n, id in enumerate(input.representative_ids)
        ],
        body_id=None if input.body_id is None else from_global(input.body_id, "councils_body", "bodyId"),
        opens_at=input.opens_at,
        closes_at=input.closes_at,
    )
    return {"registration": found}


@strawberry.input(description="Enter what the villagers decided (登记村民决定).")
class NewResidentsRecordConsentInput(NewResidentsRegistrationInput):
    consented: bool = strawberry.field(description="Did they agree (是否同意)?")
    evidence: str = strawberry.field(description="The minutes, by number or place (会议记录凭据).")
    decided_on: date | None = strawberry.field(default=None, description="When; today unless told (决定日期).")


@mutation("new_residents.consent.record", MEMBERSHIPS, on=REGISTRATION, registration=NewResidentsRegistration)
async def new_residents_record_consent(work: Work, input: NewResidentsRecordConsentInput) -> Result:
    """Enter what the minutes of the villagers or their representatives say (登记村民决定)."""
    found = await rules.record_consent(
        work, registration_id=_registration(input), consented=input.consented, evidence=input.evidence,
        decided_on=input.decided_on,
    )  # fmt: skip
    return {"registration": found}


# --- employers' dormitories ------------------------------------------------------------------------------


@strawberry.input(description="Who lives in the dormitory (名单中的职工).")
class NewResidentsWorker:
    person_id: strawberry.ID = strawberry.field(description="Who (职工).")
    since: date = strawberry.field(description="Since when (入住日期).")


@strawberry.input(description="An employer's dormitory list (提交宿舍名单).")
class NewResidentsSubmitDormitoryListInput(MutationInput):
    area_id: strawberry.ID = strawberry.field(description="Where the dormitory lies (区域).")
    address: str = strawberry.field(description="Where it is (宿舍地址).")
    workers: list[NewResidentsWorker] = strawberry.field(description="1 to 200; each is asked (职工).")


@mutation("new_residents.dormitory.submit", on=Subject(Area, "area_id"), list=NewResidentsDormitoryList)
async def new_residents_submit_dormitory_list(work: Work, input: NewResidentsSubmitDormitoryListInput) -> Result:
    """Say, for an employer, who lives in its dormitory; each worker confirms or declines (提交宿舍名单)."""
    workers = [
        rules.Worker(from_global(w.person_id, "actor", "workers", str(n), "personId"), w.since)
        for n, w in enumerate(input.workers)
    ]
    made = await rules.submit_list(
        work, area_id=from_global(input.area_id, "area", "areaId"), address=input.address, workers=workers
    )
    return {"list": made}


@strawberry.input(description="Take a list back (撤回名单).")
class NewResidentsCloseDormitoryListInput(ChangeInput):
    list_id: strawberry.ID = strawberry.field(description="Which list (宿舍名单).")


@mutation(
    "new_residents.dormitory.submit",
    on=Subject(NewResidentsDormitoryList, "list_id", lambda t: [t.employer_id]),
    list=NewResidentsDormitoryList,
)
async def new_residents_close_dormitory_list(work: Work, input: NewResidentsCloseDormitoryListInput) -> Result:
    """Ask those no longer who have not answered (撤回名单)."""
    return {"list": await rules.close_list(work, list_id=from_global(input.list_id, "new_residents_list", "listId"))}


@strawberry.input(description="Confirm what the employer's list says (确认登记).")
class NewResidentsConfirmRegistrationInput(NewResidentsRegistrationInput):
    address: str | None = strawberry.field(default=None, description="Room and bed, if the list has none (房间床位).")


@mutation("new_residents.register", "core.consent.record", on=THEIRS, registration=NewResidentsRegistration)
async def new_residents_confirm_registration(work: Work, input: NewResidentsConfirmRegistrationInput) -> Result:
    """Confirm, as the worker, that it is so, and agree that it is registered (确认登记)."""
    found = await rules.confirm_registration(work, registration_id=_registration(input), address=input.address)
    return {"registration": found}


@strawberry.input(description="Decline what the employer's list says (不同意登记).")
class NewResidentsDeclineRegistrationInput(NewResidentsRegistrationInput):
    pass


@mutation("new_residents.register", on=THEIRS, registration=NewResidentsRegistration)
async def new_residents_decline_registration(work: Work, input: NewResidentsDeclineRegistrationInput) -> Result:
    """Decline, as the worker: nothing is registered, and what the list said is forgotten (不同意登记)."""
    return {"registration": await rules.decline_registration(work, registration_id=_registration(input))}


# --- service points --------------------------------------------------------------------------------------


@strawberry.input(description="Open on a day of the week (开放时段).")
class NewResidentsOpeningInput:
    weekday: int = strawberry.field(description="1 is Monday, 7 Sunday (星期).")
    opens: str = strawberry.field(description="From, as 08:30 in civil time (开始).")
    closes: str = strawberry.field(description="Until, as 12:00 (结束).")


def _hours(given: list[NewResidentsOpeningInput] | None) -> list[rules.Opening] | None:
    return None if given is None else [rules.Opening(h.weekday, h.opens, h.closes) for h in given]


@strawberry.input(description="Open a service point (设立服务点).")
class NewResidentsOpenServicePointInput(MutationInput):
    area_id: strawberry.ID = strawberry.field(description="Where it lies (区域).")
    name: str = strawberry.field(description="What it is called (名称).")
    address: str = strawberry.field(description="Where it is (地址).")
    phone: str | None = strawberry.field(default=None, description="Its telephone (电话).")
    services: list[str] = strawberry.field(default_factory=list, description="What is done there (服务事项).")
    hours: list[NewResidentsOpeningInput] = strawberry.field(
        default_factory=list, description="When it is open (开放时间)."
    )
    closures: list[date] = strawberry.field(
        default_factory=list, description="Days it is closed all the same (休息日)."
    )


@mutation("new_residents.point.manage", on=Subject(Area, "area_id"), service_point=NewResidentsServicePoint)
async def new_residents_open_service_point(work: Work, input: NewResidentsOpenServicePointInput) -> Result:
    """Open a service point with its hours (设立服务点)."""
    details = rules.Details(input.name, input.address, input.phone, input.services, _hours(input.hours), input.closures)
    made = await rules.open_point(work, area_id=from_global(input.area_id, "area", "areaId"), details=details)
    return {"service_point": made}


@strawberry.input(description="A service point (服务点).")
class NewResidentsServicePointInput(ChangeInput):
    point_id: strawberry.ID = strawberry.field(description="Which service point (服务点).")


@strawberry.input(description="Change a service point; what is left out stays (变更服务点).")
class NewResidentsUpdateServicePointInput(NewResidentsServicePointInput):
    name: str | None = strawberry.field(default=None, description="What it is called (名称).")
    address: str | None = strawberry.field(default=None, description="Where it is (地址).")
    phone: str | None = strawberry.field(default=None, description="Its telephone; empty for none (电话).")
    services: list[str] | None = strawberry.field(default=None, description="What is done there (服务事项).")
    hours: list[NewResidentsOpeningInput] | None = strawberry.field(default=None, description="All periods (开放时间).")
    closures: list[date] | None = strawberry.field(default=None, description="All such days (休息日).")


@mutation(
    "new_residents.point.manage",
    on=Subject(NewResidentsServicePoint, "point_id"),
    service_point=NewResidentsServicePoint,
)
async def new_residents_update_service_point(work: Work, input: NewResidentsUpdateServicePointInput) -> Result:
    """Change a service point or its hours (变更服务点)."""
    details = rules.Details(input.name, input.address, input.phone, input.services, _hours(input.hours), input.closures)
    found = await rules.update_point(
        work, point_id=from_global(input.point_id, "new_residents_point", "pointId"), details=details
    )
    return {"service_point": found}


@strawberry.input(description="Close a service point (撤销服务点).")
class NewResidentsCloseServicePointInput(NewResidentsServicePointInput):
    reason: str = strawberry.field(description="Why (理由).")


@mutation(
    "new_residents.point.manage",
    on=Subject(NewResidentsServicePoint, "point_id"),
    service_point=NewResidentsServicePoint,
)
async def new_residents_close_service_point(work: Work, input: NewResidentsCloseServicePointInput) -> Result:
    """Close a service point for good (撤销服务点)."""
    found = await rules.close_point(
        work, point_id=from_global(input.point_id, "new_residents_point", "pointId"), reason=input.reason
    )
    return {"service_point": found}
