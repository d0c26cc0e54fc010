"""Where mails that came back are read from: single files, mboxes, Maildirs, folders of files."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from .reading import bounds

_MOST: Final = bounds.BYTES + 1  # one more than is looked at, so that a reading knows of the rest
_LINE: Final = 65_536
_FROM: Final = re.compile(rb"From \S+.{10,80}\d{4}")
_SINGLE: Final = frozenset({".eml", ".msg", ".mime", ".txt"})
_MAILDIR: Final = ("new", "cur")

#: What the first line of a mail looks like (RFC 5322), or that of an mbox.
_HEAD: Final = re.compile(rb"\s{0,4}(>?From |[A-Za-z][A-Za-z0-9-]{0,60}[ \t]{0,4}:)")

_TOGETHER: Final = 200  # mails, or so many bytes of them:
_BYTES: Final = 4_000_000

Source = tuple[str, bytes]


def mails(paths: Iterable[Path]) -> Iterator[Source]:
    """Name and bytes of each mail, at most what a reader looks at. Raises OSError.

    The name is that of the file; mails of an mbox with several add their number, ``box#2``.
    """
    for path in paths:
        for file in _files(path):
            yield from _of_file(file)


def is_mail(data: bytes) -> bool:
    """Whether bytes begin as a mail does; a table or a page does not."""
    return _HEAD.match(data) is not None


def in_batches(given: Iterable[Source]) -> Iterator[list[Source]]:
    """The same in batches that one transaction can take."""
    some: list[Source] = []
    size = 0
    for one in given:
        some.append(one)
        size += len(one[1])
        if len(some) >= _TOGETHER or size >= _BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


def _files(path: Path) -> Iterator[Path]:
    """A file, or the files of a folder; of a Maildir those of ``new`` and ``cur``, with folders."""
    if not path.is_dir():
        yield path
    elif all((path / name).is_dir() for name in _MAILDIR):
        for name in _MAILDIR:
            yield from _inside(path / name)
        for folder in sorted(path.glob(".?*")):  # Maildir++
            if folder.is_dir():
                yield from _files(folder)
    else:
        yield from _inside(path)


def _inside(folder: Path) -> Iterator[Path]:
    for one in sorted(folder.iterdir()):
        if one.name.startswith("."):
            continue
        if one.is_dir():
            yield from _files(one)
        elif one.is_file():
            yield one


def _of_file(path: Path) -> Iterator[Source]:
    name = str(path)
    with path.open("rb") as file:
        start = file.read(5)
        file.seek(0)
        if start != b"From " or path.suffix.lower() in _SINGLE:
            yield name, file.read(_MOST)
            return
        held: bytes | None = None
        for number, mail in enumerate(_of_mbox(file), 1):
            if held is not None:
                yield f"{name}#{number - 1}", held
            held, last = mail, number
        if held is not None:
            yield (name if last == 1 else f"{name}#{last}"), held


def _of_mbox(file: BinaryIO) -> Iterator[bytes]:
    """The mails of an mbox, cut where a From line follows a blank one; none is held whole."""
    kept: list[bytes] = []
    size, blank = 0, True
    while line := file.readline(_LINE):
        if blank and kept and _FROM.match(line):
            yield b"".join(kept)
            kept, size = [], 0
        blank = line in {b"\n", b"\r\n"}
        if size < _MOST:
            kept.append(line)
            size += len(line)
    if kept:
        yield b"".join(kept)
