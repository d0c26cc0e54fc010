"""Rendering: from rows of the record to bytes that can leave, or a reason why not."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from notifier.archive.packing import Packers, Segment
from notifier.delivery.editions import Editions
from notifier.logs import get_logger
from notifier.model.correspondence import Correspondence
from notifier.model.mailbox import smtp_form
from notifier.model.reasons import Reason
from notifier.model.template_version import TemplateVersion
from notifier.rendering.errors import LimitExceeded
from notifier.rendering.mail.mime import SILENT, Stream
from notifier.rendering.writer import Writer
from notifier.rendering.written import WrittenMail
from notifier.store.claims import Claim
from notifier.store.compose import WantedMessage
from notifier.store.documents import Dictionary

from .compose import StaffSender, Unsendable, correspondence
from .connection import Envelope
from .dkim import Signer
from .smtp import envelope_id

log = get_logger(__name__)

_TOKEN: Final = "a" * 26  # of samples


class Ready(NamedTuple):
    """A mail that waits for its permit."""

    claim: Claim
    notice: str
    number: int  # of the attempt that is to come, 1 for the first
    expires_at: datetime
    most: int | None  # attempts that its notice allows
    version: TemplateVersion
    envelope: Envelope
    sha256: bytes
    dictionary: Dictionary
    packed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """Writes mails in the name of an association. Pure but for its caches."""

    writer: Writer  # of the templates that come with the program
    sender: StaffSender  # in whose name staff are written to
    bounce_domain: str  # of return paths
    message_id_domain: str
    signer: Signer | None = None
    stream: Stream = SILENT
    editions: Editions | None = None  # of what has been published; none: nothing is
    _packers: Packers = field(default_factory=Packers)

    async def open(self, found: Iterable[WantedMessage]) -> None:
        """Have the templates at hand that these rows are to be written from."""
        if self.editions is not None:
            await self.editions.open({row.publication for row in found})

    def _writer(self, found: WantedMessage) -> Writer:
        """Of what was in force when the row was read, as :meth:`open` has it at hand."""
        return self.writer if self.editions is None else self.editions.of(found.publication)

    def mail(self, found: WantedMessage, *, now: datetime) -> Ready:
        """A mail from a row of the record. Raises :class:`Unsendable`."""
        c = correspondence(found, self.sender, now=now)
        writer = self._writer(found)
        version = _of(writer, found)
        mail = self._written(writer, found, c)
        packer = self._packers.packer(version, c, lambda: self._sample(writer, c, version))
        signature = self.signer.signature(mail.data) if self.signer else b""
        data = signature + mail.data
        segments = [(False, signature), *mail.segments] if signature else mail.segments
        return Ready(
            claim=Claim(found.message_id, found.fence),
            notice=found.notice,
            number=found.attempts + 1,
            expires_at=found.expires_at,
            most=found.most_attempts,
            version=version,
            envelope=self._envelope(found, c, data),
            sha256=hashlib.sha256(data).digest(),
            dictionary=packer.dictionary,
            packed=packer.pack(segments),
        )

    def _sample(
        self, writer: Writer, c: Correspondence, version: TemplateVersion
    ) -> Sequence[Segment]:
        """What mails like this one have in common."""
        try:
            sample = writer.sample_like(c)
            message_id = f"<{_TOKEN}@example.jp>"
            mail = writer.mail(sample, token=_TOKEN, message_id=message_id, stream=self.stream)
        except Exception:
            # A sample that this brand does not allow, for its links, say, holds up no mail.
            log.warning("sample not written", notice=c.notice, step=c.step, exc_info=True)
            return [(False, version.content)]
        return mail.segments

    def _written(self, writer: Writer, found: WantedMessage, c: Correspondence) -> WrittenMail:
        token: str = found.token
        # The same over all attempts, so that whoever gets two can tell.
        message_id = f"<{token}@{self.message_id_domain}>"
        try:
            return writer.mail(c, token=token, message_id=message_id, stream=self.stream)
        except Exception as error:
            raise _failed(found, error) from error

    def _envelope(self, found: WantedMessage, c: Correspondence, data: bytes) -> Envelope:
        sender = f"b+{found.token}@{self.bounce_domain}"
        envid = envelope_id(found.token, found.attempts + 1)
        try:
            return Envelope(sender, smtp_form(c.recipient.email), data, envid)
        except ValueError as error:
            raise Unsendable(Reason.NO_ADDRESS, "email") from error


def _of(writer: Writer, found: WantedMessage) -> TemplateVersion:
    try:
        return writer.version(found.notice, found.language)
    except Exception as error:
        raise _failed(found, error) from error


def _failed(found: WantedMessage, error: Exception) -> Unsendable:
    """A message that breaks the writer must not stop those behind it."""
    what = str(getattr(error, "field", type(error).__name__))
    log.warning("render failed", message=found.message_id, notice=found.notice, field=what)
    if isinstance(error, LimitExceeded):
        # The file of the template: its messages are one task, however many there are.
        return Unsendable(error.reason, what)
    return Unsendable(Reason.RENDER_FAILED, what)
