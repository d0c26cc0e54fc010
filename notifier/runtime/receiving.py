"""Receiving: the ways in of what comes back, joined from the parts of a process."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Iterator
from functools import partial
from pathlib import Path

from notifier.model.actor import Actor
from notifier.returns.listener import Addresses, Listener
from notifier.returns.mailbox import MailboxReader
from notifier.returns.receiver import ReturnReceiver
from notifier.returns.relay_log import LogFollower
from notifier.returns.sweep import ACTOR, direct_labels
from notifier.store import schemes, tracking

from .parts import Parts
from .settings import BadSettings

Run = Callable[[asyncio.Event], Awaitable[None]]  # until told to stop


def post_desk(parts: Parts, actor: Actor = ACTOR) -> ReturnReceiver:
    """The desk of this house."""
    direct = direct_labels(parts.settings.relays)
    return ReturnReceiver(engine=parts.engine, now=parts.clock.now, direct=direct, actor=actor)


async def receive(parts: Parts, stop: asyncio.Event) -> None:
    """Listen, read mailboxes and follow logs, as the settings say, until told to stop."""
    desk, inbox = post_desk(parts), parts.settings.inbox
    listener = await _listening(parts, desk) if inbox.port is not None else None
    try:
        async with asyncio.TaskGroup() as group:
            for name, run in _readers(parts, desk):
                group.create_task(parts.supervisor.keep(name, partial(run, stop), stop=stop))
            await stop.wait()
    finally:
        if listener is not None:
            await listener.close()


def _readers(parts: Parts, desk: ReturnReceiver) -> Iterator[tuple[str, Run]]:
    """Whatever reads what comes back, each with a name for the log."""
    inbox = parts.settings.inbox
    for n, mailbox in enumerate(inbox.mailboxes):
        yield f"mailbox {n}", MailboxReader(desk, mailbox, most_bytes=inbox.most_bytes).run
    for n, path in enumerate(inbox.relay_logs):
        yield f"relay log {n}", _follower(parts, desk, path).run


def _follower(parts: Parts, desk: ReturnReceiver, path: Path) -> LogFollower:
    return LogFollower(
        engine=parts.engine,
        path=path,
        bounce_domain=parts.settings.bounce_domain,
        now=desk.now,
        direct=desk.direct,
    )


async def _listening(parts: Parts, desk: ReturnReceiver) -> Listener:
    async def reply_to() -> Collection[str]:
        async with parts.engine.connect() as conn:
            known = await schemes.all_of(conn)
        return {brand.reply_to for scheme in known.values() for brand in scheme.brands}

    inbox = parts.settings.inbox

    async def came_back(token: str) -> int | None:
        async with parts.engine.connect() as conn:
            return await tracking.came_back(conn, token)

    addresses = Addresses(inbox, parts.settings.bounce_domain, reply_to, came_back)
    listener = Listener(desk, addresses, inbox)
    try:
        await listener.open()
    except OSError as problem:
        place = f"{inbox.host}:{inbox.port}"
        said = os.strerror(problem.errno or 0)
        raise BadSettings(f"NOTIFIER_INBOX: host, port: {place}: {said}") from None
    return listener
