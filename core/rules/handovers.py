"""Hand-overs (移交): the open duties of one person in an area go to another, now or on a day, with a receipt.

What is personal (a mandate, a role given by name) stays, and the receipt says why. Planned, it is done by the clock.
"""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date
from typing import Any
from uuid import UUID

from core.access import ANONYMOUS, Viewer
from core.duties import Duties, Duty, Held, Matter, Taking
from core.enums import ActivityState, ActorKind, HandoverState
from core.errors import NotPermitted, Refusal
from core.ids import new_id
from core.models import (
    Account,
    Activity,
    Actor,
    Area,
    Deputy,
    Event,
    Handover,
    HandoverLine,
    Mandate,
    Post,
    PostHolding,
    RoleGrant,
)
from core.rules.actors import end_holding, may_give_what_the_post_has
from core.rules.inputs import optional_text
from core.settings.store import as_uuid
from core.work import PendingEvent, Work

HAND_OVER = "core.handover"
PLANNED = "core.handover.planned"
DUE = "SELECT id, area_id FROM core_handover WHERE state = 'PLANNED' AND takes_effect_on <= :today:"
FURTHEST = 366  # days ahead

# --- the kernel's own duties -----------------------------------------------------------------------------


async def _posts(work: Work, person_id: UUID) -> list[Held]:
    holdings = await work.select(PostHolding, lock=True, person_id=person_id)
    open_ones = [h for h in holdings if not work.is_over(h.until)]
    posts = {p.id: p for p in await work.select(Post, id=[h.post_id for h in open_ones])} if open_ones else {}
    return [Held(h, posts[h.post_id], posts[h.post_id].title) for h in open_ones]


async def _move_post(work: Work, held: Held, taking: Taking) -> PendingEvent:
    """The giver leaves the post, the taker holds it for the rest of the term, unless they hold it too.

    Refuses ROLE_ABOVE_OWN; POST_CHANGED for a post that was given roles after the hand-over had been planned.
    """
    holding, post = held.row, held.at
    assert isinstance(holding, PostHolding) and isinstance(post, Post)
    await may_give_what_the_post_has(work, post)
    if work.by_server:
        planned = await work.get(Handover, UUID(taking.data["handover"]))
        grants = await work.select(RoleGrant, post_id=post.id, revoked_at=None)
        if any(grant.since > planned.ordered_at for grant in grants):
            raise Refusal("POST_CHANGED")
    theirs = await work.select(PostHolding, lock=True, post_id=post.id, person_id=taking.taker_id)
    term = holding.until
    end_holding(work, holding, post, taking.data)
    if not all(work.is_over(h.until) for h in theirs):
        return work.events[-1]
    added = PostHolding(id=new_id(), post_id=post.id, person_id=taking.taker_id, since=work.now, until=term)
    work.add(added)
    return work.record("core.post.assigned", added, area_id=post.area_id, data=taking.data)


async def _activities(work: Work, person_id: UUID) -> list[Held]:
    states = [ActivityState.PLANNED, ActivityState.OPEN]
    found = await work.select(Activity, lock=True, organizer_id=person_id, state=states)
    return [Held(activity, activity, activity.title) for activity in found if activity.ends_at > work.now]


async def _move_activity(work: Work, held: Held, taking: Taking) -> PendingEvent:
    activity = held.row
    assert isinstance(activity, Activity)
    work.change(activity, organizer_id=taking.taker_id)
    return work.record("core.activity.handed_over", activity, area_id=activity.area_id, data=taking.data)


async def _personal(work: Work, person_id: UUID) -> list[Held]:
    """What was given to this very person: the organization, or an administrator, gives it to somebody else."""
    mandates = await work.select(Mandate, person_id=person_id, state="ACTIVE")
    grants = await work.select(RoleGrant, actor_id=person_id, revoked_at=None)
    organizations = {m.organization_id for m in mandates}
    actors = await work.select(Actor, id=organizations) if organizations else []
    # A receipt cannot be changed, so it tells nobody's name: a household's may be a person's, and go with them.
    names = {a.id: str(a.kind) if a.kind is ActorKind.HOUSEHOLD else a.name for a in actors}
    found = [
        Held(m, m, names[m.organization_id], "MANDATE_IS_PERSONAL")
        for m in mandates
        if m.until is None or m.until > work.now
    ]
    return found + [
        Held(g, g, str(g.role), "ROLE_IS_PERSONAL") for g in grants if g.until is None or g.until > work.now
    ]


async def _deputyships(work: Work, person_id: UUID) -> list[Held]:
    found = []
    for deputy in await work.select(Deputy, person_id=person_id, ended_at=None):
        if deputy.until > work.now:
            holding = await work.get(PostHolding, deputy.holding_id)
            post = await work.get(Post, holding.post_id)
            found.append(Held(deputy, post, post.title, "DEPUTY_IS_PERSONAL"))
    return found


async def _organizer(work: Work, row: Any) -> Matter:
    return Matter({row.organizer_id})


async def _itself(work: Work, row: Any) -> Matter:
    return Matter({row.id})


CORE_DUTIES = Duties(
    "core",
    (Duty(_posts, _move_post), Duty(_activities, _move_activity), Duty(_personal), Duty(_deputyships)),
    {Activity: _organizer, Actor: _itself},
)

# --- handing over ----------------------------------------------------------------------------------------


async def hand_over(
    work: Work, *, area_id: UUID, giver_id: UUID, taker_id: UUID, on: date | None = None, note: str | None = None
) -> Handover:
    """Everything `giver` is responsible for in the area and below goes to `taker`, today unless told.

    Both belong there (they live, work or hold a post in the area or below). Nobody takes over from somebody else by
    their own hand, and no machine plans. Refuses NOT_A_PERSON, NOT_OF_THE_AREA, OWN_MATTER, HANDOVER_TO_ONESELF,
    IN_THE_PAST, TOO_FAR_AHEAD, TOKEN_SCOPE, HANDOVER_PLANNED (one at a time).
    """
    area = await work.get(Area, area_id)
    work.require(HAND_OVER, area)
    people = {a.id: a for a in await work.select(Actor, id=[giver_id, taker_id], gone_at=None)}
    for id, path in ((giver_id, "fromId"), (taker_id, "toId")):
        if id not in people:
            raise Refusal("NOT_FOUND", path=(path,), kind="actor")
        if people[id].kind is not ActorKind.PERSON:
            raise Refusal("NOT_A_PERSON", path=(path,))
    if giver_id == taker_id:
        raise Refusal("HANDOVER_TO_ONESELF", path=("toId",))
    if taker_id == work.viewer.person_id:
        raise Refusal("OWN_MATTER", path=("toId",))
    there = await _belonging(work, area_id, [giver_id, taker_id])
    for id, path in ((giver_id, "fromId"), (taker_id, "toId")):
        if id not in there:
            raise Refusal("NOT_OF_THE_AREA", path=(path,))
    today = work.clock.civil_date(work.now)
    on = on or today
    if on < today:
        raise Refusal("IN_THE_PAST", path=("date",))
    if (on - today).days > FURTHEST:
        raise Refusal("TOO_FAR_AHEAD", path=("date",), days=FURTHEST)
    handover = Handover(
        id=new_id(), area_id=area_id, giver_id=giver_id, taker_id=taker_id, takes_effect_on=on,
        note=optional_text(note, "note", limit=2000), state=HandoverState.PLANNED, ordered_at=work.now,
    )  # fmt: skip
    if on > today:
        work.in_person()  # on that day nothing is known of a token
        work.add(handover)
        work.record(PLANNED, handover, area_id=area_id, data={"on": on.isoformat()})
        return handover
    lines = await _move(work, handover)
    handover.state, handover.done_at = HandoverState.DONE, work.now
    work.add(handover)
    _close(work, handover, lines, area)
    return handover


async def cancel(work: Work, *, handover_id: UUID, reason: str | None = None) -> Handover:
    """A planned hand-over does not take place; refuses HANDOVER_OVER."""
    handover = await work.lock(Handover, handover_id)
    work.require(HAND_OVER, handover)
    work.expect_version(handover)
    if handover.state is not HandoverState.PLANNED:
        raise Refusal("HANDOVER_OVER")
    work.change(handover, state=HandoverState.CANCELLED)
    text = optional_text(reason, "reason", limit=2000)
    work.record("core.handover.cancelled", handover, area_id=handover.area_id, text={"reason": text})
    return handover


async def carry_out(work: Work, handover_id: UUID) -> None:
    """For the job: the day has come. Whatever its planner may not move by then stays. It does not take place when one of
    the two is gone, or when two of the three proved to be one."""
    handover = await work.lock(Handover, handover_id)
    work.require(HAND_OVER, handover)
    if handover.state is not HandoverState.PLANNED or handover.takes_effect_on > work.clock.civil_date(work.now):
        return
    planner = await _planner(work, handover)
    both = await work.select(Actor, lock=True, id=[handover.giver_id, handover.taker_id], gone_at=None)
    if len(both) < 2 or (planner is not None and planner.person_id == handover.taker_id):
        work.change(handover, state=HandoverState.CANCELLED)
        work.record("core.handover.cancelled", handover, area_id=handover.area_id)
        return
    with nullcontext() if planner is None else work.deciding_as(planner):
        lines = await _move(work, handover)
    work.change(handover, state=HandoverState.DONE, done_at=work.now)
    _close(work, handover, lines, handover)


async def _planner(work: Work, handover: Handover) -> Viewer | None:
    """Who planned it, with what they have now; None for the server itself."""
    planned = await work.find(Event, subject_id=handover.id, type=PLANNED)
    assert planned is not None
    if planned.actor_id is None:
        return None
    (person,) = await work.select(Actor, id=planned.actor_id)
    account = await work.find(Account, person_id=person.merged_into_id or person.id)
    return ANONYMOUS if account is None else await work.viewer_of(account.id)


async def _move(work: Work, handover: Handover) -> list[HandoverLine]:
    """Move what can be moved, each by an event of its own, and note each duty on the receipt."""
    lines = []
    taking = Taking(handover.taker_id, {"handover": str(handover.id)})
    for duties in work.kernel.duties:
        for duty in duties.kinds:
            for held in await duty.find(work, handover.giver_id):
                moved, stays = None, _stays(work, handover, duties.plugin, held)
                if stays is None and duty.move is not None:
                    try:
                        moved = (await duty.move(work, held, taking)).id
                    except Refusal as refusal:
                        if refusal.__cause__ is not None:  # the database's word: this transaction is over
                            raise
                        stays = refusal.code
                lines.append(_line(work, handover, held, moved, stays))
    return lines


def _line(work: Work, handover: Handover, held: Held, moved_by: UUID | None, stays: str | None) -> HandoverLine:
    return HandoverLine(
        id=new_id(), handover_id=handover.id, area_id=work.place(held.at).chain[-1], subject_tag=held.row.tag,
        subject_id=held.row.id, title=held.title[:200], moved_by_id=moved_by, stays=stays,
    )  # fmt: skip


def _stays(work: Work, handover: Handover, plugin: str, held: Held) -> str | None:
    place = work.place(held.at)
    if handover.area_id not in place.chain:
        return "OUTSIDE_HANDOVER"
    if plugin != "core" and plugin not in place.plugins:
        return "PLUGIN_DISABLED"
    if held.stays is not None:
        return held.stays
    try:
        work.require(HAND_OVER, held.at)
    except NotPermitted:
        return "NOT_PERMITTED"
    return None


def _close(work: Work, handover: Handover, lines: list[HandoverLine], at: Area | Handover) -> None:
    work.require(HAND_OVER, at)
    for line in lines:
        work.append(line)
    moved = sum(line.stays is None for line in lines)
    data = {"moved": moved, "stayed": len(lines) - moved}
    work.record("core.handover.done", handover, area_id=handover.area_id, data=data)


async def _belonging(work: Work, area_id: UUID, people: list[UUID]) -> set[UUID]:
    """Who of them lives, works or holds a post in the area or below."""
    marks = ", ".join(f"{{{n + 2}}}" for n in range(len(people)))
    below = (
        "EXISTS (SELECT 1 FROM core_area_closure c WHERE c.ancestor_id = {0} AND c.until IS NULL"
        " AND c.descendant_id = %s)"
    )
    rows = await work.rows(
        f"SELECT a.id FROM core_actor a WHERE a.id IN ({marks}) AND ({below % 'a.area_id'}"
        f" OR EXISTS (SELECT 1 FROM core_membership m WHERE m.actor_id = a.id AND m.state = 'ACTIVE'"
        f" AND {below % 'm.area_id'})"
        " OR EXISTS (SELECT 1 FROM core_post_holding h JOIN core_post p ON p.id = h.post_id WHERE h.person_id = a.id"
        f" AND (h.until IS NULL OR h.until > {{1}}) AND {below % 'p.area_id'}))",
        area_id, work.now, *people,
    )  # fmt: skip
    return {as_uuid(row["id"]) for row in rows}
