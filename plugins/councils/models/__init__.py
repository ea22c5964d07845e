"""What councils keep: bodies with their seats, meetings with what came of them, charters and delegations."""

from plugins.councils.models.bodies import Body, CompositionCheck, Seat, SeatRule
from plugins.councils.models.charters import Charter, Clause, Constituted, Count, Delegation, TakenBack
from plugins.councils.models.conduct import CallToOrder, Exclusion, KeptOut
from plugins.councils.models.meetings import AgendaItem, Attendance, Meeting, Recusal
from plugins.councils.models.nominations import Nomination
from plugins.councils.models.requests import MeetingRequest, RequestSupport
from plugins.councils.models.resolutions import Opinion, Report, Resolution, Task
from plugins.councils.models.services import ServiceOffer

__all__ = [
    "AgendaItem",
    "Attendance",
    "Body",
    "CallToOrder",
    "Charter",
    "Clause",
    "CompositionCheck",
    "Constituted",
    "Count",
    "Delegation",
    "Exclusion",
    "KeptOut",
    "Meeting",
    "MeetingRequest",
    "Nomination",
    "Opinion",
    "Recusal",
    "Report",
    "RequestSupport",
    "Resolution",
    "Seat",
    "SeatRule",
    "ServiceOffer",
    "TakenBack",
    "Task",
]
