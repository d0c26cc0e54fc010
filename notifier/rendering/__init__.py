"""From a decision to bytes: mails and letters in plain polite Japanese."""

from notifier.model.template_version import TemplateVersion
from notifier.rendering.errors import BadTemplate, LetterError, PiecesRefused, WriteError
from notifier.rendering.stationery import Stationery, Style
from notifier.rendering.writer import Writer
from notifier.rendering.written import Bulk, WrittenLetter, WrittenMail

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
