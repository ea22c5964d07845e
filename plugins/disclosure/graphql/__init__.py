"""Disclosure as the API shows it: what there is to read, and what can be done."""

from plugins.disclosure.graphql import mutations, nodes, stories, years

__all__ = ["mutations", "nodes", "stories", "years"]
