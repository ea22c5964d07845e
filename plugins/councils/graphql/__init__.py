"""Councils as the API shows them: what there is to read, and what can be done."""

from plugins.councils.graphql import deciding, mutations, nodes

__all__ = ["deciding", "mutations", "nodes"]
