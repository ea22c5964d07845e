"""Ways to sign in besides a password. A provider says who somebody is; whose account that is, the desk has said once.

`begin` makes a challenge for who wants to sign in; what they answer it with proves a subject: a telephone number, an
account elsewhere. Subjects are known here only as keyed hashes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from core.enums import ProviderKind


@dataclass(frozen=True)
class Asked:
    """What somebody begins with: their number, or the page that they shall come back to."""

    phone: str | None = None
    redirect_uri: str | None = None
    language: str = "zh-CN"


@dataclass(frozen=True)
class Begun:
    """What is kept of a challenge, of which nothing is secret; where to send the person, and what comes back with them."""

    kept: dict[str, str] = field(default_factory=dict)
    url: str | None = None
    state: str | None = None


class Provider(Protocol):
    """`secret` is the challenge as only whoever began it has it."""

    key: str
    kind: ProviderKind
    title: str

    def counted(self, asked: Asked) -> Mapping[str, int]:
        """How often an hour it may be begun, by what is counted beside the address; refuses what cannot be begun."""

    async def begin(self, secret: str, asked: Asked) -> Begun: ...

    async def subjects(self, secret: str, kept: Mapping[str, str], answer: str) -> list[str]:
        """What who that is may be kept as: its digest under each key, the one in use first; refuses SIGN_IN_FAILED, and PROVIDER_FAILED where nobody can say."""


def derived(secret: str, purpose: str) -> str:
    """43 characters that say nothing of the secret they are made from, and are the same each time."""
    made = hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
