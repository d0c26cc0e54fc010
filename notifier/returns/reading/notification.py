"""Amazon SES's notifications where they come as a mail: JSON in the body.

Source: "Amazon SNS notification contents for Amazon SES", docs.aws.amazon.com (read 2026-11).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from notifier.model.tracking import BounceReason, DeliveredLevel, Finding, ReturnKind

from . import bounds, replies
from .seen import Seen
from .why import Evidence, is_hard, reason_of
from .words import flat

_NAMES: Final = ('"notificationType"', '"eventType"', '\\"notificationType\\"', '\\"eventType\\"')
#: What a sub-type of bounces says where the server's reply says nothing.
_SUBTYPES: Final = {
    "noemail": BounceReason.USER_UNKNOWN,
    "suppressed": BounceReason.USER_UNKNOWN,
    "onaccountsuppressionlist": BounceReason.USER_UNKNOWN,
    "mailboxfull": BounceReason.MAILBOX_FULL,
    "messagetoolarge": BounceReason.TOO_BIG,
    "contentrejected": BounceReason.CONTENT,
    "attachmentrejected": BounceReason.CONTENT,
}
_NOTHING: Final = frozenset({BounceReason.ON_HOLD, BounceReason.UNDEFINED})


def read(seen: Seen) -> tuple[ReturnKind, list[Finding]] | None:
    """Kind and findings; None: the mail holds no such notification."""
    found = _object(seen.notice.text)
    kind = str(found.get("notificationType") or found.get("eventType") or "").lower()
    if kind == "bounce":
        given = _part(found, "bounce")
        said = [_bounced(given, one) for one in _parts(given, "bouncedRecipients")]
        return ReturnKind.BOUNCED, said
    if kind == "complaint":
        people = _parts(_part(found, "complaint"), "complainedRecipients")
        return ReturnKind.COMPLAINT, [
            Finding(recipient=_text(one, "emailAddress") or None, kind=ReturnKind.COMPLAINT)
            for one in people
        ]
    if kind == "delivery":
        return ReturnKind.DELIVERED, _delivered(_part(found, "delivery"))
    return None


def _bounced(given: Mapping[str, Any], one: Mapping[str, Any]) -> Finding:
    said = _text(one, "diagnosticCode").removeprefix("smtp;").strip()
    passing = _text(given, "bounceType").lower() == "transient"
    evidence = Evidence(
        texts=[said],
        status=replies.enhanced_of(_text(one, "status")) or replies.enhanced_of(said),
        code=replies.code_of(said),
        command=replies.command_of(said),
        temporary=passing,
    )
    reason = reason_of(evidence)
    if reason in _NOTHING:
        reason = _SUBTYPES.get(_text(given, "bounceSubType").lower(), reason)
    return Finding(
        recipient=_text(one, "emailAddress") or None,
        kind=ReturnKind.BOUNCED,
        reason=reason,
        hard=is_hard(reason, evidence),
        status=evidence.status,
        code=evidence.code,
        reply=flat(said, bounds.REPLY),
    )


def _delivered(given: Mapping[str, Any]) -> list[Finding]:
    people = given.get("recipients")
    said = flat(_text(given, "smtpResponse"), bounds.REPLY)
    return [
        Finding(
            recipient=one[: bounds.REPLY],
            kind=ReturnKind.DELIVERED,
            level=DeliveredLevel.NEXT_ACCEPTED,
            reply=said,
        )
        for one in (people if isinstance(people, list) else [])[: bounds.FINDINGS]
        if isinstance(one, str)
    ]


def _object(text: str) -> Mapping[str, Any]:
    """The notification in a text, also where SNS has wrapped it into an object of its own."""
    start = text.find("{")
    if start < 0 or not any(name in text for name in _NAMES):
        return {}
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(text[start:])
        if isinstance(found, dict) and isinstance(found.get("Message"), str):
            found = json.loads(found["Message"])
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _part(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = given.get(name)
    return found if isinstance(found, dict) else {}


def _parts(given: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found = given.get(name)
    given_parts = found if isinstance(found, list) else []
    return [one for one in given_parts if isinstance(one, dict)][: bounds.FINDINGS]


def _text(given: Mapping[str, Any], name: str) -> str:
    found = given.get(name)
    return found[: bounds.VALUE] if isinstance(found, str) else ""
