"""The rules of caring points (M44): what an event is worth, awards and their undoing."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from core.enums import ActorKind
from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.kernel import Kernel
from core.models import Actor, Area
from core.problems import near
from core.rules.inputs import clean_text
from core.settings.store import as_uuid
from core.work import Work
from plugins.points.accounts import FAMILY, STANDS, account_of, civil_day, counted, earn, owner_of, take_back
from plugins.points.models import Entry, Rule
from plugins.points.terms import CapPeriod, EntryKind

VOIDED = ".voided"  # an event of such a type takes back what the event it names (`event` in its data) gave


def event_types(kernel: Kernel) -> list[str]:
    """What a rule may be set for: whatever the kernel and the other mechanisms of this server send out."""
    return sorted(t for t in kernel.events_out(to="points") if not t.endswith(VOIDED))


async def set_rule(
    work: Work,
    *,
    area_id: UUID,
    event_type: str,
    actor_kind: ActorKind | None,
    points: int,
    cap_per_day: int | None = None,
    cap_per_period: int | None = None,
    cap_period: CapPeriod | None = None,
    valid_from: date | None = None,
    valid_until: date | None = None,
) -> Rule:
    """What an event of this type is worth, in the area and below, from now or a day on; the former rule ends there.

    `valid_until` is the last day. Refuses BAD_POINTS, BAD_CAP, UNKNOWN_EVENT_TYPE, IN_THE_PAST, ENDS_BEFORE_START.
    """
    if not 1 <= points <= 1_000_000:
        raise Refusal("BAD_POINTS", path=("points",))
    for name, cap in (("capPerDay", cap_per_day), ("capPerPeriod", cap_per_period)):
        if cap is not None and not 1 <= cap <= 1_000_000_000:
            raise Refusal("BAD_CAP", path=(name,))
    if (cap_per_period is None) != (cap_period is None):
        raise Refusal("BAD_CAP", path=("capPeriod",))
    area = await work.lock(Area, area_id)
    work.require("points.rule.set", area)
    kind = event_type.strip()
    _check_event_type(work.kernel, kind)
    since, until = _validity(work, valid_from, valid_until)
    former = None
    for rule in await work.select(Rule, lock=True, area_id=area_id, event_type=kind, actor_kind=actor_kind):
        ended = rule.until is not None and rule.until <= max(since, rule.since)
        if ended or (until is not None and rule.since >= until):
            continue
        work.change(rule, until=max(since, rule.since))  # one that has not begun never will
        former = rule
    made = Rule(
        id=new_id(), area_id=area_id, event_type=kind, actor_kind=actor_kind, points=points, cap_per_day=cap_per_day,
        cap_per_period=cap_per_period, cap_period=cap_period, since=since, until=until,
        replaces_id=former.id if former else None,
    )  # fmt: skip
    work.add(made)
    work.record("points.rule.set", made, area_id=area_id, data={"eventType": kind, "points": points})
    return made


def _check_event_type(kernel: Kernel, given: str) -> None:
    known = event_types(kernel)
    if given in known:
        return
    meant = near(given, known)

    def hint(language: str) -> str:
        if meant is None:
            return ""
        return f";是否想写 {meant}?" if language == "zh-CN" else f"; did you mean {meant}?"

    raise Refusal("UNKNOWN_EVENT_TYPE", path=("eventType",), given=given[:100], hint=hint, known=", ".join(known))


def _validity(work: Work, first: date | None, last: date | None) -> tuple[datetime, datetime | None]:
    today = work.clock.today()
    if first is not None and first < today:
        raise Refusal("IN_THE_PAST", path=("validFrom",))
    if last is not None and last < (first or today):
        raise Refusal("ENDS_BEFORE_START", path=("validUntil",))
    since = work.now if first is None or first == today else work.clock.start_of(first)
    return since, None if last is None else work.clock.end_of(last)


async def retire_rule(work: Work, *, rule_id: UUID, reason: str) -> Rule:
    """A rule gives nothing from now on; what it gave stays. Refuses ALREADY_ENDED."""
    rule = await work.get(Rule, rule_id)
    area = await work.lock(Area, rule.area_id)
    rule = await work.lock(Rule, rule_id)
    work.require("points.rule.set", area)
    work.expect_version(rule)
    if rule.until is not None and rule.until <= max(work.now, rule.since):
        raise Refusal("ALREADY_ENDED")
    work.change(rule, until=max(work.now, rule.since))
    text = clean_text(reason, "reason", limit=2000)
    work.record("points.rule.retired", rule, area_id=rule.area_id, text={"reason": text})
    return rule


async def hear(work: Work, event: EventRecord) -> None:
    """Every event other mechanisms send out, in their order: award points for it, or take back what was voided."""
    if event.type.endswith(VOIDED):
        await void(work, event)
    else:
        await award(work, event)


def _named(event: EventRecord, key: str) -> UUID | None:
    """What an event's data names under a key, as an id or a global id; others may write there what they like."""
    try:
        return UUID(str(event.data.get(key)).rpartition("_")[2])
    except ValueError:
        return None


async def award(work: Work, event: EventRecord) -> None:
    """Post what the nearest rule gives for this event to the actor it names; the same event again adds nothing (INV2).

    The event's data must name the beneficiary as `actor`; an event without one, or without a rule that was in force
    when it happened, gives nothing. What a cap cuts off is told in the event.
    """
    beneficiary = _named(event, "actor")
    actor = await work.find(Actor, id=beneficiary) if beneficiary else None
    if event.area_id is None or actor is None:
        return
    rule = await _nearest_rule(work, event, actor.kind)
    if rule is None or await counted(work, event.id):
        return
    account = await account_of(work, actor.id, event.area_id)
    amount = min(rule.points, await _room(work, rule, account.id, event.occurred_at))
    data = {"actor": str(actor.id), "rule": str(rule.id), "source": str(event.id), "cut": rule.points - amount}
    if amount <= 0:
        data["cut"] = rule.points
        work.record("points.award.capped", account, area_id=event.area_id, data=data)
        return
    await earn(
        work, account, amount, EntryKind.AWARD, area_id=event.area_id, event="points.entry.posted",
        data=data | {"amount": amount}, rule_id=rule.id, source_event_id=event.id,
    )  # fmt: skip


async def void(work: Work, event: EventRecord) -> None:
    """The deed did not happen after all: what its event gave is reversed, once; if it is spent, as soon as it can be."""
    source = _named(event, "event")
    for entry in await work.select(Entry, source_event_id=source) if source else ():
        if await work.find(Entry, reverses_id=entry.id) is None:
            await take_back(work, entry, waits=True)


async def _nearest_rule(work: Work, event: EventRecord, kind: ActorKind) -> Rule | None:
    """The rule in force when it happened of the closest area upwards; one for this kind of actor goes before one for
    all."""
    found = await work.rows(
        "SELECT r.id FROM points_rule r JOIN core_area_closure c ON c.ancestor_id = r.area_id"
        " WHERE c.descendant_id = {} AND c.until IS NULL AND r.event_type = {}"
        " AND r.since <= {} AND (r.until IS NULL OR r.until > {})"
        " AND (r.actor_kind IS NULL OR r.actor_kind = {}) ORDER BY c.depth, (r.actor_kind IS NULL) LIMIT 1",
        event.area_id, event.type, event.occurred_at, event.occurred_at, kind,
    )  # fmt: skip
    return await work.get(Rule, as_uuid(found[0]["id"])) if found else None


async def _room(work: Work, rule: Rule, account_id: UUID, moment: datetime) -> int:
    """How much the rule's caps leave this account, whose row is locked; all editions of the rule count together."""
    spans = []
    if rule.cap_per_day is not None:
        spans.append((rule.cap_per_day, civil_day(work, moment)))
    if rule.cap_per_period is not None and rule.cap_period is not None:
        spans.append((rule.cap_per_period, work.clock.period(_period(work.clock.civil_date(moment), rule.cap_period))))
    room = rule.points
    for cap, (start, end) in spans:
        used = await work.rows(
            "SELECT coalesce(sum(e.amount), 0) AS points FROM points_entry e JOIN points_rule r ON r.id = e.rule_id"
            f" WHERE e.account_id IN ({FAMILY}) AND r.area_id = {{}} AND r.event_type = {{}}"
            " AND coalesce(r.actor_kind, '') = {} AND e.occurred_at >= {} AND e.occurred_at < {}"
            f" AND {STANDS}",
            account_id, account_id, rule.area_id, rule.event_type, rule.actor_kind or "", start, end,
        )  # fmt: skip
        room = min(room, cap - int(used[0]["points"]))
    return room


def _period(day: date, period: CapPeriod) -> str:
    return {
        CapPeriod.MONTH: f"{day:%Y-%m}",
        CapPeriod.QUARTER: f"{day.year}-Q{(day.month + 2) // 3}",
        CapPeriod.HALF_YEAR: f"{day.year}-H{1 if day.month <= 6 else 2}",
        CapPeriod.YEAR: f"{day.year}",
    }[period]


async def reverse_entry(work: Work, *, entry_id: UUID, reason: str) -> Entry:
    """Undo an award or a manual entry by its opposite, with a reason; nothing is ever edited (INV1).

    Refuses ALREADY_REVERSED, NOT_REVERSIBLE, BALANCE_TOO_LOW, OWN_MATTER (INV10).
    """
    text = clean_text(reason, "reason", limit=2000)
    original = await work.get(Entry, entry_id)
    work.require("points.entry.reverse", original)
    if await work.concerned_in(await owner_of(work, original)):
        raise Refusal("OWN_MATTER")
    reversal = await take_back(work, original, text=text)
    assert reversal is not None
    return reversal
