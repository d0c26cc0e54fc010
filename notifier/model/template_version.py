"""Versions of templates, and how they are put in force."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """The files of a notice in one language; the digest names them for ever."""

    digest: str  # SHA-256 (hex) over names and contents of all files
    notice: str
    language: str
    content: bytes  # a zip of the files; the same files give the same bytes


@dataclass(frozen=True, slots=True)
class Publication:
    """A version that was put in force."""

    publication_id: int
    language: str
    notice: str
    digest: str
    replaces: str
    draft_id: int | None  # None: an older version again
    published_at: datetime
    published_by: str
    note: str


@dataclass(frozen=True, slots=True)
class DraftLine:
    """Changed notices that somebody keeps for publication."""

    draft_id: int
    notices: str
    created_at: datetime
    created_by: str
    publication_id: int | None  # None: not published
    note: str
