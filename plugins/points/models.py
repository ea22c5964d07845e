"""Accounts, rules, the ledger of points, and what is done with points: grants, disputes, rewards, rankings."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import own_matter
from core.database.guards import Guard, append_only, check, index, refuse, same, unique
from core.enums import ActorKind
from core.ledger import LedgerEntry
from core.models import Entity, Logged, references
from core.personal import ERASED, Keep, Text, impersonal, personal
from plugins.points.terms import CapPeriod, DisputeState, EntryKind, GrantState, PendingState, RedemptionState

_OF_THE_ACCOUNT = "t.account_id IN (SELECT a.id FROM points_account a WHERE a.actor_id IN ({ids}))"


class Account(Logged):
    """One actor's points; the balance is what the last entry says. `expires_on` is derived: when to look again.

    Of an actor who proved to be another, the account leads to the one that stays (`merged_into`).
    """

    tag: ClassVar[str] = "points_account"
    called: ClassVar[tuple[str, str]] = ("Points accounts", "积分账户")
    unlogged: ClassVar[tuple[str, ...]] = ("expires_on",)

    actor = references("core.Actor")
    actor_id: UUID
    merged_into = references("points.Account", null=True)
    merged_into_id: UUID | None
    expires_on = fields.DateField(null=True)

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("actor_id", code="INTERNAL"),
        check("not_into_itself", "NEW.merged_into_id IS NULL OR NEW.merged_into_id <> NEW.id"),
        refuse("actor_stays", "UPDATE", "NEW.actor_id <> OLD.actor_id", "APPEND_ONLY"),
        index("expires_on", where="expires_on IS NOT NULL"),
    )

    class Meta:
        table = "points_account"


_SAME_RULE = (
    "r.id <> NEW.id AND r.area_id = NEW.area_id AND r.event_type = NEW.event_type"
    f" AND {same('r.actor_kind', 'NEW.actor_kind')}"
)


class Rule(Logged):
    """So many points for an event, in an area and below, for one kind of actor or all, from `since` until `until`.

    At any instant one rule at most says what the same event is worth at the same area to the same kind of actor.
    """

    tag: ClassVar[str] = "points_rule"

    area = references("core.Area")
    area_id: UUID
    event_type = fields.CharField(max_length=100)
    actor_kind = fields.CharEnumField(ActorKind, description="ActorKind", max_length=40, null=True)
    points = fields.IntField()
    cap_per_day = fields.IntField(null=True)
    cap_per_period = fields.IntField(null=True)
    cap_period = fields.CharEnumField(CapPeriod, description="CapPeriod", max_length=40, null=True)
    since = fields.DatetimeField()
    until = fields.DatetimeField(null=True)
    replaces = references("points.Rule", null=True)
    replaces_id: UUID | None

    texts: ClassVar[tuple[Text, ...]] = impersonal("event_type")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("points", "NEW.points BETWEEN 1 AND 1000000", "BAD_POINTS"),
        check("caps", "(NEW.cap_per_day IS NULL OR NEW.cap_per_day > 0) AND (NEW.cap_per_period IS NULL"
              " OR NEW.cap_per_period > 0)", "BAD_CAP"),
        check("cap_has_a_period", "(NEW.cap_per_period IS NULL) = (NEW.cap_period IS NULL)", "BAD_CAP"),
        check("until_after_since", "NEW.until IS NULL OR NEW.until >= NEW.since"),
        refuse(
            "one_at_a_time",
            "INSERT OR UPDATE",
            f"EXISTS (SELECT 1 FROM points_rule r WHERE {_SAME_RULE}"
            " AND (NEW.until IS NULL OR NEW.until > NEW.since) AND (r.until IS NULL OR r.until > r.since)"
            " AND (NEW.until IS NULL OR r.since < NEW.until) AND (r.until IS NULL OR NEW.since < r.until))",
            "RULE_MOVED",
        ),
        refuse(
            "rule_stays",
            "UPDATE",
            "NEW.points <> OLD.points OR NEW.event_type <> OLD.event_type OR NEW.area_id <> OLD.area_id"
            " OR NEW.since <> OLD.since OR NEW.until IS NULL OR NEW.until > OLD.until"
            + "".join(
                f" OR NOT {same(f'NEW.{c}', f'OLD.{c}')}"
                for c in ("actor_kind", "cap_per_day", "cap_per_period", "cap_period")
            ),
            "RULE_STAYS",
        ),
        index("event_type", "area_id"),
        index("area_id"),
    )  # fmt: skip

    class Meta:
        table = "points_rule"


_HELD = (
    "(EXISTS (SELECT 1 FROM points_dispute d WHERE d.account_id = NEW.account_id AND d.state = 'OPEN')"
    " OR EXISTS (SELECT 1 FROM points_pending_reversal w WHERE w.account_id = NEW.account_id AND w.state = 'WAITING'))"
)


class Entry(LedgerEntry):
    """Points that came or went, each for one reason (INV2): a rule and its event, a grant, a redemption, …

    What was earned may expire: `expires_on` is the first day it is gone, by the setting that held when it was given.
    """

    tag: ClassVar[str] = "points_entry"
    called: ClassVar[tuple[str, str]] = ("Points entries", "积分流水")

    account = references("points.Account")
    account_id: UUID
    area = references("core.Area")
    area_id: UUID
    kind = fields.CharEnumField(EntryKind, description="EntryKind", max_length=40)
    rule = references("points.Rule", null=True)
    rule_id: UUID | None
    source_event_id = fields.UUIDField(null=True)
    grant = references("points.Grant", null=True)
    grant_id: UUID | None
    redemption = references("points.Redemption", null=True)
    redemption_id: UUID | None
    transfer_id = fields.UUIDField(null=True)
    expires_on = fields.DateField(null=True)

    about: ClassVar[tuple[str, ...]] = (_OF_THE_ACCOUNT,)

    guards: ClassVar[tuple[Guard, ...]] = (
        check(
            "one_reason",
            "(NEW.kind = 'AWARD') = (NEW.source_event_id IS NOT NULL) AND (NEW.kind = 'AWARD') = (NEW.rule_id IS NOT NULL)"
            " AND (NEW.kind = 'MANUAL') = (NEW.grant_id IS NOT NULL)"
            " AND (NEW.kind = 'REVERSAL') = (NEW.reverses_id IS NOT NULL)"
            " AND (NEW.kind = 'REDEMPTION') = (NEW.redemption_id IS NOT NULL)"
            " AND (NEW.kind = 'TRANSFER') = (NEW.transfer_id IS NOT NULL)",
        ),
        check("sign", "NEW.kind IN ('REVERSAL', 'TRANSFER')"
              " OR (NEW.kind IN ('AWARD', 'MANUAL')) = (NEW.amount > 0)"),
        check("only_what_is_earned_expires", "NEW.expires_on IS NULL OR NEW.kind IN ('AWARD', 'MANUAL')"),
        unique("source_event_id", "rule_id", where="source_event_id IS NOT NULL", code="ALREADY_AWARDED"),
        unique("grant_id", where="grant_id IS NOT NULL", code="GRANT_DECIDED"),
        unique("redemption_id", where="redemption_id IS NOT NULL", code="INTERNAL"),
        unique("transfer_id", where="transfer_id IS NOT NULL AND amount < 0", code="INTERNAL"),
        unique("transfer_id", where="transfer_id IS NOT NULL AND amount > 0", code="INTERNAL"),
        refuse(
            "manual_needs_two",
            "INSERT",
            "NEW.kind = 'MANUAL' AND NOT EXISTS (SELECT 1 FROM points_grant g WHERE g.id = NEW.grant_id"
            " AND g.state = 'CONFIRMED' AND g.amount = NEW.amount)",
            "GRANT_DECIDED",
        ),
        refuse("held", "INSERT", f"NEW.kind = 'REDEMPTION' AND {_HELD}", "ACCOUNT_HELD"),
        refuse(
            "as_redeemed",
            "INSERT",
            "NEW.kind = 'REDEMPTION' AND NOT EXISTS (SELECT 1 FROM points_redemption x WHERE x.id = NEW.redemption_id"
            " AND x.account_id = NEW.account_id AND x.cost = -NEW.amount)",
            "INVALID_VALUE",
        ),
        refuse(
            "nothing_from_nowhere",
            "INSERT",
            "NEW.kind = 'TRANSFER' AND NEW.amount > 0 AND NOT EXISTS (SELECT 1 FROM points_entry x"
            " WHERE x.transfer_id = NEW.transfer_id AND x.account_id <> NEW.account_id AND x.amount = -NEW.amount)",
            "INVALID_VALUE",
        ),
        index("area_id", "occurred_at"),
        index("account_id", "occurred_at"),
        index("rule_id"),
    )  # fmt: skip

    class Meta:
        table = "points_entry"


class Grant(Logged):
    """Points given by hand: one person declares with evidence, a second one confirms or declines (INV10)."""

    tag: ClassVar[str] = "points_grant"
    called: ClassVar[tuple[str, str]] = ("Manual entries", "人工加分")

    area = references("core.Area")
    area_id: UUID
    actor = references("core.Actor")
    actor_id: UUID
    amount = fields.IntField()
    reason = fields.TextField()
    evidence = fields.TextField()
    state = fields.CharEnumField(GrantState, description="GrantState", max_length=40)
    declared_by = references("core.Actor", null=True)
    declared_by_id: UUID | None
    declared_at = fields.DatetimeField()
    decided_by = references("core.Actor", null=True)
    decided_by_id: UUID | None
    decided_at = fields.DatetimeField(null=True)

    about: ClassVar[tuple[str, ...]] = ("t.actor_id IN ({ids})",)
    texts: ClassVar[tuple[Text, ...]] = (
        personal("reason", of="actor_id", keep=Keep("declared_at", "case_text_days")),
        personal("evidence", of="actor_id", keep=Keep("declared_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("amount", "NEW.amount BETWEEN 1 AND 1000000", "BAD_POINTS"),
        check("evidence", "length(NEW.reason) > 0 AND length(NEW.evidence) > 0", "EMPTY_TEXT"),
        check("decided", "(NEW.state = 'PENDING') = (NEW.decided_by_id IS NULL)"),
        refuse(
            "inv10_second_person",
            "INSERT OR UPDATE",
            "NEW.decided_by_id IS NOT NULL AND (NEW.decided_by_id = NEW.declared_by_id"
            f" OR {own_matter('NEW.decided_by_id', 'NEW.actor_id')})",
            "OWN_MATTER",
        ),
        refuse("begins_pending", "INSERT", "NEW.state <> 'PENDING'", "GRANT_DECIDED"),
        refuse(
            "declared_stays",
            "UPDATE",
            "NEW.amount <> OLD.amount OR NEW.actor_id <> OLD.actor_id OR NEW.area_id <> OLD.area_id"
            " OR NEW.evidence <> OLD.evidence OR NEW.reason <> OLD.reason OR OLD.state = 'DECLINED'"
            " OR (OLD.state = 'CONFIRMED' AND NEW.state = 'PENDING')",
            "GRANT_DECIDED",
        ),
        index("area_id", "declared_at"),
        index("actor_id", "declared_at"),
        index("declared_at"),
    )

    class Meta:
        table = "points_grant"


class PendingReversal(Logged):
    """An entry that must be reversed whose points are spent: it is reversed as soon as the account holds as much.

    `account` is who pays; until then it redeems nothing.
    """

    tag: ClassVar[str] = "points_pending_reversal"
    called: ClassVar[tuple[str, str]] = ("Points to be taken back", "待扣回积分")

    area = references("core.Area")
    area_id: UUID
    account = references("points.Account")
    account_id: UUID
    entry = references("points.Entry")
    entry_id: UUID
    amount = fields.BigIntField()
    state = fields.CharEnumField(PendingState, description="PendingState", max_length=40)

    about: ClassVar[tuple[str, ...]] = (_OF_THE_ACCOUNT,)

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("entry_id", code="ALREADY_REVERSED"),
        refuse("done_stays", "UPDATE", "OLD.state = 'DONE'", "ALREADY_REVERSED"),
        index("account_id", "state"),
    )

    class Meta:
        table = "points_pending_reversal"


class Dispute(Logged):
    """Somebody doubts an entry, or an account: it redeems nothing until somebody else has decided (INV10), or the
    one who doubts withdraws."""

    tag: ClassVar[str] = "points_dispute"
    called: ClassVar[tuple[str, str]] = ("Disputes", "积分异议")

    area = references("core.Area")
    area_id: UUID
    account = references("points.Account")
    account_id: UUID
    entry = references("points.Entry", null=True)
    entry_id: UUID | None
    reason = fields.TextField()
    answer = fields.TextField(null=True)
    state = fields.CharEnumField(DisputeState, description="DisputeState", max_length=40)
    opened_by = references("core.Actor")
    opened_by_id: UUID
    opened_at = fields.DatetimeField()
    decided_by = references("core.Actor", null=True)
    decided_by_id: UUID | None
    decided_at = fields.DatetimeField(null=True)

    about: ClassVar[tuple[str, ...]] = ("t.opened_by_id IN ({ids})", _OF_THE_ACCOUNT)
    texts: ClassVar[tuple[Text, ...]] = (
        personal("reason", of="opened_by_id", keep=Keep("opened_at", "case_text_days")),
        personal("answer", of="opened_by_id", erased=ERASED, keep=Keep("opened_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("opened_by_id", "account_id", where="state = 'OPEN'", code="ALREADY_DISPUTED"),
        check("decided", "(NEW.state IN ('OPEN', 'WITHDRAWN')) = (NEW.decided_by_id IS NULL)"
              " AND (NEW.decided_by_id IS NULL) = (NEW.answer IS NULL)"),
        refuse("decided_stays", "UPDATE", "OLD.state <> 'OPEN'", "DISPUTE_DECIDED"),
        refuse(
            "inv10_decision",
            "INSERT OR UPDATE",
            f"NEW.decided_by_id IS NOT NULL AND ({own_matter('NEW.decided_by_id', 'NEW.opened_by_id')}"
            " OR EXISTS (SELECT 1 FROM points_account a WHERE a.id = NEW.account_id"
            f" AND {own_matter('NEW.decided_by_id', 'a.actor_id')}))",
            "OWN_MATTER",
        ),
        index("account_id", "state"),
        index("opened_at"),
    )  # fmt: skip

    class Meta:
        table = "points_dispute"


class Reward(Logged):
    """What points can be exchanged for, for those at home in an area and below, while there is stock."""

    tag: ClassVar[str] = "points_reward"

    area = references("core.Area")
    area_id: UUID
    title = fields.CharField(max_length=200)
    cost = fields.IntField()
    stock = fields.IntField()
    limit_per_actor = fields.IntField(null=True)
    available_from = fields.DateField()
    available_until = fields.DateField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("title")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("cost", "NEW.cost BETWEEN 1 AND 1000000", "BAD_POINTS"),
        check("stock", "NEW.stock >= 0", "OUT_OF_STOCK"),
        check("stock_limit", "NEW.stock <= 1000000", "BAD_STOCK"),
        check("limit", "NEW.limit_per_actor IS NULL OR NEW.limit_per_actor > 0", "BAD_STOCK"),
        check("until_after_from", "NEW.available_until IS NULL OR NEW.available_until >= NEW.available_from"),
        index("area_id", "cost"),
        index("cost"),
    )

    class Meta:
        table = "points_reward"


class Redemption(Logged):
    """Points exchanged for a reward: the points are gone at once, the thing is handed out against a receipt."""

    tag: ClassVar[str] = "points_redemption"
    called: ClassVar[tuple[str, str]] = ("Redemptions", "兑换")

    area = references("core.Area")
    area_id: UUID
    reward = references("points.Reward")
    reward_id: UUID
    account = references("points.Account")
    account_id: UUID
    actor = references("core.Actor")
    actor_id: UUID
    quantity = fields.IntField()
    cost = fields.BigIntField()
    state = fields.CharEnumField(RedemptionState, description="RedemptionState", max_length=40)
    redeemed_at = fields.DatetimeField()
    receipt = fields.TextField(null=True)
    delivered_by = references("core.Actor", null=True)
    delivered_by_id: UUID | None

    about: ClassVar[tuple[str, ...]] = ("t.actor_id IN ({ids})",)
    texts: ClassVar[tuple[Text, ...]] = (
        personal("receipt", of="actor_id", erased=ERASED, keep=Keep("redeemed_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("something", "NEW.quantity > 0 AND NEW.cost > 0"),
        check("receipt", "(NEW.state = 'DELIVERED') = (NEW.receipt IS NOT NULL)"
              " AND (NEW.state = 'DELIVERED') = (NEW.delivered_by_id IS NOT NULL)", "RECEIPT_NEEDED"),
        refuse("held", "INSERT", _HELD, "ACCOUNT_HELD"),
        refuse("held_delivery", "UPDATE", f"NEW.state = 'DELIVERED' AND {_HELD}", "ACCOUNT_HELD"),
        refuse(
            "limit",
            "INSERT",
            "NEW.quantity + (SELECT coalesce(sum(x.quantity), 0) FROM points_redemption x WHERE x.reward_id = NEW.reward_id"
            " AND x.account_id = NEW.account_id AND x.state <> 'CANCELLED')"
            " > (SELECT coalesce(w.limit_per_actor, 2147483647) FROM points_reward w WHERE w.id = NEW.reward_id)",
            "REWARD_LIMIT",
        ),
        refuse(
            "redeemed_stays",
            "UPDATE",
            "NEW.cost <> OLD.cost OR NEW.quantity <> OLD.quantity OR NEW.reward_id <> OLD.reward_id"
            " OR NEW.account_id <> OLD.account_id OR OLD.state = 'CANCELLED'"
            " OR (OLD.state = 'DELIVERED' AND NEW.state = 'CANCELLED')",
            "REDEMPTION_STATE",
        ),
        refuse(
            "inv10_delivery",
            "INSERT OR UPDATE",
            f"NEW.delivered_by_id IS NOT NULL AND {own_matter('NEW.delivered_by_id', 'NEW.actor_id')}",
            "OWN_MATTER",
        ),
        index("reward_id", "account_id"),
        index("actor_id", "redeemed_at"),
        index("redeemed_at"),
    )  # fmt: skip

    class Meta:
        table = "points_redemption"


class Ranking(Logged):
    """The ranking of a period that is over, as it was when it was closed; never changed. It has `ranked` places."""

    tag: ClassVar[str] = "points_closed_ranking"

    area = references("core.Area")
    area_id: UUID
    actor_kind = fields.CharEnumField(ActorKind, description="ActorKind", max_length=40)
    period = fields.CharField(max_length=10)
    closed_at = fields.DatetimeField()
    ranked = fields.IntField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("period")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        unique("area_id", "actor_kind", "period", code="RANKING_CLOSED"),
        index("closed_at"),
    )

    class Meta:
        table = "points_closed_ranking"


class Place(Entity):
    """One actor's place in a closed ranking. Places are numbered, so that none can be slipped in afterwards."""

    tag: ClassVar[str] = "points_place"
    called: ClassVar[tuple[str, str]] = ("Places in closed rankings", "封存排名名次")

    ranking = references("points.Ranking")
    ranking_id: UUID
    area = references("core.Area")
    area_id: UUID
    number = fields.IntField()
    actor = references("core.Actor")
    actor_id: UUID
    place = fields.IntField()
    points = fields.BigIntField()
    previous_place = fields.IntField(null=True)
    gap = fields.BigIntField(null=True)
    upper = fields.IntField()
    previous_upper = fields.IntField()

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        unique("ranking_id", "number", code="RANKING_CLOSED"),
        unique("ranking_id", "actor_id", code="RANKING_CLOSED"),
        refuse(
            "within",
            "INSERT",
            "NEW.number < 1 OR NOT EXISTS (SELECT 1 FROM points_closed_ranking k WHERE k.id = NEW.ranking_id"
            " AND k.ranked >= NEW.number AND k.area_id = NEW.area_id)",
            "RANKING_CLOSED",
        ),
        index("ranking_id", "place"),
        index("place"),
    )

    class Meta:
        table = "points_place"
