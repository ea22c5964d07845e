"""New residents' services as the API shows them: what there is to read, and what can be done."""

from plugins.new_residents.graphql import entitling, mutations, nodes

__all__ = ["entitling", "mutations", "nodes"]
