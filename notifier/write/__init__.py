"""From a decision to bytes: mails and letters in plain polite Japanese."""

from notifier.write.errors import BadTemplate, LetterError, PiecesRefused, WriteError
from notifier.write.stationery import Stationery, Style
from notifier.write.writer import Writer
from notifier.write.written import Bulk, TemplateVersion, WrittenLetter, WrittenMail

__all__ = [
    "BadTemplate",
    "Bulk",
    "LetterError",
    "PiecesRefused",
    "Stationery",
    "Style",
    "TemplateVersion",
    "WriteError",
    "Writer",
    "WrittenLetter",
    "WrittenMail",
]
