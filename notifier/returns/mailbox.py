"""The mailbox: what comes back is read over IMAP, each mail once, however often the line breaks.

How far it has been read (UIDVALIDITY and UID) goes on record in the transaction that keeps the
mails. Only afterwards are they flagged, or moved away; a break in between is made up for at the
next start. UIDs only ever rise (RFC 3501 2.3.1.1), so that nothing below is missed.
"""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Sequence
from time import monotonic
from typing import Any, Final

from imapclient import SEEN, IMAPClient, SocketTimeout

from notifier.logs import get_logger
from notifier.model.inbox import Mailbox
from notifier.model.relay import Tls
from notifier.store import returns

from .reading import bounds
from .receiver import Mail, ReturnReceiver

log = get_logger(__name__)

_SOME: Final = 50  # mails in one transaction, fewer if they are large
_CONNECT, _ANSWER = 20.0, 60.0  # seconds
_IDLE: Final = 9 * 60.0  # seconds; servers log out who is silent for half an hour (RFC 2177)
_POLL: Final = 60.0  # seconds, where the server has no IDLE
_GLANCE: Final = 0.5  # seconds between two looks at whether to stop
_FIRST, _LONGEST = 1.0, 60.0  # seconds of rest after a break


class MailboxReader:
    """Reads one mailbox until it is told to stop."""

    def __init__(self, receiver: ReturnReceiver, mailbox: Mailbox, *, most_bytes: int) -> None:
        self._receiver, self._mailbox, self._most = receiver, mailbox, most_bytes
        self._ending = threading.Event()  # seen by the thread that waits

    async def run(self, stop: asyncio.Event) -> None:
        """Read, and begin again after each break, until ``stop``."""
        ender = asyncio.create_task(self._end(stop))
        rest = _FIRST
        try:
            while not stop.is_set():
                began = monotonic()
                try:
                    await self._session()
                except Exception as error:  # noqa: BLE001 (line, server or record: all begin anew)
                    log.warning("mailbox away", box=self._mailbox.host, error=type(error).__name__)
                rest = _FIRST if monotonic() - began > _LONGEST else min(rest * 2, _LONGEST)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(rest):
                        await stop.wait()
        finally:
            ender.cancel()

    async def _end(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._ending.set()

    async def _session(self) -> None:
        """One connection, until it breaks or it is time to stop."""
        client = await asyncio.to_thread(_connected, self._mailbox)
        try:
            generation = await asyncio.to_thread(_selected, client, self._mailbox.folder)
            position = await self._position(generation)
            left = await asyncio.to_thread(_left_behind, client, position)
            await asyncio.to_thread(_put_away, client, left, self._mailbox.done)
            while not self._ending.is_set():
                mails = await asyncio.to_thread(_fetched, client, position, self._most)
                if not mails:
                    await asyncio.to_thread(_wait, client, self._ending)
                    continue
                position = await self._kept(generation, mails)
                uids = [uid for uid, _ in mails]
                await asyncio.to_thread(_put_away, client, uids, self._mailbox.done)
        finally:
            await asyncio.to_thread(_closed, client)

    async def _position(self, generation: int) -> int:
        """The UID up to which this generation of the folder has been read."""
        async with self._receiver.engine.begin() as conn:
            known, position = await returns.cursor(conn, self._mailbox.label)
        return position if known == generation else 0

    async def _kept(self, generation: int, mails: Sequence[tuple[int, bytes]]) -> int:
        """Commit mails and how far has been read, together; the latter."""
        label = self._mailbox.label
        given = await self._receiver.read(
            [Mail(data, label, f"{generation}:{uid}") for uid, data in mails]
        )
        position = mails[-1][0]
        async with self._receiver.engine.begin() as conn:
            await self._receiver.take(conn, given)
            await returns.move_cursor(conn, label, generation, position, now=self._receiver.now())
        log.info("mailbox read", box=self._mailbox.host, mails=len(mails))
        return position


def _connected(mailbox: Mailbox) -> IMAPClient:
    context = None if mailbox.tls is Tls.NONE else ssl.create_default_context()
    client = IMAPClient(
        mailbox.host,
        mailbox.port,
        ssl=mailbox.tls is Tls.IMPLICIT,
        ssl_context=context if mailbox.tls is Tls.IMPLICIT else None,
        timeout=SocketTimeout(_CONNECT, _ANSWER),
    )
    try:
        if mailbox.tls is Tls.STARTTLS:
            client.starttls(context)
        client.login(mailbox.username, mailbox.password.get_secret_value())
    except BaseException:
        _closed(client)
        raise
    return client


def _selected(client: IMAPClient, folder: str) -> int:
    """Open the folder; its UIDVALIDITY."""
    return int(client.select_folder(folder)[b"UIDVALIDITY"])


def _left_behind(client: IMAPClient, position: int) -> list[int]:
    """Mails on record that a break has left where they were."""
    if not position:
        return []
    return [uid for uid in client.search(["UID", f"1:{position}", "UNSEEN"]) if uid <= position]


def _fetched(client: IMAPClient, position: int, most: int) -> list[tuple[int, bytes]]:
    """The next mails after a UID, in order; of one that is too large only its beginning."""
    found = client.search(["UID", f"{position + 1}:*"])
    uids = sorted(uid for uid in found if uid > position)[:_SOME]  # ``*`` is always the last one
    if not uids:
        return []
    sizes = {
        uid: int(of[b"RFC822.SIZE"]) for uid, of in client.fetch(uids, ["RFC822.SIZE"]).items()
    }
    mails: list[tuple[int, bytes]] = []
    total = 0
    for uid in uids:
        if uid not in sizes:
            continue  # somebody has removed it meanwhile
        total += min(sizes[uid], most)
        if mails and total > most:
            break
        mails.append((uid, _body(client, uid, sizes[uid], most)))
    return mails


def _body(client: IMAPClient, uid: int, size: int, most: int) -> bytes:
    part = "BODY.PEEK[]" if size <= most else f"BODY.PEEK[]<0.{bounds.BYTES + 1}>"
    found: dict[bytes, Any] = client.fetch([uid], [part]).get(uid, {})
    return next((bytes(v) for k, v in found.items() if k.startswith(b"BODY[]") and v), b"")


def _put_away(client: IMAPClient, uids: Sequence[int], done: str) -> None:
    """Flag mails as seen and, with a folder for them, move them there."""
    if not uids:
        return
    client.add_flags(uids, [SEEN])
    if not done:
        return
    if client.has_capability("MOVE"):
        client.move(uids, done)
    else:
        client.copy(uids, done)
        client.delete_messages(uids)
        client.expunge(uids if client.has_capability("UIDPLUS") else None)


def _wait(client: IMAPClient, ending: threading.Event) -> None:
    """Return when something has come, or after a while, or when it is time to stop."""
    if not client.has_capability("IDLE"):
        ending.wait(_POLL)
        client.noop()
        return
    client.idle()
    until = monotonic() + _IDLE
    try:
        while not ending.is_set() and monotonic() < until:
            if client.idle_check(timeout=_GLANCE):
                break
    finally:
        client.idle_done()


def _closed(client: IMAPClient) -> None:
    with contextlib.suppress(Exception):
        client.logout()
