"""A mail cut into its leaves: a light splitter, bounded, for whatever comes.

The standard library's parser takes milliseconds for a mail; of a report we want a few parts, and
of the returned mail nothing but its headers.
"""

import quopri
import re
from dataclasses import dataclass
from typing import Final

from . import bounds
from .charset import decode
from .headers import Headers, from_base64
from .markup import plain

_BOUNDARY: Final = re.compile(r"boundary\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;]+))", re.IGNORECASE)
_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
_SOFT: Final = re.compile(r"(?<=[^=\n])=\n")
#: A line that parts, near the beginning of a body whose header does not name it.
_PARTING: Final = re.compile(
    rb"\A(?:[^\n]{0,200}\n){0,4}?--(?!-{0,20} )([^\s\n][^\n]{2,70})\n(?=content-)", re.IGNORECASE
)
_FROM_LINE: Final = re.compile(rb"\A>?From [^\n]*\n")
_BLANK: Final = re.compile(rb"\n[ \t]*\n|\A\n")
_RETURNED: Final = frozenset(
    {
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global-headers",
        "text/rfc822-header",
        "text/rfc822",
        "message/partial",
    }
)
_REPORTS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})


@dataclass(frozen=True, slots=True)
class Leaf:
    """One part that holds no others, or a mail within the mail."""

    headers: Headers
    body: bytes
    kind: str  # content type in lower case
    charset: str
    alternative: bool  # one of several forms of the same

    @property
    def is_report(self) -> bool:
        """Whether it is the machine-readable part of RFC 3464."""
        return self.kind in _REPORTS

    @property
    def is_feedback(self) -> bool:
        """Whether it is the machine-readable part of RFC 5965."""
        return self.kind == "message/feedback-report"

    @property
    def is_returned(self) -> bool:
        """Whether it is a mail, or its headers."""
        return self.kind in _RETURNED

    @property
    def is_text(self) -> bool:
        """Whether it is to be read by people."""
        return self.kind in {"text", ""} or (self.kind.startswith("text/") and not self.is_returned)

    def content(self) -> bytes:
        """The body, decoded from what it was sent in."""
        encoding = self.headers.get("content-transfer-encoding").lower()
        if encoding.startswith("base64"):
            return from_base64(self.body)
        if encoding.startswith("quoted"):
            return quopri.decodestring(self.body)
        return self.body

    def text(self) -> str:
        """The body as plain text."""
        found = decode(self.content(), self.charset).replace("\r\n", "\n").replace("\r", "\n")
        if "=\n" in found:  # quoted-printable that does not say so
            found = _SOFT.sub("", found)
        return plain(found) if self.kind == "text/html" else found


@dataclass(frozen=True, slots=True)
class Mail:
    """Headers and leaves in their order."""

    headers: Headers
    kind: str  # content type of the whole
    leaves: tuple[Leaf, ...]
    body: bytes
    cut: bool


def split(data: bytes) -> Mail:
    """Cut ``data`` into leaves. Never raises."""
    cut = len(data) > bounds.BYTES
    lines = _even(data[: bounds.BYTES])
    lines = _FROM_LINE.sub(b"", lines, count=1).lstrip(b"\n")
    head, body = _halves(lines)
    headers = Headers.parse(head)
    walk = _Walk()
    walk.part(headers, body, depth=0, default="text/plain", alternative=False)
    kind, _ = _type(headers, "text/plain")
    return Mail(headers, kind, tuple(walk.leaves), body, cut or walk.cut)


def headers_of(data: bytes) -> Headers:
    """The headers of a mail within a mail, or of a part that holds only headers."""
    return Headers.parse(_halves(_FROM_LINE.sub(b"", data.lstrip(b"\n"), count=1))[0])


def _even(data: bytes) -> bytes:
    """With ``\\n`` as the only line end: some gateways write CR alone, some both."""
    if b"\r" not in data:
        return data
    if b"\n" not in data:
        return data.replace(b"\r", b"\n")
    return data.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _halves(lines: bytes) -> tuple[bytes, bytes]:
    found = _BLANK.search(lines)
    if found is None:
        return lines, b""
    return lines[: found.start() + 1], lines[found.end() :]


def _type(headers: Headers, default: str) -> tuple[str, str]:
    """Content type in lower case, and the whole value with its parameters."""
    value = headers.get("content-type")
    kind = value.split(";", 1)[0].strip().lower()
    return (kind if "/" in kind else default if not kind else "text/plain"), value


class _Walk:
    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.cut = False

    def part(
        self, headers: Headers, body: bytes, *, depth: int, default: str, alternative: bool
    ) -> None:
        """Add a part, or the parts that it holds."""
        kind, value = _type(headers, default)
        boundary = _BOUNDARY.search(value) if kind.startswith("multipart/") else None
        pieces: list[bytes] = []
        if boundary and depth < bounds.DEPTH:
            name = (boundary[1] or boundary[2] or boundary[3] or "").strip()
            pieces = self._pieces(body, name.encode("utf-8", "replace"))
        if not pieces and not depth and (found := _PARTING.match(body)):
            pieces = self._pieces(body, found[1].strip())
        if not pieces:
            self.cut = self.cut or depth >= bounds.DEPTH
            charset = _CHARSET.search(value)
            kind = "text/plain" if kind.startswith("multipart/") else kind
            named = charset[1].lower() if charset else ""
            self.leaves.append(Leaf(headers, body, kind, named, alternative))
            return
        inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        for piece in pieces:
            if len(self.leaves) >= bounds.PARTS:
                self.cut = True
                return
            head, rest = _piece(piece)
            self.part(
                Headers.parse(head),
                rest,
                depth=depth + 1,
                default=inner,
                alternative=kind == "multipart/alternative",
            )

    def _pieces(self, body: bytes, boundary: bytes) -> list[bytes]:
        """What stands between the lines of a boundary."""
        if not boundary:
            return []
        found = (b"\n" + body).split(b"\n--" + boundary, bounds.PARTS + 1)
        kept: list[bytes] = []
        for piece in found[1:]:
            end = piece.find(b"\n")
            line = piece if end < 0 else piece[:end]
            rest = line.strip()
            if rest == b"--":
                break
            if rest and kept:  # a longer boundary that begins with this one
                kept[-1] += b"\n--" + boundary + piece
            elif not rest and end >= 0:
                kept.append(piece[end + 1 :])
        if len(kept) > bounds.PARTS:
            self.cut = True
        return kept[: bounds.PARTS]


def _piece(piece: bytes) -> tuple[bytes, bytes]:
    """Headers and body of a part. One without headers may leave out the blank line before it."""
    if piece.startswith(b"\n"):
        return b"", piece[1:]
    head, body = _halves(piece)
    lower = head[: bounds.HEADER_BYTES].lower()
    if b"delivery-status" in lower and b"\nfinal-recipient:" in lower:
        return head, head + b"\n" + body  # no blank line before its fields
    first = head.split(b"\n", 1)[0]
    named = first.split(b":", 1)[0].lower()
    if named.startswith(b"content-") or b"\ncontent-type" in head.lower():
        return head, body
    return (head, body) if b":" in first and b" " not in first.split(b":", 1)[0] else (b"", piece)
