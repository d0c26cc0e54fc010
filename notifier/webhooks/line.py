"""A line: the calls of one webhook, one after the other."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.logs import get_logger
from notifier.model.actor import system
from notifier.model.change import Page
from notifier.model.errors import NotFound
from notifier.model.task import TaskDraft, TaskKind
from notifier.model.webhook import CallOutcome, CallState, SecretKind, WebhookState
from notifier.store import log, tasks, webhook_calls, webhooks
from notifier.store.webhook_calls import Call

from .feed import Feed, page
from .outside import Answer, Outside, Unreachable
from .retries import asked_for, wait_after
from .signing import Secret, headers

_log = get_logger(__name__)
TELLER: Final = system("teller")

CHANGED: Final = "deliveries.changed"
TEST: Final = "test"
_ITEMS: Final = 50  # in one call: about 15 KB
_MOST_WAITING: Final = 1_000  # calls made ahead of a receiver that is away; the log keeps the rest
_MOST_CUT: Final = 20  # calls made at a time
_SLACK: Final = timedelta(seconds=30)  # beside the time for a call, until it counts as not made
_LEAST: Final = 5  # attempts before a call is given up, however long the house itself was away
_OUTAGE: Final = 3  # failures in a row, after which a success says that the receiver is back
_FIRST_REST: Final = timedelta(seconds=2)  # after a failure; doubled by each that follows
_LONGEST_REST: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Desk:
    """What telling needs, joined by whoever starts a process."""

    engine: AsyncEngine
    feed: Feed
    outside: Outside
    now: Callable[[], datetime]


class Line:
    """Turns what the log says into calls, and makes them.

    A receiver that fails is given rests, in which its other calls wait, too.
    """

    def __init__(self, desk: Desk, webhook_id: int) -> None:
        self._desk, self._id = desk, webhook_id
        self._failures = 0
        self._rests_until = desk.now()

    async def turn(self) -> bool:
        """Look once for what is new and for what is due; whether a call was made."""
        settled, now = await self._desk.feed.settled(), self._desk.now()
        async with self._desk.engine.connect() as conn:
            work = await webhooks.due_work(conn, self._id, now=now)
        if work is None:
            return False
        behind = work.position < settled
        if behind:
            await self._cut(settled)
        if now < self._rests_until or not (behind or work.due):
            return False
        call = await self._claim()
        if call is None:
            return False
        if await make(self._desk, self._id, call) is CallOutcome.TAKEN:
            await self._went_well()
        else:
            self._failures += 1
            rest = min(_FIRST_REST * 2 ** min(self._failures - 1, 9), _LONGEST_REST)
            self._rests_until = self._desk.now() + rest
        return True

    async def _claim(self) -> Call | None:
        now = self._desk.now()
        again = now + timedelta(seconds=self._desk.outside.rules.timeout) + _SLACK
        async with self._desk.engine.begin() as conn:
            # Held, so that two processes do not both see that no call is on its way.
            if await webhooks.take(conn, self._id) is None:
                return None
            return await webhook_calls.claim(conn, self._id, now=now, again=again)

    async def _went_well(self) -> None:
        """What waits for hours, because the receiver was away, goes now that it is back."""
        if self._failures >= _OUTAGE:
            async with self._desk.engine.begin() as conn:
                await webhook_calls.hasten(conn, self._id, now=self._desk.now())
        self._failures = 0

    async def _cut(self, settled: int) -> None:
        for _ in range(_MOST_CUT):
            async with self._desk.engine.begin() as conn:
                if not await _cut_one(conn, self._id, settled, self._desk.now()):
                    return


async def _cut_one(conn: AsyncConnection, webhook_id: int, settled: int, now: datetime) -> bool:
    """Make a call of the next changes, and move on in the same transaction; whether more follow."""
    webhook = await webhooks.take(conn, webhook_id)
    if webhook is None or webhook.position >= settled:
        return False
    if await webhook_calls.waiting(conn, webhook_id) >= _MOST_WAITING:
        return False
    found = await page(
        conn,
        webhook.position,
        settled,
        limit=_ITEMS,
        source=webhook.source,
        states=webhook.states,
    )
    if found.changes:
        await _keep(conn, webhook_id, found, now)
    await webhooks.advance(conn, webhook_id, found.next)
    return found.more


async def _keep(conn: AsyncConnection, webhook_id: int, found: Page, now: datetime) -> None:
    await webhook_calls.add(
        conn,
        webhook_id,
        public_id=new_id(),
        kind=CHANGED,
        payload=payload(CHANGED, {"deliveries": found.changes}, now),
        items=len(found.changes),
        position=found.next,
        now=now,
    )


def new_id() -> str:
    """A name for a call, the same at each of its attempts."""
    return f"msg_{uuid.uuid4().hex}"


def payload(kind: str, data: dict[str, Any], now: datetime) -> bytes:
    """The body of a call."""
    return orjson.dumps({"type": kind, "timestamp": now, "data": data})


async def make(desk: Desk, webhook_id: int, call: Call) -> CallOutcome:
    """Make a call that was claimed, and record what came of it."""
    try:
        answer, outcome = await attempt(desk, webhook_id, call.public_id, call.payload)
    except NotFound:
        return CallOutcome.GONE  # taken away by a person, with its calls
    now = desk.now()
    async with desk.engine.begin() as conn:
        await _record(conn, webhook_id, call, answer, outcome, now)
    _log.info("webhook.called", webhook=webhook_id, call=call.call_id, outcome=outcome)
    return outcome


async def attempt(
    desk: Desk, webhook_id: int, public_id: str, body: bytes
) -> tuple[Answer | None, CallOutcome]:
    """Call once, signed with all secrets: the answer, if there was one, and what it means.

    Raises :class:`NotFound`.
    """
    async with desk.engine.connect() as conn:
        webhook = await webhooks.get(conn, webhook_id)
        secrets = await webhooks.secrets_of(conn, webhook_id)
    if webhook is None:
        raise NotFound("webhook", webhook_id)
    keys = [Secret(SecretKind(s.kind), bytes(s.secret)) for s in secrets]
    given = {
        "content-type": "application/json",
        "user-agent": "notifier-webhooks/1",
        # The moment of this attempt by the real clock: receivers refuse what is minutes away.
        **headers(public_id, int(time()), body, keys),
    }
    try:
        answer = await desk.outside.call("POST", webhook.url, given, body)
    except Unreachable as problem:
        return None, problem.outcome
    return answer, _outcome_of(answer.status)


def _outcome_of(status: int) -> CallOutcome:
    if 200 <= status < 300:
        return CallOutcome.TAKEN
    return CallOutcome.GONE if status == 410 else CallOutcome.REFUSED


async def _record(
    conn: AsyncConnection,
    webhook_id: int,
    call: Call,
    answer: Answer | None,
    outcome: CallOutcome,
    now: datetime,
) -> None:
    state, retry_at = CallState.DONE, None
    if outcome is not CallOutcome.TAKEN:
        wait = wait_after(call.attempts)
        if answer is not None:
            wait = max(wait, asked_for(answer.headers.get("retry-after", ""), datetime.now(UTC)))
        state, retry_at = CallState.WAITING, now + wait
        if now >= call.give_up_at and call.attempts >= _LEAST:
            state = CallState.DEAD
    await webhook_calls.record(
        conn,
        call.call_id,
        state=state,
        outcome=outcome,
        code=answer.status if answer else None,
        retry_at=retry_at,
        now=now,
    )
    if outcome is CallOutcome.GONE:
        await webhooks.turn(conn, webhook_id, WebhookState.DISABLED, "gone", now=now)
        await log.append(conn, "webhook", [{"reason": f"gone:{webhook_id}"}], actor=TELLER, now=now)
    if outcome is CallOutcome.GONE or state is CallState.DEAD:
        await tasks.raise_all(conn, [_task(webhook_id, outcome)], actor=TELLER, now=now)


def _task(webhook_id: int, outcome: CallOutcome) -> TaskDraft:
    details = {"webhook": webhook_id, "answer": outcome}
    return TaskDraft(kind=TaskKind.WEBHOOK_FAILED, key=f"W{webhook_id}", details=details)
