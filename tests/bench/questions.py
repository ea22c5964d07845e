"""What is asked, of everybody in the same words. Each answer is compared byte by byte before anything is timed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from town import Town

ACTIVITY = "id title startsAt"
ACTOR = "{ id name }"
Q1 = f"query Q1($id: ID!) {{ activity: node(id: $id) {{ ... on Activity {{ {ACTIVITY} organizer {ACTOR} }} }} }}"
LIST = "activities(first: $n, after: $after, where: {{area: {{code: {{eq: $code}}}}}}, orderBy: STARTS_AT_DESC)"
Q2 = (
    f"query Q2($code: String!, $n: Int!, $after: String) {{ {LIST.format()}"
    f" {{ nodes {{ {ACTIVITY} area {{ id name }} organizer {ACTOR} }} }} }}"
)
Q3 = (
    f"query Q3($code: String!, $n: Int!, $after: String) {{ {LIST.format()}"
    f" {{ nodes {{ {ACTIVITY} area {{ id name }} organizer {ACTOR}"
    f" participations(first: 10) {{ totalCount nodes {{ actor {ACTOR} }} }} }} }} }}"
)
M1 = (
    "mutation M1($i: CoreActivityInput!) { coreJoinActivity(input: $i) {"
    f" participation {{ id actor {ACTOR} activity {{ id placesTaken }} }} errors {{ code }} }} }}"
)
TEXTS = {"Q1": Q1, "Q2": Q2, "Q3": Q3, "Q4": Q3, "M1": M1}
REQUESTS = {"Q1": 1200, "Q2": 800, "Q3": 250, "Q4": 60, "M1": 100}  # to a round


def variables(name: str, town: Town, server: int, servers: int) -> Iterator[dict[str, Any]]:
    """One request's variables after another; of the activities that are joined each server has its own."""
    number = 0
    while True:
        if name == "Q1":
            yield {"id": f"activity_{town.activities[number * 37 % len(town.activities)]}"}
        elif name == "M1":
            yield {"i": {"activityId": f"activity_{town.activities[number * servers + server]}"}}
        else:
            code = town.communities[number % len(town.communities)]
            yield {"code": code, "n": 100 if name == "Q4" else 20, "after": None}
        number += 1
