"""Letters made again from the archive, byte for byte."""

import asyncio
import hashlib
import io
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.batch import batch_name
from notifier.model.correspondence import Correspondence
from notifier.model.errors import NotAllowed, NotFound
from notifier.store import documents, pieces
from notifier.store.documents import Version
from notifier.store.packing import Dictionary, unpack
from notifier.write.writer import Writer as ArchivedWriter

from .inputs import loaded, made_with, tools
from .writing import Packed, Writer


async def writer_for(
    conn: AsyncConnection, letters: Mapping[str, Correspondence], writer: Writer
) -> Writer:
    """Who writes these letters (digest of a template version → one of them) as they were.

    The writer of this program where its templates are still the same ones.
    """
    if all(writer.version(c.notice, c.language).digest == d for d, c in letters.items()):
        return writer
    versions = await documents.versions(conn, list(letters))
    return await asyncio.to_thread(archived_writer, versions)


def archived_writer(versions: Iterable[Version]) -> Writer:
    """A writer of templates as they are in the archive."""
    with tempfile.TemporaryDirectory(prefix="notifier-templates-") as place:
        for one in versions:
            folder = Path(place) / one.language
            zipfile.ZipFile(io.BytesIO(one.content)).extractall(folder)
        return ArchivedWriter(Path(place))


async def file_again(conn: AsyncConnection, batch_id: int, name: str, writer: Writer) -> bytes:
    """A file of a batch as it was handed over, made anew from the inputs of its letters.

    Raises :class:`NotFound`, and :class:`NotAllowed` if other bytes come out: then the programs
    that set the type are other ones, which the text names.
    """
    found = [f for f in await pieces.files(conn, batch_id) if f.name == name]
    if not found:
        raise NotFound("file", f"{batch_name(batch_id)}/{name}")
    listed = await pieces.of_batch(conn, batch_id)
    ids = [p["message_id"] for p in listed if p["file"] == name]
    kept = await pieces.inputs(conn, batch_id, ids)
    read = [(r["template_digest"], _inputs(r)) for r in kept]
    letters = [loaded(data) for _, data in read]
    by_digest = {digest: c for (digest, _), c in zip(read, letters, strict=True)}
    then = await writer_for(conn, by_digest, writer)
    pdf = (await asyncio.to_thread(then.letters, letters)).pdf
    if hashlib.sha256(pdf).digest() != found[0].sha256:
        raise NotAllowed(f"{name} comes out otherwise; {_differences(read[0][1])}")
    return pdf


async def letter_again(conn: AsyncConnection, digest: str, inputs: bytes, writer: Writer) -> bytes:
    """A letter by itself, as PDF, from its archived inputs."""
    c = loaded(inputs)
    then = await writer_for(conn, {digest: c}, writer)
    return (await asyncio.to_thread(then.letters, [c])).pdf


def packed(row: RowMapping) -> Packed:
    """A row of :func:`notifier.store.pieces.inputs`."""
    content: bytes = row["dictionary"]
    digest = row["template_digest"]
    dictionary = Dictionary(digest, content, hashlib.sha256(content).digest())
    return Packed(
        digest=digest, dictionary=dictionary, body=row["body"], sha256=row["sha256"],
        size=row["size"],
    )  # fmt: skip


def _inputs(row: RowMapping) -> bytes:
    return unpack(row["body"], row["codec"], row["dictionary"])


def _differences(inputs: bytes) -> str:
    then, now = made_with(inputs), tools()
    other: Sequence[str] = [
        f"{name} {now.get(name)} in place of {version}"
        for name, version in sorted(then.items())
        if now.get(name) != version
    ]
    return ", ".join(other) or "with the same programs: the archive or the record is damaged"
