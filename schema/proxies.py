"""Who is at the other end: the peer, or whom a trusted proxy says it speaks for."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import structlog

log = structlog.get_logger("gongzhi.proxies")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SITE = 64  # bits of an IPv6 address that a household or an office has for itself


@dataclass(frozen=True)
class Client:
    """`key` is the address that is counted: an IPv6 address by its /64. `known` is false where a header names somebody
    whom the server cannot believe in: then the key is that of the last hop it believes."""

    key: str
    address: Address | None = None
    known: bool = True


class Proxies:
    """Believes `X-Forwarded-For` or `Forwarded` (RFC 7239) from the networks it trusts; the right-most hop outside them
    is the client. Of a request with both headers one is not from the proxy, so neither is believed."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        self.trusted = networks(trusted)
        self._told = False

    def client(self, peer: str, forwarded: str | None, standard: str | None) -> Client:
        """Of a request from `peer` with these two headers, if it has them."""
        address = _address(peer)
        if address is None:
            return Client(peer)
        if forwarded is None and standard is None:
            return Client(_key(address), address)
        if not within(address, self.trusted):
            self._tell(peer)
            return Client(_key(address), address, known=False)
        if forwarded is not None and standard is not None:
            return Client(_key(address), address, known=False)
        hops = forwarded.split(",") if forwarded is not None else _standard_hops(standard or "")
        while hops and within(address, self.trusted):
            before = _address(hops.pop())
            if before is None:
                return Client(_key(address), address, known=False)
            address = before
        return Client(_key(address), address)

    def _tell(self, peer: str) -> None:
        if not self._told:
            self._told = True
            log.warning(
                "a forwarding header is not believed; if this is your proxy, name it in trusted_proxies", peer=peer
            )


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Raises ValueError for what is no address or network."""
    return tuple(ipaddress.ip_network(text) for text in texts)


@lru_cache(4096)
def within(address: Address, among: tuple[Network, ...]) -> bool:
    return any(address in network for network in among)


@lru_cache(4096)
def _key(address: Address) -> str:
    if address.version == 6:
        return str(ipaddress.ip_network((address.packed, SITE), strict=False))
    return str(address)


def _standard_hops(header: str) -> list[str]:
    """The `for` of each element; empty where an element says none."""
    found = []
    for element in header.split(","):
        pairs = (pair.partition("=") for pair in element.split(";"))
        found.append(next((value for name, _, value in pairs if name.strip().lower() == "for"), ""))
    return found


@lru_cache(4096)
def _address(text: str) -> Address | None:
    """Of `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `"[2001:db8::1]:80"`; an IPv4 address mapped into IPv6 is itself."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
