"""The rules of caring points (M44): set a rule, award by event, reverse."""

from __future__ import annotations

from uuid import UUID

from core import ledger
from core.enums import ActorKind
from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.models import Actor, Area
from core.rules.inputs import clean_name, optional_text
from core.work import Work
from plugins.points.models import Account, Entry, Rule, RuleState


async def set_rule(work: Work, *, area_id: UUID, event_type: str, actor_kind: ActorKind | None, points: int) -> Rule:
    """Give `points` for every event of this type from now on, in the area and below; the former rule retires.

    Refuses BAD_POINTS (1 to 1,000,000).
    """
    if not 1 <= points <= 1_000_000:
        raise Refusal("BAD_POINTS", path=("points",))
    area = await work.lock(Area, area_id)
    work.require("points.rule.set", area)
    kind = clean_name(event_type, "eventType", limit=100)
    former = await work.find(Rule, area_id=area_id, event_type=kind, actor_kind=actor_kind, state=RuleState.ACTIVE)
    if former is not None:
        work.change(former, state=RuleState.RETIRED)
    rule = Rule(
        id=new_id(), area_id=area_id, event_type=kind, actor_kind=actor_kind, points=points, state=RuleState.ACTIVE
    )
    work.add(rule)
    work.record("points.rule.set", rule, area_id=area_id, data={"eventType": kind, "points": points})
    return rule


async def award(work: Work, event: EventRecord) -> None:
    """Post what the nearest rule gives for this event to the actor it names; the same event again adds nothing (INV2).

    The event's data must name the beneficiary as `actor`; an event without one, or without a rule, gives nothing.
    """
    beneficiary = event.data.get("actor")
    if event.area_id is None or not isinstance(beneficiary, str):
        return
    actor = await work.get(Actor, UUID(beneficiary))
    rule = await _nearest_rule(work, event.area_id, event.type, actor.kind)
    if rule is None or await work.find(Entry, source_event_id=event.id, rule_id=rule.id) is not None:
        return
    account = await _account(work, actor)
    entry = await ledger.post(
        work, Entry, account, rule.points, area_id=event.area_id, rule_id=rule.id, source_event_id=event.id
    )
    work.record("points.entry.posted", entry, area_id=event.area_id, data={"actor": beneficiary, "amount": rule.points})


async def _nearest_rule(work: Work, area_id: UUID, event_type: str, kind: ActorKind) -> Rule | None:
    """The active rule of the closest area upwards; one for this kind of actor goes before one for all."""
    found = await work.rows(
        "SELECT r.id FROM points_rule r JOIN core_area_closure c ON c.ancestor_id = r.area_id"
        " WHERE c.descendant_id = {} AND c.until IS NULL AND r.state = 'ACTIVE' AND r.event_type = {}"
        " AND (r.actor_kind IS NULL OR r.actor_kind = {}) ORDER BY c.depth, (r.actor_kind IS NULL) LIMIT 1",
        area_id,
        event_type,
        kind,
    )
    return await work.get(Rule, _uuid(found[0]["id"])) if found else None


def _uuid(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


async def _account(work: Work, actor: Actor) -> Account:
    found = await work.select(Account, lock=True, actor_id=actor.id)
    if found:
        return found[0]
    work.require("points.award", actor)
    account = work.add(Account(id=new_id(), actor_id=actor.id))
    work.record("points.account.opened", account, area_id=actor.area_id)
    return account


async def reverse_entry(work: Work, *, entry_id: UUID, reason: str) -> Entry:
    """Undo an entry by one of the opposite amount, with a reason; nothing is ever edited (INV1).

    Refuses ALREADY_REVERSED, NOT_REVERSIBLE, BALANCE_TOO_LOW, OWN_MATTER (INV10).
    """
    text = optional_text(reason, "reason", limit=2000)
    if text is None:
        raise Refusal("EMPTY_TEXT", path=("reason",))
    original = await work.get(Entry, entry_id)
    work.require("points.entry.reverse", original)
    account = await work.lock(Account, original.account_id)
    if work.is_own(account.actor_id):
        raise Refusal("OWN_MATTER")
    entry = await ledger.reverse(work, Entry, account, original, area_id=original.area_id)
    work.record(
        "points.entry.reversed",
        entry,
        area_id=original.area_id,
        data={"reverses": str(original.id)},
        text={"reason": text},
    )
    return entry
