"""Ballots as the API shows them: what there is to read, and what can be done."""

from plugins.ballots.graphql import asking, mutations, nodes

__all__ = ["asking", "mutations", "nodes"]
