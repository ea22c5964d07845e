"""What councils keep: bodies with their seats, meetings with what came of them, charters and delegations."""

from plugins.councils.models.bodies import Body, CompositionCheck, Seat, SeatRule
from plugins.councils.models.charters import Charter, Clause, Constituted, Count, Delegation, TakenBack
from plugins.councils.models.conduct import CallToOrder, Exclusion, KeptOut
from plugins.councils.models.meetings import AgendaItem, Attendance, Meeting, Recusal
from plugins.councils.models.resolutions import Opinion, Report, Resolution, Task

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
    "Opinion",
    "Recusal",
    "Report",
    "Resolution",
    "Seat",
    "SeatRule",
    "TakenBack",
    "Task",
]
