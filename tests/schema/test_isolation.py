"""The isolation matrix over everything that is served: see `core.testing.matrix`. The truths below are plain Python over
plain rows, and know nothing of scopes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from core.enums import ActivityState, ActorKind, ExportState, ImportState, MandateState, Role
from core.testing.forge import BEGAN
from core.testing.kit import Databases, served
from core.testing.matrix import Facts, Truth, World, everybody
from core.testing.questions import Bare, Row
from tests.kits.saying import SAID

pytestmark = [pytest.mark.anyio, pytest.mark.needs("adoption", "points")]
PERSONAL = (ActorKind.PERSON, ActorKind.HOUSEHOLD)


def sees_names(actor: Row, f: Facts) -> bool:
    return actor["kind"] not in PERSONAL or f.acts_as(actor["id"]) or f.may("core.actor.read", actor["area_id"])


def told_name(actor: Row, f: Facts) -> bool:
    """Whoever sees that somebody looked sees who it was."""
    return any(x["reader_id"] == actor["id"] and access_record(x, f) for x in f.rows("core_access_record"))


def membership(row: Row, f: Facts) -> bool:
    home = f.row("core_actor", row["organization_id"]).get("area_id")
    own = f.acts_as(row["actor_id"]) or f.acts_as(row["organization_id"])
    return own or f.may("core.actor.read", row["area_id"]) or f.may("core.actor.read", home)


def mandate(row: Row, f: Facts) -> bool:
    own = f.acts_as(row["person_id"]) or f.acts_as(row["organization_id"])
    return own or f.may("core.mandate.manage", row["area_id"])


def role_grant(row: Row, f: Facts) -> bool:
    holds = (
        x["post_id"] == row["post_id"] and x["person_id"] == f.who.person and x["until"] is None
        for x in f.rows("core_post_holding")
    )  # fmt: skip
    own = f.acts_as(row["actor_id"]) or (f.who.person is not None and any(holds))
    return own or f.may("core.role.grant", row["area_id"])


def home(person: Any, f: Facts) -> Any:
    return f.row("core_actor", person)["area_id"]


def login(row: Row, f: Facts) -> bool:
    return f.who.person == row["person_id"] or f.may("core.account.invite", home(row["person_id"], f))


def own_login(row: Row, f: Facts) -> bool:
    return f.who.person is not None and f.who.person == f.row("core_account", row["account_id"])["person_id"]


def access_record(row: Row, f: Facts) -> bool:
    own = f.acts_as(row["subject_id"]) or row["reader_id"] == f.who.person
    return own or f.may("core.sensitive.review", row["area_id"])


def guardianship(row: Row, f: Facts) -> bool:
    own = f.acts_as(row["ward_id"]) or row["guardian_id"] == f.who.person
    return own or f.may("core.guardianship.record", home(row["ward_id"], f))


def guards(person: Any, f: Facts) -> bool:
    return any(
        x["ward_id"] == person and x["guardian_id"] == f.who.person and x["state"] == "ACTIVE" and x["until"] is None
        for x in f.rows("core_guardianship")
    )


def consent(row: Row, f: Facts) -> bool:
    own = f.acts_as(row["person_id"]) or guards(row["person_id"], f)
    return own or f.may("core.consent.record", home(row["person_id"], f))


def handover(row: Row, f: Facts) -> bool:
    return f.acts_as(row["giver_id"]) or f.acts_as(row["taker_id"]) or f.may("core.handover", row["area_id"])


def own_detail(row: Row, f: Facts) -> bool:
    return f.acts_as(row["person_id"])


def nobody(row: Row, f: Facts) -> bool:
    return False


def event(row: Row, f: Facts) -> bool:
    account = row["subject_tag"] == "account" and f.row("core_account", row["subject_id"])["person_id"]
    own = f.acts_as(row["actor_id"]) or f.acts_as(row["behalf_of_id"]) or (account and account == f.who.person)
    log = f.may("core.event.read", row["area_id"]) and not row["type"].endswith("_in_confidence")
    return bool(own) or log


def data_import(row: Row, f: Facts) -> bool:
    return row["by_id"] == f.who.person is not None or f.may("core.import", row["area_id"])


def claim(row: Row, f: Facts) -> bool:
    asset = f.row("adoption_asset", row["asset_id"])
    asks = any(x["claim_id"] == row["id"] and f.acts_as(x["actor_id"]) for x in f.rows("adoption_co_adopter"))
    clerk = f.may("adoption.claim.decide", row["area_id"]) or f.may("adoption.claim.review", row["area_id"])
    return f.acts_as(row["claimant_id"]) or f.acts_as(asset["custodian_id"]) or asks or clerk


def co_adopter(row: Row, f: Facts) -> bool:
    agreed = any(a["claim_id"] == row["claim_id"] for a in f.rows("adoption_agreement"))
    return agreed or claim(f.row("adoption_claim", row["claim_id"]), f)


def revocation(row: Row, f: Facts) -> bool:
    agreement = f.row("adoption_agreement", row["agreement_id"])
    shares = (
        x["claim_id"] == agreement["claim_id"] and x["left_on"] is None and f.acts_as(x["actor_id"])
        for x in f.rows("adoption_co_adopter")
    )  # fmt: skip
    party = f.acts_as(agreement["adopter_id"]) or f.acts_as(agreement["custodian_id"]) or any(shares)
    decides = (f.may(f"adoption.{p}", row["area_id"]) for p in ("agreement.revoke", "appeal.decide"))
    return party or any(decides)


def account(row: Row, f: Facts) -> bool:
    actor = f.row("core_actor", row["actor_id"])
    seen = actor["kind"] not in PERSONAL or f.may("points.account.read", actor["area_id"])
    return f.acts_as(row["actor_id"]) or seen


def entry(row: Row, f: Facts) -> bool:
    return account(f.row("points_account", row["account_id"]), f)


def grant_text(row: Row, f: Facts) -> bool:
    own = f.acts_as(row["actor_id"]) or f.acts_as(row["declared_by_id"])
    return own or f.may("points.grant.confirm", row["area_id"])


def dispute(row: Row, f: Facts) -> bool:
    own = f.row("points_account", row["account_id"])["actor_id"]
    return f.acts_as(row["opened_by_id"]) or f.acts_as(own) or f.may("points.dispute.resolve", row["area_id"])


def notice(row: Row, f: Facts) -> bool:
    return row["state"] not in ("DRAFT", "DISCARDED") or f.may("disclosure.publish", row["area_id"])


def own_matter(actor: Any, f: Facts) -> bool:
    """Is it that of whoever asks, in any hat (INV10)? Rows made up are of just now, so that no hat is laid down yet."""
    me = f.who.person
    active = [b for b in f.rows("core_membership") if b["state"] == "ACTIVE"]
    homes = [b["organization_id"] for b in active if b["actor_id"] == me]
    homes = [id for id in homes if f.row("core_actor", id).get("kind") == ActorKind.HOUSEHOLD]
    mates = {b["actor_id"] for b in active if b["organization_id"] in homes}
    of = (b["organization_id"] for b in f.rows("core_membership") if b["actor_id"] == me)
    acts = (m["organization_id"] for m in f.rows("core_mandate") if m["person_id"] == me)
    wards = (w["ward_id"] for w in f.rows("core_guardianship") if w["guardian_id"] == me)
    return actor is not None and actor in {me, *mates, *of, *acts, *wards}


def objection(row: Row, f: Facts) -> bool:
    about = f.row("disclosure_notice", row["notice_id"])
    lines = (x for table in ("disclosure_item", "disclosure_concerned") for x in f.rows(table))
    named = [x["actor_id"] for x in lines if x["notice_id"] == row["notice_id"]]
    named += [about["organization_id"], about["subject_id"] if about["subject_tag"] == "actor" else None]
    part = f.who.person == about["published_by_id"] or any(own_matter(a, f) for a in named)
    answers = f.may("disclosure.answer", row["area_id"]) and not part
    return not row["is_confidential"] or f.acts_as(row["by_id"]) or answers


def story(row: Row, f: Facts) -> bool:
    inside = [
        p for p in f.rows("disclosure_story_person") if p["story_id"] == row["id"] and p["state"] != "LEFT_OUT"
    ]  # fmt: skip
    consent = all(f.row("core_consent", p["consent_id"]).get("state") == "GIVEN" for p in inside)
    theirs = row["state"] != "WITHDRAWN" and any(f.acts_as(p["person_id"]) or guards(p["person_id"], f) for p in inside)
    return (row["state"] == "PUBLISHED" and consent) or theirs or f.may("disclosure.story.publish", row["area_id"])


def in_story(row: Row, f: Facts) -> bool:
    own = f.acts_as(row["person_id"]) or guards(row["person_id"], f)
    return own or f.may("disclosure.story.publish", row["area_id"])


def place(row: Row, f: Facts) -> bool:
    return row["upper"] == 1 or f.acts_as(row["actor_id"]) or f.may("points.ranking.read", row["area_id"])


def roll(row: Row, f: Facts) -> bool:
    public = row["state"] in ("POSTED", "FINAL", "FROZEN", "RELEASED")
    return public or f.may("ballots.roll.manage", row["area_id"])


def roll_entry(row: Row, f: Facts) -> bool:
    of = f.row("ballots_roll", row["roll_id"])
    posted = of["state"] in ("POSTED", "FINAL", "FROZEN", "RELEASED") and not of["is_fixed"]
    return f.acts_as(row["actor_id"]) or f.may("ballots.roll.manage", row["area_id"]) or posted


def vote(row: Row, f: Facts) -> bool:
    ballot = f.row("ballots_ballot", row["ballot_id"])
    told = ballot["state"] == "CLOSED" and not ballot["is_secret"]
    return f.acts_as(row["voter_id"]) or f.acts_as(row["cast_by_id"]) or f.may("ballots.desk", row["area_id"]) or told


def vote_choices(row: Row, f: Facts) -> bool:
    ballot = f.row("ballots_ballot", row["ballot_id"])
    told = ballot["state"] == "CLOSED" and not ballot["is_secret"]
    return f.acts_as(row["voter_id"]) or f.acts_as(row["cast_by_id"]) or told


def candidate(row: Row, f: Facts) -> bool:
    stands = row["state"] in ("ACCEPTED", "ELECTED", "NOT_ELECTED")
    own = f.acts_as(row["actor_id"]) or f.acts_as(row["nominated_by_id"])
    return stands or own or f.may("ballots.election.manage", row["area_id"])


def roll_objection(row: Row, f: Facts) -> bool:
    own = f.acts_as(row["objector_id"]) or f.acts_as(row["person_id"])
    return own or f.may("ballots.roll.decide", row["area_id"])


def proxy(row: Row, f: Facts) -> bool:
    return f.acts_as(row["giver_id"]) or f.acts_as(row["holder_id"]) or f.may("ballots.desk", row["area_id"])


def counted_papers(row: Row, f: Facts) -> bool:
    closed = f.row("ballots_ballot", row["ballot_id"])["state"] == "CLOSED"
    return closed or f.may("ballots.papers.count", row["area_id"])


def counts_of_papers(row: Row, f: Facts) -> bool:
    if any(t is not None and f.acts_as(t) for t in (row["first_teller_id"], row["second_teller_id"])):
        return True
    marks = f.rows("ballots_vote")
    online = sum(m["ballot_id"] == row["ballot_id"] and m["channel"] == "ONLINE" for m in marks)
    enough = row["valid"] + row["spoiled"] >= 5 and online not in (1, 2, 3, 4)
    is_open = not f.row("ballots_ballot", row["ballot_id"])["is_secret"]
    waits = row["state"] == "ENTERED"
    counts = f.may("ballots.papers.count", row["area_id"])
    return is_open or (enough and row["state"] == "CONFIRMED") or (counts and (enough or waits))


def listed_by(row: Row, f: Facts) -> bool:
    """The employer whose list it came from."""
    made = row["dormitory_id"]
    return made is not None and f.acts_as(f.row("new_residents_list", made)["employer_id"])


def residence(row: Row, f: Facts) -> bool:
    if f.acts_as(row["person_id"]) or (row["state"] == "INVITED" and listed_by(row, f)):
        return True
    return row["state"] not in ("DECLINED", "LAPSED") and f.may("new_residents.residence.verify", row["area_id"])


def residence_told(row: Row, f: Facts) -> bool:
    """What an employer says of a worker who has not answered is for the two of them."""
    return row["state"] != "INVITED" or f.acts_as(row["person_id"]) or listed_by(row, f)


def residence_proof(row: Row, f: Facts) -> bool:
    return f.acts_as(row["person_id"]) or f.may("new_residents.residence.verify", row["area_id"])


def dormitory_list(row: Row, f: Facts) -> bool:
    """It names where everybody on it lives and works: no clerk's to know while one of them has not answered. Who is asked
    knows by whom."""
    on_it = [r for r in f.rows("new_residents_registration") if r["dormitory_id"] == row["id"]]
    if any(r["state"] not in ("DECLINED", "LAPSED") and f.acts_as(r["person_id"]) for r in on_it):
        return True
    asked = any(r["state"] == "INVITED" for r in on_it)
    return f.acts_as(row["employer_id"]) or (not asked and f.may("new_residents.residence.verify", row["area_id"]))


def entitled(row: Row, f: Facts) -> bool:
    return f.acts_as(row["person_id"]) or f.may("new_residents.entitlement.grant", row["area_id"])


def entitlement_use(row: Row, f: Facts) -> bool:
    return entitled(f.row("new_residents_grant", row["grant_id"]), f)


def residents_appeal(row: Row, f: Facts) -> bool:
    return f.acts_as(row["person_id"]) or f.may("new_residents.appeal.decide", row["area_id"])


def sits_in_its_body(row: Row, f: Facts) -> bool:
    return any(
        s["body_id"] == row["body_id"] and s["state"] == "FILLED" and f.acts_as(s["holder_id"])
        for s in f.rows("councils_seat")
    )


def agenda_item(row: Row, f: Facts) -> bool:
    own = f.acts_as(row["proposed_by_id"]) or f.may("councils.meeting.call", row["area_id"])
    return row["state"] in ("PLACED", "VOTED") or own or sits_in_its_body(row, f)


def item_told(row: Row, f: Facts) -> bool:
    """Whose it is, and what it is about, where it is a person's."""
    concerns = f.row("core_actor", row["concerns_id"])
    own = f.acts_as(row["concerns_id"]) or f.acts_as(row["proposed_by_id"]) or sits_in_its_body(row, f)
    return own or not concerns or concerns["kind"] not in PERSONAL or f.may("councils.meeting.call", row["area_id"])


def put_forward(row: Row, f: Facts) -> bool:
    own = f.acts_as(row["nominee_id"]) or f.acts_as(row["nominated_by_id"])
    return own or f.may("councils.seat.fill", row["area_id"]) or sits_in_its_body(row, f)


def nomination(row: Row, f: Facts) -> bool:
    return row["state"] in ("CONFIRMED", "SEATED") or put_forward(row, f)


def request_support(row: Row, f: Facts) -> bool:
    """One's own; of those who count also the clerks and the body's officers."""
    officer = any(
        s["body_id"] == row["body_id"] and s["state"] == "FILLED" and s["office"] != "MEMBER"
        and f.acts_as(s["holder_id"])
        for s in f.rows("councils_seat")
    )  # fmt: skip
    counts = row["state"] == "GIVEN" and (officer or f.may("councils.meeting.call", row["area_id"]))
    return f.acts_as(row["supporter_id"]) or counts


def charter(row: Row, f: Facts) -> bool:
    own = f.acts_as(row["drafted_by_id"]) or f.may("councils.charter.draft", row["area_id"])
    return row["state"] not in ("DRAFT", "WITHDRAWN") or own


def of_charter(row: Row, f: Facts) -> bool:
    return charter(f.row("councils_charter", row["charter_id"]), f)


def charter_count(row: Row, f: Facts) -> bool:
    """What one teller counted is theirs until the other has."""
    pair = [
        k for k in f.rows("councils_charter_count") if (k["charter_id"], k["pair"]) == (row["charter_id"], row["pair"])
    ]
    return len(pair) > 1 or f.acts_as(row["entered_by_id"])


def compact(row: Row, f: Facts) -> bool:
    """What has been signed by all is public; a draft is its parties'."""
    mine = (p["compact_id"] == row["id"] and f.acts_as(p["actor_id"]) for p in f.rows("enterprise_council_party"))
    reviews = f.may("enterprise_council.compact.review", row["area_id"])
    return row["next_review_on"] is not None or reviews or any(mine)


def of_compact(row: Row, f: Facts) -> bool:
    return compact(f.row("enterprise_council_compact", row["compact_id"]), f)


def concern(row: Row, f: Facts) -> bool:
    own = f.acts_as(row["enterprise_id"]) or f.acts_as(row["owner_id"])
    return own or f.may("enterprise_council.concern.manage", row["area_id"])


def of_conduct(row: Row, f: Facts) -> bool:
    """Whom it concerns, the members, and who keeps order or hears appeals."""
    keeps = (f.may(p, row["area_id"]) for p in ("councils.order.keep", "councils.exclusion.decide"))
    return f.acts_as(row["concerns_id"]) or any(keeps) or sits_in_its_body(row, f)


def exclusion_appeal(row: Row, f: Facts) -> bool:
    return f.acts_as(row["concerns_id"]) or f.may("councils.exclusion.decide", row["area_id"])


def recusal_reason(row: Row, f: Facts) -> bool:
    return f.acts_as(row["holder_id"]) or f.may("councils.meeting.record", row["area_id"])


def takes_part(forum_id: Any, f: Facts) -> bool:
    return any(
        m["forum_id"] == forum_id and m["state"] == "ACTIVE" and f.acts_as(m["actor_id"])
        for m in f.rows("forums_member")
    )


def convenes(forum_id: Any, f: Facts) -> bool:
    return any(
        m["forum_id"] == forum_id and m["is_convenor"] and f.acts_as(m["actor_id"]) for m in f.rows("forums_member")
    )


def applicant(row: Row, f: Facts) -> bool:
    own = f.acts_as(row["actor_id"]) or f.may("forums.member.admit", row["area_id"])
    return own or convenes(row["forum_id"], f)


def forum_member(row: Row, f: Facts) -> bool:
    if applicant(row, f):
        return True
    office = row["is_convenor"] or row["basis"] in ("SEATED", "DELEGATED")
    return row["state"] in ("ACTIVE", "EXCLUDED") and (office or takes_part(row["forum_id"], f))


def said(row: Row, f: Facts) -> bool:
    if row["state"] == "SPOKEN" or f.acts_as(row["author_id"]):
        return True
    keeps = f.may("forums.moderate", row["area_id"]) or convenes(row["forum_id"], f)
    return row["state"] == "HIDDEN" and keeps


def moderated(row: Row, f: Facts) -> bool:
    keeps = f.may("forums.moderate", row["area_id"]) or f.may("forums.moderation.decide", row["area_id"])
    return row["kind"] == "HIDE" or f.acts_as(row["concerns_id"]) or keeps or convenes(row["forum_id"], f)


def forum_appeal(row: Row, f: Facts) -> bool:
    return f.acts_as(row["concerns_id"]) or f.may("forums.moderation.decide", row["area_id"])


TRUTH: dict[str, Truth] = {
    "Area": everybody,
    "Actor": lambda row, f: row["gone_at"] is None,
    "Actor.name": sees_names,
    "Actor.name elsewhere": told_name,
    "Actor.address": lambda row, f: f.acts_as(row["id"]),  # others the road at most
    "core_person_detail.phone": own_detail,
    "core_person_detail.id_last_four": own_detail,
    "Account": login,
    "Account.password_hash": nobody,
    "Identity": own_login,
    "Identity.subject": nobody,
    "AccessToken": own_login,
    "AccessToken.hash": nobody,
    "AccessRecord": access_record,
    "Consent": consent,
    "Guardianship": guardianship,
    "Handover": handover,
    "HandoverLine": lambda row, f: handover(f.row("core_handover", row["handover_id"]), f),
    "Deputy": everybody,
    "Membership": membership,
    "Mandate": mandate,
    "Post": everybody,
    "PostHolding": everybody,
    "RoleGrant": role_grant,
    "Activity": everybody,
    "Participation": everybody,
    "Link": everybody,
    "Event": event,
    "core_event_text": lambda row, f: event(f.row("core_event", row["event_id"]), f),
    "Transition": lambda row, f: event(f.row("core_event", row["event_id"]), f),
    "DataImport": data_import,
    "ImportFinding": lambda row, f: data_import(f.row("core_data_import", row["data_import_id"]), f),
    "DataExport": lambda row, f: row["by_id"] == f.who.person is not None,
    "RuleDocument": everybody,
    "AdoptionAsset": everybody,
    "AdoptionClaim": claim,
    "AdoptionCoAdopter": co_adopter,
    "AdoptionAgreement": everybody,
    "AdoptionSignature": everybody,
    "AdoptionUpkeep": everybody,
    "AdoptionInspection": everybody,
    "AdoptionAcceptance": everybody,
    "AdoptionRevocation": revocation,
    "NewResidentsRegistration": residence,
    "NewResidentsRegistration.address": residence_told,
    "NewResidentsRegistration.claimedSince": residence_told,
    "NewResidentsEvidence": residence_proof,
    "NewResidentsDormitoryList": dormitory_list,
    "NewResidentsEntitlement": everybody,
    "NewResidentsParityException": everybody,
    "NewResidentsGrant": entitled,
    "NewResidentsUse": entitlement_use,
    "NewResidentsAppeal": residents_appeal,
    "NewResidentsServicePoint": everybody,
    "PointsAccount": account,
    "PointsRule": everybody,
    "PointsEntry": entry,
    "PointsGrant": everybody,
    "PointsGrant.reason": grant_text,
    "PointsGrant.evidence": grant_text,
    "PointsDispute": dispute,
    "PointsReward": everybody,
    "PointsRedemption": lambda row, f: f.acts_as(row["actor_id"]) or f.may("points.redemption.deliver", row["area_id"]),
    "PointsClosedRanking": everybody,
    "PointsPlace": place,
    "BallotsRule": everybody,
    "BallotsAttestation": lambda row, f: f.acts_as(row["person_id"]) or f.may("ballots.roll.manage", row["area_id"]),
    "BallotsRoll": roll,
    "BallotsEntry": roll_entry,
    "BallotsObjection": roll_objection,
    "BallotsElection": everybody,
    "BallotsCandidate": candidate,
    "BallotsBallot": everybody,
    "BallotsOption": everybody,
    "BallotsVote": vote,
    "BallotsVote.choices": vote_choices,
    "BallotsProxy": proxy,
    "BallotsPapers": counted_papers,
    **dict.fromkeys([f"BallotsPapers.{c}" for c in ("counts", "valid", "spoiled", "evidence")], counts_of_papers),
    "DisclosureNotice": notice,
    "DisclosureItem": everybody,
    "DisclosureObjection": objection,
    "DisclosurePosting": everybody,
    "DisclosureRecord": everybody,
    "DisclosureRestDays": everybody,
    "DisclosureFileEntry": everybody,
    "DisclosureStory": story,
    "DisclosureStoryPerson": in_story,
    "CouncilsBody": everybody,
    "CouncilsSeatRule": everybody,
    "CouncilsSeat": everybody,
    "CouncilsComposition": everybody,
    "CouncilsMeeting": everybody,
    "CouncilsAttendance": everybody,
    "CouncilsAgendaItem": agenda_item,
    "CouncilsAgendaItem.concerns": item_told,
    "CouncilsAgendaItem.details": item_told,
    "CouncilsNomination": nomination,
    **dict.fromkeys(
        [f"CouncilsNomination.{c}" for c in ("origin", "contribution", "answer", "nominated_by")], put_forward
    ),
    "CouncilsMeetingRequest": everybody,
    "CouncilsRequestSupport": request_support,
    "CouncilsService": everybody,
    "CouncilsCallToOrder": of_conduct,
    "CouncilsExclusion": of_conduct,
    "CouncilsExclusion.appeal": exclusion_appeal,
    "CouncilsExclusion.decision": exclusion_appeal,
    "CouncilsRecusal": everybody,
    "CouncilsRecusal.reason": recusal_reason,
    "CouncilsResolution": everybody,
    "CouncilsOpinion": everybody,
    "CouncilsTask": everybody,
    "CouncilsReport": everybody,
    "CouncilsCharter": charter,
    "CouncilsCharterCount": charter_count,
    "CouncilsClause": of_charter,
    "CouncilsConstituted": of_charter,
    "CouncilsDelegation": everybody,
    "CouncilsTakenBack": everybody,
    "ForumsForum": everybody,
    "ForumsMember": forum_member,
    "ForumsMember.application": applicant,
    "ForumsTopic": everybody,
    "ForumsRound": everybody,
    "ForumsStatement": everybody,
    "ForumsStatement.text": said,
    "ForumsResolution": everybody,
    "ForumsPosition": lambda row, f: row["stance"] == "OBJECT" or f.acts_as(row["actor_id"]),
    "ForumsModeration": moderated,
    "ForumsModeration.appeal": forum_appeal,
    "ForumsModeration.decision": forum_appeal,
    "EnterpriseCouncilShare": everybody,
    "EnterpriseCouncilSeat": everybody,
    "EnterpriseCouncilCompact": compact,
    "EnterpriseCouncilParty": of_compact,
    "EnterpriseCouncilCommitment": of_compact,
    "EnterpriseCouncilReview": everybody,
    "EnterpriseCouncilConcern": concern,
    "EnterpriseCouncilSelfHelp": everybody,
}
# What would give the people who ask more than they were given, and what is looked at when it is shown.
VALUES: dict[tuple[str, str], Any] = {
    ("core_mandate", "state"): MandateState.REVOKED,
    ("core_role_grant", "revoked_at"): BEGAN,
    ("core_event_text", "key"): "reason",
    ("core_token", "scope"): {"permissions": ["core.actor.read"]},
    ("core_deputy", "ended_at"): BEGAN,
    ("core_access_record", "until"): BEGAN + timedelta(days=9999),
    ("core_activity", "state"): ActivityState.OPEN,  # for everybody to join
    ("core_activity", "ends_at"): BEGAN + timedelta(days=9999),
    ("core_activity", "capacity"): None,
    ("councils_charter", "state"): "CONSULTATION",  # the demo's is in force
    ("core_data_import", "state"): ImportState.APPLIED,  # and nothing for the worker to do
    ("core_data_export", "state"): ExportState.FAILED,
    **SAID,
}
ARGUMENTS: dict[str, list[Any]] = {
    "action": ["core.actor.read"],
    "permission": ["core.actor.read"],
    "questions": [Bare("[]")],
    "kind": [Bare(k.name) for k in ActorKind],
    "period": ["2025"],
    "ballotId": ["ballots_ballot_00000000-0000-7000-8000-000000000001"],
    "hash": ["0" * 64],
    "organizationId": ["actor_00000000-0000-7000-8000-000000000001"],
    "year": [2025],
    "query": ["zhao", "zq0000", "赵zq", "企业"],
}
# Of what a clerk may see; the rest stays.
CUT = (
    "core.actor.read", "core.event.read", "core.mandate.manage", "adoption.claim.decide", "adoption.claim.review",
    "points.account.read", "points.dispute.resolve",
)  # fmt: skip
PROBING = ("neighbour", "clerk here", "anonymous", "resident", "clerk beside", "deprived clerk", "machine")
ROLES = (
    *PROBING, "clerk above", "area admin", "mandated", "former delegate", "lapsed clerk", "deputy", "guardian", "admin",
)  # fmt: skip


def roles(*every: Any, postgres: int) -> Any:
    """Everybody on SQLite, the first on PostgreSQL too or not: that both answer alike is for generated operations to show."""
    asked = [("sqlite", one) for one in every] + [("postgres", one) for one in every[:postgres]]
    return pytest.mark.parametrize(("dialect", "role"), asked, indirect=["dialect"])


@pytest.fixture(scope="module")
async def world(databases: Databases, shared_url: str, anyio_backend: str) -> AsyncIterator[World]:
    async with served(databases.config(shared_url), is_fresh=True) as n:
        await n.trust("admin")
        yield await World.made(n, VALUES, ARGUMENTS)


@roles(*ROLES, postgres=1)
async def test_nobody_sees_more_or_less_than_is_for_them(world: World, role: str) -> None:
    asked = await world.check(role, TRUTH, probing=role in PROBING)
    assert asked > 300


@roles("clerk here", "clerk above", "area admin", postgres=1)
async def test_where_an_area_has_cut_permissions_nobody_sees_more_or_less(world: World, role: str) -> None:
    """Of two roles one sees less, and all are served by the plans that look at cuts."""
    async with world.cut("xishan", Role.CLERK, CUT):
        assert await world.check(role, TRUTH) > 300


@roles("clerk beside", "anonymous", "area admin", postgres=0)
async def test_an_area_s_endpoint_tells_no_more(world: World, role: str) -> None:
    assert await world.check(role, TRUTH, endpoint="/areas/haihong/graphql") > 300


@roles(("clerk beside", 2), ("resident", 0), ("neighbour", 1), ("area admin", 3), postgres=0)
async def test_files_tell_no_more(world: World, role: tuple[str, int]) -> None:
    assert await world.check_exports(role[0], TRUTH, role[1]) >= 10


@roles("clerk beside", "resident", postgres=0)
async def test_what_is_hidden_and_what_is_missing_are_refused_alike(world: World, role: str) -> None:
    assert await world.check_refusals(role, TRUTH) >= 70


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_type_without_a_truth_fails(world: World) -> None:
    with pytest.raises(AssertionError, match="nobody has said in plain Python who sees PointsDispute"):
        await world.check("anonymous", {k: v for k, v in TRUTH.items() if k != "PointsDispute"})


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_the_matrix_notices_a_truth_that_is_broken(world: World) -> None:
    """Were a single type shown to one role too many, or too few, it would be told."""
    for name, wrong in (("Membership", everybody), ("PointsGrant.reason", lambda row, f: False)):
        with pytest.raises(AssertionError, match=name.partition(".")[0]):
            await world.check("clerk here", TRUTH | {name: wrong})


@roles("resident", "clerk beside", "mandated", "deprived clerk", postgres=0)
async def test_what_a_mutation_answers_leads_no_further(world: World, role: str) -> None:
    assert await world.check_payload(role, TRUTH) > 10
