"""A station at a real relay and a real database, and messages for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.archive.packing import dictionary_of
from notifier.delivery.compose import StaffSender
from notifier.delivery.destinations import shipped
from notifier.delivery.dkim import Signer
from notifier.delivery.editions import Editions
from notifier.delivery.process import WorkerProcess, deliver
from notifier.delivery.render import Renderer
from notifier.delivery.resolve import sweep
from notifier.delivery.wake_up import WakeUp
from notifier.demo.post_office import PostOffice
from notifier.model.actor import Actor, ActorKind
from notifier.model.message import new_token
from notifier.model.notice import Lane, UncertainPolicy
from notifier.model.press import Press
from notifier.model.relay import Relay, Tls
from notifier.model.states import Channel, State
from notifier.printing.context import PrintingContext
from notifier.printing.drafting import LetterDrafter
from notifier.store import documents, members, messages, schemes
from notifier.store.db import row, rows, run
from tests.samples import BRAND, NOW, SCHEME, WRITER, member

T = TypeVar("T")
ACTOR = Actor(ActorKind.USER, "test")
HOUSE = StaffSender("通知係", BRAND)
REFUND = WRITER.sample("refund", "decided").facts
LEASE = timedelta(seconds=30)
DICTIONARY = dictionary_of("d", [(False, b"what all say")])


def renderer(signer: Signer | None = None, editions: Editions | None = None) -> Renderer:
    return Renderer(
        writer=WRITER,
        editions=editions,
        sender=HOUSE,
        bounce_domain="bounce.example.jp",
        message_id_domain="notifier.example.jp",
        signer=signer,
    )


def relay_of(office: PostOffice, **more: Any) -> Relay:
    given: dict[str, Any] = {
        "host": office.host,
        "port": office.port,
        "tls": Tls.NONE,
        "name": "post-office",
    }
    return Relay(**(given | more))


class Rig:
    """What a test does to delivery and asks of it."""

    def __init__(self, engine: AsyncEngine, office: PostOffice, var: Path) -> None:
        self.engine, self.office, self.var = engine, office, var
        self.time = NOW
        self.lease = LEASE
        self.relay = relay_of(office)
        self.relays: tuple[Relay, ...] = ()  # instead of that one
        self.destinations = shipped()
        self.signer: Signer | None = None
        self.editions = Editions(engine, WRITER)
        self.bells = {lane: WakeUp() for lane in Lane}
        self._numbers = count(1)

    def now(self) -> datetime:
        return self.time

    @property
    def journals(self) -> Path:
        return self.var / "journal"

    def station(self, *lanes: Lane) -> WorkerProcess:
        return WorkerProcess(
            engine=self.engine,
            renderer=renderer(self.signer, self.editions),
            relays=self.relays or (self.relay,),
            destinations=self.destinations,
            journals=self.journals,
            lease=self.lease,
            now=self.now,
            wake_ups={lane: self.bells[lane] for lane in lanes or tuple(Lane)},
        )

    @asynccontextmanager
    async def at_work(self, *lanes: Lane) -> AsyncIterator[None]:
        """Deliver within; an orderly stop at the end."""
        stop = asyncio.Event()
        task = asyncio.create_task(deliver(self.station(*lanes), stop))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(task, 30)

    def room(self, **press: Any) -> PrintingContext:
        return PrintingContext(
            engine=self.engine,
            drafter=LetterDrafter(writer=WRITER, sender=HOUSE, present=self.editions.present),
            press=Press(**press),
            folder=self.var / "batches",
            now=self.now,
        )

    async def register(self, **more: Any) -> int:
        """A member of the scheme; its id."""
        number = f"M{next(self._numbers):04d}"
        async with self.engine.begin() as conn:
            await schemes.save(conn, SCHEME, actor=ACTOR, now=self.time)
            given = [(member(number, **more), self.time)]
            return (await members.save(conn, given, now=self.time))[number]

    async def send(self, *, to: int | None = None, **more: Any) -> int:
        """A queued refund notice; its id."""
        member_id = await self.register() if to is None else to
        async with self.engine.begin() as conn:
            case = await row(
                conn,
                """INSERT INTO cases (kind, source, matter, member_id, scheme, state,
                       occurred_at, opened_at, reason)
                   VALUES ('refund', 'test', :matter, :member, :scheme, 'open', :now, :now,
                       'opened') RETURNING case_id""",
                {
                    "matter": f"R-{next(self._numbers)}",
                    "member": member_id,
                    "scheme": SCHEME.scheme,
                    "now": self.time,
                },
            )
            assert case is not None
            message = self._message(case["case_id"], member_id) | more
            return (await messages.insert(conn, [message], actor=ACTOR, now=self.time))[0]

    def _message(self, case_id: int, member_id: int) -> dict[str, Any]:
        return {
            "token": new_token(),
            "case_id": case_id,
            "member_id": member_id,
            "notice": "refund",
            "step": "decided",
            "channel": Channel.EMAIL,
            "generation": 1,
            "scheme": SCHEME.scheme,
            "language": "ja",
            "lane": int(Lane.STANDARD),
            "state": State.QUEUED,
            "reason": "created",
            "uncertain_policy": UncertainPolicy.ASK,
            "next_attempt_at": self.time,
            "expires_at": self.time + timedelta(days=7),
            "facts": dict(REFUND),
            "shown": [{"role": "refund", "name": "total", "yen": 200}],
        }

    async def dictionary(self) -> int:
        """A dictionary on record; its id."""
        async with self.engine.begin() as conn:
            return await documents.keep_dictionary(conn, DICTIONARY, now=self.time)

    async def rows(self, sql: str, **params: Any) -> Sequence[RowMapping]:
        async with self.engine.connect() as conn:
            return await rows(conn, sql, params)

    async def run(self, sql: str, **params: Any) -> int:
        async with self.engine.begin() as conn:
            return await run(conn, sql, params)

    async def state(self, message_id: int) -> tuple[str, str]:
        [found] = await self.rows(
            "SELECT state, reason FROM messages WHERE message_id = :id", id=message_id
        )
        return found["state"], found["reason"]

    async def until(self, message_id: int, *states: State) -> RowMapping:
        """The message, once it stands in one of the states."""

        async def there() -> RowMapping | None:
            [found] = await self.rows(
                "SELECT * FROM messages WHERE message_id = :id", id=message_id
            )
            return found if found["state"] in states else None

        return await eventually(there)

    async def moves(self, message_id: int) -> list[tuple[str | None, str, str]]:
        """(before, after, reason) in the order of the log."""
        found = await self.rows(
            """SELECT before, after, reason FROM log
               WHERE message_id = :id AND kind = 'move' ORDER BY position""",
            id=message_id,
        )
        return [(r["before"], r["after"], r["reason"]) for r in found]

    async def attempts(self, message_id: int) -> Sequence[RowMapping]:
        return await self.rows(
            "SELECT * FROM attempts WHERE message_id = :id ORDER BY number", id=message_id
        )

    async def tasks(self) -> list[tuple[str, int]]:
        found = await self.rows("SELECT kind, count FROM tasks ORDER BY task_id")
        return [(r["kind"], r["count"]) for r in found]

    async def sweep(self, after: timedelta = timedelta()) -> None:
        self.time += after
        await sweep(self.engine, self.journals, lease=self.lease, now=self.time)


async def eventually(there: Callable[[], Awaitable[T | None]], *, seconds: float = 20.0) -> T:
    """What ``there`` answers, once it is something."""
    async with asyncio.timeout(seconds):
        while not (found := await there()):  # noqa: ASYNC110 (it is in another process)
            await asyncio.sleep(0.01)
        return found
