"""Amazon SES: what it tells through SNS, in both of its forms (notifications and events)."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from notifier.intake.strict_json import decode
from notifier.logs import get_logger
from notifier.model.returns import Return
from notifier.model.tracking import Finding, ReturnKind
from notifier.webhooks.outside import Outside

from .base import Provider, made, mapping, mappings, moment, or_unknown, text
from .sns import Sns, SnsSettings
from .table import Table, table

log = get_logger(__name__)

NAME: Final = "ses"
_LIMIT: Final = 512 * 1024  # bytes of what SNS carries
#: Where an event has its details, whom they are about, and where its moment is.
_DETAILS: Final = {
    "Bounce": ("bounce", "bouncedRecipients"),
    "Complaint": ("complaint", "complainedRecipients"),
    "Delivery": ("delivery", "recipients"),
    "DeliveryDelay": ("deliveryDelay", "delayedRecipients"),
    "Reject": ("reject", ""),
    "Rendering Failure": ("failure", ""),
}


class Ses(Provider[SnsSettings]):
    """Listens to the topics of SES."""

    name, Settings = NAME, SnsSettings

    def __init__(self, settings: SnsSettings, now: Callable[[], datetime]) -> None:
        """Raises OSError where a file of certificates cannot be read."""
        super().__init__(settings, now)
        self._outside = Outside(settings.fetch)
        self._sns = Sns(settings, self._outside, now)

    async def read(self, _headers: Mapping[str, str], body: bytes) -> list[Return]:
        """A notification; what confirms a subscription tells nothing of mails."""
        envelope = await self._sns.open(body)
        if envelope.kind == "Notification":
            told, name = envelope.message, envelope.message_id
            return or_unknown(NAME, name, body, lambda: returns(told, name, body))
        if envelope.kind == "SubscriptionConfirmation":
            await self._sns.confirm(envelope)
        else:  # it is not taken back here: whoever did it may have meant it
            log.warning("sns.unsubscribed", topic=envelope.fields["TopicArn"])
        return []

    async def close(self) -> None:
        """Let go of connections."""
        await self._outside.close()


PROVIDER = Ses


def returns(message: str, event_id: str, raw: bytes) -> list[Return]:
    """What a notification tells: one return, or none where it says nothing about arrival.

    ``message``: what SNS carries; ``raw``: the whole request. SNS confirms a topic with a message
    of its own, which is plain text. Raises :class:`~notifier.model.errors.BadInput`.
    """
    if not message.lstrip().startswith("{"):
        return []
    found = decode(message.encode("utf-8", "replace"), limit=_LIMIT)
    event = text(found, "eventType") or text(found, "notificationType")
    words = table(NAME)
    kind = words.kind_of(event)
    if kind is None:
        return []
    details = mapping(found, _DETAILS.get(event, ("", ""))[0])
    mail = mapping(found, "mail")
    return [
        made(
            NAME,
            event_id,
            raw,
            kind,
            _findings(words, event, kind, details),
            senders=(text(mail, "source"),),
            message_ids=_message_ids(mail),
            at=moment(details.get("timestamp")) or moment(mail.get("timestamp")),
        )
    ]


def _message_ids(mail: Mapping[str, Any]) -> Iterator[str]:
    """Ours, as it was handed over: on the way SES puts one of its own in its place."""
    for header in mappings(mail, "headers"):
        if text(header, "name").lower() == "message-id":
            yield text(header, "value")
    yield text(mapping(mail, "commonHeaders"), "messageId")


def _findings(
    words: Table, event: str, kind: ReturnKind, details: Mapping[str, Any]
) -> Iterator[Finding]:
    word, people = _word(event, details), details.get(_DETAILS.get(event, ("", ""))[1])
    for one in people if isinstance(people, list) else [{}]:
        told = one if isinstance(one, dict) else {"emailAddress": one}
        yield words.finding(
            kind,
            told.get("emailAddress"),
            word,
            status=told.get("status"),
            reply=told.get("diagnosticCode") or details.get("smtpResponse"),
        )


def _word(event: str, details: Mapping[str, Any]) -> str:
    if event == "Bounce":
        return f"{text(details, 'bounceType')}/{text(details, 'bounceSubType')}"
    return text(details, "delayType") or event
