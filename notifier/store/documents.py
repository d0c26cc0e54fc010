"""Documents: the exact bytes of every attempt, packed, and the template versions they are of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import zstandard
from sqlalchemy.ext.asyncio import AsyncConnection

from .db import row, run

CODEC = "zstd"

#: Part of a statement that lets messages out: keeps the bytes of the attempts (``tried``, with
#: ``given``), and copies what ``moved`` messages show to where it is searched.
ARCHIVED = """kept AS (
    INSERT INTO documents (attempt_id, created_at, codec, body)
    SELECT attempt_id, :now, :codec, body FROM tried JOIN given USING (message_id)
), shown AS (
    INSERT INTO shown_values (message_id, created_at, role, name, yen)
    SELECT message_id, moved.created_at, s.role, s.name, s.yen
    FROM moved JOIN message_facts f USING (message_id),
        jsonb_to_recordset(f.shown) AS s(role text, name text, yen bigint)
    ON CONFLICT DO NOTHING
)"""
_LEVEL = 3  # twice the time buys a few percent more


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The templates of a notice as they stand; the digest names them for ever."""

    digest: str
    notice: str
    language: str
    content: bytes


def pack(body: bytes) -> bytes:
    """Bytes as they are stored."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(body)


def unpack(stored: bytes, codec: str = CODEC) -> bytes:
    """The bytes that went out. Raises ValueError on a codec that this version does not know."""
    if codec != CODEC:
        raise ValueError(f"unknown codec {codec!r}")
    return zstandard.ZstdDecompressor().decompress(stored)


async def of_attempt(conn: AsyncConnection, attempt_id: int) -> bytes | None:
    """The exact bytes of an attempt, or None if there are none (any more)."""
    found = await row(
        conn, "SELECT codec, body FROM documents WHERE attempt_id = :id", {"id": attempt_id}
    )
    return unpack(found["body"], found["codec"]) if found else None


async def register(conn: AsyncConnection, versions: Sequence[Version], *, now: datetime) -> None:
    """Keep template versions; one that is there already stays as it is."""
    for version in versions:
        await run(
            conn,
            """INSERT INTO template_versions (digest, notice, language, content, registered_at)
               VALUES (:digest, :notice, :language, :content, :now) ON CONFLICT DO NOTHING""",
            {
                "digest": version.digest,
                "notice": version.notice,
                "language": version.language,
                "content": version.content,
                "now": now,
            },
        )
