"""Amazon SES: what it tells through SNS, in both of its forms (notifications and events)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from notifier.intake.strict_json import decode
from notifier.model.provider import Provider
from notifier.model.returns import Return
from notifier.model.tracking import Finding, ReturnKind

from .given import made, mapping, mappings, moment, text
from .table import Table, table

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


def returns(message: str, event_id: str, raw: bytes) -> list[Return]:
    """What a notification tells: one return, or none where it says nothing about arrival.

    ``message``: what SNS carries; ``raw``: the whole request. SNS confirms a topic with a message
    of its own, which is plain text. Raises :class:`~notifier.model.errors.BadInput`.
    """
    if not message.lstrip().startswith("{"):
        return []
    found = decode(message.encode("utf-8", "replace"), limit=_LIMIT)
    event = text(found, "eventType") or text(found, "notificationType")
    words = table(Provider.SES)
    kind = words.kind_of(event)
    if kind is None:
        return []
    details = mapping(found, _DETAILS.get(event, ("", ""))[0])
    mail = mapping(found, "mail")
    return [
        made(
            Provider.SES,
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
