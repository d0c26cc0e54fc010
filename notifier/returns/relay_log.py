"""What a relay's log (Postfix) says became of our mails: whether it took them, and what followed.

Only the relay knows what became of a mail that is uncertain.
"""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.delivery.settle import RESEND_WAIT
from notifier.model.actor import Actor
from notifier.model.reasons import Reason
from notifier.model.returns import Return, Standing
from notifier.model.states import State
from notifier.model.tracking import DeliveredLevel, Finding, Reading, ReturnKind
from notifier.store import refusals
from notifier.store.uncertain import Resolution, resolve_uncertain, uncertain

from .effect import apply
from .postfix_log import Evidence, Line, read_log
from .refusals import refused

SOURCE: Final = "relay_log"
_MOST: Final = 500  # lines in one transaction
_MOST_MAILS: Final = 1000  # in one transaction
BACK: Final = timedelta(days=10)  # relays keep a mail for five days
_RESULT: Final = re.compile(
    r"to=<(?P<to>[^>]*)>, (?:orig_to=<(?P<original>[^>]*)>, )?relay=(?P<relay>[^,]*), .*?"
    r"dsn=(?P<status>[\d.]+), status=\w+ \((?P<said>.*)\)\s*$"
)
_KINDS: Final = {
    Evidence.SENT: ReturnKind.DELIVERED,
    Evidence.BOUNCED: ReturnKind.BOUNCED,
    Evidence.DEFERRED: ReturnKind.DELAYED,
}


async def apply_log(
    engine: AsyncEngine,
    paths: Sequence[Path],
    *,
    bounce_domain: str,
    actor: Actor,
    now: datetime,
    direct: Sequence[str] = (),
) -> Counter[Standing]:
    """Take what logs say to its messages; how many lines stand where. Raises OSError.

    Mails are known by their return path, and by the queue id that the relay named when it took
    them. ``sent`` says that the next server has a mail: delivered, on that level. The same lines
    again change nothing, so that a log can be read while it grows.
    """
    async with engine.connect() as conn:
        known = await refusals.queue_ids(conn, since=now - BACK)
    counted: Counter[Standing] = Counter()
    for path in paths:
        helpings = told(read_log(path, bounce_domain=bounce_domain, known=known))
        while some := await asyncio.to_thread(_helping, helpings):
            async with engine.begin() as conn:
                done = await apply(conn, some, actor=actor, now=now, direct=direct)
            counted.update(o.standing for o in done)
    return counted


def _helping(given: Iterator[Return]) -> list[Return]:
    return list(islice(given, _MOST))


def told(lines: Iterable[Line]) -> Iterator[Return]:
    """What lines about our mails say, each thing once."""
    seen: set[str] = set()
    for line in lines:
        one = _return(line) if line.evidence in _KINDS else None
        if one and one.external_id not in seen:  # a mail is deferred many times, for one reason
            seen.add(one.external_id)
            yield one


def _return(line: Line) -> Return | None:
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


def _finding(line: Line) -> Finding | None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What became of uncertain mails: message ids."""

    sent: tuple[int, ...]  # the relay has them
    queued: tuple[int, ...]  # it never had them
    left: tuple[int, ...]  # the log does not say


async def resolve_by_log(
    engine: AsyncEngine,
    paths: Sequence[Path],
    *,
    bounce_domain: str,
    complete: bool = False,
    actor: Actor,
    now: datetime,
) -> Resolved:
    """Find out by the logs of all relays that they may have gone to what became of uncertain mails.

    What a relay logged as queued is ``sent``, whatever became of it later: a bounce of it comes
    to the return path, as that of any other. What no log names stays as it is, unless
    ``complete``: the caller knows that the logs hold everything from the first transmission to
    now. Then it is queued again, once it has been uncertain for longer than a transmission can
    take. A mail of which there are only the headers stays: it broke off, or is on hold.
    """
    async with engine.connect() as conn:
        unclear = {r.token: r for r in await uncertain(conn)}
    begun, taken = await asyncio.to_thread(_known, paths, bounce_domain, frozenset(unclear))
    before = now - RESEND_WAIT
    absent = {
        token
        for token, r in unclear.items()
        if complete and token not in begun | taken and r.since <= before
    }
    resolutions = [Resolution(token=t, after=State.SENT) for t in unclear if t in taken]
    resolutions += [Resolution(token=t, after=State.QUEUED) for t in unclear if t in absent]
    moved = await _resolve(engine, resolutions, actor, now)
    by_id = {r.message_id: token for token, r in unclear.items()}
    return Resolved(
        sent=tuple(m for m in by_id if m in moved and by_id[m] in taken),
        queued=tuple(m for m in by_id if m in moved and by_id[m] in absent),
        left=tuple(m for m in by_id if m not in moved),
    )


def _known(
    paths: Sequence[Path], bounce_domain: str, wanted: frozenset[str]
) -> tuple[set[str], set[str]]:
    """Tokens of which there are headers at least, and of those that a relay took."""
    begun: set[str] = set()
    taken: set[str] = set()
    for path in paths:
        for line in read_log(path, bounce_domain=bounce_domain):
            if line.token in wanted:
                (begun if line.evidence is Evidence.BEGUN else taken).add(line.token)
    return begun, taken


async def _resolve(
    engine: AsyncEngine, resolutions: Sequence[Resolution], actor: Actor, now: datetime
) -> set[int]:
    moved: set[int] = set()
    for at in range(0, len(resolutions), _MOST_MAILS):
        async with engine.begin() as conn:
            some = resolutions[at : at + _MOST_MAILS]
            moved.update(
                await resolve_uncertain(conn, some, reason=Reason.RELAY_LOG, actor=actor, now=now)
            )
    return moved
