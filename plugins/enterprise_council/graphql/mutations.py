"""What can be done: seats of enterprises, compacts, concerns, self-help."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.enterprise_council import rules
from plugins.enterprise_council.graphql import owners
from plugins.enterprise_council.graphql.nodes import (
    EnterpriseCouncilCommitment,
    EnterpriseCouncilCompact,
    EnterpriseCouncilConcern,
    EnterpriseCouncilReview,
    EnterpriseCouncilSeat,
    EnterpriseCouncilSelfHelp,
)
from plugins.enterprise_council.terms import PartyRole, SeatEnd
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.core import Area

SEATS = "councils.seat.fill"  # what councils ask of whoever seats somebody
HERE = Subject(Area, "area_id")

# --- seats -----------------------------------------------------------------------------------------------


@strawberry.input
class EnterpriseCouncilSeatEnterpriseInput(MutationInput):
    body_id: strawberry.ID = strawberry.field(description="The body, a CouncilsBody (议事组织).")
    enterprise_id: strawberry.ID
    representative_id: strawberry.ID = strawberry.field(description="A person with its mandate (企业代表).")
    letter: str = strawberry.field(description="The mandate letter, by reference (委派函).")


@mutation("enterprise_council.seat.manage", SEATS, seat=EnterpriseCouncilSeat)
async def enterprise_council_seat_enterprise(work: Work, input: EnterpriseCouncilSeatEnterpriseInput) -> Result:
    """Seat an enterprise on one of a body's enterprise seats, through whom it sends (登记企业席位)."""
    seat = await rules.seat_enterprise(
        work,
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        enterprise_id=from_global(input.enterprise_id, "actor", "enterpriseId"),
        representative_id=from_global(input.representative_id, "actor", "representativeId"),
        letter=input.letter,
    )
    return {"seat": seat}


@strawberry.input
class EnterpriseCouncilSeatInput(ChangeInput):
    seat_id: strawberry.ID


def _seat(input: EnterpriseCouncilSeatInput) -> UUID:
    return from_global(input.seat_id, "enterprise_council_seat", "seatId")


OF_SEAT = Subject(EnterpriseCouncilSeat, "seat_id", owners.of_seat)


@strawberry.input
class EnterpriseCouncilReplaceRepresentativeInput(EnterpriseCouncilSeatInput):
    representative_id: strawberry.ID = strawberry.field(description="A person with its mandate (企业代表).")
    letter: str = strawberry.field(description="The mandate letter, by reference (委派函).")


@mutation("enterprise_council.seat.replace", SEATS, on=OF_SEAT, seat=EnterpriseCouncilSeat)
async def enterprise_council_replace_representative(
    work: Work, input: EnterpriseCouncilReplaceRepresentativeInput
) -> Result:
    """Send somebody else for the rest of the enterprise's term (更换企业代表)."""
    seat = await rules.replace_representative(
        work,
        seat_id=_seat(input),
        representative_id=from_global(input.representative_id, "actor", "representativeId"),
        letter=input.letter,
    )
    return {"seat": seat}


@strawberry.input
class EnterpriseCouncilEndSeatInput(EnterpriseCouncilSeatInput):
    because: SeatEnd
    reason: str | None = strawberry.field(default=None, description="Needed for a removal (理由).")


@mutation("enterprise_council.seat.manage", SEATS, on=OF_SEAT, seat=EnterpriseCouncilSeat)
async def enterprise_council_end_seat(work: Work, input: EnterpriseCouncilEndSeatInput) -> Result:
    """Give a seat back as its enterprise, or enter that the enterprise has left or loses it (企业退出席位)."""
    return {"seat": await rules.end_seat(work, seat_id=_seat(input), because=input.because, reason=input.reason)}


# --- compacts --------------------------------------------------------------------------------------------


@strawberry.input(description="Who is to be in a compact (公约主体).")
class EnterpriseCouncilNewParty:
    actor_id: strawberry.ID
    role: PartyRole


@strawberry.input(description="What a party promises (公约承诺).")
class EnterpriseCouncilNewCommitment:
    party_id: strawberry.ID
    text: str
    due_on: date


@strawberry.input
class EnterpriseCouncilProposeCompactInput(MutationInput):
    area_id: strawberry.ID
    title: str
    starts_on: date
    parties: list[EnterpriseCouncilNewParty]
    commitments: list[EnterpriseCouncilNewCommitment] = strawberry.field(
        description="Both ways: of enterprises, and of town or village (双向承诺)."
    )
    purpose: str | None = None
    months: int | None = strawberry.field(default=None, description="The longest term unless told (期限,月).")


@mutation("enterprise_council.compact.join", on=HERE, compact=EnterpriseCouncilCompact)
async def enterprise_council_propose_compact(work: Work, input: EnterpriseCouncilProposeCompactInput) -> Result:
    """Write down what town, village and enterprises promise each other, as one of them (发起共建公约)."""
    compact = await rules.propose_compact(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        title=input.title,
        purpose=input.purpose,
        starts_on=input.starts_on,
        months=input.months,
        parties=[
            rules.NewParty(from_global(p.actor_id, "actor", "parties", str(n), "actorId"), p.role)
            for n, p in enumerate(input.parties)
        ],
        commitments=[
            rules.NewCommitment(from_global(c.party_id, "actor", "commitments", str(n), "partyId"), c.text, c.due_on)
            for n, c in enumerate(input.commitments)
        ],
    )
    return {"compact": compact}


@strawberry.input
class EnterpriseCouncilCompactInput(ChangeInput):
    compact_id: strawberry.ID


def _compact(input: EnterpriseCouncilCompactInput) -> UUID:
    return from_global(input.compact_id, "enterprise_council_compact", "compactId")


OF_COMPACT = Subject(EnterpriseCouncilCompact, "compact_id")


@strawberry.input
class EnterpriseCouncilSignCompactInput(EnterpriseCouncilCompactInput):
    pass


@mutation(
    "enterprise_council.compact.join",
    on=Subject(EnterpriseCouncilCompact, "compact_id", owners.of_compact),
    compact=EnterpriseCouncilCompact,
)
async def enterprise_council_sign_compact(work: Work, input: EnterpriseCouncilSignCompactInput) -> Result:
    """Sign a compact as one of its parties; with the last signature it runs (签署共建公约)."""
    return {"compact": await rules.sign_compact(work, compact_id=_compact(input))}


@strawberry.input
class EnterpriseCouncilEndCompactInput(EnterpriseCouncilCompactInput):
    reason: str


@mutation(
    "enterprise_council.compact.join",
    on=Subject(EnterpriseCouncilCompact, "compact_id", owners.of_compact),
    compact=EnterpriseCouncilCompact,
)
async def enterprise_council_end_compact(work: Work, input: EnterpriseCouncilEndCompactInput) -> Result:
    """Give notice that a compact ends, or give up one that is not signed (退出共建公约)."""
    return {"compact": await rules.end_compact(work, compact_id=_compact(input), reason=input.reason)}


@strawberry.input
class EnterpriseCouncilReviewCompactInput(EnterpriseCouncilCompactInput):
    year: int
    findings: str
    next_steps: str | None = None


@mutation("enterprise_council.compact.review", on=OF_COMPACT, review=EnterpriseCouncilReview)
async def enterprise_council_review_compact(work: Work, input: EnterpriseCouncilReviewCompactInput) -> Result:
    """Review a year of a compact; the server counts what was kept (年度评议公约)."""
    review = await rules.review_compact(
        work, compact_id=_compact(input), year=input.year, findings=input.findings, next_steps=input.next_steps
    )
    return {"review": review}


@strawberry.input
class EnterpriseCouncilCommitmentInput(ChangeInput):
    commitment_id: strawberry.ID


def _commitment(input: EnterpriseCouncilCommitmentInput) -> UUID:
    return from_global(input.commitment_id, "enterprise_council_commitment", "commitmentId")


@strawberry.input
class EnterpriseCouncilDeliverCommitmentInput(EnterpriseCouncilCommitmentInput):
    report: str
    evidence: list[str] = strawberry.field(description="What shows it, by reference (凭据).")


@mutation(
    "enterprise_council.compact.join",
    on=Subject(EnterpriseCouncilCommitment, "commitment_id", owners.of_promise),
    commitment=EnterpriseCouncilCommitment,
)
async def enterprise_council_deliver_commitment(work: Work, input: EnterpriseCouncilDeliverCommitmentInput) -> Result:
    """Say that what one promised is done, and show it (履行承诺)."""
    done = await rules.deliver_commitment(
        work, commitment_id=_commitment(input), report=input.report, evidence=input.evidence
    )
    return {"commitment": done}


@strawberry.input
class EnterpriseCouncilConfirmDeliveryInput(EnterpriseCouncilCommitmentInput):
    is_delivered: bool
    remark: str | None = strawberry.field(default=None, description="Needed where something is missing (意见).")


@mutation(
    "enterprise_council.compact.join",
    on=Subject(EnterpriseCouncilCommitment, "commitment_id", owners.of_delivery),
    commitment=EnterpriseCouncilCommitment,
)
async def enterprise_council_confirm_delivery(work: Work, input: EnterpriseCouncilConfirmDeliveryInput) -> Result:
    """Find the other side's commitment kept, or say what is missing (确认对方履行)."""
    found = await rules.confirm_delivery(
        work, commitment_id=_commitment(input), is_delivered=input.is_delivered, remark=input.remark
    )
    return {"commitment": found}


# --- concerns --------------------------------------------------------------------------------------------


@strawberry.input
class EnterpriseCouncilRaiseConcernInput(MutationInput):
    area_id: strawberry.ID
    title: str
    details: str


@mutation("enterprise_council.concern.raise", on=HERE, concern=EnterpriseCouncilConcern)
async def enterprise_council_raise_concern(work: Work, input: EnterpriseCouncilRaiseConcernInput) -> Result:
    """Say what one's enterprise needs; an answer is due by a day (提出企业诉求)."""
    concern = await rules.raise_concern(
        work, area_id=from_global(input.area_id, "area", "areaId"), title=input.title, details=input.details
    )
    return {"concern": concern}


@strawberry.input
class EnterpriseCouncilConcernInput(ChangeInput):
    concern_id: strawberry.ID


def _concern(input: EnterpriseCouncilConcernInput) -> UUID:
    return from_global(input.concern_id, "enterprise_council_concern", "concernId")


OF_CONCERN = Subject(EnterpriseCouncilConcern, "concern_id")
OWN_CONCERN = Subject(EnterpriseCouncilConcern, "concern_id", owners.of_the_enterprise)


@strawberry.input
class EnterpriseCouncilAssignConcernInput(EnterpriseCouncilConcernInput):
    owner_id: strawberry.ID


@mutation("enterprise_council.concern.manage", on=OF_CONCERN, concern=EnterpriseCouncilConcern)
async def enterprise_council_assign_concern(work: Work, input: EnterpriseCouncilAssignConcernInput) -> Result:
    """Say who has to answer a concern; the day it is due stays (交办企业诉求)."""
    owner = from_global(input.owner_id, "actor", "ownerId")
    return {"concern": await rules.assign_concern(work, concern_id=_concern(input), owner_id=owner)}


@strawberry.input
class EnterpriseCouncilAnswerConcernInput(EnterpriseCouncilConcernInput):
    reply: str


@mutation(
    "enterprise_council.concern.manage",
    on=Subject(EnterpriseCouncilConcern, "concern_id", owners.of_concern),
    concern=EnterpriseCouncilConcern,
)
async def enterprise_council_answer_concern(work: Work, input: EnterpriseCouncilAnswerConcernInput) -> Result:
    """Answer a concern, as its owner or the administration (答复企业诉求)."""
    return {"concern": await rules.answer_concern(work, concern_id=_concern(input), reply=input.reply)}


@strawberry.input
class EnterpriseCouncilCloseConcernInput(EnterpriseCouncilConcernInput):
    is_satisfied: bool = strawberry.field(description="False: another answer is due, by a new day (是否满意).")
    response: str | None = strawberry.field(default=None, description="Needed where it is not enough (反馈).")


@mutation("enterprise_council.concern.raise", on=OWN_CONCERN, concern=EnterpriseCouncilConcern)
async def enterprise_council_close_concern(work: Work, input: EnterpriseCouncilCloseConcernInput) -> Result:
    """Take the answer to one's concern, or say why it is not enough (反馈与办结企业诉求)."""
    concern = await rules.close_concern(
        work, concern_id=_concern(input), is_satisfied=input.is_satisfied, response=input.response
    )
    return {"concern": concern}


@strawberry.input
class EnterpriseCouncilWithdrawConcernInput(EnterpriseCouncilConcernInput):
    pass


@mutation("enterprise_council.concern.raise", on=OWN_CONCERN, concern=EnterpriseCouncilConcern)
async def enterprise_council_withdraw_concern(work: Work, input: EnterpriseCouncilWithdrawConcernInput) -> Result:
    """Need no answer any more (撤回企业诉求)."""
    return {"concern": await rules.withdraw_concern(work, concern_id=_concern(input))}


# --- self-help -------------------------------------------------------------------------------------------


@strawberry.input
class EnterpriseCouncilDeclareSelfHelpInput(MutationInput):
    area_id: strawberry.ID
    title: str
    problem: str = strawberry.field(description="What was found (发现的问题).")
    place: str | None = None


@mutation("enterprise_council.self_help.take", on=HERE, self_help=EnterpriseCouncilSelfHelp)
async def enterprise_council_declare_self_help(work: Work, input: EnterpriseCouncilDeclareSelfHelpInput) -> Result:
    """Take a problem one has found upon oneself (自行发现问题)."""
    case = await rules.declare_self_help(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        title=input.title,
        problem=input.problem,
        place=input.place,
    )
    return {"self_help": case}


@strawberry.input
class EnterpriseCouncilSelfHelpInput(ChangeInput):
    self_help_id: strawberry.ID


def _case(input: EnterpriseCouncilSelfHelpInput) -> UUID:
    return from_global(input.self_help_id, "enterprise_council_self_help", "selfHelpId")


OF_CASE = Subject(EnterpriseCouncilSelfHelp, "self_help_id")
OWN_CASE = Subject(EnterpriseCouncilSelfHelp, "self_help_id", owners.of_case)


@strawberry.input
class EnterpriseCouncilFileStudyInput(EnterpriseCouncilSelfHelpInput):
    study: str = strawberry.field(description="What one found out, and will do (研究结论与办法).")


@mutation("enterprise_council.self_help.take", on=OWN_CASE, self_help=EnterpriseCouncilSelfHelp)
async def enterprise_council_file_study(work: Work, input: EnterpriseCouncilFileStudyInput) -> Result:
    """Say what one found out about it (自行研究问题)."""
    return {"self_help": await rules.file_study(work, case_id=_case(input), study=input.study)}


@strawberry.input
class EnterpriseCouncilFileSolutionInput(EnterpriseCouncilSelfHelpInput):
    solution: str
    evidence: list[str] = strawberry.field(description="What shows it, by reference (凭据).")


@mutation("enterprise_council.self_help.take", on=OWN_CASE, self_help=EnterpriseCouncilSelfHelp)
async def enterprise_council_file_solution(work: Work, input: EnterpriseCouncilFileSolutionInput) -> Result:
    """Say that it is solved, and show how (自行解决问题)."""
    case = await rules.file_solution(work, case_id=_case(input), solution=input.solution, evidence=input.evidence)
    return {"self_help": case}


@strawberry.input
class EnterpriseCouncilConfirmSolutionInput(EnterpriseCouncilSelfHelpInput):
    outcome: str = strawberry.field(description="What the community found; it goes back to who solved it (社区意见).")
    is_solved: bool = True


@mutation("enterprise_council.self_help.confirm", on=OF_CASE, self_help=EnterpriseCouncilSelfHelp)
async def enterprise_council_confirm_solution(work: Work, input: EnterpriseCouncilConfirmSolutionInput) -> Result:
    """Find for the community that it is solved, as nobody who solved it (社区确认解决)."""
    case = await rules.confirm_solution(work, case_id=_case(input), is_solved=input.is_solved, outcome=input.outcome)
    return {"self_help": case}


@strawberry.input
class EnterpriseCouncilAbandonSelfHelpInput(EnterpriseCouncilSelfHelpInput):
    reason: str


@mutation("enterprise_council.self_help.take", on=OWN_CASE, self_help=EnterpriseCouncilSelfHelp)
async def enterprise_council_abandon_self_help(work: Work, input: EnterpriseCouncilAbandonSelfHelpInput) -> Result:
    """Give it up, and say why (放弃自行解决)."""
    return {"self_help": await rules.abandon_self_help(work, case_id=_case(input), reason=input.reason)}
