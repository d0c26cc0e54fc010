"""A connection to a relay, kept from message to message."""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Final, NamedTuple, cast

import aiosmtplib

from notifier.model.relay import Dsn, Relay, Tls

from .replies import Outcome, Reply, answered
from .smtp import Wire, WireBroken, mail_parameters, recipient_parameters

# RFC 5321 4.5.3.2: five minutes for a command, ten for the reply after the final dot. A relay
# that does not even greet within one is taken to be away.
CONNECT_SECONDS: Final = 60.0
COMMAND_SECONDS: Final = 300.0
BODY_SECONDS: Final = 600.0
PARTING_SECONDS: Final = 2.0
_LINE_FEED: Final = 10
#: EHLO keywords that we make use of.
_KEYWORDS: Final = ("pipelining", "size", "8bitmime", "dsn")
_GOOD: Final = {"RSET": {250}, "MAIL": {250}, "RCPT": {250, 251, 252}, "DATA": {354}}
_BROKEN: Final = (aiosmtplib.SMTPException, OSError, TimeoutError)


class Envelope(NamedTuple):
    """What goes over the wire: both addresses in SMTP form, and the exact DATA payload."""

    sender: str
    recipient: str
    data: bytes  # CRLF lines, complete, before dot-stuffing
    envid: str = ""  # our name for it in reports (RFC 3461); empty: none


class RelayDown(Exception):
    """No connection to a relay could be made; nothing of any message was sent."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(f"{reply.relay}: {reply.command} {reply.code or ''} {reply.text}")


def stuffed(data: bytes) -> tuple[bytes, ...]:
    """The payload as it is written: dots doubled at line starts, and the final dot (RFC 5321
    4.5.2)."""
    if _has_dotted_line(data):
        data = (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:]
    return data, (b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n")


def _has_dotted_line(data: bytes) -> bool:
    # From dot to dot: mails in base64 have few, and to look for a line break with one takes longer.
    at = data.find(b".")
    while at > 0 and data[at - 1] != _LINE_FEED:
        at = data.find(b".", at + 1)
    return at >= 0


class SmtpConnection:
    """A connection that is kept from message to message."""

    def __init__(self, relay: Relay, *, helo: str) -> None:
        self.relay = relay
        self.label = relay.label  # what the record calls it
        self.sent = 0  # messages over the present connection
        self._sent_to: Counter[str] = Counter()  # by destination
        self._spent = False
        self.used_at = 0.0  # monotonic
        self._helo = helo
        self._wire: Wire | None = None
        self._offers: frozenset[str] = frozenset()  # of the EHLO keywords that we know
        self._tls: str | None = None
        self._stained = False  # an envelope stands that was not sent

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as we have heard."""
        return self._wire is not None and self._wire.is_open

    @property
    def is_spent(self) -> bool:
        """Whether the present connection has carried what it may."""
        return self._spent or self.sent >= self.relay.most_messages

    def tally(self, destination: str, most: int) -> None:
        """A message to a destination, which takes ``most`` over one connection, has ended."""
        self._sent_to[destination] += 1
        self._spent = self._spent or self._sent_to[destination] >= most

    async def open(self) -> None:
        """Connect, protect, log in. Raises :class:`RelayDown`."""
        self.drop()
        secret = self.relay.password
        smtp = aiosmtplib.SMTP(
            hostname=self.relay.host,
            port=self.relay.port,
            use_tls=self.relay.tls is Tls.IMPLICIT,
            start_tls=self.relay.tls is Tls.STARTTLS,
            validate_certs=self.relay.verify,
            cert_bundle=str(self.relay.ca_file) if self.relay.ca_file else None,
            username=self.relay.username,
            password=secret.get_secret_value() if secret else None,
            local_hostname=self._helo,
            timeout=CONNECT_SECONDS,
        )
        try:
            await smtp.connect()
            if smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()
        except aiosmtplib.SMTPResponseException as error:
            smtp.close()
            raise RelayDown(self._answered("CONNECT", error.code, error.message)) from error
        except _BROKEN as error:
            smtp.close()
            raise RelayDown(self._broken(Outcome.BEFORE_DATA, "CONNECT", error)) from error
        self._take_over(smtp)

    def _take_over(self, smtp: aiosmtplib.SMTP) -> None:
        # No subclass with uvloop, but one that can do all that is asked of it.
        transport = cast("asyncio.Transport | None", smtp.transport)
        if transport is None or transport.is_closing():
            raise RelayDown(self._say(Outcome.BEFORE_DATA, "CONNECT", "closed by the relay"))
        self._tls, self.sent, self._stained = _tls(smtp), 0, False
        self._sent_to.clear()
        self._spent = False
        self._offers = frozenset(k for k in _KEYWORDS if smtp.supports_extension(k))
        self._wire = Wire(transport)
        self.used_at = monotonic()

    async def transmit(self, envelope: Envelope, begin: Callable[[], bool]) -> Reply:
        """One transaction. ``begin`` is asked just before the body; False stops it there.

        A kept connection that turns out to be closed is opened again, as long as nothing of the
        message went out.
        """
        kept = self.is_open and self.sent > 0
        try:
            if not (self.is_open and self._open_wire.is_quiet):
                await self.open()
            reply = await self._transaction(envelope, begin)
            if kept and _stale(reply):
                await self.open()
                reply = await self._transaction(envelope, begin)
        except RelayDown as down:
            return down.reply
        self.used_at = monotonic()
        return reply

    async def probe(self) -> Reply | None:
        """Whether the relay would take a mail: why not, or None."""
        try:
            if not self.is_open:
                await self.open()
            for command, words in (("MAIL", b"MAIL FROM:<>\r\n"), ("RSET", b"RSET\r\n")):
                self._open_wire.write(words)
                code, text = await self._open_wire.answer(seconds=COMMAND_SECONDS)
                reply = self._answered(command, code, text)
                # Refused for good is the empty sender, not the relay.
                if code not in _GOOD[command] and reply.outcome is not Outcome.PERMANENT:
                    self.drop()
                    return reply
        except RelayDown as down:
            return down.reply
        except WireBroken as error:
            self.drop()
            return self._say(Outcome.BEFORE_DATA, "MAIL", str(error))
        return None

    async def _transaction(self, envelope: Envelope, begin: Callable[[], bool]) -> Reply:
        refused = await self._announce(envelope)
        if refused is not None:
            return refused
        if not begin():
            # After 354 only closing tells the relay that there will be no message.
            self.drop()
            lapsed = self._say(Outcome.BEFORE_DATA, "DATA", "the lease could not be renewed")
            return lapsed._replace(stopped_by_us=True)
        return await self._body(envelope.data)

    async def _announce(self, envelope: Envelope) -> Reply | None:
        """The envelope, up to the relay's 354; otherwise why it was not taken."""
        commands = self._commands(envelope)
        at_once = "pipelining" in self._offers
        refused: Reply | None = None
        code, command = 0, ""
        try:
            if at_once:
                self._open_wire.write(*(words for _, words in commands))
            for command, words in commands:
                if not at_once:
                    self._open_wire.write(words)
                code, text = await self._open_wire.answer(seconds=COMMAND_SECONDS)
                if refused is None and code not in _GOOD[command]:
                    refused = self._answered(command, code, text)
                    if not at_once:
                        break
        except WireBroken as error:
            self.drop()
            # What was refused before the break is refused all the same.
            return refused or self._say(Outcome.BEFORE_DATA, command or "MAIL", str(error))
        self._stained = refused is not None
        if refused is not None and (code == 354 or refused.code == 421 or command == "RSET"):
            self.drop()  # it waits for a body all the same, or is about to close
        return refused

    async def _body(self, data: bytes) -> Reply:
        try:
            self._open_wire.write(*stuffed(data))
        except WireBroken as error:
            self.drop()
            return self._say(Outcome.BEFORE_DATA, "DATA", str(error))
        try:
            code, text = await self._open_wire.answer(seconds=BODY_SECONDS)
        except WireBroken as error:
            self.drop()
            return self._say(Outcome.UNCERTAIN, "BODY", str(error))
        self.sent += 1
        reply = self._answered("BODY", code, text)
        if code == 421 or reply.outcome is Outcome.UNCERTAIN:
            self.drop()
        return reply

    def _commands(self, envelope: Envelope) -> list[tuple[str, bytes]]:
        sender, recipient = envelope.sender, envelope.recipient
        mail = f"MAIL FROM:<{sender}>"
        if "size" in self._offers:
            mail += f" SIZE={len(envelope.data)}"
        if "8bitmime" in self._offers and not envelope.data.isascii():
            mail += " BODY=8BITMIME"
        asked = self.relay.dsn if "dsn" in self._offers else Dsn.OFF
        mail += mail_parameters(envelope.envid, asked)
        rcpt = f"RCPT TO:<{recipient}>{recipient_parameters(recipient, asked)}"
        if not (mail.isprintable() and rcpt.isprintable()):
            raise ValueError("a control character in an envelope")
        before = [("RSET", b"RSET\r\n")] if self._stained else []
        return [
            *before,
            ("MAIL", f"{mail}\r\n".encode("ascii")),
            ("RCPT", f"{rcpt}\r\n".encode("ascii")),
            ("DATA", b"DATA\r\n"),
        ]

    async def part(self) -> None:
        """Say goodbye and close."""
        if self._wire is not None and self._wire.is_open:
            with contextlib.suppress(WireBroken):
                self._wire.write(b"QUIT\r\n")
                await self._wire.answer(seconds=PARTING_SECONDS)
        self.drop()

    def drop(self) -> None:
        """Close without a word."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None

    @property
    def _open_wire(self) -> Wire:
        if self._wire is None:
            raise WireBroken("not connected")
        return self._wire

    def _answered(self, command: str, code: int, text: str) -> Reply:
        return answered(command, code, text, tls=self._tls, relay=self.label)

    def _broken(self, outcome: Outcome, command: str, error: BaseException) -> Reply:
        return self._say(outcome, command, f"{type(error).__name__}: {error}")

    def _say(self, outcome: Outcome, command: str, text: str) -> Reply:
        return Reply(outcome=outcome, command=command, text=text, tls=self._tls, relay=self.label)


def _stale(reply: Reply) -> bool:
    """Whether the reply only says that a kept connection had been given up by the relay."""
    closed = reply.outcome is Outcome.BEFORE_DATA and reply.code is None
    return reply.command in {"RSET", "MAIL"} and (closed or reply.code == 421)


def _tls(smtp: aiosmtplib.SMTP) -> str | None:
    found = smtp.get_transport_info("ssl_object")
    if not isinstance(found, ssl.SSLObject):
        return None
    cipher = found.cipher()
    return " ".join(filter(None, (found.version(), cipher[0] if cipher else None)))
