"""Putting a batch on record: its pieces, what they were made from, its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.batch import batch_name
from notifier.store import batches, documents, pieces
from notifier.store.pieces import Piece

from .manifest import Entry
from .volumes import Leaf, Volume
from .writing import Desk

_CHUNK: Final = 1_000  # letters in one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A batch whose files are in place."""

    batch_id: int
    volumes: Sequence[Volume]
    entries: Sequence[Entry]  # of all volumes, in order
    sha256: bytes  # of the manifest
    yen: int  # postage of all together


async def record(
    conn: AsyncConnection, batch: Finished, desk: Desk, *, actor: Actor, now: datetime
) -> None:
    """Letters are printed, with their inputs in the archive and the files' hashes on record."""
    leaves = [x for v in batch.volumes for x in v.leaves]
    await documents.register(conn, desk.versions(x.packed.digest for x in leaves), now=now)
    dictionaries = {x.packed.dictionary.sha256: x.packed.dictionary for x in leaves}
    kept = {
        digest: await documents.keep_dictionary(conn, one, now=now)
        for digest, one in sorted(dictionaries.items())
    }
    who, name = uuid4(), batch_name(batch.batch_id)
    pairs = list(zip(leaves, batch.entries, strict=True))
    for start in range(0, len(pairs), _CHUNK):
        given = [
            _piece(x, e, kept[x.packed.dictionary.sha256]) for x, e in pairs[start : start + _CHUNK]
        ]
        added = await pieces.add(
            conn, batch.batch_id, given, name=name, worker_id=who, actor=actor, now=now
        )
        if added != len(given):
            raise RuntimeError(f"{len(given) - added} letters of {name} were not queued")
    await pieces.set_files(conn, batch.batch_id, [v.file for v in batch.volumes])
    await batches.close(
        conn,
        batch.batch_id,
        folder=name,
        revision=1,
        manifest_sha256=batch.sha256,
        yen=batch.yen,
    )


def _piece(leaf: Leaf, entry: Entry, dictionary_id: int) -> Piece:
    return Piece(
        message_id=leaf.message_id,
        serial=entry.serial,
        file=entry.file,
        first_page=entry.first_page,
        pages=entry.pages,
        grams=entry.grams,
        yen=entry.yen,
        digest=leaf.packed.digest,
        sha256=leaf.packed.sha256,
        size=leaf.packed.size,
        dictionary_id=dictionary_id,
        body=leaf.packed.body,
    )
