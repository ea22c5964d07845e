"""What the rules of forums share: who belongs, who convenes, and texts."""

from __future__ import annotations

from uuid import UUID

from core.errors import Refusal
from core.work import Work
from plugins.councils.ports import COUNCILS, Councils
from plugins.forums.models import Forum, Member
from plugins.forums.terms import ForumMemberState, ForumState


def councils(work: Work) -> Councils:
    """Whoever keeps the bodies."""
    return work.port(COUNCILS)


def require_active(forum: Forum) -> None:
    """Refuses FORUM_CLOSED."""
    if forum.state is not ForumState.ACTIVE:
        raise Refusal("FORUM_CLOSED")


async def convenor(work: Work, forum_id: UUID) -> UUID | None:
    """The principal, if they convene the forum: what convenors do is their own matter."""
    if work.system or work.viewer.person_id is None:
        return None
    found = await work.find(Member, forum_id=forum_id, actor_id=work.principal_id, is_convenor=True)
    return None if found is None else work.principal_id


async def taking_part(work: Work, forum: Forum) -> Member:
    """The principal's membership in the forum. Refuses FORUM_CLOSED, EXCLUDED, NOT_IN_FORUM."""
    require_active(forum)
    found = await work.find(Member, forum_id=forum.id, actor_id=work.principal_id, until=None)
    if found is not None and found.state is ForumMemberState.EXCLUDED:
        raise Refusal("EXCLUDED")
    if found is None or found.state is not ForumMemberState.ACTIVE:
        raise Refusal("NOT_IN_FORUM")
    return found
