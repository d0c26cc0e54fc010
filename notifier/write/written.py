"""What the writer hands over."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WrittenMail:
    """A mail: its parts for the reader of the record, and the message for the relay."""

    subject: str
    text: str
    html: str
    data: bytes  # RFC 5322, CRLF, ready for DATA (before dot-stuffing)


@dataclass(frozen=True, slots=True)
class WrittenLetter:
    """A letter: PDF/A-2b, tagged, A4."""

    pdf: bytes
    pages: int


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """The files that a notice was written from."""

    digest: str  # SHA-256 (hex) over names and contents of all files
    notice: str
    language: str
    content: bytes  # a zip of the files; the same files give the same bytes
