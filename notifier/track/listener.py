"""The listener: an SMTP or LMTP server to which mail servers deliver what comes back.

It takes mail for our return paths, for Reply-To addresses, and for a few that the settings name;
for nothing else. 250 is said after the commit; while the record is away it says 451, and the
other server keeps the mail.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection
from time import monotonic
from typing import Any, Final

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from notifier.deliver.away import is_away
from notifier.model.inbox import Inbox
from notifier.model.suppression import normal

from .post_desk import Mail, PostDesk

log = structlog.get_logger(__name__)

_LONGEST_LINE: Final = 262_144  # bytes; the rules say 1,000, and reports do not keep to them
_MOST_RECIPIENTS: Final = 50
_SILENCE: Final = 300.0  # seconds without a command
_SESSION: Final = 900.0  # seconds of one connection
_FRESH: Final = 60.0  # seconds that the addresses of the brands are remembered
_UNKNOWN: Final = "550 5.1.1 no such address here"
_AWAY: Final = "451 4.3.0 try again later"
_MANY: Final = "452 4.5.3 too many recipients"

#: Asks the record for the Reply-To addresses of the brands.
ReplyTo = Callable[[], Awaitable[Collection[str]]]


class Addresses:
    """Which addresses are taken."""

    def __init__(self, inbox: Inbox, bounce_domain: str, reply_to: ReplyTo) -> None:
        self._path = re.compile(rf"b\+[a-z0-9]{{26}}@{re.escape(bounce_domain.lower())}")
        self._own = {normal(one) for one in inbox.addresses} | {f"abuse@{bounce_domain.lower()}"}
        self._reply_to = reply_to
        self._brands: frozenset[str] = frozenset()
        self._asked_at = -_FRESH

    async def take(self, address: str) -> bool:
        """Whether mail for an address is taken. Raises what says that the record is away."""
        written = normal(address)
        if self._path.fullmatch(written) or written in self._own:
            return True
        if monotonic() - self._asked_at >= _FRESH:
            self._brands = frozenset(normal(one) for one in await self._reply_to() if one)
            self._asked_at = monotonic()
        return written in self._brands


class Door:
    """What the server asks at each step (aiosmtpd's handler)."""

    def __init__(self, desk: PostDesk, addresses: Addresses, source: str) -> None:
        self._desk, self._addresses, self._source = desk, addresses, source

    async def handle_RCPT(  # noqa: N802 (the library's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take an address of ours."""
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return _MANY
        try:
            if not await self._addresses.take(address):
                return _UNKNOWN
        except Exception as error:
            if not is_away(error):
                log.exception("recipient not looked up")
            return _AWAY
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Commit, then say so; LMTP hears it once for each recipient (RFC 2033 4.2)."""
        told = await self._received(envelope)
        return "\r\n".join([told] * len(envelope.rcpt_tos)) if isinstance(server, LMTP) else told

    async def _received(self, envelope: Envelope) -> str:
        recipients = tuple(one for one in envelope.rcpt_tos if one.isascii() and " " not in one)
        content = envelope.original_content
        mail = Mail(bytes(content or b""), self._source, recipients=recipients)
        try:
            [outcome] = await self._desk.receive([mail])
        except Exception as error:
            if is_away(error):
                log.warning("database away", what="return", error=type(error).__name__)
            else:
                log.exception("return not kept")
            return _AWAY
        log.info("return", return_id=outcome.return_id, standing=outcome.standing)
        return f"250 2.0.0 OK R{outcome.return_id}"


class _Guarded(SMTP):
    """A connection with bounds; ``open_`` counts all of them."""

    line_length_limit = _LONGEST_LINE

    def __init__(self, door: Door, open_: set["_Guarded"], inbox: Inbox) -> None:
        super().__init__(
            door,
            data_size_limit=inbox.most_bytes,
            enable_SMTPUTF8=True,
            ident="notifier",
            timeout=_SILENCE,
        )
        self._open, self._inbox = open_, inbox
        self._taken = 0
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Refuse one too many; end one that stays for ever."""
        if len(self._open) >= self._inbox.connections:
            transport.write(b"421 4.7.0 too many connections, try again later\r\n")
            transport.close()
            return
        self._open.add(self)
        self._end = asyncio.get_running_loop().call_later(_SESSION, transport.abort)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """One less."""
        if self not in self._open:
            return
        self._open.discard(self)
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """The library would keep a line without end in memory."""
        if self not in self._open:
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

    def __init__(self, desk: PostDesk, addresses: Addresses, inbox: Inbox) -> None:
        self._inbox = inbox
        self._door = Door(desk, addresses, inbox.protocol)
        self._kind = _GuardedLmtp if inbox.protocol == "lmtp" else _Guarded
        self._open: set[_Guarded] = set()
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
        return self._kind(self._door, self._open, self._inbox)

    async def close(self) -> None:
        """Listen no more; what is not committed was not taken."""
        assert self._server is not None
        self._server.close()
        for one in list(self._open):
            one.abort()
        await self._server.wait_closed()
