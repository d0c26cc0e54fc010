"""From rows of the record to letters that can be set, or a reason why not."""

import hashlib
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final, Protocol

from notifier.delivery.compose import House, Unsendable, correspondence
from notifier.delivery.render import TemplateVersion
from notifier.model.correspondence import Correspondence
from notifier.model.member import PostalAddress
from notifier.model.reasons import Reason
from notifier.rendering.stationery import Stationery
from notifier.store.compose import WantedMessage
from notifier.store.documents import Version
from notifier.store.packing import Codec, Dictionary, Packer, unpack

from .inputs import dumped, loaded

_MOST_PACKERS: Final = 32


class Bulk(Protocol):
    """Letters set one after the other in one document."""

    @property
    def pdf(self) -> bytes:
        """The document."""

    @property
    def pages(self) -> tuple[int, ...]:
        """How many pages each letter takes, in order."""


class Writer(Protocol):
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
class Draft:
    """A letter that can be set."""

    message_id: int
    c: Correspondence
    address: PostalAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A letter that cannot be written."""

    message_id: int
    notice: str
    error: Unsendable


def lost_for(message_id: int, notice: str, reason: Reason, what: str) -> Lost:
    """A letter that is lost for a reason; ``what`` names the field at fault."""
    return Lost(message_id=message_id, notice=notice, error=Unsendable(reason, what))


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Writes letters in the name of the house. Pure but for its caches; for several threads."""

    writer: Writer
    house: House
    present: Callable[[], Awaitable[Writer]] | None = None  # the writer of what is in force
    _packers: dict[Hashable, Packer] = field(default_factory=dict)
    _versions: dict[str, Version] = field(default_factory=dict)
    _packing: Lock = field(default_factory=Lock)

    async def pinned(self) -> "Desk":
        """The same for a batch: all of it is written from what is in force now."""
        if self.present is None:
            return self
        return replace(self, writer=await self.present(), present=None)

    def draft(self, found: WantedMessage, *, written_at: datetime) -> Draft:
        """A letter from a row of :func:`notifier.store.compose.load`.

        Raises :class:`Unsendable`.
        """
        c = correspondence(found, self.house, now=written_at)
        if c.recipient.address is None:
            raise Unsendable(Reason.NO_ADDRESS, "address")
        return Draft(message_id=found.message_id, c=c, address=c.recipient.address)

    def version(self, c: Correspondence) -> Version:
        """The templates that a letter is written from."""
        given = self.writer.version(c.notice, c.language)
        if given.digest not in self._versions:
            self._versions[given.digest] = Version(
                digest=given.digest,
                notice=given.notice,
                language=given.language,
                content=given.content,
            )
        return self._versions[given.digest]

    def versions(self, digests: Iterable[str]) -> list[Version]:
        """Template versions that letters were packed with here."""
        return [self._versions[digest] for digest in sorted(set(digests))]

    def pack(self, c: Correspondence) -> Packed:
        """The inputs of a letter for the archive."""
        version, inputs = self.version(c), dumped(c, self.writer.stationery)
        with self._packing:
            packer = self._packer(c, version)
            body = packer.pack_inputs(inputs)
        return Packed(
            digest=version.digest,
            dictionary=packer.dictionary,
            body=body,
            sha256=hashlib.sha256(inputs).digest(),
            size=len(inputs),
        )

    def _packer(self, c: Correspondence, version: Version) -> Packer:
        key = (version.digest, c.step, c.brand, c.scheme_name, c.group_no)
        if key not in self._packers:
            if len(self._packers) >= _MOST_PACKERS:
                self._packers.clear()
            sample = dumped(self.writer.sample_like(c), self.writer.stationery)
            self._packers[key] = Packer(Dictionary.of(version.digest, [(False, sample)]))
        return self._packers[key]
