"""From bytes to what they say."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from notifier.model.tracking import Finding, Reading, ReturnKind

from . import addresses, bounds, complaint, kind, notification, report, told, written
from .charset import decode
from .headers import Headers
from .report import Report
from .seen import ENVELOPE, Seen
from .words import flat

_GRAVEST = (
    ReturnKind.COMPLAINT,
    ReturnKind.BOUNCED,
    ReturnKind.DELAYED,
    ReturnKind.DELIVERED,
)
_WITH_TEXT = frozenset(
    {ReturnKind.REPLY, ReturnKind.COMPLAINT, ReturnKind.UNKNOWN, ReturnKind.AUTO_REPLY}
)


def read(data: bytes) -> Reading:
    """What a mail that came back says. Never raises, whatever the bytes are.

    Looks at the first 1.5 MB, 8 levels, 100 parts; ``cut`` says that there was more.
    """
    seen = Seen.of(data)
    found = _report(seen)
    if complained := complaint.read(seen):
        what, findings, paths = complained
        return _reading(seen, what, findings, found, paths)
    if notified := notification.read(seen):
        return _reading(seen, *notified, found)
    findings = told.findings(seen, found) if found.groups else []
    if findings:
        return _reading(seen, _gravest(findings), findings, found)
    if kind.is_report(seen):
        findings = written.findings(seen)
        return _reading(seen, _gravest(findings), findings, found)
    what = kind.of_answer(seen)
    about = (
        [Finding(recipient=seen.sender, kind=what)]
        if what in {ReturnKind.AUTO_REPLY, ReturnKind.REPLY}
        else []
    )
    return _reading(seen, what, about, found)


def _report(seen: Seen) -> Report:
    """The fields of RFC 3464, also where no part is declared to hold them."""
    parts = [leaf for leaf in seen.mail.leaves if leaf.is_report]
    texts = [decode(leaf.content()[: bounds.REPORT], leaf.charset) for leaf in parts[:5]]
    if not texts and report.has_fields(seen.notice.text):
        texts = [seen.notice.text]
    return report.parse("\n\n".join(texts).replace("\r\n", "\n").replace("\r", "\n"))


def _gravest(findings: Sequence[Finding]) -> ReturnKind:
    kinds = {one.kind for one in findings}
    return next((one for one in _GRAVEST if one in kinds), ReturnKind.UNKNOWN)


def _reading(
    seen: Seen,
    what: ReturnKind,
    findings: Sequence[Finding],
    found: Report,
    paths: Sequence[str] = (),
) -> Reading:
    headers, returned = seen.headers, seen.returned
    first = sorted(findings, key=lambda one: one.kind is not what)
    ids = addresses.message_ids(returned.all("message-id"))
    return Reading(
        kind=what,
        findings=tuple(first[: bounds.FINDINGS]),
        tokens=addresses.tokens([*headers.all(*ENVELOPE), *returned.all("return-path"), *paths]),
        envelope_ids=tuple(filter(None, [found.message.get("original-envelope-id", "")])),
        message_ids=ids,
        in_reply_to=addresses.message_ids(headers.all("in-reply-to", "references")),
        reported_by=_server(found.message.get("reporting-mta", "")),
        reported_at=_time(found, headers),
        sender=seen.sender,
        subject=flat(seen.subject, bounds.SUBJECT),
        text=seen.notice.text[: bounds.TEXT] if what in _WITH_TEXT else "",
        cut=seen.mail.cut,
    )


def _server(value: str) -> str | None:
    """The name in ``dns; mx.example.jp``."""
    return value.partition(";")[2].strip()[:255] or value.strip()[:255] or None


def _time(found: Report, headers: Headers) -> datetime | None:
    """When it happened: as the report says, else when it was written."""
    last = next((one.get("last-attempt-date") for one in found.groups), "")
    for value in (last, found.message.get("arrival-date", ""), headers.get("date")):
        try:
            time = parsedate_to_datetime(value[:100])
        except (TypeError, ValueError, IndexError, OverflowError):
            continue
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return None
