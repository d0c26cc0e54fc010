"""What lint finds: where, by which rule, how bad."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from notifier.rendering.labels import label


class Severity(StrEnum):
    """What a finding means for whoever wants to publish."""

    ERROR = "error"  # may not be published
    WARNING = "warning"  # somebody should look


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong with a file."""

    file: str  # ``ja/apology/notice.toml``
    line: int  # 1-based
    rule: str  # its messages are the labels ``lint.<rule>``
    severity: Severity
    about: tuple[tuple[str, str], ...] = ()  # fills the message

    def message(self, language: str) -> str:
        """What is wrong, for a person."""
        return label(f"lint.{self.rule}", language, **dict(self.about))

    def as_json(self, language: str) -> dict[str, Any]:
        """A JSON object: file, line, rule, severity, message."""
        return {
            "file": self.file,
            "line": self.line,
            "rule": self.rule,
            "severity": str(self.severity),
            "message": self.message(language),
        }
