"""Enterprises in co-governance as the API shows them: what there is to read, and what can be done."""

from plugins.enterprise_council.graphql import mutations, nodes

__all__ = ["mutations", "nodes"]
