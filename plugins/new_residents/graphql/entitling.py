"""What can be done about equal footing: entitlements, who has them, statutory exceptions, appeals."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.new_residents import rules
from plugins.new_residents.graphql.mutations import person
from plugins.new_residents.graphql.nodes import (
    NewResidentsAppeal,
    NewResidentsEntitlement,
    NewResidentsGrant,
    NewResidentsParityException,
    NewResidentsRegistration,
    NewResidentsUse,
)
from plugins.new_residents.terms import EntitlementRefusal, EqualGroup, IdentityCheck
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.core import Area

OFFER, GRANT = "new_residents.entitlement.offer", "new_residents.entitlement.grant"

# --- the catalogue ---------------------------------------------------------------------------------------


@strawberry.input(description="Offer an entitlement (设立五同事项).")
class NewResidentsOfferEntitlementInput(MutationInput):
    area_id: strawberry.ID = strawberry.field(description="Where, and below (提供区域).")
    equal_group: EqualGroup = strawberry.field(description="Which of the five (五同类别).")
    key: str = strawberry.field(description="A short name for programs, kept in capitals (事项代码,统一为大写).")
    title: str = strawberry.field(description="What it is called (名称).")
    explanation: str | None = strawberry.field(default=None, description="What it means (说明).")
    min_months: int = strawberry.field(default=0, description="Months of residence, 0 to 120 (所需居住月数).")
    automatic: bool = strawberry.field(default=False, description="Comes by itself (自动享有).")


@mutation(OFFER, on=Subject(Area, "area_id"), entitlement=NewResidentsEntitlement)
async def new_residents_offer_entitlement(work: Work, input: NewResidentsOfferEntitlementInput) -> Result:
    """Offer an entitlement to everybody who lives in an area, on the same conditions (设立五同事项)."""
    offered = rules.Offer(
        input.equal_group, input.key, input.title, input.min_months, input.automatic, input.explanation
    )
    (made,) = await rules.offer(work, area_id=from_global(input.area_id, "area", "areaId"), offers=[offered])
    return {"entitlement": made}


@strawberry.input(description="Offer the catalogue (设立五同目录).")
class NewResidentsOfferCatalogueInput(MutationInput):
    area_id: strawberry.ID = strawberry.field(description="Where, and below (提供区域).")


@mutation(OFFER, on=Subject(Area, "area_id"), area=Area)
async def new_residents_offer_catalogue(work: Work, input: NewResidentsOfferCatalogueInput) -> Result:
    """Offer the usual entitlements of all five groups that are not offered yet (设立五同目录)."""
    return {"area": await rules.offer_catalogue(work, area_id=from_global(input.area_id, "area", "areaId"))}


@strawberry.input(description="An entitlement (五同事项).")
class NewResidentsEntitlementInput(ChangeInput):
    entitlement_id: strawberry.ID = strawberry.field(description="Which entitlement (五同事项).")


def _entitlement(id: strawberry.ID) -> UUID:
    return from_global(id, "new_residents_entitlement", "entitlementId")


@strawberry.input(description="Change an entitlement; what is left out stays (变更五同事项).")
class NewResidentsChangeEntitlementInput(NewResidentsEntitlementInput):
    title: str | None = strawberry.field(default=None, description="What it is called (名称).")
    explanation: str | None = strawberry.field(default=None, description="What it means (说明).")
    min_months: int | None = strawberry.field(default=None, description="Fewer months of residence (所需居住月数).")
    automatic: bool | None = strawberry.field(default=None, description="Comes by itself (自动享有).")


@mutation(OFFER, on=Subject(NewResidentsEntitlement, "entitlement_id"), entitlement=NewResidentsEntitlement)
async def new_residents_change_entitlement(work: Work, input: NewResidentsChangeEntitlementInput) -> Result:
    """Mend the words of an entitlement, or ask for less (变更五同事项)."""
    found = await rules.change_entitlement(
        work, entitlement_id=_entitlement(input.entitlement_id), title=input.title, explanation=input.explanation,
        min_months=input.min_months, automatic=input.automatic,
    )  # fmt: skip
    return {"entitlement": found}


@strawberry.input(description="Offer an entitlement no longer (停止五同事项).")
class NewResidentsRetireEntitlementInput(NewResidentsEntitlementInput):
    reason: str = strawberry.field(description="Why (理由).")


@mutation(OFFER, on=Subject(NewResidentsEntitlement, "entitlement_id"), entitlement=NewResidentsEntitlement)
async def new_residents_retire_entitlement(work: Work, input: NewResidentsRetireEntitlementInput) -> Result:
    """Offer an entitlement no longer; who has it keeps it (停止五同事项)."""
    found = await rules.retire_entitlement(work, entitlement_id=_entitlement(input.entitlement_id), reason=input.reason)
    return {"entitlement": found}


# --- statutory exceptions --------------------------------------------------------------------------------


@strawberry.input(description="Declare a statutory exception (登记法定例外).")
class NewResidentsDeclareExceptionInput(MutationInput):
    entitlement_id: strawberry.ID = strawberry.field(description="What newcomers do not have by it (五同事项).")
    statute: str = strawberry.field(description="The law and article (法律依据).")
    reason: str = strawberry.field(description="What it means here (理由).")
    rule_document_id: strawberry.ID | None = strawberry.field(
        default=None, description="If it is kept here (制度依据)."
    )


@mutation(
    "new_residents.exception.declare",
    on=Subject(NewResidentsEntitlement, "entitlement_id"),
    exception=NewResidentsParityException,
)
async def new_residents_declare_exception(work: Work, input: NewResidentsDeclareExceptionInput) -> Result:
    """Declare in public by which statute newcomers do not have an entitlement (登记法定例外)."""
    document = input.rule_document_id
    made = await rules.declare_exception(
        work, entitlement_id=_entitlement(input.entitlement_id), statute=input.statute, reason=input.reason,
        rule_document_id=None if document is None else from_global(document, "ruledocument", "ruleDocumentId"),
    )  # fmt: skip
    return {"exception": made}


@strawberry.input(description="End a statutory exception (终止法定例外).")
class NewResidentsEndExceptionInput(ChangeInput):
    exception_id: strawberry.ID = strawberry.field(description="Which exception (法定例外).")


@mutation(
    "new_residents.exception.declare",
    on=Subject(NewResidentsParityException, "exception_id"),
    exception=NewResidentsParityException,
)
async def new_residents_end_exception(work: Work, input: NewResidentsEndExceptionInput) -> Result:
    """Say that a statutory exception no longer holds (终止法定例外)."""
    id = from_global(input.exception_id, "new_residents_exception", "exceptionId")
    return {"exception": await rules.end_exception(work, exception_id=id)}


# --- who has it ------------------------------------------------------------------------------------------


@strawberry.input(description="Ask for an entitlement (申请五同事项).")
class NewResidentsRequestEntitlementInput(MutationInput):
    entitlement_id: strawberry.ID = strawberry.field(description="Which entitlement (五同事项).")


@mutation(
    "new_residents.entitlement.request",
    on=Subject(NewResidentsEntitlement, "entitlement_id"),
    grant=NewResidentsGrant,
)
async def new_residents_request_entitlement(work: Work, input: NewResidentsRequestEntitlementInput) -> Result:
    """Ask for an entitlement, as somebody who lives here (申请五同事项)."""
    return {"grant": await rules.request_entitlement(work, entitlement_id=_entitlement(input.entitlement_id))}


@strawberry.input(description="Give an entitlement (办理五同事项).")
class NewResidentsGrantEntitlementInput(MutationInput):
    entitlement_id: strawberry.ID = strawberry.field(description="Which entitlement (五同事项).")
    person_id: strawberry.ID = strawberry.field(description="To whom (享有人).")


@mutation(GRANT, on=Subject(NewResidentsEntitlement, "entitlement_id"), batch=True, grant=NewResidentsGrant)
async def new_residents_grant_entitlement(work: Work, input: NewResidentsGrantEntitlementInput) -> Result:
    """Give an entitlement to somebody who lives here long enough, newcomer or local alike (办理五同事项)."""
    grant = await rules.grant_entitlement(
        work, entitlement_id=_entitlement(input.entitlement_id),
        person_id=from_global(input.person_id, "actor", "personId"),
    )  # fmt: skip
    return {"grant": grant}


@strawberry.input(description="Refuse an entitlement (不予办理).")
class NewResidentsRefuseEntitlementInput(NewResidentsGrantEntitlementInput):
    ground: EntitlementRefusal = strawberry.field(description="On what ground; it has to hold (不予办理原因).")
    reason: str = strawberry.field(description="Why; the person reads it (理由).")


@mutation(GRANT, on=Subject(NewResidentsEntitlement, "entitlement_id"), grant=NewResidentsGrant)
async def new_residents_refuse_entitlement(work: Work, input: NewResidentsRefuseEntitlementInput) -> Result:
    """Refuse an entitlement on a ground that holds; the person may appeal (不予办理)."""
    grant = await rules.refuse_entitlement(
        work, entitlement_id=_entitlement(input.entitlement_id),
        person_id=from_global(input.person_id, "actor", "personId"), ground=input.ground, reason=input.reason,
    )  # fmt: skip
    return {"grant": grant}


@strawberry.input(description="What somebody has or asks for (享有记录).")
class NewResidentsGrantInput(ChangeInput):
    grant_id: strawberry.ID = strawberry.field(description="Which record (享有记录).")


def _grant(id: strawberry.ID) -> UUID:
    return from_global(id, "new_residents_grant", "grantId")


@strawberry.input(description="Ask for it no longer (撤回申请).")
class NewResidentsWithdrawRequestInput(NewResidentsGrantInput):
    pass


@mutation(
    "new_residents.entitlement.request", on=Subject(NewResidentsGrant, "grant_id", person), grant=NewResidentsGrant
)
async def new_residents_withdraw_request(work: Work, input: NewResidentsWithdrawRequestInput) -> Result:
    """Ask for an entitlement no longer (撤回申请)."""
    return {"grant": await rules.withdraw_request(work, grant_id=_grant(input.grant_id))}


@strawberry.input(description="Note that an entitlement was used (登记使用).")
class NewResidentsUseEntitlementInput(MutationInput):
    grant_id: strawberry.ID = strawberry.field(description="Whose (享有记录).")
    used_on: date | None = strawberry.field(default=None, description="The day; today unless told (使用日期).")
    note: str | None = strawberry.field(default=None, description="What was done (备注).")


@mutation(GRANT, on=Subject(NewResidentsGrant, "grant_id"), use=NewResidentsUse)
async def new_residents_use_entitlement(work: Work, input: NewResidentsUseEntitlementInput) -> Result:
    """Note that somebody used an entitlement (登记使用)."""
    use = await rules.use_entitlement(work, grant_id=_grant(input.grant_id), used_on=input.used_on, note=input.note)
    return {"use": use}


@strawberry.input(description="End an entitlement (终止享有).")
class NewResidentsEndEntitlementInput(NewResidentsGrantInput):
    reason: str = strawberry.field(description="Why; the person reads it (理由).")


@mutation(GRANT, on=Subject(NewResidentsGrant, "grant_id", person), grant=NewResidentsGrant)
async def new_residents_end_entitlement(work: Work, input: NewResidentsEndEntitlementInput) -> Result:
    """End what somebody has, or give up what one has oneself (终止享有)."""
    return {"grant": await rules.end_entitlement(work, grant_id=_grant(input.grant_id), reason=input.reason)}


# --- appeals ---------------------------------------------------------------------------------------------

SUBMIT = "new_residents.appeal.submit"


@strawberry.input(description="Appeal about a residence (就居住核验申诉).")
class NewResidentsAppealInput(MutationInput):
    registration_id: strawberry.ID = strawberry.field(description="Which registration (居住登记).")
    statement: str = strawberry.field(description="What is wrong (申诉理由).")


@mutation(SUBMIT, on=Subject(NewResidentsRegistration, "registration_id", person), appeal=NewResidentsAppeal)
async def new_residents_appeal(work: Work, input: NewResidentsAppealInput) -> Result:
    """Appeal against a refused or revoked residence, or its first day (就居住核验申诉)."""
    appeal = await rules.appeal_residence(
        work,
        registration_id=from_global(input.registration_id, "new_residents_registration", "registrationId"),
        statement=input.statement,
    )
    return {"appeal": appeal}


@strawberry.input(description="Appeal about an entitlement (就五同事项申诉).")
class NewResidentsAppealEntitlementInput(MutationInput):
    grant_id: strawberry.ID = strawberry.field(description="What was refused or ended (享有记录).")
    statement: str = strawberry.field(description="What is wrong (申诉理由).")


@mutation(SUBMIT, on=Subject(NewResidentsGrant, "grant_id", person), appeal=NewResidentsAppeal)
async def new_residents_appeal_entitlement(work: Work, input: NewResidentsAppealEntitlementInput) -> Result:
    """Appeal against a refused or ended entitlement (就五同事项申诉)."""
    appeal = await rules.appeal_entitlement(work, grant_id=_grant(input.grant_id), statement=input.statement)
    return {"appeal": appeal}


@strawberry.input(description="An appeal (申诉).")
class NewResidentsAppealChangeInput(ChangeInput):
    appeal_id: strawberry.ID = strawberry.field(description="Which appeal (申诉).")


def _appeal(input: NewResidentsAppealChangeInput) -> UUID:
    return from_global(input.appeal_id, "new_residents_appeal", "appealId")


@strawberry.input(description="Withdraw an appeal (撤回申诉).")
class NewResidentsWithdrawAppealInput(NewResidentsAppealChangeInput):
    pass


@mutation(SUBMIT, on=Subject(NewResidentsAppeal, "appeal_id", person), appeal=NewResidentsAppeal)
async def new_residents_withdraw_appeal(work: Work, input: NewResidentsWithdrawAppealInput) -> Result:
    """Withdraw one's appeal before it is decided (撤回申诉)."""
    return {"appeal": await rules.withdraw_appeal(work, appeal_id=_appeal(input))}


@strawberry.input(description="Decide an appeal (裁定申诉).")
class NewResidentsDecideAppealInput(NewResidentsAppealChangeInput):
    grant: bool = strawberry.field(description="Is the person right (申诉是否成立)?")
    answer: str = strawberry.field(description="Why; the person reads it (裁定理由).")
    since: date | None = strawberry.field(
        default=None, description="Since when they live here, where the appeal is about that (核定居住起始日)."
    )
    identity: IdentityCheck | None = strawberry.field(default=None, description="How identified (身份核验方式).")


@mutation(
    "new_residents.appeal.decide",
    "core.membership.manage",
    on=Subject(NewResidentsAppeal, "appeal_id"),
    appeal=NewResidentsAppeal,
)
async def new_residents_decide_appeal(work: Work, input: NewResidentsDecideAppealInput) -> Result:
    """Decide an appeal, as somebody who had no part in it (裁定申诉)."""
    appeal = await rules.decide_appeal(
        work, appeal_id=_appeal(input), grant=input.grant, answer=input.answer, since=input.since,
        identity=input.identity,
    )  # fmt: skip
    return {"appeal": appeal}
