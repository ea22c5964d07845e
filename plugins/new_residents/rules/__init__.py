"""The rules of new residents' services (M31). A registration's row is locked first, then what belongs to it."""

from plugins.new_residents.rules.appeals import appeal_entitlement, appeal_residence, decide_appeal, withdraw_appeal
from plugins.new_residents.rules.automatic import COMING_SQL, LEFT_SQL, entitle, leave
from plugins.new_residents.rules.consents import ask_consent, ballot_closed, record_consent
from plugins.new_residents.rules.dormitories import (
    LAPSING_SQL,
    Worker,
    close_list,
    confirm_registration,
    consent_withdrawn,
    decline_registration,
    lapse_invitation,
    submit_list,
)
from plugins.new_residents.rules.entitlements import (
    Offer,
    change_entitlement,
    declare_exception,
    end_entitlement,
    end_exception,
    grant_entitlement,
    offer,
    offer_catalogue,
    refuse_entitlement,
    request_entitlement,
    retire_entitlement,
    use_entitlement,
    withdraw_request,
)
from plugins.new_residents.rules.mending import ENDED_SQL, membership_ended, residence_ended
from plugins.new_residents.rules.points import Details, Opening, close_point, is_open, open_point, update_point
from plugins.new_residents.rules.registrations import Proof, add_evidence, register, withdraw_registration
from plugins.new_residents.rules.residence import move_away, reject_registration, revoke_residence, verify_residence

__all__ = [
    "COMING_SQL", "ENDED_SQL", "LAPSING_SQL", "LEFT_SQL", "Details", "Offer", "Opening", "Proof", "Worker", "add_evidence", "appeal_entitlement",
    "appeal_residence", "ask_consent", "ballot_closed", "change_entitlement", "close_list", "close_point",
    "confirm_registration", "consent_withdrawn", "decide_appeal", "declare_exception", "decline_registration",
    "end_entitlement", "end_exception", "entitle", "grant_entitlement", "is_open", "lapse_invitation", "leave", "membership_ended", "move_away",
    "offer", "offer_catalogue", "open_point", "record_consent", "refuse_entitlement", "register", "reject_registration",
    "request_entitlement", "residence_ended", "retire_entitlement", "revoke_residence", "submit_list", "update_point", "use_entitlement",
    "verify_residence", "withdraw_appeal", "withdraw_registration", "withdraw_request",
]  # fmt: skip
