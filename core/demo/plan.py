"""How large a demo district is: every number that `--scale` multiplies, and who gets how much of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DistrictPlan:
    """Totals of a district of this scale, the small story's people and places among them. 1 is like Haicang's centre."""

    scale: float = 1.0

    def of(self, number: int) -> int:
        """So many at scale 1, multiplied."""
        return round(number * self.scale)

    @property
    def towns(self) -> int:
        return max(2, self.of(4))

    @property
    def communities(self) -> int:
        return max(4, self.of(24))

    @property
    def areas(self) -> int:
        """The district, its towns and communities; two grids in each, and a compound or hamlet in each grid.

        The village of the story has its two groups instead.
        """
        return 1 + self.towns + self.communities + 4 * (self.communities - 1) + 2

    @property
    def people(self) -> int:
        return max(40, self.of(2000))

    @property
    def households(self) -> int:
        return max(8, self.of(640))

    @property
    def enterprises(self) -> int:
        return max(2, self.of(60))

    @property
    def associations(self) -> int:
        """Organizations other than the committee of each community."""
        return max(2, self.of(66))

    @property
    def organizations_and_enterprises(self) -> int:
        return self.communities + self.associations + self.enterprises

    @property
    def activities(self) -> int:
        return max(12, self.of(300))

    @property
    def homonyms(self) -> dict[str, int]:
        """Names that exactly so many people have."""
        return {"陈伟": max(3, self.of(3)), "林秀英": max(2, self.of(2))}

    def share(self, total: int, part: int) -> int:
        """How many of `total` fall to community number `part`, spread evenly."""
        return self.before(total, part + 1) - self.before(total, part)

    def before(self, total: int, part: int) -> int:
        """How many of them fall to the communities with lower numbers."""
        whole, rest = divmod(total, self.communities)
        return whole * part + min(rest, part)
