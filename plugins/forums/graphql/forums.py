"""What can be done with forums and who belongs to them."""

from __future__ import annotations

from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.forums import rules
from plugins.forums.graphql.nodes import (
    ForumsForum,
    ForumsMember,
)
from plugins.forums.graphql.subjects import LED_MEMBER, OF_FORUM, OF_MEMBER, OWN_MEMBER
from plugins.forums.terms import ForumKind, ForumMembership
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.core import Area


@strawberry.input
class ForumsFoundForumInput(MutationInput):
    area_id: strawberry.ID
    kind: ForumKind
    name: str
    membership: ForumMembership | None = strawberry.field(
        default=None, description="As usual for its kind unless told (成员构成)."
    )
    purpose: str | None = None
    seats: int = strawberry.field(
        default=15, description="Seats in its body, for who is elected or appointed (席位数)."
    )
    is_advisory: bool = strawberry.field(default=False, description="It advises, and decides nothing (仅提意见).")


@mutation("forums.forum.manage", "councils.body.manage", on=Subject(Area, "area_id"), forum=ForumsForum)
async def forums_found_forum(work: Work, input: ForumsFoundForumInput) -> Result:
    """Found a forum, with its body (设立议事厅)."""
    forum = await rules.found_forum(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        kind=input.kind,
        name=input.name,
        membership=input.membership,
        purpose=input.purpose,
        seats=input.seats,
        is_advisory=input.is_advisory,
    )
    return {"forum": forum}


@strawberry.input
class ForumsForumInput(ChangeInput):
    forum_id: strawberry.ID


def _forum(input: ForumsForumInput) -> UUID:
    return from_global(input.forum_id, "forums_forum", "forumId")


@strawberry.input
class ForumsUpdateForumInput(ForumsForumInput):
    purpose: str | None = None


@mutation("forums.forum.manage", on=OF_FORUM, forum=ForumsForum)
async def forums_update_forum(work: Work, input: ForumsUpdateForumInput) -> Result:
    """Say anew what a forum is for (变更宗旨)."""
    return {"forum": await rules.update_forum(work, forum_id=_forum(input), purpose=input.purpose)}


@strawberry.input
class ForumsCloseForumInput(ForumsForumInput):
    reason: str


@mutation("forums.forum.manage", on=OF_FORUM, forum=ForumsForum)
async def forums_close_forum(work: Work, input: ForumsCloseForumInput) -> Result:
    """Close a forum; what came of it stays (关闭议事厅)."""
    return {"forum": await rules.close_forum(work, forum_id=_forum(input), reason=input.reason)}


@strawberry.input
class ForumsJoinInput(MutationInput):
    forum_id: strawberry.ID
    application: str | None = strawberry.field(default=None, description="What one says about it (申请说明).")


@mutation("forums.member.join", on=OF_FORUM, member=ForumsMember)
async def forums_join(work: Work, input: ForumsJoinInput) -> Result:
    """Join an open forum, or ask a mixed one to be admitted (加入议事厅)."""
    id = from_global(input.forum_id, "forums_forum", "forumId")
    return {"member": await rules.join_forum(work, forum_id=id, application=input.application)}


@strawberry.input
class ForumsSendDelegateInput(MutationInput):
    forum_id: strawberry.ID
    body_id: strawberry.ID
    delegate_id: strawberry.ID = strawberry.field(description="Somebody who sits in the body (代表).")


@mutation("forums.member.join", on=OF_FORUM, member=ForumsMember)
async def forums_send_delegate(work: Work, input: ForumsSendDelegateInput) -> Result:
    """Let a body take part in a joint meeting, by a delegate; or name another one (组织入会、委派代表)."""
    member = await rules.send_delegate(
        work,
        forum_id=from_global(input.forum_id, "forums_forum", "forumId"),
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        delegate_id=from_global(input.delegate_id, "actor", "delegateId"),
    )
    return {"member": member}


@strawberry.input
class ForumsMemberInput(ChangeInput):
    member_id: strawberry.ID


def member_of(input: ForumsMemberInput) -> UUID:
    return from_global(input.member_id, "forums_member", "memberId")


@strawberry.input
class ForumsLeaveInput(ForumsMemberInput):
    successor_id: strawberry.ID | None = strawberry.field(
        default=None, description="Which member convenes the forum after them, if they do (接任召集人)."
    )


@mutation("forums.member.join", on=OWN_MEMBER, member=ForumsMember)
async def forums_leave(work: Work, input: ForumsLeaveInput) -> Result:
    """Leave a forum, or take an application back (退出议事厅)."""
    successor = None if input.successor_id is None else from_global(input.successor_id, "forums_member", "successorId")
    return {"member": await rules.leave_forum(work, member_id=member_of(input), successor_id=successor)}


@strawberry.input
class ForumsDecideApplicationInput(ForumsMemberInput):
    admit: bool
    reason: str | None = strawberry.field(default=None, description="Needed to decline (理由,不接纳时必填).")


@mutation("forums.member.admit", on=LED_MEMBER, member=ForumsMember)
async def forums_decide_application(work: Work, input: ForumsDecideApplicationInput) -> Result:
    """Admit who asked, or decline with a reason (审核入会申请)."""
    member = await rules.decide_application(work, member_id=member_of(input), admit=input.admit, reason=input.reason)
    return {"member": member}


@strawberry.input
class ForumsSetConvenorInput(ForumsMemberInput):
    is_convenor: bool = True


@mutation("forums.forum.manage", on=OF_MEMBER, member=ForumsMember)
async def forums_set_convenor(work: Work, input: ForumsSetConvenorInput) -> Result:
    """Let a member convene the forum, or no longer (指定召集人)."""
    member = await rules.set_convenor(work, member_id=member_of(input), is_convenor=input.is_convenor)
    return {"member": member}
