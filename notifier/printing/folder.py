"""The folder of a batch: written aside, made durable, then put in its place as a whole."""

import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final

from notifier import files
from notifier.model.batch import batch_name
from notifier.model.press import Encoding

from .manifest import (
    CHECKSUMS,
    COUNTS,
    MANIFEST,
    UNMAPPED,
    Entry,
    Unmapped,
    checksums,
    counted,
    counts,
    manifest,
    unmapped,
)

_FOLDER: Final = re.compile(r"\.?B\d{6,}(-\d+)?")


def folder_name(batch_id: int, revision: int) -> str:
    """The name of a batch's folder; a rebuilt batch gets a new one."""
    return batch_name(batch_id) if revision == 1 else f"{batch_name(batch_id)}-{revision}"


def file_name(batch_id: int, number: int) -> str:
    """The name of a file of letters, counted from 1."""
    return f"{batch_name(batch_id)}-{number:03d}.pdf"


def working(folder: Path) -> Path:
    """Where a folder is written aside."""
    return folder.with_name(f".{folder.name}")


def write(path: Path, data: bytes) -> None:
    """Write a file of ours and wait for the disk."""
    files.write(path, data, durable=True)


def add_lists(
    folder: Path,
    entries: Sequence[Entry],
    sums: Mapping[str, str],
    *,
    posting_day: date,
    yen: int,
    encoding: Encoding,
) -> tuple[bytes, list[Unmapped]]:
    """Write manifest, counts and checksums; the manifest's hash and what did not map.

    ``sums``: the hashes of the files of letters, in hex.
    """
    listing, lacking = manifest(entries, encoding)
    made = {
        MANIFEST: listing,
        COUNTS: counts(counted(entries), yen, posting_day, encoding),
    }
    if lacking:
        made[UNMAPPED] = unmapped(lacking)
    for name, data in made.items():
        write(folder / name, data)
    own = {name: hashlib.sha256(data).hexdigest() for name, data in made.items()}
    write(folder / CHECKSUMS, checksums({**sums, **own}))
    return hashlib.sha256(listing).digest(), lacking


def place(aside: Path, folder: Path) -> None:
    """Put a folder that was written aside in its place, durably."""
    fsync_folder(aside)
    aside.rename(folder)
    fsync_folder(folder.parent)


def clear(folder: Path) -> None:
    """Take away a folder and what was written aside for it."""
    for path in (folder, working(folder)):
        shutil.rmtree(path, ignore_errors=True)


def sweep(folder: Path, known: Collection[str]) -> None:
    """Take away what a collection or a rebuild that broke off has left."""
    for path in folder.glob("*"):
        if path.is_dir() and path.name not in known and _FOLDER.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def fsync_folder(folder: Path) -> None:
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
