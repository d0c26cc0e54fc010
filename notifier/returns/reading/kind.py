"""What a mail is when no part of it says so: a report, an automatic answer, a person's."""

import re

from notifier.model.tracking import ReturnKind

from . import addresses, replies
from .seen import Seen
from .tables import Kinds, kinds

_ENOUGH = 3  # points for a report that no mailer daemon signs
#: An address alone on its line, as many servers list those that failed.
_RCPT = re.compile(r"^[ \t]*RCPT TO:[ \t]*<?([^\s<>;@]+@[^\s<>;]+)", re.IGNORECASE | re.MULTILINE)
_FOR = re.compile(r"\bfor <?([^\s<>;@]+@[^\s<>;]+)>?")
_LISTED = re.compile(
    r"^[ \t]*(?:(?:to|recipients?|宛先)[ \t]*[:：][ \t]*)?<?[^<>\s@]+@[^<>\s@]+>?:?[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)


def is_report(seen: Seen) -> bool:
    """Whether a server reports about a mail, judged by who writes what under which subject.

    ``Auto-Submitted: auto-replied`` says nothing: many servers write it on real reports.
    """
    table, subject = kinds(), seen.heading
    daemon = _is_daemon(table, seen)
    points = 4 * any(leaf.is_report for leaf in seen.mail.leaves)
    points += 4 * ("x-failed-recipients" in seen.headers)
    announced = _holds(subject, table.subjects)
    automatic = _holds(subject, table.automatic)
    points += 2 * announced
    points += min(2, sum(word in seen.told for word in table.sentences))
    points += bool(seen.returned) or bool(_LISTED.search(seen.notice.text))
    if daemon:
        points += bool(replies.ENHANCED.search(seen.told))
        # Many servers repeat our subject after their own, and ours may be about holidays.
        return points >= 1 and (announced or not automatic)
    points += _is_null(seen) - 3 * _answers(seen) - 3 * automatic
    return points >= _ENOUGH


def of_answer(seen: Seen) -> ReturnKind:
    """What a mail is that is no report."""
    table, headers = kinds(), seen.headers
    if "disposition-notification" in headers.get("content-type").lower():
        return ReturnKind.AUTO_REPLY
    for name, values in table.automatic_headers.items():
        if any(one.lower().startswith(values) for one in headers.all(name)):
            return ReturnKind.AUTO_REPLY
    said = seen.told[:2_000]
    told = _holds(said, table.automatic_sure) or (
        not _answers(seen) and _holds(said, table.automatic_body)
    )
    if told or _holds(seen.subject.lower(), table.automatic):
        return ReturnKind.AUTO_REPLY
    stray = bool(addresses.tokens(headers.all("to", "delivered-to"))) and not _answers(seen)
    nobody = stray or _is_daemon(table, seen) or seen.sender is None or not seen.told.strip()
    return ReturnKind.UNKNOWN if nobody or _is_mass(seen) else ReturnKind.REPLY


def _is_mass(seen: Seen) -> bool:
    """Whether a stranger writes to everybody; nobody answers so."""
    marks = {"list-unsubscribe", "list-id"} & seen.headers.names()
    mass = marks or seen.headers.get("precedence").lower() in {"bulk", "junk", "list"}
    return bool(mass) and not _answers(seen)


def of_report(seen: Seen) -> ReturnKind:
    """What a report without machine-readable parts says: bounced, delayed or delivered."""
    table = kinds()
    said = f"{seen.heading} {seen.told}"
    if _holds(said, table.delays) and not _holds(said, table.never_delayed):
        return ReturnKind.DELAYED
    if _holds(said, table.deliveries) and not _holds(said, table.never_delivered):
        return ReturnKind.DELIVERED
    return ReturnKind.BOUNCED


def _is_daemon(table: Kinds, seen: Seen) -> bool:
    written = seen.headers.get("from").lower()
    local = (seen.sender or "").lower().partition("@")[0]
    return (
        local in table.daemons
        or local.startswith(("mailer-daemon", "postmaster", "microsoftexchange"))
        or any(word in written for word in table.daemon_words)
    )


def _is_null(seen: Seen) -> bool:
    return any(value.replace(" ", "") == "<>" for value in seen.headers.all("return-path"))


def _answers(seen: Seen) -> bool:
    """Whether it looks like an answer of a person's mail program."""
    subject = seen.subject.lower()
    marked = "in-reply-to" in seen.headers or "references" in seen.headers
    return marked or subject.startswith(
        ("re:", "re：", "aw:", "sv:", "antw:", "返信:", "返信：", "fwd:", "fw:", "wg:", "tr:")
    )


def _holds(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def recipients_elsewhere(seen: Seen) -> list[str]:
    """Whom a report is about, if neither its fields nor its text say it."""
    failed = addresses.every(seen.headers.all("x-failed-recipients"))
    named = (one[1] for one in _RCPT.finditer(seen.notice.tail[:4_000]))
    return failed or [addresses.tidy(one) for one in named] or seen.written_to[:20] or _traced(seen)


def _traced(seen: Seen) -> list[str]:
    """Whom the returned mail was taken for, as servers on its way wrote it."""
    found = (_FOR.search(value) for value in seen.returned.all("received"))
    return [one for one in (addresses.tidy(each[1]) for each in found if each) if one][:1]
