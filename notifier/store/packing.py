"""Packing: exact bytes in little room.

A mail is kept as the segments that it is made of, what stands in base64 as it was before, and
packed with a dictionary that holds what all mails of its kind say: some three hundred bytes remain.
Base64 itself hardly packs, because the same text looks different wherever it is shifted by a byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Final

import orjson
import pybase64
import zstandard

_LEVEL: Final = 3  # twice the time buys a few percent more
_LEVEL_WITH_DICTIONARY: Final = -1  # it is all in the dictionary: higher levels only take longer
_LINE: Final = 76  # characters of a line of base64, RFC 2045 6.8

#: Whether it goes out as base64, and the bytes that it holds.
Segment = tuple[bool, bytes]


class Codec(StrEnum):
    """How bytes are packed. Each must be understood for as long as what it packed is kept."""

    PLAIN = "zstd"
    MAIL = "zstd-mail-1"  # a line of JSON, [[is base64, length], …], then the segments
    LETTER = "zstd-letter-1"  # the inputs of a letter: JSON


@dataclass(frozen=True, slots=True)
class Dictionary:
    """What mails of a kind have in common. It holds nobody's personal data."""

    template_digest: str
    content: bytes
    sha256: bytes

    @classmethod
    def of(cls, template_digest: str, segments: Sequence[Segment]) -> "Dictionary":
        """The dictionary that a sample makes."""
        content = b"".join([content for _, content in segments])
        return cls(template_digest, content, sha256(content).digest())


def pack(body: bytes) -> bytes:
    """Bytes as they are stored, with :attr:`Codec.PLAIN`."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(body)


class Packer:
    """Packs mails or letters that have much in common; not for several threads at once."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        known = zstandard.ZstdCompressionDict(
            dictionary.content, dict_type=zstandard.DICT_TYPE_RAWCONTENT
        )
        known.precompute_compress(level=_LEVEL_WITH_DICTIONARY)
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL_WITH_DICTIONARY, dict_data=known)

    def pack(self, segments: Sequence[Segment]) -> bytes:
        """A mail as it is stored, with :attr:`Codec.MAIL`."""
        head = orjson.dumps([(base64, len(content)) for base64, content in segments])
        parts = [head, b"\n", *(content for _, content in segments)]
        return self._compressor.compress(b"".join(parts))

    def pack_inputs(self, inputs: bytes) -> bytes:
        """The inputs of a letter as they are stored, with :attr:`Codec.LETTER`."""
        return self._compressor.compress(inputs)


def unpack(stored: bytes, codec: str = Codec.PLAIN, dictionary: bytes | None = None) -> bytes:
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
