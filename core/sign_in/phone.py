"""Signing in with a telephone: a code is sent to the number, and whoever has the telephone knows it."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Protocol

import structlog

from core import throttle
from core.enums import ProviderKind
from core.errors import Refusal
from core.keys import KeyRing
from core.sign_in import Asked, Begun, derived

log = structlog.get_logger("gongzhi.sign_in")

AN_HOUR = 5  # codes to a number
DIGITS = 6
_MAINLAND = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")
_ELSEWHERE = re.compile(r"\+[1-9]\d{6,14}")


class PhoneChannel(Protocol):
    """Carries a code to a telephone: the port `phone_codes`."""

    async def send(self, phone: str, code: str, language: str) -> None:
        """`phone` is `+8613800138000`. Raises when it could not be handed on; must not log the code."""


class NoChannel:
    """Nobody carries codes."""

    async def send(self, phone: str, code: str, language: str) -> None:
        raise Refusal("PROVIDER_FAILED")


class LogChannel:
    """For development, on a machine that nobody else can ask: the code stands in the log."""

    async def send(self, phone: str, code: str, language: str) -> None:
        log.warning("a code to sign in, for development only", phone=f"…{phone[-4:]}", code=code)


def clean_phone(text: str | None) -> str:
    """`+8613800138000` for a mainland mobile number however it is written, or another in full; refuses BAD_MOBILE."""
    bare = re.sub(r"[\s()-]", "", text or "")[:40]
    if match := _MAINLAND.fullmatch(bare):
        return f"+86{match[1]}"
    if _ELSEWHERE.fullmatch(bare) and not bare.startswith("+86"):
        return bare
    raise Refusal("BAD_MOBILE", path=("phone",))


class Phone:
    key = "phone"
    kind = ProviderKind.PHONE

    def __init__(self, channel: PhoneChannel, keys: KeyRing, title: str) -> None:
        self.channel = channel
        self.keys = keys
        self.title = title

    def counted(self, asked: Asked) -> Mapping[str, int]:
        return {throttle.key_of("phone", self._subjects(asked)[0]): AN_HOUR}

    def _subjects(self, asked: Asked) -> list[str]:
        return self.keys.digests(self.key, clean_phone(asked.phone))

    async def begin(self, secret: str, asked: Asked) -> Begun:
        """The same to everybody, whether the number is known or not."""
        code = "".join(secrets.choice("0123456789") for _ in range(DIGITS))
        try:
            await self.channel.send(clean_phone(asked.phone), code, asked.language)
        except Refusal:
            raise
        except Exception as error:
            log.error("a code could not be sent", error=type(error).__name__)  # its text may hold the number
            raise Refusal("PROVIDER_FAILED") from None
        return Begun({"subjects": " ".join(self._subjects(asked)), "answer": derived(secret, f"code {code}")})

    async def subjects(self, secret: str, kept: Mapping[str, str], answer: str) -> list[str]:
        if not hmac.compare_digest(kept["answer"], derived(secret, f"code {answer.strip()[:20]}")):
            raise Refusal("SIGN_IN_FAILED")
        return kept["subjects"].split()
