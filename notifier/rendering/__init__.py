"""From a decision to bytes: mails and letters in plain polite Japanese."""

from notifier.rendering.errors import BadTemplate, LetterError, PiecesRefused, WriteError
from notifier.rendering.stationery import Stationery, Style
from notifier.rendering.writer import Writer
from notifier.rendering.written import Bulk, TemplateVersion, WrittenLetter, WrittenMail

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
