"""Complaints: feedback reports (RFC 5965, 6591, 6650) and what came before them."""

from collections.abc import Sequence

from notifier.model.tracking import BounceReason, Finding, ReturnKind

from . import addresses, report
from .charset import decode
from .seen import Seen
from .words import flat


def read(seen: Seen) -> tuple[ReturnKind, list[Finding], list[str]] | None:
    """Kind, findings and values that may hold a return path of ours; None: it is no complaint."""
    leaf = next((one for one in seen.mail.leaves if one.is_feedback), None)
    declared = "feedback-report" in seen.headers.get("content-type").lower()
    declared = declared or not {"x-xarf", "x-arf"}.isdisjoint(seen.headers.names())
    if leaf is None and not declared:
        return _unmarked(seen)
    fields = _fields(decode(leaf.content()) if leaf else seen.notice.text)
    kind = fields.get("feedback-type", ["abuse"])[0].lower()
    paths = [*fields.get("original-mail-from", ()), *seen.returned.all("return-path", "errors-to")]
    if kind == "not-spam":
        return ReturnKind.UNKNOWN, [], paths
    reason = BounceReason.AUTHENTICATION if "auth" in kind or "dmarc" in kind else None
    said = flat(seen.notice.text, 1_000)
    found = [
        Finding(recipient=one, kind=ReturnKind.COMPLAINT, reason=reason, reply=said)
        for one in _recipients(seen, fields)
    ]
    nobody = Finding(recipient=None, kind=ReturnKind.COMPLAINT, reason=reason, reply=said)
    return ReturnKind.COMPLAINT, found or [nobody], paths


def _unmarked(seen: Seen) -> tuple[ReturnKind, list[Finding], list[str]] | None:
    """Complaints of Outlook.com (JMRP), which returns the mail and says so in the subject."""
    subject = seen.subject.lower()
    marked = "x-hmxmroriginalrecipient" in seen.returned
    if not marked and "complaint about message from" not in subject:
        return None
    named = addresses.every(seen.returned.all("x-hmxmroriginalrecipient")) or seen.written_to
    found = [Finding(recipient=one, kind=ReturnKind.COMPLAINT) for one in named[:10]]
    nobody = Finding(recipient=None, kind=ReturnKind.COMPLAINT)
    return ReturnKind.COMPLAINT, found or [nobody], seen.returned.all("return-path", "errors-to")


def _fields(text: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in report.fields(text):
        fields.setdefault(name, []).append(value)
    return fields


def _recipients(seen: Seen, fields: dict[str, list[str]]) -> list[str]:
    named = [
        value
        for name in ("original-rcpt-to", "removal-recipient")
        for value in fields.get(name, ())
    ]
    found = [one for value in named if (one := addresses.of_field(value)) and "@" in one]
    return _once([one for one in found if not _is_hidden(one)] or _returned(seen) or found)


def _returned(seen: Seen) -> list[str]:
    given = addresses.every(
        seen.returned.all("x-hmxmroriginalrecipient", "x-apparently-to", "to", "delivered-to")
    )
    return [one for one in given if not _is_hidden(one)]


def _is_hidden(address: str) -> bool:
    return "redacted" in address.lower()


def _once(found: Sequence[str]) -> list[str]:
    return list({addresses.key(one): one for one in reversed(found)}.values())[::-1]
