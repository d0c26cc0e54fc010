"""What the writer hands over."""

from dataclasses import dataclass
from typing import NamedTuple

from notifier.rendering.mail.mime import Segment


class WrittenMail(NamedTuple):
    """A mail: what its reader sees, and the message for the relay."""

    subject: str
    segments: tuple[Segment, ...]  # of the message; what is in base64 stands there as it was
    data: bytes  # RFC 5322, CRLF, ready for DATA (before dot-stuffing)

    @classmethod
    def of(cls, subject: str, segments: tuple[Segment, ...]) -> "WrittenMail":
        """The mail that segments make."""
        return cls(subject, segments, b"".join([segment.data for segment in segments]))

    @property
    def text(self) -> str:
        """The plain text, with the line ends of Python."""
        return self._body(0)

    @property
    def html(self) -> str:
        """The page, with the line ends of Python."""
        return self._body(1)

    def _body(self, place: int) -> str:
        found = [segment.content for segment in self.segments if segment.base64][place]
        return found.decode().replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class WrittenLetter:
    """A letter: PDF/A-2b, tagged, A4."""

    pdf: bytes
    pages: int


@dataclass(frozen=True, slots=True)
class Bulk:
    """Many letters in one document: PDF/A-2b, tagged, A4, one after the other."""

    pdf: bytes
    pages: tuple[int, ...]  # of each letter, in order
