"""The listener: an SMTP or LMTP server to which mail servers deliver what comes back.

It takes mail for our return paths, for Reply-To addresses, and for a few that the settings name;
for nothing else. 250 is said after the commit; while the record is away it says 451, and the
other server keeps the mail.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection
from enum import StrEnum
from time import monotonic
from typing import Any, Final

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from notifier.logs import get_logger
from notifier.model.http import counted_as
from notifier.model.inbox import Inbox
from notifier.model.suppression import normal
from notifier.store.failures import passes

from .receiver import Mail, ReturnReceiver

log = get_logger(__name__)

_LONGEST_LINE: Final = 262_144  # bytes; the rules say 1,000, and reports do not keep to them
_MOST_RECIPIENTS: Final = 50
_SESSION: Final = 900.0  # seconds of one connection
_FRESH: Final = 60.0  # seconds that the addresses of the brands are remembered
_UNKNOWN: Final = "550 5.1.1 no such address here"
_AWAY: Final = "451 4.3.0 try again later"
_MANY: Final = "452 4.5.3 too many recipients"
_FULL: Final = "552 5.2.2 enough has come back to this address"
_ENOUGH: Final = "452 4.3.1 enough for today, try again later"
_CROWDED: Final = b"421 4.7.0 too many connections, try again later\r\n"
_DAY: Final = 86_400.0  # seconds
#: Reports, warnings and answers of machines about one mail; more were written to fill disks.
MOST_RETURNS: Final = 50

#: Asks the record for the Reply-To addresses of the brands.
ReplyTo = Callable[[], Awaitable[Collection[str]]]
#: Asks the record how much has come back to the return path of a token; None: it is none of ours.
CameBack = Callable[[str], Awaitable[int | None]]


class Taken(StrEnum):
    """What becomes of mail for an address."""

    PATH = "path"  # a return path: only whoever had the mail in hand knows it
    OTHER = "other"  # anybody may write there
    UNKNOWN = "unknown"
    FULL = "full"  # more has come back than one mail can bring


class Addresses:
    """Which addresses are taken."""

    def __init__(
        self, inbox: Inbox, bounce_domain: str, reply_to: ReplyTo, came_back: CameBack
    ) -> None:
        self._path = re.compile(rf"b\+([a-z0-9]{{26}})@{re.escape(bounce_domain.lower())}")
        self._own = {normal(one) for one in inbox.addresses} | {f"abuse@{bounce_domain.lower()}"}
        self._reply_to, self._came_back = reply_to, came_back
        self._brands: frozenset[str] = frozenset()
        self._asked_at = -_FRESH

    def is_path(self, address: str) -> bool:
        """Whether an address has the form of a return path."""
        return self._path.fullmatch(normal(address)) is not None

    async def judge(self, address: str) -> Taken:
        """Whether mail for an address is taken. Raises what says that the record is away."""
        written = normal(address)
        if path := self._path.fullmatch(written):
            count = await self._came_back(path[1])
            if count is None:
                return Taken.UNKNOWN
            return Taken.PATH if count < MOST_RETURNS else Taken.FULL
        if written in self._own:
            return Taken.OTHER
        if monotonic() - self._asked_at >= _FRESH:
            self._brands = frozenset(normal(one) for one in await self._reply_to() if one)
            self._asked_at = monotonic()
        return Taken.OTHER if written in self._brands else Taken.UNKNOWN


class DayLimit:
    """Bytes that may come in a day, by the clock that never goes back."""

    def __init__(self, most: int) -> None:
        self._most, self._used, self._since = most, 0, monotonic()

    def has_room(self, count: int) -> bool:
        """Whether so many more may come today; then they count."""
        if monotonic() - self._since >= _DAY:
            self._used, self._since = 0, monotonic()
        fits = self._used + count <= self._most
        self._used += count if fits else 0
        return fits


class Handler:
    """What the server asks at each step (aiosmtpd's handler)."""

    def __init__(
        self, receiver: ReturnReceiver, addresses: Addresses, source: str, others: DayLimit
    ) -> None:
        """``others``: how much may come to addresses that are no return paths."""
        self._receiver, self._addresses, self._source = receiver, addresses, source
        self._others = others

    async def handle_RCPT(  # noqa: N802 (the library's name)
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take an address of ours."""
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return _MANY
        try:
            taken = await self._addresses.judge(address)
        except Exception as error:
            if not passes(error):
                log.exception("recipient not looked up")
            return _AWAY
        if taken in (Taken.UNKNOWN, Taken.FULL):
            return _UNKNOWN if taken is Taken.UNKNOWN else _FULL
        if taken is Taken.PATH and isinstance(server, _Guarded):
            server.proven = True
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Commit, then say so; LMTP hears it once for each recipient (RFC 2033 4.2)."""
        content = bytes(envelope.original_content or b"")
        proven = any(map(self._addresses.is_path, envelope.rcpt_tos))
        if not proven and not self._others.has_room(len(content)):
            told = _ENOUGH
        else:
            told = await self._received(envelope, content)
        return "\r\n".join([told] * len(envelope.rcpt_tos)) if isinstance(server, LMTP) else told

    async def _received(self, envelope: Envelope, content: bytes) -> str:
        recipients = tuple(one for one in envelope.rcpt_tos if one.isascii() and " " not in one)
        mail = Mail(content, self._source, recipients=recipients)
        try:
            [outcome] = await self._receiver.receive([mail])
        except Exception as error:
            if passes(error):
                log.warning("database away", what="return", error=type(error).__name__)
            else:
                log.exception("return not kept")
            return _AWAY
        log.info("return", return_id=outcome.return_id, standing=outcome.standing)
        return f"250 2.0.0 OK R{outcome.return_id}"


class Guests:
    """All connections of a listener, in the order in which they came."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._open: dict[_Guarded, str] = {}  # → address

    def __contains__(self, one: object) -> bool:
        return one in self._open

    def enter(self, one: "_Guarded", address: str) -> bool:
        """Let one in, in the place of another that has shown nothing for a while, if need be."""
        own = self._inbox.trusts(address)
        site = counted_as(address)
        if not own and list(self._open.values()).count(site) >= self._inbox.connections_per_address:
            return False
        if len(self._open) >= self._inbox.connections and not self._make_room():
            return False
        self._open[one] = site
        return True

    def _make_room(self) -> bool:
        now, grace = monotonic(), self._inbox.grace_seconds
        idle = (one for one in self._open if not one.proven and now - one.since >= grace)
        victim = next(idle, None)
        if victim is None:
            return False
        self.leave(victim)
        victim.dismiss()
        return True

    def leave(self, one: "_Guarded") -> bool:
        """One less; False where it is gone already."""
        return self._open.pop(one, None) is not None

    def end(self) -> None:
        """End all of them."""
        for one in list(self._open):
            one.abort()


class _Guarded(SMTP):
    """A connection with bounds; ``guests`` has all of them."""

    line_length_limit = _LONGEST_LINE

    def __init__(self, handler: Handler, guests: Guests, inbox: Inbox) -> None:
        super().__init__(
            handler,
            data_size_limit=inbox.most_bytes,
            enable_SMTPUTF8=True,
            ident="notifier",
            timeout=inbox.idle_seconds,
        )
        self.proven = False  # it has named a return path of ours
        self.since = monotonic()
        self._guests, self._inbox = guests, inbox
        self._taken = 0
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Refuse one too many; end one that stays for ever."""
        peer = transport.get_extra_info("peername")
        if not self._guests.enter(self, str(peer[0]) if isinstance(peer, tuple) else ""):
            transport.write(_CROWDED)
            transport.close()
            return
        self._end = asyncio.get_running_loop().call_later(_SESSION, transport.abort)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """One less."""
        if self._end is None:
            return  # it was never in
        self._guests.leave(self)
        self._end.cancel()
        super().connection_lost(error)

    def dismiss(self) -> None:
        """Another takes its place."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.write(_CROWDED)
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """The library would keep a line without end in memory."""
        if self not in self._guests:
            return
        self._taken += len(data)
        if self._taken > 2 * self._inbox.most_bytes + _LONGEST_LINE:
            self.abort()
            return
        super().data_received(data)

    def abort(self) -> None:
        """End it, whatever was to come."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    def _set_post_data_state(self) -> None:
        self._taken = 0
        super()._set_post_data_state()  # type: ignore[no-untyped-call]


class _GuardedLmtp(_Guarded, LMTP):
    """The same for LMTP."""


class Listener:
    """The server. Open between :meth:`open` and :meth:`close`."""

    def __init__(self, receiver: ReturnReceiver, addresses: Addresses, inbox: Inbox) -> None:
        self._inbox = inbox
        others = DayLimit(inbox.most_megabytes_a_day * 1_000_000)
        self._handler = Handler(receiver, addresses, inbox.protocol, others)
        self._kind = _GuardedLmtp if inbox.protocol == "lmtp" else _Guarded
        self._guests = Guests(inbox)
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def open(self) -> None:
        """Listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._made, self._inbox.host, self._inbox.port)
        log.info("listening for returns", port=self.port, protocol=self._inbox.protocol)

    def _made(self) -> _Guarded:
        return self._kind(self._handler, self._guests, self._inbox)

    async def close(self) -> None:
        """Listen no more; what is not committed was not taken."""
        assert self._server is not None
        self._server.close()
        self._guests.end()
        await self._server.wait_closed()
