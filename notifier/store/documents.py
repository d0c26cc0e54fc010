"""Documents: the packed bytes of every attempt, and the template versions that they are of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.template_version import TemplateVersion

from .db import fetch_one, rows, run, scalar

#: Part of a statement that lets messages out: keeps the bytes of the attempts (``tried``, with
#: ``given``), and copies what ``moved`` messages show to where it is searched.
ARCHIVED = """kept AS (
    INSERT INTO documents (attempt_id, created_at, codec, dictionary_id, body)
    SELECT attempt_id, :now, :codec, dictionary_id, body FROM tried JOIN given USING (message_id)
), shown AS (
    INSERT INTO shown (message_id, created_at, amounts)
    SELECT message_id, moved.created_at, f.shown
    FROM moved JOIN message_facts f USING (message_id)
    WHERE f.shown <> '[]' AND (moved.attempts = 1 OR NOT EXISTS (
        SELECT FROM shown s WHERE s.message_id = moved.message_id AND s.amounts = f.shown))
)"""


class Codec(StrEnum):
    """How bytes are packed. Each must be understood for as long as what it packed is kept."""

    PLAIN = "zstd"
    MAIL = "zstd-mail-1"  # a line of JSON, [[is base64, length], …], then the segments
    LETTER = "zstd-letter-1"  # the inputs of a letter: JSON


@dataclass(frozen=True, slots=True)
class Dictionary:
    """What messages of a kind have in common. It holds nobody's personal data."""

    template_digest: str
    content: bytes
    sha256: bytes


_OF_ATTEMPT = """
SELECT d.codec, d.body, x.dictionary, a.sha256
FROM documents d JOIN attempts a USING (attempt_id, created_at)
LEFT JOIN dictionaries x USING (dictionary_id)
WHERE d.attempt_id = :id
"""

_VERSIONS = """
SELECT digest, notice, language, content FROM template_versions
WHERE digest = ANY(CAST(:digests AS text[])) ORDER BY digest
"""

_KEEP_DICTIONARY = """
INSERT INTO dictionaries (template_digest, dictionary, sha256, created_at)
VALUES (:digest, :content, :sha256, :now) ON CONFLICT (sha256) DO NOTHING
"""

_REGISTER = """
INSERT INTO template_versions (digest, notice, language, content, registered_at)
VALUES (:digest, :notice, :language, :content, :now) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Packed:
    """Bytes as they are kept, and what they have to be once they are unpacked."""

    codec: str
    body: bytes
    dictionary: bytes | None
    sha256: bytes


async def of_attempt(conn: AsyncConnection, attempt_id: int) -> Packed | None:
    """The packed document of an attempt; None if there is none (any more)."""
    return await fetch_one(conn, Packed, _OF_ATTEMPT, {"id": attempt_id})


async def versions(conn: AsyncConnection, digests: Sequence[str]) -> list[TemplateVersion]:
    """Template versions by their digests; what is not on record is left out."""
    found = await rows(conn, _VERSIONS, {"digests": list(digests)})
    return [TemplateVersion(**r) for r in found]


async def keep_dictionary(conn: AsyncConnection, dictionary: Dictionary, *, now: datetime) -> int:
    """Keep a dictionary for as long as anything is packed with it; its id."""
    known = {"sha256": dictionary.sha256}
    given = {"digest": dictionary.template_digest, "content": dictionary.content, "now": now}
    await run(conn, _KEEP_DICTIONARY, {**known, **given})
    found = "SELECT dictionary_id FROM dictionaries WHERE sha256 = :sha256"
    return int(await scalar(conn, found, known))


async def register(
    conn: AsyncConnection, versions: Sequence[TemplateVersion], *, now: datetime
) -> None:
    """Keep template versions; one that is there already stays as it is."""
    for version in versions:
        await run(
            conn,
            _REGISTER,
            {
                "digest": version.digest,
                "notice": version.notice,
                "language": version.language,
                "content": version.content,
                "now": now,
            },
        )
