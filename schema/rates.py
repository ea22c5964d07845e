"""How much one viewer, and one address, may ask for in a minute: buckets that are emptied by cost and fill by time.

Cost is counted in rows that a request makes the database look at; what costs otherwise is valued in rows.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from time import monotonic

from starlette.requests import Request

from core.access import Viewer
from core.config import Config
from core.errors import Refusal
from core.messages import remembered
from schema.heads import headers_of
from schema.proxies import Client, Proxies, networks, within

WINDOW = 60  # seconds in which an empty bucket is full again
BUCKETS = 20_000  # of viewers, and as many of addresses
REQUEST = 50
BAD_TOKEN = 100
MUTATION = 50
SIGN_IN = 5_000  # a password is checked slowly on purpose
INTROSPECTION = 1_000
BYTES = 4  # of a document that has to be parsed and validated, for each row
SHOW = "gongzhi-cost"
NOBODY = Client("")


class OverLimit(Refusal):
    """A bucket does not hold what a request costs; `seconds` until it will."""

    def __init__(self, policy: str, seconds: int) -> None:
        super().__init__("RATE_LIMITED", policy=policy, seconds=seconds)
        self.seconds = seconds


class Buckets:
    """One bucket of `quota` for each key; what was used longest ago goes when there are too many, and is full again."""

    def __init__(self, policy: str, quota: int, limit: int = BUCKETS) -> None:
        self.policy, self.quota, self.limit = policy, quota, limit
        self._rate = quota / WINDOW
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()  # level, as of

    def __len__(self) -> int:
        return len(self._held)

    def level(self, key: str) -> float:
        """What is left; less than nothing while something is owed."""
        held = self._held.get(key)
        return self.quota if held is None else min(self.quota, held[0] + (monotonic() - held[1]) * self._rate)

    def require(self, key: str, cost: int, spent: int = 0) -> None:
        """Raise OverLimit unless that much is left for a request that has `spent` already. A full bucket is enough for
        any one request, and after the seconds that are told there is enough for all of it again."""
        level = self.level(key)
        if level < min(cost, self.quota - spent):
            raise OverLimit(self.policy, math.ceil((min(cost + spent, self.quota) - level) / self._rate))

    def take(self, key: str, cost: int) -> None:
        self._held[key] = (self.level(key) - cost, monotonic())
        self._held.move_to_end(key)
        while len(self._held) > self.limit:
            self._held.popitem(last=False)

    def stated(self) -> str:
        return f'"{self.policy}";q={self.quota};qu="cost";w={WINDOW}'

    def left(self, key: str) -> str:
        level = self.level(key)
        return f'"{self.policy}";r={max(0, int(level))};t={math.ceil((self.quota - level) / self._rate)}'


class Meter:
    """What one request has cost, and the buckets that it comes from; `show` says that the client wants to know, `agent`
    what it calls itself."""

    def __init__(
        self, client: Client = NOBODY, *, free: bool = False, show: bool = False, agent: str | None = None
    ) -> None:
        self.client, self.free, self.show, self.agent = client, free, show, agent
        self.cost = self.rows = 0
        self._spent = 0
        self._buckets: list[tuple[Buckets, str]] = []

    def add(self, buckets: Buckets, key: str) -> None:
        """One more bucket, for what was spent so far too; raises OverLimit."""
        if not self.free and buckets.quota:
            buckets.require(key, self._spent)
            buckets.take(key, self._spent)
            self._buckets.append((buckets, key))

    def spend(self, cost: int, *, shown: bool = True) -> None:
        """From every bucket or none; raises OverLimit. What depends on what the server remembers is not shown."""
        for buckets, key in self._buckets:
            buckets.require(key, cost, self._spent)
        self.owe(cost, shown=shown)

    def owe(self, cost: int, *, shown: bool = True) -> None:
        """The same for what cannot be refused any more: the next request waits for it."""
        for buckets, key in self._buckets:
            buckets.take(key, cost)
        self._spent += cost
        if shown:
            self.cost += cost

    def look_at(self, rows: int, *, owed: bool = False) -> None:
        """Rows, at one each."""
        if owed:
            self.owe(rows)
        else:
            self.spend(rows)
        self.rows += rows

    def headers(self) -> dict[str, str]:
        """draft-ietf-httpapi-ratelimit-headers; nothing where nothing is limited."""
        if not self._buckets:
            return {}
        return {
            "ratelimit-policy": ", ".join(buckets.stated() for buckets, _ in self._buckets),
            "ratelimit": ", ".join(buckets.left(key) for buckets, key in self._buckets),
        }


class Rates:
    """The buckets of one process, and who is not limited."""

    def __init__(self, config: Config) -> None:
        self.proxies = Proxies(config.trusted_proxies)
        self.unlimited = networks(config.unlimited)
        self.by_address = Buckets("address", config.address_quota)
        self.by_viewer = Buckets("viewer", config.viewer_quota)
        self._who = remembered(self._client)

    def meter(self, request: Request) -> Meter:
        headers = headers_of(request)
        peer = request.client.host if request.client else ""
        client, free = self._who(peer, headers.get("x-forwarded-for"), headers.get("forwarded"))
        meter = Meter(client, free=free, show=SHOW in headers, agent=headers.get("user-agent"))
        meter.add(self.by_address, client.key)
        return meter

    def is_from_here(self, request: Request) -> bool:
        """Does it come from this machine, and from nobody who is named in a header?"""
        headers = headers_of(request)
        peer = request.client.host if request.client else ""
        client = self.proxies.client(peer, headers.get("x-forwarded-for"), headers.get("forwarded"))
        return client.known and client.address is not None and client.address.is_loopback

    def _client(self, peer: str, forwarded: str | None, standard: str | None) -> tuple[Client, bool]:
        client = self.proxies.client(peer, forwarded, standard)
        return client, client.known and client.address is not None and within(client.address, self.unlimited)

    def seen(self, meter: Meter, viewer: Viewer) -> None:
        """Whose request it is has turned out; raises OverLimit."""
        if viewer.account_id is not None:
            meter.add(self.by_viewer, str(viewer.account_id))
