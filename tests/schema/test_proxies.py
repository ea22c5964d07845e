"""A forwarding header is believed from a trusted proxy only, and only as far as trusted proxies reach."""

from __future__ import annotations

import pytest

from schema.proxies import Proxies

PROXIES = ("10.0.0.0/24", "2001:db8:ffff::1")
XFF, STANDARD = "x-forwarded-for", "forwarded"


@pytest.mark.parametrize(
    ("peer", "headers", "key", "known"),
    [
        ("198.51.100.7", [], "198.51.100.7", True),
        ("198.51.100.7", [(XFF, "192.0.2.1")], "198.51.100.7", False),
        ("198.51.100.7", [(STANDARD, "for=192.0.2.1")], "198.51.100.7", False),
        ("10.0.0.1", [], "10.0.0.1", True),
        ("10.0.0.1", [(XFF, "192.0.2.1")], "192.0.2.1", True),
        ("10.0.0.1", [(XFF, "127.0.0.1, 192.0.2.1")], "192.0.2.1", True),
        ("10.0.0.1", [(XFF, "192.0.2.9, 192.0.2.1, 10.0.0.2")], "192.0.2.1", True),
        ("10.0.0.1", [(XFF, "192.0.2.9"), (XFF, "192.0.2.1")], "192.0.2.1", True),
        ("10.0.0.1", [(XFF, "192.0.2.1:4711")], "192.0.2.1", True),
        ("10.0.0.1", [(XFF, "10.0.0.7, 10.0.0.2")], "10.0.0.7", True),
        ("10.0.0.1", [(XFF, "192.0.2.1, nonsense")], "10.0.0.1", False),
        ("10.0.0.1", [(XFF, "192.0.2.1,")], "10.0.0.1", False),
        ("10.0.0.1", [(XFF, "")], "10.0.0.1", False),
        ("10.0.0.1", [(XFF, "2001:db8:1:2:3:4:5:6")], "2001:db8:1:2::/64", True),
        ("10.0.0.1", [(XFF, "[2001:db8:1:2::9]:80")], "2001:db8:1:2::/64", True),
        ("10.0.0.1", [(STANDARD, 'for=192.0.2.9;proto=https, for="192.0.2.1:80";by=10.0.0.1')], "192.0.2.1", True),
        ("10.0.0.1", [(STANDARD, 'proto=https; For="[2001:db8:1:2::9]:80"')], "2001:db8:1:2::/64", True),
        ("10.0.0.1", [(STANDARD, "for=192.0.2.9, for=_hidden")], "10.0.0.1", False),
        ("10.0.0.1", [(STANDARD, "for=192.0.2.9, proto=https")], "10.0.0.1", False),
        ("10.0.0.1", [(STANDARD, "for=192.0.2.9"), (XFF, "192.0.2.1")], "10.0.0.1", False),
        ("2001:db8:ffff::1", [(XFF, "::ffff:192.0.2.1")], "192.0.2.1", True),
        ("2001:db8:ffff::2", [(XFF, "192.0.2.1")], "2001:db8:ffff::/64", False),
        ("fe80::1%eth0", [], "fe80::/64", True),
        ("::ffff:10.0.0.1", [(XFF, "192.0.2.1")], "192.0.2.1", True),
        ("", [(XFF, "192.0.2.1")], "", True),
    ],
)  # fmt: skip
def test_the_client_is_the_last_hop_outside(peer: str, headers: list[tuple[str, str]], key: str, known: bool) -> None:
    joined: dict[str, str] = {}
    for name, line in headers:
        joined[name] = f"{joined[name]},{line}" if name in joined else line
    client = Proxies(PROXIES).client(peer, joined.get(XFF), joined.get(STANDARD))
    assert (client.key, client.known) == (key, known)
