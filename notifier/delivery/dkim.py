"""DKIM: mails are signed last, over the exact bytes that leave (RFC 6376, RFC 8463).

Canonicalisation is ``relaxed/simple``. Headers are relaxed because relays fold and space them
anew. Bodies are simple because ours are base64 within MIME delimiters: they hold no white space
that a relay could change and leave the mail readable, and simple costs nothing but the hash.
There is no time stamp (``t=``): the signed Date says it, and the same mail stays the same bytes.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from notifier.logs import get_logger

from .dkim_keys import SigningKey

log = get_logger(__name__)

#: Headers of which a mail has at most one. They are named once more than they are there, so that
#: nobody can add another one for the reader to see (RFC 6376 8.15).
_ONCE: Final = (
    "from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type",
)  # fmt: skip
_SIGNED: Final = frozenset({*_ONCE, "auto-submitted", "content-language", "feedback-id"})
_LISTS: Final = "list-"  # List-Unsubscribe and the like: RFC 8058 4 wants them signed
_SPACE: Final = re.compile(rb"[ \t\r\n]+")
_WIDTH: Final = 72  # characters of a folded line
_Field = tuple[str, bytes]  # name in lower case, canonical line


class Signer:
    """Signs mails by the keys of the domain that they are from."""

    def __init__(self, keys: Iterable[SigningKey]) -> None:
        """All keys of one domain sign every mail of it: RSA for all, Ed25519 for who knows it."""
        ordered = sorted(keys, key=lambda key: key.domain)
        self._keys = {
            domain: tuple(found) for domain, found in groupby(ordered, key=lambda key: key.domain)
        }
        self._unsigned: set[str] = set()  # domains that we have warned of

    def sign(self, data: bytes) -> bytes:
        """The whole message, signature headers first."""
        return self.signature(data) + data

    def signature(self, data: bytes) -> bytes:
        """The headers to put before a message (CRLF lines, From with one mailbox).

        None for a mail from a domain for which there is no key (its own, or of one above it: what
        DMARC calls aligned), with one warning in the log for each domain: that the mail arrives
        matters more, and a signature of another domain would prove nothing to its reader.
        """
        head, _, body = data.partition(b"\r\n\r\n")
        fields = [*_fields(head)]
        keys = self._keys_for(_domain(fields))
        if not keys:
            return b""
        names, lines = _chosen(fields)
        body_hash = base64.b64encode(hashlib.sha256(_simple(body)).digest()).decode("ascii")
        return b"".join([_signature(key, names, lines, body_hash) for key in keys])

    def _keys_for(self, domain: str) -> tuple[SigningKey, ...]:
        """Of the domain itself, or of the nearest above it."""
        found = within = domain
        while within:
            if within in self._keys:
                return self._keys[within]
            within = within.partition(".")[2]
        if found not in self._unsigned:
            self._unsigned.add(found)
            log.warning("mail not signed: no key for its domain", domain=found)
        return ()


def _fields(head: bytes) -> Iterator[_Field]:
    """Every header in order, in relaxed form (RFC 6376 3.4.2)."""
    for field in re.split(rb"\r\n(?![ \t])", head):
        name, _, value = field.partition(b":")
        key = name.strip().lower()
        yield key.decode("ascii"), key + b":" + _relaxed(value)


def _relaxed(value: bytes) -> bytes:
    return _SPACE.sub(b" ", value).strip()


def _simple(body: bytes) -> bytes:
    """RFC 6376 3.4.3: one line end at the end, however many there were."""
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


def _domain(fields: list[_Field]) -> str:
    for name, line in fields:
        if name == "from":
            return line.rpartition(b"@")[2].rstrip(b"> ").decode("ascii", "replace").lower()
    return ""


def _chosen(fields: list[_Field]) -> tuple[list[str], list[bytes]]:
    """Names for ``h=``, and the lines that they mean: of equal ones the last first."""
    chosen = [
        (name, line)
        for name, line in reversed(fields)
        if name in _SIGNED or name.startswith(_LISTS)
    ]
    names = [name for name, _ in chosen]
    return [*names, *_ONCE], [line for _, line in chosen]


def _signature(key: SigningKey, names: list[str], lines: list[bytes], body_hash: str) -> bytes:
    """A complete header. Its own line is signed as well, with an empty ``b=``."""
    start = (
        f"DKIM-Signature: v=1; a={key.type}-sha256; c=relaxed/simple;\r\n"
        f" d={key.domain}; s={key.selector};\r\n"
        f" {_folded(names)};\r\n"
        f" bh={body_hash};\r\n"
        f" b="
    ).encode("ascii")
    name, _, value = start.partition(b":")
    own = name.lower() + b":" + _relaxed(value)
    made = base64.b64encode(key.sign(b"\r\n".join([*lines, own])))
    parts = [made[at : at + _WIDTH] for at in range(0, len(made), _WIDTH)]
    return start + b"\r\n ".join(parts) + b"\r\n"


def _folded(names: list[str]) -> str:
    """``h=`` on lines that are short enough; it may be folded around its colons."""
    lines, line = [], "h="
    for n, name in enumerate(names):
        word = name if n == len(names) - 1 else f"{name}:"
        if len(line) + len(word) > _WIDTH:
            lines.append(line)
            line = ""
        line += word
    return "\r\n ".join([*lines, line])
