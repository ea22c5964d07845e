"""Councils as the API shows them: what there is to read, and what can be done."""

from plugins.councils.graphql import (
    asking,
    charters,
    conduct,
    deciding,
    initiative,
    mutations,
    nodes,
    nominating,
    serving,
)

__all__ = ["asking", "charters", "conduct", "deciding", "initiative", "mutations", "nodes", "nominating", "serving"]
