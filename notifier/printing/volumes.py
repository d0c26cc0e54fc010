"""Volumes: the files of a batch in the making, and the letters bound into them."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from notifier.archive.letters import LetterWriter, PackedLetter
from notifier.delivery.compose import Lost
from notifier.model.correspondence import Correspondence, Recipient
from notifier.model.member import PostalAddress
from notifier.model.message import public_number
from notifier.model.press import Press
from notifier.rendering.stationery import Envelope, Stationery
from notifier.rendering.text.japanese import addressee
from notifier.store.pieces import BatchFile

from .binding import Bound, bind_all, refused
from .drafting import barcode_text, grams, yen
from .folder import file_name, write
from .manifest import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A letter in a volume."""

    message_id: int
    notice: str
    packed: PackedLetter  # what it is made from
    address: PostalAddress
    name: str  # with its honorific
    barcode: str  # what it says
    envelope: Envelope
    pages: int
    first_page: int  # 1-based
    mark: str = ""  # of the version of the message that was read

    @property
    def order(self) -> tuple[str, int]:
        """Where it stands in its batch: by postcode."""
        return self.address.postcode, self.message_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A file of letters, in the folder."""

    name: str
    leaves: tuple[Leaf, ...]
    size: int  # bytes
    sha256: bytes

    @property
    def file(self) -> BatchFile:
        """Its record."""
        return BatchFile(
            name=self.name,
            pieces=len(self.leaves),
            pages=sum(leaf.pages for leaf in self.leaves),
            size=self.size,
            sha256=self.sha256,
        )


def leaf(
    message_id: int,
    c: Correspondence,
    packed: PackedLetter,
    envelope: Envelope,
    pages: int = 0,
    first_page: int = 0,
    mark: str = "",
) -> Leaf:
    """A letter as it is bound."""
    assert c.recipient.address is not None
    return Leaf(
        message_id=message_id,
        notice=c.notice,
        packed=packed,
        address=c.recipient.address,
        name=_addressed(c.recipient),
        barcode=barcode_text(c.recipient.address),
        envelope=envelope,
        pages=pages,
        first_page=first_page,
        mark=mark,
    )


def _addressed(r: Recipient) -> str:
    """Whom a letter is addressed to, in one line: an organisation, or somebody in it."""
    parts = (r.organisation, r.role, addressee(r.name, r.honorific))
    return " ".join(part for part in parts if part)


def volume(name: str, leaves: Sequence[Leaf], bound: Bound, folder: Path) -> Volume:
    """Write a file into a folder; its leaves get the pages on which they came to stand."""
    write(folder / name, bound.pdf)
    placed = [
        replace(one, pages=pages, first_page=first)
        for one, pages, first in zip(leaves, bound.pages, bound.first_pages, strict=True)
    ]
    return Volume(name=name, leaves=tuple(placed), size=len(bound.pdf), sha256=bound.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Without:
    """Volumes from which letters were taken out, if nothing is lost."""

    volumes: list[Volume]
    lost: list[Lost]  # letters that cannot be bound anew: to be taken out too


def without(
    volumes: Sequence[Volume], gone: Collection[int], folder: Path, writer: LetterWriter
) -> Without:
    """Volumes from which letters are taken out; those that held them are bound anew.

    A volume with nothing left in it is taken away.
    """
    made: list[Volume] = []
    lost: list[Lost] = []
    for one in volumes:
        stay = [x for x in one.leaves if x.message_id not in gone]
        if len(stay) == len(one.leaves):
            made.append(one)
            continue
        (folder / one.name).unlink(missing_ok=True)  # it may be shared with another folder
        letters = [x.packed.letter() for x in stay]
        _, bound, faults = bind_all(writer, letters)
        lost += [refused(stay[n].message_id, letters[n], e) for n, e in sorted(faults.items())]
        if bound is not None and not lost:
            made.append(volume(one.name, stay, bound, folder))
    return Without(volumes=made, lost=lost)


def renumbered(volumes: Sequence[Volume], batch_id: int, folder: Path) -> list[Volume]:
    """Volumes without a gap in their numbers, such as one leaves of which every letter is held."""
    made = []
    for n, one in enumerate(volumes, start=1):
        name = file_name(batch_id, n)
        if name != one.name:
            (folder / one.name).rename(folder / name)
        made.append(replace(one, name=name))
    return made


def entries(
    volumes: Sequence[Volume], press: Press, stationery: Stationery, day: date
) -> list[Entry]:
    """The manifest of a batch, numbered from 1."""
    found: list[Entry] = []
    for one in volumes:
        digest = one.sha256.hex()
        for x in one.leaves:
            sheets = press.sheets(x.pages)
            weighs = grams(x.envelope, sheets, stationery)
            recorded = x.notice in press.recorded
            found.append(
                Entry(
                    serial=len(found) + 1,
                    number=public_number(x.message_id),
                    postcode=x.address.postcode,
                    lines=x.address.lines,
                    name=x.name,
                    barcode=x.barcode,
                    pages=x.pages,
                    sheets=sheets,
                    envelope=x.envelope.name,
                    file=one.name,
                    first_page=x.first_page,
                    grams=weighs,
                    recorded=recorded,
                    yen=yen(x.envelope, day, weighs, recorded=recorded),
                    sha256=digest,
                )
            )
    return found


def intact(file: BatchFile, folder: Path) -> bool:
    """Whether a file is in its folder as it is on record."""
    path = folder / file.name
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").digest() == file.sha256
