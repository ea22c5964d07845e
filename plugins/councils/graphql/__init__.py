"""Councils as the API shows them: what there is to read, and what can be done."""

from plugins.councils.graphql import asking, conduct, deciding, initiative, mutations, nodes, nominating, serving

__all__ = ["asking", "conduct", "deciding", "initiative", "mutations", "nodes", "nominating", "serving"]
