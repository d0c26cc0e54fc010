"""The log of a relay (Postfix): which lines are about mails of ours, and what they say.

That a relay has a mail is said by the line of its queue manager. The line with the Message-ID
comes earlier, while the mail is still being read, and is there of a mail that broke off as well.
"""

import gzip
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from notifier.model.returns import Return
from notifier.model.tracking import DeliveredLevel, Finding, Reading, ReturnKind

from .refusals import refused

SOURCE: Final = "relay_log"
# Time and host in any form, "postfix/qmgr[17]: ", the queue id (short or long), and the rest. Only
# the first bracket counts: further on stand words of others.
_LINE: Final = re.compile(
    r"[^\[]*\b(?P<program>[a-z]+)\[\d+\]: (?P<id>[0-9A-Za-z]{5,25}): (?P<rest>.*)"
)
_MESSAGE_ID: Final = re.compile(r"(?:resent-)?message-id=<(?P<token>[a-z0-9]{26})@")
_STATUS: Final = re.compile(r"to=<.*?, dsn=[\d.]+, status=(?P<status>sent|deferred|bounced)\b")
_EXPIRED: Final = ", status=expired,"  # by the queue manager: returned to its sender
_ACTIVE: Final = "(queue active)"


class Evidence(StrEnum):
    """What a line says of a mail."""

    BEGUN = "begun"  # its headers came; whether the rest did, this line does not say
    ACCEPTED = "accepted"  # the relay has it
    SENT = "sent"  # the next server took it
    DEFERRED = "deferred"
    BOUNCED = "bounced"  # it went back to the return path


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A line about one of our mails."""

    token: str
    queue_id: str
    evidence: Evidence
    text: str  # the whole line; it quotes addresses


_RESULT: Final = re.compile(
    r"to=<(?P<to>[^>]*)>, (?:orig_to=<(?P<original>[^>]*)>, )?relay=(?P<relay>[^,]*), .*?"
    r"dsn=(?P<status>[\d.]+), status=\w+ \((?P<said>.*)\)\s*$"
)
_KINDS: Final = {
    Evidence.SENT: ReturnKind.DELIVERED,
    Evidence.BOUNCED: ReturnKind.BOUNCED,
    Evidence.DEFERRED: ReturnKind.DELAYED,
}


def read_lines(
    lines: Iterable[str], *, bounce_domain: str, known: Mapping[str, str] = MappingProxyType({})
) -> Iterator[LogRecord]:
    """The lines about our mails, in order; the log is read as a stream.

    Mails are known by their return path ``b+TOKEN@bounce_domain``; where the relay has rewritten
    it, by their Message-ID, which then stands only for what the relay took. ``known``: queue id →
    token of mails whose beginning may be in an older log.
    """
    return LogReader(bounce_domain, known).read(lines)


class LogReader:
    """Remembers the mails that are in the relay's queue at the moment."""

    def __init__(self, bounce_domain: str, known: Mapping[str, str]) -> None:
        self._from = re.compile(
            rf"from=<b\+(?P<token>[a-z0-9]{{26}})@{re.escape(bounce_domain)}>", re.IGNORECASE
        )
        self._named: dict[str, str] = {}  # queue id → token, by Message-ID
        self._ours = dict(known)  # queue id → token, by return path

    def read(self, lines: Iterable[str]) -> Iterator[LogRecord]:
        """The lines about our mails; a log may come in pieces, one after the other."""
        for text in lines:
            if (found := _LINE.match(text)) and (said := self._said(*found.groups())):
                yield LogRecord(said[0], found["id"], said[1], text.rstrip("\r\n"))

    def _said(self, program: str, queue_id: str, rest: str) -> tuple[str, Evidence] | None:
        if rest.startswith("client=") or rest == "removed":  # short queue ids are used again
            self._forget(queue_id)
        elif named := _MESSAGE_ID.match(rest):
            self._named[queue_id] = named["token"]
            return named["token"], Evidence.BEGUN
        elif program == "qmgr":
            return self._queued(queue_id, rest)
        elif (token := self._ours.get(queue_id)) and (status := _STATUS.match(rest)):
            return token, Evidence(status["status"])
        return None

    def _queued(self, queue_id: str, rest: str) -> tuple[str, Evidence] | None:
        if found := self._from.match(rest):
            self._ours[queue_id] = found["token"].lower()
        elif rest.startswith("from=<") and self._ours.get(queue_id) != self._named.get(queue_id):
            self._ours.pop(queue_id, None)  # another mail's by now
        token = self._ours.get(queue_id)
        if token and _EXPIRED in rest:
            return token, Evidence.BOUNCED
        token = token or self._named.get(queue_id)
        return (token, Evidence.ACCEPTED) if token and _ACTIVE in rest else None

    def _forget(self, queue_id: str) -> None:
        self._named.pop(queue_id, None)
        self._ours.pop(queue_id, None)


def read_log(
    path: Path, *, bounce_domain: str, known: Mapping[str, str] = MappingProxyType({})
) -> Iterator[LogRecord]:
    """The lines of a file about our mails; ``.gz`` is unpacked. Raises OSError."""
    opened = gzip.open if path.suffix == ".gz" else open
    # A carriage return in the words of a remote server ends no line, either.
    with opened(path, "rt", encoding="utf-8", errors="replace", newline="\n") as file:
        yield from read_lines(file, bounce_domain=bounce_domain, known=known)


def told(lines: Iterable[LogRecord]) -> Iterator[Return]:
    """What lines about our mails say, each thing once."""
    seen: set[str] = set()
    for line in lines:
        one = _return(line) if line.evidence in _KINDS else None
        if one and one.external_id not in seen:  # a mail is deferred many times, for one reason
            seen.add(one.external_id)
            yield one


def _return(line: LogRecord) -> Return | None:
    finding = _finding(line)
    if finding is None:
        return None
    to = hashlib.sha256((finding.recipient or "").encode()).hexdigest()[:16]
    reading = Reading(kind=finding.kind, findings=(finding,), tokens=(line.token,))
    return Return(
        source=SOURCE,
        external_id=f"{line.queue_id}:{line.token}:{line.evidence}:{finding.status}:{to}",
        raw=line.text.encode("utf-8", "replace"),
        reading=reading,
        delivered_from=DeliveredLevel.NEXT_ACCEPTED,
    )


def _finding(line: LogRecord) -> Finding | None:
    kind = _KINDS[line.evidence]
    found = _RESULT.search(line.text)
    if found is None:  # the queue manager's own: tried until time was up
        return refused(None, "delivery time expired", kind=kind, status="4.4.7")
    written_to, last = found["original"] or found["to"], found["to"]
    final = last if last != written_to else None
    host = found["relay"].partition("[")[0]
    if kind is ReturnKind.DELIVERED:
        return Finding(
            recipient=written_to,
            kind=kind,
            status=found["status"],
            reply=found["said"][:1000],
            level=DeliveredLevel.NEXT_ACCEPTED,
            final_recipient=final,
        )
    status = found["status"]
    return refused(written_to, found["said"], kind=kind, status=status, host=host, final=final)
