"""Caring points as the API shows them."""

from plugins.points.graphql import mutations, nodes

__all__ = ["mutations", "nodes"]
