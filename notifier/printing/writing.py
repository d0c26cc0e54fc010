"""From rows of the record to letters that can be set, or a reason why not."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import RowMapping

from notifier.archive.letters import LetterWriter, PackedLetter, dumped
from notifier.archive.packing import Packers, Segment
from notifier.delivery.compose import StaffSender, Unsendable, correspondence
from notifier.model.correspondence import Correspondence
from notifier.model.member import PostalAddress
from notifier.model.reasons import Reason
from notifier.model.template_version import TemplateVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A letter that can be set."""

    message_id: int
    c: Correspondence
    address: PostalAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Writes letters in the name of the house. Pure but for its caches; for several threads."""

    writer: LetterWriter
    house: StaffSender
    present: Callable[[], Awaitable[LetterWriter]] | None = None  # the writer of what is in force
    _packers: Packers = field(default_factory=Packers)
    _versions: dict[str, TemplateVersion] = field(default_factory=dict)

    async def pinned(self) -> "Desk":
        """The same for a batch: all of it is written from what is in force now."""
        if self.present is None:
            return self
        return replace(self, writer=await self.present(), present=None)

    def draft(self, found: RowMapping, *, written_at: datetime) -> Draft:
        """A letter from a row of :func:`notifier.store.compose.load`.

        Raises :class:`Unsendable`.
        """
        c = correspondence(found, self.house, now=written_at)
        if c.recipient.address is None:
            raise Unsendable(Reason.NO_ADDRESS, "address")
        return Draft(message_id=found["message_id"], c=c, address=c.recipient.address)

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
