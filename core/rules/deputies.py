"""Deputies (代理): who stands in for the holder of a post during a leave, with the post's roles, and for how long."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.clock import to_millisecond
from core.enums import ActorKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Deputy, Post, PostHolding
from core.rules.actors import may_give_what_the_post_has
from core.work import Work


async def appoint_deputy(
    work: Work, *, holding_id: UUID, person_id: UUID, until: datetime, since: datetime | None = None
) -> Deputy:
    """`person` stands in for whoever holds the post from `since` (now unless told) until `until`.

    Whoever appoints must be able to give each role the post carries, and appoints somebody else. Refuses NOT_A_PERSON,
    OWN_MATTER, ALREADY_ENDED, IN_THE_PAST, ENDS_BEFORE_START, DEPUTY_OF_ONESELF, ALREADY_DEPUTY, ROLE_ABOVE_OWN.
    """
    post, holding = await work.lock_with(PostHolding, holding_id, Post)
    person = await work.get(Actor, person_id)
    await may_give_what_the_post_has(work, post)
    since, until = to_millisecond(since or work.now), to_millisecond(until)
    if person.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON", path=("personId",))
    if person.id == work.viewer.person_id:
        raise Refusal("OWN_MATTER", path=("personId",))
    if work.is_over(holding.until):
        raise Refusal("ALREADY_ENDED")
    if since < work.now:
        raise Refusal("IN_THE_PAST", path=("since",))
    if until <= since:
        raise Refusal("ENDS_BEFORE_START", path=("until",))
    deputy = Deputy(id=new_id(), holding_id=holding.id, person_id=person.id, since=since, until=until)
    work.add(deputy)
    data = {"post": str(post.id), "for": str(holding.person_id)}
    work.record("core.deputy.appointed", deputy, area_id=post.area_id, data=data)
    return deputy


async def end_deputy(work: Work, *, deputy_id: UUID) -> Deputy:
    """It is over: the holder is back. By whoever could appoint, the holder, or the deputy; refuses ALREADY_ENDED."""
    holding, deputy = await work.lock_with(Deputy, deputy_id, PostHolding)
    post = await work.get(Post, holding.post_id)
    me = work.viewer.person_id
    if me in (holding.person_id, deputy.person_id):
        work.require("core.role.grant", post, owner=me)
    else:
        await may_give_what_the_post_has(work, post)
    work.expect_version(deputy)
    if deputy.ended_at is not None or work.is_over(deputy.until):
        raise Refusal("ALREADY_ENDED")
    work.change(deputy, ended_at=work.now)
    work.record("core.deputy.ended", deputy, area_id=post.area_id)
    return deputy
