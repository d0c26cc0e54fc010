"""A rig at which things come back, and what tests ask of it afterwards."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import RowMapping

from notifier.model.actor import system
from notifier.model.returns import Outcome, Return
from notifier.model.states import State
from notifier.model.tracking import (
    BounceReason,
    DeliveredLevel,
    Finding,
    Reading,
    ReturnKind,
)
from notifier.returns.effect import apply
from notifier.store import messages, suppressions
from notifier.store.messages import Move
from tests.delivery.rig import ACTOR, Rig

TRACK = system("track")
DAY = timedelta(days=1)
_numbers = count(1)


def given(reading: Reading, **more: Any) -> Return:
    """A return with a name and bytes of its own."""
    number = next(_numbers)
    known: dict[str, Any] = {"source": "test", "external_id": f"r{number}"}
    return Return(**(known | {"raw": b"mail %d" % number, "reading": reading} | more))


def bounce(
    token: str | None,
    recipient: str | None = None,
    reason: BounceReason = BounceReason.USER_UNKNOWN,
    *,
    hard: bool = True,
    **more: Any,
) -> Return:
    """A report that a mail came back."""
    found = Finding(
        recipient=recipient,
        kind=ReturnKind.BOUNCED,
        reason=reason,
        hard=hard,
        status="5.1.1",
        code=550,
        reply="no such user here",
    )
    return about(token, ReturnKind.BOUNCED, found, **more)


def delivered(token: str, level: DeliveredLevel = DeliveredLevel.MAILBOX, **more: Any) -> Return:
    """A report that a mail arrived."""
    found = Finding(recipient=None, kind=ReturnKind.DELIVERED, level=level)
    return about(token, ReturnKind.DELIVERED, found, **more)


def about(token: str | None, kind: ReturnKind, *found: Finding, **more: Any) -> Return:
    """Anything that names a message by its return path."""
    tokens = (token,) if token else ()
    return given(Reading(kind=kind, findings=found, tokens=tokens), **more)


class Desk(Rig):
    """A rig at which things come back."""

    async def sent(self, count: int = 1, **more: Any) -> list[RowMapping]:
        """Messages that the relay has taken, each to a member of its own."""
        ids = [await self.send(**more) for _ in range(count)]
        async with self.at_work():
            return [await self.until(one, State.SENT) for one in ids]

    async def apply(self, *returns: Return, direct: Sequence[str] = ()) -> list[Outcome]:
        """Let returns take effect."""
        async with self.engine.begin() as conn:
            return await apply(conn, returns, actor=TRACK, now=self.time, direct=direct)

    async def move(self, message_id: int, after: State, **more: Any) -> None:
        """Put a message into another state."""
        async with self.engine.begin() as conn:
            move = Move(message_id=message_id, after=after, **more)
            assert await messages.move(conn, [move], actor=ACTOR, now=self.time)

    async def address(self, message: RowMapping) -> str:
        """The address of a message's member."""
        [found] = await self.rows(
            """SELECT convert_from(contact, 'UTF8')::jsonb ->> 'email' AS email
               FROM member_contacts WHERE member_id = :id""",
            id=message["member_id"],
        )
        return str(found["email"])

    async def entries(self, message_id: int) -> list[tuple[str, str | None]]:
        """Kind and reason of what is on record about a message."""
        found = await self.rows(
            "SELECT kind, reason FROM tracking WHERE message_id = :id ORDER BY entry_id",
            id=message_id,
        )
        return [(r["kind"], r["reason"]) for r in found]

    async def suppressed(self) -> list[tuple[str | None, str, int]]:
        """Address, reason and score of the suppressions in force."""
        async with self.engine.connect() as conn:
            found = await suppressions.search(conn, now=self.time)
        return [(r.address, r.reason, r.score) for r in reversed(found)]
