"""What a mail is when no part of it says so: a report, an automatic answer, a person's."""

from notifier.model.tracking import ReturnKind

from . import addresses
from .seen import Seen
from .tables import Kinds, kinds

_ENOUGH = 3  # points for a report


def is_report(seen: Seen) -> bool:
    """Whether a server reports about a mail, judged by who writes what under which subject.

    ``Auto-Submitted: auto-replied`` says nothing: many servers write it on real reports.
    """
    table, subject = kinds(), seen.subject.lower()
    daemon = _is_daemon(table, seen)
    points = 4 * any(leaf.is_report for leaf in seen.mail.leaves)
    points += 4 * ("x-failed-recipients" in seen.headers)
    points += 2 * daemon
    points += 2 * _holds(subject, table.subjects)
    points += min(2, sum(word in seen.told for word in table.sentences))
    points += _is_null(seen)
    if not daemon:
        points -= 2 * _answers(seen)
        points -= 3 * _holds(subject, table.automatic)
    return points >= _ENOUGH and points > 1 + 2 * daemon


def of_answer(seen: Seen) -> ReturnKind:
    """What a mail is that is no report."""
    table, headers = kinds(), seen.headers
    for name, values in table.automatic_headers.items():
        if any(one.lower().startswith(values) for one in headers.all(name)):
            return ReturnKind.AUTO_REPLY
    subject = seen.subject.lower()
    if _holds(subject, table.automatic) or _holds(seen.told[:2_000], table.automatic_body):
        return ReturnKind.AUTO_REPLY
    if _is_daemon(table, seen) or seen.sender is None:
        return ReturnKind.UNKNOWN
    return ReturnKind.REPLY


def of_report(seen: Seen) -> ReturnKind:
    """What a report without machine-readable parts says: bounced, delayed or delivered."""
    table = kinds()
    said = f"{seen.subject.lower()} {seen.told}"
    if _holds(said, table.delays) and not _holds(said, table.never_delayed):
        return ReturnKind.DELAYED
    if _holds(said, table.deliveries) and not _holds(seen.subject.lower(), table.subjects[:2]):
        return ReturnKind.DELIVERED
    return ReturnKind.BOUNCED


def _is_daemon(table: Kinds, seen: Seen) -> bool:
    written = seen.headers.get("from").lower()
    local = (seen.sender or "").lower().partition("@")[0]
    return local in table.daemons or local.startswith(("mailer-daemon", "postmaster", "microsoftexchange")) or any(
        word in written for word in table.daemon_words
    )


def _is_null(seen: Seen) -> bool:
    return any(value.replace(" ", "") == "<>" for value in seen.headers.all("return-path"))


def _answers(seen: Seen) -> bool:
    """Whether it looks like an answer of a person's mail program."""
    subject = seen.subject.lower()
    return subject.startswith(("re:", "aw:", "sv:", "antw:", "返信:", "返信：")) or "x-autoreply" in seen.headers


def _holds(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def recipients_elsewhere(seen: Seen) -> list[str]:
    """Whom a report is about, if neither its fields nor its text say it."""
    failed = addresses.every(seen.headers.all("x-failed-recipients"))
    return failed or seen.written_to[:20]
