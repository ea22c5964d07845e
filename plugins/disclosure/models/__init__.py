"""What disclosure keeps: notices with objections, the chain of records, days off, yearly files and stories."""

from plugins.disclosure.models.notices import Concerned, Item, Notice, Posting, whom
from plugins.disclosure.models.objections import Objection
from plugins.disclosure.models.records import Record
from plugins.disclosure.models.stories import Story, StoryPerson
from plugins.disclosure.models.years import FileEntry, RestDays

__all__ = [
    "Concerned",
    "FileEntry",
    "Item",
    "Notice",
    "Objection",
    "Posting",
    "Record",
    "RestDays",
    "Story",
    "StoryPerson",
    "whom",
]
