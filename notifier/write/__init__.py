"""From a decision to bytes: mails and letters in plain polite Japanese."""

from notifier.write.errors import BadTemplate, WriteError
from notifier.write.writer import Writer
from notifier.write.written import TemplateVersion, WrittenLetter, WrittenMail

__all__ = [
    "BadTemplate",
    "TemplateVersion",
    "WriteError",
    "Writer",
    "WrittenLetter",
    "WrittenMail",
]
