"""Pure ORM models of the kernel. What they mean to the API stands in `schema/nodes/`."""

from core.models.access import Permission, RoleGrant, RolePermission
from core.models.account import Account, Identity, SignInFailures, Ticket, Token
from core.models.activity import Activity, Participation
from core.models.actor import Actor, Deputy, Mandate, Membership, Post, PostHolding
from core.models.area import Area, AreaClosure
from core.models.base import Entity, Logged, references
from core.models.data import DataExport, DataImport, ImportFinding, RegisterNumber
from core.models.event import (
    Delivery,
    DeliveryFailure,
    DeliverySkipped,
    Epoch,
    Event,
    EventText,
    Idempotency,
    Transition,
)
from core.models.handover import Handover, HandoverLine
from core.models.link import Link
from core.models.person import AccessRecord, Consent, Guardianship, PersonDetail
from core.models.search import SearchEntry, SearchTerm
from core.models.settings import AreaPlugin, Governance, Installed, PluginArea, RuleDocument, Setting

__all__ = [
    "AccessRecord",
    "Account",
    "Activity",
    "Actor",
    "Area",
    "AreaClosure",
    "AreaPlugin",
    "Consent",
    "DataExport",
    "DataImport",
    "Delivery",
    "DeliveryFailure",
    "DeliverySkipped",
    "Deputy",
    "Entity",
    "Epoch",
    "Event",
    "EventText",
    "Governance",
    "Guardianship",
    "Handover",
    "HandoverLine",
    "Idempotency",
    "Identity",
    "ImportFinding",
    "Installed",
    "Link",
    "Logged",
    "Mandate",
    "Membership",
    "Participation",
    "Permission",
    "PersonDetail",
    "PluginArea",
    "Post",
    "PostHolding",
    "RegisterNumber",
    "RoleGrant",
    "RolePermission",
    "RuleDocument",
    "SearchEntry",
    "SearchTerm",
    "Setting",
    "SignInFailures",
    "Ticket",
    "Token",
    "Transition",
    "references",
]
