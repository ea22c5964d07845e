"""Declaring a mutation: an input, a permission, a rule to call, and what the payload shows.

    @mutation("adoption.claim.decide", on=Subject(AdoptionClaim, "claim_id"), claim=AdoptionClaim)
    async def adoption_decide_claim(work: Work, input: AdoptionDecideClaimInput) -> Result:
        \"\"\"Accept or reject a claim (审核认领申请).\"\"\"

The payload has each named node (null when refused) and `errors`. Its selection is read afresh by the planner. What is
shown this once and kept nowhere stands under `secrets`; the rule returns it beside the nodes.
What is declared is what holds: a rule that asks for another permission fails, and `can` answers by the declaration.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import typing
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Optional, TypeVar
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_camel_case

from core.enums import BehalfBasis
from core.errors import ConfigurationError
from core.ids import is_global, split_global, to_global
from core.models import Entity
from core.work import Work
from schema.decisions import Remedy
from schema.nodes.declare import owner_of
from schema.nodes.expressions import Expr, RowOf

Result = dict[str, Entity]


@dataclass(frozen=True)
class Secret:
    """A value of a payload that is told this once: never part of an outcome, an event or a log."""

    value: Any = field(repr=False)


WithSecrets = dict[str, Entity | Secret]
RuleCall = Callable[[Work, Any], Awaitable[Mapping[str, Entity | Secret]]]
F = TypeVar("F", bound=Callable[..., Awaitable[Any]])


@strawberry.input(description="For whom a clerk acts at the desk, and how they asked (代办).")
class OnBehalfOf:
    actor_id: strawberry.ID
    basis: BehalfBasis
    evidence: str = strawberry.field(
        description="What shows it: a paper's number, who was on the phone; kept until it is erased (凭据)."
    )


@strawberry.input
class MutationInput:
    """Base of every mutation's input."""

    idempotency_key: str | None = strawberry.field(
        default=None, description="Same key and input again: same outcome, no second effect; kept 7 days (幂等键)."
    )
    acting_for: strawberry.ID | None = strawberry.field(
        default=None, description="Act for this organization, by mandate (代表组织)."
    )
    on_behalf_of: OnBehalfOf | None = strawberry.field(default=None, description="Act at the desk for somebody (代办).")
    occurred_at: datetime | None = strawberry.field(
        default=None, description="When it happened, if not now; never in the future (发生时间)."
    )


@strawberry.input
class ChangeInput(MutationInput):
    """Base of inputs that change something with a version."""

    expected_version: int | None = strawberry.field(
        default=None, description="Refuse with VERSION_CONFLICT if the row has moved on (版本)."
    )


@strawberry.interface(description="Why a mutation was refused; nothing was changed (错误).")
class UserError:
    code: str = strawberry.field(description="Stable code, see the catalogue (错误代码).")
    message: str = strawberry.field(description="For people, in the request's language (说明).")
    path: list[str] = strawberry.field(description="The input field it is about, if any (字段).")


@strawberry.type(description="A rule or a check said no (业务规则拒绝).")
class RuleError(UserError):
    pass


@strawberry.type(description="Nobody gave the viewer this permission here (没有权限).")
class PermissionError(UserError):
    permission: str = strawberry.field(description="The permission that is missing (所需权限).")
    reason: str = strawberry.field(description="Why not, as a stable code (原因).")
    remedies: list[Remedy] = strawberry.field(description="What would change it (解决途径).")


@strawberry.type(description="The row moved on since it was read (版本冲突).")
class ConflictError(UserError):
    expected_version: int = strawberry.field(description="What the client expected (期望版本).")
    actual_version: int = strawberry.field(description="What it is (实际版本).")
    current_id: strawberry.ID = strawberry.field(description="The row as it stands; read it again (当前对象).")


class Needs(Enum):
    """What a mutation asks for that is no permission."""

    OWN_MATTER = "one's own token, password, export"
    AS_IT_WAS_DONE = "what the act that is undone asked for"


def _nobody(t: RowOf) -> Sequence[Expr]:
    return ()


@dataclass(frozen=True)
class Subject:
    """The row a mutation is about: its type, or the kind of it that it must be (`Person`); the input field that names it;
    and the actors whose own matter it is: an id each, or a list of them (`ListOf` whose first column is an actor)."""

    node: type
    argument: str
    owners: Callable[[RowOf], Sequence[Expr]] = _nobody


@dataclass(frozen=True)
class MutationDeclaration:
    name: str
    permission: str | Needs
    also: tuple[str, ...]
    on: tuple[Subject, ...]
    input_type: type
    call: RuleCall
    returns: dict[str, type]
    plugin: str
    description: str
    file: str
    batch: Batch | None = None
    secrets: Mapping[str, Any] = field(default_factory=dict)

    @property
    def permission_key(self) -> str:
        """The permission by its key; empty for what needs none."""
        return self.permission if isinstance(self.permission, str) else ""

    @property
    def asks(self) -> frozenset[str | None] | None:
        """What its rule may ask for; None among them is one's own matter, None alone is anything."""
        if isinstance(self.permission, str):
            return frozenset({self.permission, *self.also})
        return None if self.permission is Needs.AS_IT_WAS_DONE else frozenset({None})


@dataclass(frozen=True)
class Batch:
    """`<mutation>Batch`: the same rule for many rows, each in a unit of work of its own."""

    name: str
    input_type: type


def _batch_of(name: str, input_type: type) -> Batch:
    made = type(camel_type(name) + "BatchInput", (), {})
    made.__annotations__ = {
        "rows": list[input_type],  # type: ignore[valid-type]
        "idempotency_key": Optional[str],
        "stop_on_error": bool,
    }
    made.rows = strawberry.field(description="1 to 200, done one after the other in this order (行).")  # type: ignore[attr-defined]
    made.idempotency_key = strawberry.field(  # type: ignore[attr-defined]
        default=None, description="Same key and rows again: what was done stays done, the rest is tried (幂等键)."
    )
    made.stop_on_error = strawberry.field(  # type: ignore[attr-defined]
        default=False, description="Leave the rows after the first refused one untried (遇错停止)."
    )
    return Batch(f"{name}_batch", strawberry.input(made, description="Many rows at once (批量)."))


def camel_type(name: str) -> str:
    """`core_join_activity` → `CoreJoinActivity`."""
    return "".join(part.capitalize() for part in name.split("_"))


def payload_name(declared: MutationDeclaration) -> str:
    return camel_type(declared.name) + "Payload"


MUTATIONS: list[MutationDeclaration] = []


def mutation(
    permission: str | Needs,
    *also: str,
    on: Subject | Sequence[Subject] = (),
    batch: bool = False,
    secrets: Mapping[str, Any] | None = None,
    **returns: type,
) -> Callable[[F], F]:
    """Declare a mutation. `permission` is what its rule asks for, `also` what else it may come to ask for; a mutation
    without one does not boot. `on` is the row it is about, or rows of several types of which it takes one.

    The function takes a Work and an input derived from MutationInput and returns the rows the payload names. With
    `batch` there is a second mutation, `<name>Batch`, that does it for up to 200 rows and answers for each. `secrets` are
    fields of the payload (name → annotated type) that the rule returns as `Secret`; such a mutation takes no
    idempotency key, because its outcome is not kept.
    """

    def declare(function: F) -> F:
        file = inspect.getsourcefile(function) or function.__module__
        hints = typing.get_type_hints(function)
        input_type = hints.get("input")
        if not isinstance(input_type, type) or not issubclass(input_type, MutationInput):
            raise ConfigurationError(f"{file}: mutation {function.__name__} needs an input derived from MutationInput")
        MUTATIONS.append(
            MutationDeclaration(
                function.__name__,
                permission,
                also,
                (on,) if isinstance(on, Subject) else tuple(on),
                input_type,
                function,
                returns,
                owner_of(function),  # type: ignore[arg-type]
                inspect.cleandoc(function.__doc__ or ""),
                file,
                _batch_of(function.__name__, input_type) if batch else None,
                secrets or {},
            )
        )
        return function

    return declare


_BOOKKEEPING = {"idempotency_key"}
SECRET = "gongzhi.secret"  # in the metadata of an input's field


def secret(*, description: str) -> Any:
    """An input that is never kept, not even as a digest one could guess it by: it does not tell apart what was asked
    under one idempotency key."""
    return strawberry.field(description=description, metadata={SECRET: True})


def hash_input(value: Any) -> str:
    """A digest of what was asked, without the key itself."""
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def paths_of_ids(value: Any, path: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """Where each global id stands in an input, by the names of the API; the first place counts."""
    found: dict[str, tuple[str, ...]] = {}
    parts: Iterable[tuple[str, Any]] = ()
    if isinstance(value, str) and not isinstance(value, Enum):
        return {value: path} if path and is_global(value) else {}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = ((to_camel_case(f.name), getattr(value, f.name)) for f in dataclasses.fields(value))
    elif isinstance(value, (list, tuple)):
        parts = ((str(number), one) for number, one in enumerate(value))
    for name, one in parts:
        found = paths_of_ids(one, (*path, name)) | found
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = [f for f in dataclasses.fields(value) if f.name not in _BOOKKEEPING and not f.metadata.get(SECRET)]
        return {f.name: _plain(getattr(value, f.name)) for f in kept}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def ids_in(input: Any, tag: str) -> Iterator[str]:
    """The global ids with this tag anywhere in an input."""
    if isinstance(input, str):
        if is_global(input, tag):
            yield input
    elif isinstance(input, (list, tuple)):
        for one in input:
            yield from ids_in(one, tag)
    elif dataclasses.is_dataclass(input) and not isinstance(input, type):
        for field in dataclasses.fields(input):
            yield from ids_in(getattr(input, field.name), tag)


def with_ids(input: Any, tag: str, instead: Mapping[UUID, UUID]) -> Any:
    """The input with ids put in place of others."""
    if isinstance(input, str):
        if not is_global(input, tag):
            return input
        id = split_global(input)[1]
        return to_global(tag, instead.get(id, id))
    if isinstance(input, (list, tuple)):
        return [with_ids(one, tag, instead) for one in input]
    if dataclasses.is_dataclass(input) and not isinstance(input, type):
        changed = {f.name: with_ids(getattr(input, f.name), tag, instead) for f in dataclasses.fields(input)}
        return dataclasses.replace(input, **changed)
    return input
