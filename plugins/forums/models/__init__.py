"""What forums keep: who belongs to them, topics with their rounds and statements, results, and what keeps order."""

from plugins.forums.models.decisions import Position, Resolution
from plugins.forums.models.forums import Forum, Member
from plugins.forums.models.moderation import Moderation
from plugins.forums.models.topics import Round, Statement, Topic

__all__ = ["Forum", "Member", "Moderation", "Position", "Resolution", "Round", "Statement", "Topic"]
