"""What can be done about bodies, seats, meetings and agendas."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.councils import rules
from plugins.councils.graphql import owners
from plugins.councils.graphql.nodes import (
    CouncilsAgendaItem,
    CouncilsBody,
    CouncilsMeeting,
    CouncilsRecusal,
    CouncilsSeat,
    CouncilsSeatRule,
)
from plugins.councils.terms import (
    AttendanceState,
    BodyKind,
    Matter,
    Rounding,
    SeatCategory,
    SeatedBy,
    SeatOffice,
    VacatedBecause,
)
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.core import Area

OF_BODY = Subject(CouncilsBody, "body_id", owners.of_body)
OF_MEETING = Subject(CouncilsMeeting, "meeting_id", owners.of_its_body)
OF_ITEM = Subject(CouncilsAgendaItem, "item_id", owners.of_its_body)


def optional(id: strawberry.ID | None, tag: str, *path: str) -> UUID | None:
    return None if id is None else from_global(id, tag, *path)


# --- bodies ----------------------------------------------------------------------------------------------


@strawberry.input
class CouncilsCreateBodyInput(MutationInput):
    area_id: strawberry.ID
    kind: BodyKind
    name: str
    size: int = strawberry.field(description="How many seats it has (席位总数).")
    purpose: str | None = None
    is_advisory: bool | None = strawberry.field(
        default=None, description="As usual for its kind unless told: 乡贤理事会 and 道德评议会 advise (是否仅提意见)."
    )
    organization_id: strawberry.ID | None = strawberry.field(
        default=None, description="The committee whose organ it is (所属自治组织)."
    )


@mutation("councils.body.manage", on=Subject(Area, "area_id"), body=CouncilsBody)
async def councils_create_body(work: Work, input: CouncilsCreateBodyInput) -> Result:
    """Found a deliberating body (设立议事组织)."""
    body = await rules.create_body(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        kind=input.kind,
        name=input.name,
        size=input.size,
        purpose=input.purpose,
        is_advisory=input.is_advisory,
        organization_id=optional(input.organization_id, "actor", "organizationId"),
    )
    return {"body": body}


@strawberry.input
class CouncilsBodyInput(ChangeInput):
    body_id: strawberry.ID


def body_of(input: CouncilsBodyInput) -> UUID:
    return from_global(input.body_id, "councils_body", "bodyId")


@strawberry.input
class CouncilsUpdateBodyInput(CouncilsBodyInput):
    """What is left out stays as it is."""

    name: str | None = None
    purpose: str | None = None
    size: int | None = None


@mutation("councils.body.manage", on=Subject(CouncilsBody, "body_id"), body=CouncilsBody)
async def councils_update_body(work: Work, input: CouncilsUpdateBodyInput) -> Result:
    """Correct a body; one that a charter constitutes keeps its size and powers (变更议事组织)."""
    body = await rules.update_body(
        work, body_id=body_of(input), name=input.name, purpose=input.purpose, size=input.size
    )
    return {"body": body}


@strawberry.input
class CouncilsDissolveBodyInput(CouncilsBodyInput):
    reason: str


@mutation("councils.body.manage", on=Subject(CouncilsBody, "body_id"), body=CouncilsBody)
async def councils_dissolve_body(work: Work, input: CouncilsDissolveBodyInput) -> Result:
    """End a body; what it decided stays (撤销议事组织)."""
    return {"body": await rules.dissolve_body(work, body_id=body_of(input), reason=input.reason)}


@strawberry.input
class CouncilsSetSeatRuleInput(CouncilsBodyInput):
    category: SeatCategory
    minimum: int = strawberry.field(description="At least so many seats, or so many parts of outOf (最低).")
    maximum: int = strawberry.field(description="At most; the same as minimum for an exact number or share (最高).")
    out_of: int | None = strawberry.field(default=None, description="Makes it a share: 1 outOf 3 is a third (分母).")
    rounding: Rounding = Rounding.UP


@mutation("councils.body.manage", on=Subject(CouncilsBody, "body_id"), seat_rule=CouncilsSeatRule, body=CouncilsBody)
async def councils_set_seat_rule(work: Work, input: CouncilsSetSeatRuleInput) -> Result:
    """Say how many seats a category has; once a charter constitutes the body, only an amendment does (设定席位规则)."""
    rule = await rules.set_seat_rule(
        work,
        body_id=body_of(input),
        category=input.category,
        minimum=input.minimum,
        maximum=input.maximum,
        out_of=input.out_of,
        rounding=input.rounding,
    )
    return {"seat_rule": rule}


@strawberry.input
class CouncilsLiftSeatRuleInput(ChangeInput):
    seat_rule_id: strawberry.ID


@mutation("councils.body.manage", on=Subject(CouncilsSeatRule, "seat_rule_id"), seat_rule=CouncilsSeatRule)
async def councils_lift_seat_rule(work: Work, input: CouncilsLiftSeatRuleInput) -> Result:
    """End a seat rule; the category has no bounds any more (取消席位规则)."""
    id = from_global(input.seat_rule_id, "councils_seat_rule", "seatRuleId")
    return {"seat_rule": await rules.lift_seat_rule(work, rule_id=id)}


@strawberry.input
class CouncilsFillSeatInput(MutationInput):
    body_id: strawberry.ID
    holder_id: strawberry.ID
    category: SeatCategory
    also: list[SeatCategory] = strawberry.field(
        default_factory=list, description="Further categories the holder counts in (同时计入类别)."
    )
    office: SeatOffice = SeatOffice.MEMBER
    via: SeatedBy = SeatedBy.APPOINTED
    election_id: strawberry.ID | None = strawberry.field(
        default=None, description="The election they were elected in, where ballots are on (所依据的选举)."
    )
    mandate_of_id: strawberry.ID | None = strawberry.field(
        default=None, description="The organization that sends them, by a mandate it gave (委派单位)."
    )
    term_start: date | None = None
    term_months: int | None = strawberry.field(default=None, description="The longest term unless told (任期,月).")


@mutation("councils.seat.fill", on=Subject(CouncilsBody, "body_id"), batch=True, seat=CouncilsSeat)
async def councils_fill_seat(work: Work, input: CouncilsFillSeatInput) -> Result:
    """Seat somebody in a body (登记席位)."""
    seat = await rules.fill_seat(
        work,
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        holder_id=from_global(input.holder_id, "actor", "holderId"),
        category=input.category,
        also=input.also,
        office=input.office,
        via=input.via,
        election_id=optional(input.election_id, "ballots_election", "electionId"),
        mandate_of_id=optional(input.mandate_of_id, "actor", "mandateOfId"),
        term_start=input.term_start,
        term_months=input.term_months,
    )
    return {"seat": seat}


@strawberry.input
class CouncilsVacateSeatInput(ChangeInput):
    seat_id: strawberry.ID
    because: VacatedBecause
    reason: str | None = strawberry.field(default=None, description="Needed for a removal (理由).")
    on: date | None = strawberry.field(default=None, description="Since when; today unless told (离任日).")


@mutation("councils.seat.fill", on=Subject(CouncilsSeat, "seat_id", owners.of_seat), seat=CouncilsSeat)
async def councils_vacate_seat(work: Work, input: CouncilsVacateSeatInput) -> Result:
    """Resign, call one's delegate back, or enter that somebody has gone (空出席位)."""
    seat = await rules.vacate_seat(
        work,
        seat_id=from_global(input.seat_id, "councils_seat", "seatId"),
        because=input.because,
        reason=input.reason,
        on=input.on,
    )
    return {"seat": seat}


# --- the agenda ------------------------------------------------------------------------------------------


@strawberry.input
class CouncilsProposeAgendaItemInput(MutationInput):
    body_id: strawberry.ID
    title: str
    matter: Matter
    details: str | None = None
    concerns_id: strawberry.ID | None = strawberry.field(
        default=None, description="The actor whose own matter it is; their people keep out of it (涉及主体)."
    )


@mutation("councils.agenda.propose", on=Subject(CouncilsBody, "body_id"), item=CouncilsAgendaItem)
async def councils_propose_agenda_item(work: Work, input: CouncilsProposeAgendaItemInput) -> Result:
    """Ask a body to talk about something (提出议题)."""
    item = await rules.propose_item(
        work,
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        title=input.title,
        matter=input.matter,
        details=input.details,
        concerns_id=optional(input.concerns_id, "actor", "concernsId"),
    )
    return {"item": item}


@strawberry.input
class CouncilsItemInput(ChangeInput):
    item_id: strawberry.ID


def item_of(input: CouncilsItemInput) -> UUID:
    return from_global(input.item_id, "councils_agenda_item", "itemId")


@strawberry.input
class CouncilsPlaceItemInput(CouncilsItemInput):
    meeting_id: strawberry.ID


@mutation("councils.meeting.call", on=OF_ITEM, item=CouncilsAgendaItem)
async def councils_place_item(work: Work, input: CouncilsPlaceItemInput) -> Result:
    """Put an item on a meeting's agenda (列入议程)."""
    meeting = from_global(input.meeting_id, "councils_meeting", "meetingId")
    return {"item": await rules.place_item(work, item_id=item_of(input), meeting_id=meeting)}


@strawberry.input
class CouncilsDeclineItemInput(CouncilsItemInput):
    answer: str


@mutation("councils.meeting.call", on=OF_ITEM, item=CouncilsAgendaItem)
async def councils_decline_item(work: Work, input: CouncilsDeclineItemInput) -> Result:
    """Tell why something is not put on an agenda (不列入议程)."""
    return {"item": await rules.decline_item(work, item_id=item_of(input), answer=input.answer)}


@strawberry.input
class CouncilsCorrectItemInput(CouncilsItemInput):
    matter: Matter | None = None
    concerns_id: strawberry.ID | None = strawberry.field(default=None, description="Whose own matter it is (涉及主体).")
    concerns_nobody: bool = strawberry.field(default=False, description="It is nobody's own matter (不涉及特定主体).")


@mutation("councils.meeting.call", on=Subject(CouncilsAgendaItem, "item_id"), item=CouncilsAgendaItem)
async def councils_correct_item(work: Work, input: CouncilsCorrectItemInput) -> Result:
    """Set right what kind of matter an item is, or whose, before it is decided (更正议题)."""
    item = await rules.correct_item(
        work,
        item_id=item_of(input),
        matter=input.matter,
        concerns_id=optional(input.concerns_id, "actor", "concernsId"),
        concerns_nobody=input.concerns_nobody,
    )
    return {"item": item}


@strawberry.input
class CouncilsReferItemInput(CouncilsItemInput):
    to_body_id: strawberry.ID
    answer: str | None = None


@mutation("councils.meeting.call", on=OF_ITEM, item=CouncilsAgendaItem)
async def councils_refer_item(work: Work, input: CouncilsReferItemInput) -> Result:
    """Refer an item to a body of the same area or above, where it is proposed anew (提交上级组织)."""
    to = from_global(input.to_body_id, "councils_body", "toBodyId")
    return {"item": await rules.refer_item(work, item_id=item_of(input), to_body_id=to, answer=input.answer)}


@strawberry.input
class CouncilsRecuseInput(CouncilsItemInput):
    seat_id: strawberry.ID
    reason: str | None = None


@mutation(
    "councils.meeting.record",
    on=[Subject(CouncilsSeat, "seat_id", lambda t: [t.holder_id])],
    recusal=CouncilsRecusal,
)
async def councils_recuse(work: Work, input: CouncilsRecuseInput) -> Result:
    """Keep out of an item, as the holder of a seat; a clerk without a part in it notes it of others (回避)."""
    seat = from_global(input.seat_id, "councils_seat", "seatId")
    return {"recusal": await rules.recuse(work, item_id=item_of(input), seat_id=seat, reason=input.reason)}


# --- meetings --------------------------------------------------------------------------------------------


@strawberry.input
class CouncilsCallMeetingInput(MutationInput):
    body_id: strawberry.ID
    starts_at: datetime
    ends_at: datetime
    title: str | None = None
    place: str | None = None
    item_ids: list[strawberry.ID] = strawberry.field(default_factory=list, description="Its agenda, in order (议程).")
    is_urgent: bool = False
    request_id: strawberry.ID | None = strawberry.field(
        default=None, description="The request that is due; its matter is put on the agenda (所依据的会议请求)."
    )


@mutation("councils.meeting.call", on=OF_BODY, meeting=CouncilsMeeting)
async def councils_call_meeting(work: Work, input: CouncilsCallMeetingInput) -> Result:
    """Call a body's members to a meeting, with notice and agenda (召集会议)."""
    meeting = await rules.call_meeting(
        work,
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        title=input.title,
        place=input.place,
        item_ids=[from_global(id, "councils_agenda_item", "itemIds", str(n)) for n, id in enumerate(input.item_ids)],
        is_urgent=input.is_urgent,
        request_id=optional(input.request_id, "councils_meeting_request", "requestId"),
    )
    return {"meeting": meeting}


@strawberry.input
class CouncilsMeetingInput(ChangeInput):
    meeting_id: strawberry.ID


def meeting_of(input: CouncilsMeetingInput) -> UUID:
    return from_global(input.meeting_id, "councils_meeting", "meetingId")


@strawberry.input(description="Whether the holder of a seat came (到会情况).")
class CouncilsCame:
    seat_id: strawberry.ID
    state: AttendanceState = AttendanceState.PRESENT


@strawberry.input
class CouncilsRecordAttendanceInput(CouncilsMeetingInput):
    came: list[CouncilsCame] = strawberry.field(
        description="Who is not named is absent; to adjourn without a quorum, name everybody (到会名单)."
    )


@mutation("councils.meeting.record", on=OF_MEETING, meeting=CouncilsMeeting)
async def councils_record_attendance(work: Work, input: CouncilsRecordAttendanceInput) -> Result:
    """Note who came: with a quorum the meeting is open, else it is adjourned (登记到会)."""
    came = {
        from_global(c.seat_id, "councils_seat", "came", str(n), "seatId"): c.state for n, c in enumerate(input.came)
    }
    return {"meeting": await rules.record_attendance(work, meeting_id=meeting_of(input), came=came)}


@strawberry.input
class CouncilsCloseMeetingInput(CouncilsMeetingInput):
    minutes: str


@mutation("councils.meeting.record", on=OF_MEETING, meeting=CouncilsMeeting)
async def councils_close_meeting(work: Work, input: CouncilsCloseMeetingInput) -> Result:
    """Close a meeting with its minutes (结束会议并提交记录)."""
    return {"meeting": await rules.close_meeting(work, meeting_id=meeting_of(input), minutes=input.minutes)}


@strawberry.input
class CouncilsConfirmMinutesInput(CouncilsMeetingInput):
    pass


@mutation("councils.meeting.record", on=OF_MEETING, meeting=CouncilsMeeting)
async def councils_confirm_minutes(work: Work, input: CouncilsConfirmMinutesInput) -> Result:
    """Find the minutes right, as somebody who has not written them (确认会议记录)."""
    return {"meeting": await rules.confirm_minutes(work, meeting_id=meeting_of(input))}


@strawberry.input
class CouncilsCancelMeetingInput(CouncilsMeetingInput):
    reason: str


@mutation("councils.meeting.call", on=OF_MEETING, meeting=CouncilsMeeting)
async def councils_cancel_meeting(work: Work, input: CouncilsCancelMeetingInput) -> Result:
    """Call a meeting off (取消会议)."""
    return {"meeting": await rules.cancel_meeting(work, meeting_id=meeting_of(input), reason=input.reason)}
