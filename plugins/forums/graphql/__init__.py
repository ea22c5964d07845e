"""Forums as the API shows them: what there is to read, and what can be done."""

from plugins.forums.graphql import decisions, forums, moderation, nodes, topics

__all__ = ["decisions", "forums", "moderation", "nodes", "topics"]
