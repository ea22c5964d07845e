"""What new residents keep: registrations, entitlements and their use, appeals, service points."""

from plugins.new_residents.models.appeals import Appeal
from plugins.new_residents.models.entitlements import Entitlement, Grant, ParityException, Use
from plugins.new_residents.models.residence import ASKED, ENTERED, HOMES, LIVING, DormitoryList, Evidence, Registration
from plugins.new_residents.models.service_points import ServicePoint

__all__ = [
    "ASKED",
    "ENTERED",
    "HOMES",
    "LIVING",
    "Appeal",
    "DormitoryList",
    "Entitlement",
    "Evidence",
    "Grant",
    "ParityException",
    "Registration",
    "ServicePoint",
    "Use",
]
