"""Councils as the API shows them: what there is to read, and what can be done."""

from plugins.councils.graphql import conduct, deciding, mutations, nodes

__all__ = ["conduct", "deciding", "mutations", "nodes"]
