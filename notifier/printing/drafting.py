"""Drafting: from rows of the record to letters that can be set and archived, and what the post
makes of each: its weight, its price, its customer barcode.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from math import ceil
from typing import Final

from notifier.archive.letters import LetterWriter, PackedLetter, dumped
from notifier.archive.packing import Packers, Segment
from notifier.delivery.compose import StaffSender, Unsendable, correspondence
from notifier.model.correspondence import Correspondence
from notifier.model.member import PostalAddress
from notifier.model.reasons import Reason
from notifier.model.template_version import TemplateVersion
from notifier.postal.address import barcode_of
from notifier.postal.postage import Form, Piece, postage, total
from notifier.rendering.stationery import ENVELOPES, Envelope, Stationery
from notifier.store.compose import WantedMessage

from .manifest import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A letter that can be set."""

    message_id: int
    c: Correspondence
    address: PostalAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterDrafter:
    """Writes letters of an association. Pure but for its caches; for several threads."""

    writer: LetterWriter
    sender: StaffSender  # in whose name staff are written to
    present: Callable[[], Awaitable[LetterWriter]] | None = None  # the writer of what is in force
    _packers: Packers = field(default_factory=Packers)
    _versions: dict[str, TemplateVersion] = field(default_factory=dict)

    async def pinned(self) -> "LetterDrafter":
        """The same for a batch: all of it is written from what is in force now."""
        if self.present is None:
            return self
        return replace(self, writer=await self.present(), present=None)

    def draft(self, found: WantedMessage, *, written_at: datetime) -> Draft:
        """A letter from a row of :func:`notifier.store.compose.load`.

        Raises :class:`Unsendable`.
        """
        c = correspondence(found, self.sender, now=written_at)
        if c.recipient.address is None:
            raise Unsendable(Reason.NO_ADDRESS, "address")
        return Draft(message_id=found.message_id, c=c, address=c.recipient.address)

    def versions(self, digests: Iterable[str]) -> list[TemplateVersion]:
        """Template versions that letters were packed with here."""
        return [self._versions[digest] for digest in sorted(set(digests))]

    def pack(self, c: Correspondence) -> PackedLetter:
        """The inputs of a letter for the archive."""
        version, inputs = self.writer.version(c.notice, c.language), self._inputs(c)
        self._versions[version.digest] = version
        with self._packers.lock:
            packer = self._packers.packer(version, c, lambda: self._sample(c))
            body = packer.pack_inputs(inputs)
        return PackedLetter(
            digest=version.digest,
            dictionary=packer.dictionary,
            body=body,
            sha256=hashlib.sha256(inputs).digest(),
            size=len(inputs),
        )

    def _inputs(self, c: Correspondence) -> bytes:
        return dumped(c, self.writer.stationery)

    def _sample(self, c: Correspondence) -> Sequence[Segment]:
        return [(False, self._inputs(self.writer.sample_like(c)))]


_REGULAR_G: Final = 50  # 定形 may not weigh more


def envelope_of(c: Correspondence, stationery: Stationery) -> Envelope:
    """The envelope that a letter was set for."""
    return ENVELOPES[c.brand.envelope or stationery.envelope]


def grams(envelope: Envelope, sheets: int, stationery: Stationery) -> int:
    """What a letter weighs in its envelope, in whole grams, rounded up."""
    return ceil(envelope.empty_g + sheets * stationery.sheet_g)


def yen(envelope: Envelope, day: date, weighs: int, *, recorded: bool) -> int:
    """What a piece costs by itself."""
    return postage(day, weighs, _form(envelope), recorded=recorded)


def yen_of_all(day: date, entries: Iterable[Entry]) -> int:
    """What pieces cost when they are posted together; those with barcodes may cost less."""
    marked: list[Piece] = []
    others: list[Piece] = []
    for entry in entries:
        piece = Piece(entry.grams, _form(ENVELOPES[entry.envelope]), entry.recorded)
        (marked if entry.barcode else others).append(piece)
    return total(day, marked, barcode=True) + total(day, others, barcode=False)


def _form(envelope: Envelope) -> Form:
    return Form.REGULAR if envelope.most_g <= _REGULAR_G else Form.LARGE


def barcode_text(address: PostalAddress) -> str:
    """What the customer barcode of an address says: digits, capitals, hyphens; empty: none."""
    made = barcode_of(address)
    return made.text if made else ""
