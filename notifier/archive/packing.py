"""Packing: exact bytes in little room, and out again.

A mail is kept as the segments that it is made of, what stands in base64 as it was before, and
packed with a dictionary that holds what all mails of its kind say: some three hundred bytes remain.
Base64 itself hardly packs, because the same text looks different wherever it is shifted by a byte.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from hashlib import sha256
from threading import Lock
from typing import Final

import orjson
import pybase64
import zstandard
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.logs import get_logger
from notifier.model.correspondence import Correspondence
from notifier.model.errors import Damaged
from notifier.model.template_version import TemplateVersion
from notifier.store import documents
from notifier.store.documents import Codec, Dictionary

log = get_logger(__name__)

_LEVEL: Final = -1  # it is all in the dictionary: higher levels only take longer
_LINE: Final = 76  # characters of a line of base64, RFC 2045 6.8
_MOST_PACKERS: Final = 32  # some 100 KB each

#: Whether it goes out as base64, and the bytes that it holds.
Segment = tuple[bool, bytes]


def dictionary_of(template_digest: str, segments: Sequence[Segment]) -> Dictionary:
    """The dictionary that a sample makes."""
    content = b"".join([content for _, content in segments])
    return Dictionary(template_digest, content, sha256(content).digest())


class Packer:
    """Packs mails or letters that have much in common; not for several threads at once."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        known = zstandard.ZstdCompressionDict(
            dictionary.content, dict_type=zstandard.DICT_TYPE_RAWCONTENT
        )
        known.precompute_compress(level=_LEVEL)
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, dict_data=known)

    def pack(self, segments: Sequence[Segment]) -> bytes:
        """A mail as it is stored, with :attr:`Codec.MAIL`."""
        head = orjson.dumps([(base64, len(content)) for base64, content in segments])
        parts = [head, b"\n", *(content for _, content in segments)]
        return self._compressor.compress(b"".join(parts))

    def pack_inputs(self, inputs: bytes) -> bytes:
        """The inputs of a letter as they are stored, with :attr:`Codec.LETTER`."""
        return self._compressor.compress(inputs)


class Packers:
    """The packers of a process, one for each kind of message. Hold ``lock`` between threads."""

    def __init__(self) -> None:
        self.lock = Lock()
        self._packers: dict[Hashable, Packer] = {}

    def packer(
        self,
        version: TemplateVersion,
        c: Correspondence,
        sample: Callable[[], Sequence[Segment]],
    ) -> Packer:
        """The packer of messages like ``c``; ``sample`` is what a fictional one of them holds."""
        key = (version.digest, c.step, c.brand, c.scheme_name, c.group_no)
        if key not in self._packers:
            if len(self._packers) >= _MOST_PACKERS:
                self._packers.clear()
            self._packers[key] = Packer(dictionary_of(version.digest, sample()))
        return self._packers[key]


async def document_of(conn: AsyncConnection, attempt_id: int) -> bytes | None:
    """The exact bytes of an attempt, or None if there are none (any more).

    Of a letter in a file of many: the exact inputs that it was made from. Raises
    :class:`Damaged` for bytes that are not those of the attempt.
    """
    found = await documents.of_attempt(conn, attempt_id)
    return checked(found, "document of attempt", attempt_id) if found else None


def checked(found: documents.Packed, kind: str, key: object) -> bytes:
    """Unpack a row with codec, body and dictionary, and compare it with the sha256 on record.

    Raises :class:`Damaged` (and notes it) for what cannot be unpacked or is something else.
    """
    try:
        body = unpack(found.body, found.codec, found.dictionary)
    except (zstandard.ZstdError, ValueError, IndexError):
        body = None
    if body is None or sha256(body).digest() != found.sha256:
        log.error("archive damaged", kind=kind, key=key)
        raise Damaged(kind, key)
    return body


def unpack(stored: bytes, codec: str, dictionary: bytes | None = None) -> bytes:
    """The bytes that went out. Raises ValueError on a codec that this version does not know."""
    if codec == Codec.PLAIN:
        return zstandard.ZstdDecompressor().decompress(stored)
    if codec == Codec.MAIL and dictionary is not None:
        return _joined(_decompressor(dictionary).decompress(stored))
    if codec == Codec.LETTER and dictionary is not None:
        return _decompressor(dictionary).decompress(stored)
    raise ValueError(f"unknown codec {codec!r}, or its dictionary is missing")


@lru_cache(maxsize=32)
def _decompressor(dictionary: bytes) -> zstandard.ZstdDecompressor:
    known = zstandard.ZstdCompressionDict(dictionary, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    return zstandard.ZstdDecompressor(dict_data=known)


def _joined(unpacked: bytes) -> bytes:
    head, _, rest = unpacked.partition(b"\n")
    parts: list[bytes] = []
    at = 0
    for base64, length in orjson.loads(head):
        content = rest[at : at + length]
        parts.append(_in_lines(content) if base64 else content)
        at += length
    return b"".join(parts)


def _in_lines(content: bytes) -> bytes:
    """Base64 with CRLF between its lines; on its own, for it must never come to differ."""
    text = pybase64.b64encode(content)
    return b"\r\n".join(text[at : at + _LINE] for at in range(0, len(text), _LINE))
