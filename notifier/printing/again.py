"""Letters made again from the archive, byte for byte."""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.batch import batch_name
from notifier.model.correspondence import Correspondence
from notifier.model.errors import Damaged, NotAllowed, NotFound
from notifier.model.message import public_number
from notifier.rendering.errors import WriteError
from notifier.rendering.folder import unpacked
from notifier.rendering.stationery import Stationery
from notifier.rendering.writer import Writer as ArchivedWriter
from notifier.store import documents, pieces
from notifier.store.documents import Version
from notifier.store.packing import Codec, Dictionary

from .inputs import loaded, made_with, stationery_of, tools
from .writing import Packed, Writer


async def writer_for(conn: AsyncConnection, kinds: Mapping[str, bytes], writer: Writer) -> Writer:
    """Who writes letters as they were: digest of a template version → inputs of one of them.

    The writer of this program, where its templates and stationery are still the same ones.
    """
    samples = {digest: loaded(inputs) for digest, inputs in kinds.items()}
    stationery = stationery_of(next(iter(kinds.values())))
    if writer.stationery == stationery and all(
        _is_current(writer, c, digest) for digest, c in samples.items()
    ):
        return writer
    versions = await documents.versions(conn, list(kinds))
    return await asyncio.to_thread(archived_writer, versions, stationery, writer.scratch)


def _is_current(writer: Writer, c: Correspondence, digest: str) -> bool:
    try:
        return writer.version(c.notice, c.language).digest == digest
    except WriteError:  # the notice is gone
        return False


def archived_writer(
    versions: Iterable[Version], stationery: Stationery, scratch: Path | None = None
) -> Writer:
    """A writer of templates as they are in the archive.

    Those of one batch may have been published at different times, each with a ``_base`` of its own.
    Raises :class:`Damaged` for files that are not those of their digest.
    """
    folders = []
    for one in versions:
        folders.append(unpacked(one.language, one.notice, one.content))
        if folders[-1].digest != one.digest:
            raise Damaged("template version", one.digest)
    return ArchivedWriter.of(folders, stationery, scratch)


async def file_again(conn: AsyncConnection, batch_id: int, name: str, writer: Writer) -> bytes:
    """A file of a batch as it was handed over, made anew from the inputs of its letters.

    Raises :class:`NotFound`, and :class:`NotAllowed` if other bytes come out: then the programs
    that set the type are other ones, which the text names.
    """
    found = [f for f in await pieces.files(conn, batch_id) if f.name == name]
    if not found:
        raise NotFound("file", f"{batch_name(batch_id)}/{name}")
    listed = await pieces.of_batch(conn, batch_id)
    ids = [p.message_id for p in listed if p.file == name]
    kept = [packed(row) for row in await pieces.inputs(conn, batch_id, ids)]
    then = await writer_for(conn, {one.digest: one.inputs for one in kept}, writer)
    pdf = (await asyncio.to_thread(then.letters, [one.letter() for one in kept])).pdf
    if hashlib.sha256(pdf).digest() != found[0].sha256:
        why = _differences(kept[0].inputs)
        text = f"{name} comes out otherwise; {why}"
        raise NotAllowed(text, code="comes_out_otherwise", file=name, why=why)
    return pdf


async def letter_again(conn: AsyncConnection, digest: str, inputs: bytes, writer: Writer) -> bytes:
    """A letter by itself, as PDF, from its archived inputs."""
    then = await writer_for(conn, {digest: inputs}, writer)
    return (await asyncio.to_thread(then.letters, [loaded(inputs)])).pdf


def packed(row: pieces.LetterInputs) -> Packed:
    """A row of :func:`notifier.store.pieces.inputs`. Raises :class:`Damaged`."""
    if row.codec != Codec.LETTER:
        text = "the batch was printed by an earlier version: cancel it"
        raise NotAllowed(text, code="earlier_version")
    documents.unpacked(row, "document of message", public_number(row.message_id))
    content = row.dictionary or b""
    digest = row.template_digest
    dictionary = Dictionary(digest, content, hashlib.sha256(content).digest())
    return Packed(
        digest=digest, dictionary=dictionary, body=row.body, sha256=row.sha256,
        size=row.size,
    )  # fmt: skip


def _differences(inputs: bytes) -> str:
    then, now = made_with(inputs), tools()
    other: Sequence[str] = [
        f"{name} {now.get(name)} in place of {version}"
        for name, version in sorted(then.items())
        if now.get(name) != version
    ]
    return ", ".join(other) or "with the same programs: the archive or the record is damaged"
