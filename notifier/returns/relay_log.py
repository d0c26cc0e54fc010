"""What a relay's log (Postfix) says became of our mails after it had taken them."""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.delivery.relay_log import Evidence, Line, read_log
from notifier.model.actor import Actor
from notifier.model.returns import Return, Standing
from notifier.model.tracking import DeliveredLevel, Finding, Reading, ReturnKind
from notifier.store import refusals

from .effect import apply
from .refusals import refused

SOURCE: Final = "relay_log"
_MOST: Final = 500  # lines in one transaction
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
