"""Ballots as the API shows them: what there is to read, and what can be done."""

from plugins.ballots.graphql import asking, elections, nodes, rolls, voting

__all__ = ["asking", "elections", "nodes", "rolls", "voting"]
