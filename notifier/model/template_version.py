"""The templates that a message is written from, as they stand."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """The files of a notice in one language; the digest names them for ever."""

    digest: str  # SHA-256 (hex) over names and contents of all files
    notice: str
    language: str
    content: bytes  # a zip of the files; the same files give the same bytes
