"""Templates: drafts of notices, publications, and which versions are in force.

A publication has a number. Numbers are given under a lock and in the order of commits, so that
"in force as of number n" is a fact that never changes: of each notice, its newest publication up
to n; without one, what comes with the program.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor

from . import log
from .db import fetch, fetch_one, record, rows, run, scalar


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version of templates."""

    digest: str
    notice: str
    language: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft of templates."""

    draft_id: int
    created_at: datetime
    created_by: str
    note: str
    notices: str | None
    publication_id: int | None


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication of a notice."""

    publication_id: int
    language: str
    notice: str
    digest: str
    replaces: str
    draft_id: int | None
    published_at: datetime
    published_by: str
    note: str


@dataclass(frozen=True, slots=True)
class LatestPublication:
    """The newest publication of a notice."""

    publication_id: int
    digest: str
    replaces: str


#: A column for statements that say what is to be written: the number of the newest publication.
AS_OF = "(SELECT coalesce(max(publication_id), 0) FROM template_publications) AS publication"

_LOCK = 7_305_182_408  # any constant: two publications must not be numbered at once

_IN_FORCE = """
SELECT DISTINCT ON (language, notice) language, notice, digest, publication_id
FROM template_publications WHERE publication_id <= :publication
ORDER BY language, notice, publication_id DESC
"""

_PUBLISH = """
INSERT INTO template_publications
    (language, notice, digest, replaces, draft_id, published_at, published_by, note)
SELECT language, notice, digest, replaces, :draft, :now, :by, :note
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS r(language text, notice text, digest text, replaces text)
RETURNING publication_id, language, notice, digest
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One notice of a draft, or of a publication: which version takes the place of which."""

    language: str
    notice: str
    digest: str
    replaces: str


_NUMBER = f"SELECT {AS_OF}"

_VERSIONS = """
SELECT digest, notice, language, content FROM template_versions
WHERE digest = ANY(CAST(:digests AS text[]))
"""

_LIKE = """
SELECT digest, notice, language, content FROM template_versions
WHERE starts_with(digest, :beginning) LIMIT 2
"""

_ADD_DRAFT = """
INSERT INTO template_drafts (created_at, created_by, note)
VALUES (:now, :by, :note) RETURNING draft_id
"""

_ADD_DRAFT_VERSIONS = """
INSERT INTO template_draft_versions (draft_id, language, notice, digest, base)
SELECT :draft, language, notice, digest, replaces
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS r(language text, notice text, digest text, replaces text)
"""

_DRAFT = """
SELECT language, notice, digest, base FROM template_draft_versions
WHERE draft_id = :draft ORDER BY language, notice
"""

_DRAFTS = """
SELECT d.draft_id, d.created_at, d.created_by, d.note,
    (SELECT string_agg(v.language || '/' || v.notice, ' ' ORDER BY v.language, v.notice)
     FROM template_draft_versions v WHERE v.draft_id = d.draft_id) AS notices,
    (SELECT max(p.publication_id) FROM template_publications p
     WHERE p.draft_id = d.draft_id) AS publication_id
FROM template_drafts d ORDER BY d.draft_id DESC LIMIT :limit
"""

_TAKE_LOCK = "SELECT pg_advisory_xact_lock(:key)"

_PUBLICATIONS = """
SELECT publication_id, language, notice, digest, replaces, draft_id, published_at,
    published_by, note
FROM template_publications
WHERE notice = coalesce(CAST(:notice AS text), notice)
ORDER BY publication_id DESC LIMIT :limit
"""

_WAS_IN_FORCE = """
SELECT DISTINCT digest FROM (
    SELECT digest FROM template_publications
    WHERE (language, notice) = (:language, :notice)
    UNION ALL SELECT replaces FROM template_publications
    WHERE (language, notice) = (:language, :notice)
) AS once WHERE starts_with(digest, :beginning) LIMIT 2
"""

_ALL_ONCE_IN_FORCE = """
SELECT digest FROM template_publications
UNION SELECT replaces FROM template_publications
"""

_LATEST = """
SELECT publication_id, digest, replaces FROM template_publications
WHERE (language, notice) = (:language, :notice)
ORDER BY publication_id DESC LIMIT 1
"""


async def number(conn: AsyncConnection) -> int:
    """The number of the newest publication; 0 without any."""
    return int(await scalar(conn, _NUMBER))


async def in_force(conn: AsyncConnection, publication: int) -> dict[tuple[str, str], str]:
    """(language, notice) → digest as of a publication; without those that come with the program."""
    found = await rows(conn, _IN_FORCE, {"publication": publication})
    return {(r["language"], r["notice"]): r["digest"] for r in found}


async def versions(conn: AsyncConnection, digests: Iterable[str]) -> Sequence[StoredVersion]:
    """Versions on record: digest, notice, language, content."""
    return await fetch(conn, StoredVersion, _VERSIONS, {"digests": list(digests)})


async def like(conn: AsyncConnection, beginning: str) -> Sequence[StoredVersion]:
    """Versions whose digest begins so, at most two: digest, notice, language, content."""
    return await fetch(conn, StoredVersion, _LIKE, {"beginning": beginning})


async def add_draft(
    conn: AsyncConnection, changes: Sequence[Change], *, note: str, actor: Actor, now: datetime
) -> int:
    """Keep a draft of versions that are on record; its number."""
    draft_id = await scalar(conn, _ADD_DRAFT, {"now": now, "by": str(actor), "note": note})
    await run(conn, _ADD_DRAFT_VERSIONS, {"draft": draft_id, **_changes(changes)})
    said = [{"reason": f"drafted:D{draft_id}"}]
    await log.append(conn, "template", said, actor=actor, now=now)
    return int(draft_id)


async def draft(conn: AsyncConnection, draft_id: int) -> list[Change]:
    """What a draft changes; empty if there is no such draft."""
    found = await rows(conn, _DRAFT, {"draft": draft_id})
    return [
        Change(language=r["language"], notice=r["notice"], digest=r["digest"], replaces=r["base"])
        for r in found
    ]


async def drafts(conn: AsyncConnection, *, limit: int) -> Sequence[Draft]:
    """The newest drafts: draft_id, created_at, created_by, note, notices, publication_id."""
    return await fetch(conn, Draft, _DRAFTS, {"limit": limit})


async def lock(conn: AsyncConnection) -> None:
    """Let no other publication in between until this transaction ends."""
    await run(conn, _TAKE_LOCK, {"key": _LOCK})


async def is_published(conn: AsyncConnection, draft_id: int) -> bool:
    """Whether a draft has been published."""
    found = "SELECT EXISTS (SELECT FROM template_publications WHERE draft_id = :draft)"
    return bool(await scalar(conn, found, {"draft": draft_id}))


async def publish(
    conn: AsyncConnection,
    changes: Sequence[Change],
    *,
    draft_id: int | None,
    by: str,
    note: str,
    actor: Actor,
    now: datetime,
) -> int:
    """Put versions in force, all at once; the number of the newest publication.

    The caller holds :func:`lock`.
    """
    given = {"draft": draft_id, "now": now, "by": by, "note": note}
    found = await rows(conn, _PUBLISH, {**given, **_changes(changes)})
    what = "published" if draft_id is not None else "rolled_back"
    said = [
        {"reason": f"{what}:{r['publication_id']}:{r['language']}/{r['notice']}:{r['digest']}:{by}"}
        for r in found
    ]
    await log.append(conn, "template", said, actor=actor, now=now)
    return max(int(r["publication_id"]) for r in found)


async def publications(
    conn: AsyncConnection, *, notice: str | None = None, limit: int
) -> Sequence[Publication]:
    """The newest publications of a notice, or of all."""
    return await fetch(conn, Publication, _PUBLICATIONS, {"notice": notice, "limit": limit})


async def was_in_force(
    conn: AsyncConnection, language: str, notice: str, beginning: str
) -> list[str]:
    """Digests that begin so and have once been in force for a notice, at most two."""
    found = await rows(
        conn, _WAS_IN_FORCE, {"language": language, "notice": notice, "beginning": beginning}
    )
    return [r["digest"] for r in found]


async def all_once_in_force(conn: AsyncConnection) -> set[str]:
    """Digests of all versions that a publication has put in force, or replaced."""
    found = await rows(conn, _ALL_ONCE_IN_FORCE)
    return {r["digest"] for r in found}


async def latest(conn: AsyncConnection, language: str, notice: str) -> LatestPublication | None:
    """The newest publication of a notice: publication_id, digest, replaces."""
    return await fetch_one(
        conn, LatestPublication, _LATEST, {"language": language, "notice": notice}
    )


def _changes(changes: Iterable[Change]) -> dict[str, str]:
    return record(
        {"language": c.language, "notice": c.notice, "digest": c.digest, "replaces": c.replaces}
        for c in changes
    )
