"""What a body offers to people: its fifth duty, 服务 (M02)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, by_event, check, index, refuse
from core.models import Area, Logged, references
from core.personal import Text, impersonal
from plugins.councils.models.bodies import Body


class ServiceOffer(Logged):
    """A service of a body, from `since` to its last day `until`; that is before `since` where the body was dissolved first. `offer` is the node of another mechanism in which it can be
    had (a service point), if there is one. The contact is the body's, no private person's."""

    tag: ClassVar[str] = "councils_service"
    called: ClassVar[tuple[str, str]] = ("Services of bodies", "组织服务项目")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    title = fields.CharField(max_length=200)
    description = fields.TextField(null=True)
    place = fields.CharField(max_length=200, null=True)
    times = fields.CharField(max_length=200, null=True)
    contact = fields.CharField(max_length=200, null=True)
    since = fields.DateField()
    until = fields.DateField(null=True)
    offer_tag = fields.CharField(max_length=41, null=True)
    offer_id = fields.UUIDField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("title", "description", "place", "times", "contact", "offer_tag")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("title_not_empty", "length(NEW.title) > 0"),
        refuse(
            "days",
            "INSERT OR UPDATE",
            f"NEW.until < NEW.since AND NOT {by_event('councils.body.dissolved')}",
            "SERVICE_DAYS",
        ),
        check("offer", "(NEW.offer_id IS NULL) = (NEW.offer_tag IS NULL)"),
        refuse(
            "of_a_body_that_is",
            "INSERT",
            "EXISTS (SELECT 1 FROM councils_body b WHERE b.id = NEW.body_id AND b.state <> 'ACTIVE')",
            "BODY_DISSOLVED",
        ),
        refuse(
            "ended_with_its_body",
            "UPDATE",
            "EXISTS (SELECT 1 FROM councils_body b WHERE b.id = NEW.body_id AND b.state <> 'ACTIVE') AND NOT"
            f" {by_event('councils.body.dissolved')}",
            "BODY_DISSOLVED",
        ),
        refuse("stays", "UPDATE", "NEW.body_id <> OLD.body_id OR NEW.since <> OLD.since", "APPEND_ONLY"),
        index("body_id", "since"),
        index("area_id", "since"),
        index("since"),
    )

    class Meta:
        table = "councils_service"
