"""The folder of a batch: written aside, made durable, then put in its place as a whole."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from notifier.model.message import public_number
from notifier.store.batches import Piece
from notifier.store.documents import Version
from notifier.store.packing import pack

from .manifest import CHECKSUMS, MANIFEST, Entry, checksums
from .render import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A letter whose PDF is in the working folder, under its message's number."""

    message_id: int
    version: Version
    postcode: str
    address: str
    name: str
    pages: int
    size: int  # bytes
    sha256: str

    @property
    def draft_file(self) -> str:
        """Its file while it has no serial number."""
        return f"{public_number(self.message_id)}.pdf"


def batch_name(batch_id: int) -> str:
    """The name of a batch's folder."""
    return f"B{batch_id:06d}"


def keep(sheet: Sheet, working: Path) -> Kept:
    """Write a letter into the working folder."""
    kept = Kept(
        message_id=sheet.message_id,
        version=sheet.version,
        postcode=sheet.postcode,
        address=sheet.address,
        name=sheet.name,
        pages=sheet.pages,
        size=len(sheet.pdf),
        sha256=hashlib.sha256(sheet.pdf).hexdigest(),
    )
    _write(working / kept.draft_file, sheet.pdf)
    return kept


def entry(serial: int, kept: Kept) -> Entry:
    """The row of a letter in the manifest."""
    return Entry(
        serial=serial,
        message_id=kept.message_id,
        postcode=kept.postcode,
        address=kept.address,
        name=kept.name,
        pages=kept.pages,
        file=f"{serial:06d}-{kept.draft_file}",
        sha256=kept.sha256,
    )


def piece(kept: Kept, listed: Entry, folder: Path) -> Piece:
    """The record of a letter whose file stands in its place."""
    return Piece(
        message_id=kept.message_id,
        serial=listed.serial,
        file=listed.file,
        pages=kept.pages,
        digest=kept.version.digest,
        sha256=bytes.fromhex(kept.sha256),
        size=kept.size,
        body=pack((folder / listed.file).read_bytes()),
    )


def finish(
    working: Path, folder: Path, kept: Sequence[Kept], entries: Sequence[Entry], listing: bytes
) -> None:
    """Number the files, add manifest and checksums, and move the whole into its place."""
    wanted = {k.draft_file for k in kept}
    for path in working.iterdir():
        if path.name not in wanted:
            path.unlink()  # stopped since it was written
    for letter, listed in zip(kept, entries, strict=True):
        (working / letter.draft_file).rename(working / listed.file)
    _write(working / MANIFEST, listing)
    files = {e.file: e.sha256 for e in entries}
    files[MANIFEST] = hashlib.sha256(listing).hexdigest()
    _write(working / CHECKSUMS, checksums(files))
    _settle(working)
    working.rename(folder)
    _settle(folder.parent)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Make the names in a folder durable."""
    with _opened(folder) as fd:
        os.fsync(fd)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)
