"""Who sees what of new residents, in plain Python over plain rows (`core.testing.matrix`)."""

from __future__ import annotations

from core.testing.matrix import Facts, Row, Truth, everybody

VERIFY, GRANT = "new_residents.residence.verify", "new_residents.entitlement.grant"


def registration(row: Row, f: Facts) -> bool:
    if f.acts_as(row["person_id"]) or (row["state"] == "INVITED" and f.acts_as(row["employer_id"])):
        return True
    return row["state"] not in ("DECLINED", "LAPSED") and f.may(VERIFY, row["area_id"])


def said(row: Row, f: Facts) -> bool:
    """What an employer said of a worker who has not answered."""
    return row["state"] != "INVITED" or f.acts_as(row["person_id"]) or f.acts_as(row["employer_id"])


def dormitory(row: Row, f: Facts) -> bool:
    return f.acts_as(row["employer_id"]) or f.may(VERIFY, row["area_id"])


def grant(row: Row, f: Facts) -> bool:
    return f.acts_as(row["person_id"]) or f.may(GRANT, row["area_id"])


def appeal(row: Row, f: Facts) -> bool:
    return f.acts_as(row["person_id"]) or f.may("new_residents.appeal.decide", row["area_id"])


TRUTH: dict[str, Truth] = {
    "NewResidentsRegistration": registration,
    "NewResidentsRegistration.address": said,
    "NewResidentsRegistration.claimedSince": said,
    "NewResidentsEvidence": lambda row, f: registration(
        f.row("new_residents_registration", row["registration_id"]), f
    ),
    "NewResidentsDormitoryList": dormitory,
    "NewResidentsEntitlement": everybody,
    "NewResidentsParityException": everybody,
    "NewResidentsGrant": grant,
    "NewResidentsUse": lambda row, f: grant(f.row("new_residents_grant", row["grant_id"]), f),
    "NewResidentsAppeal": appeal,
    "NewResidentsServicePoint": everybody,
}
