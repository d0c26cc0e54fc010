"""Lines: one kept SMTP connection to a relay, one transaction at a time."""

import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

import aiosmtplib

from notifier.model.relay import Dsn, Relay, Tls

from .dsn import mail_parameters, recipient_parameters
from .reply import Outcome, Reply, answered

# RFC 5321 4.5.3.2: five minutes for a command, ten for the reply after the final dot. A relay
# that does not even greet within one is taken to be away.
CONNECT_SECONDS: Final = 60.0
COMMAND_SECONDS: Final = 300.0
BODY_SECONDS: Final = 600.0
PARTING_SECONDS: Final = 2.0
_BROKEN: Final = (aiosmtplib.SMTPException, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Envelope:
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


def stuffed(data: bytes) -> bytes:
    """The payload as it is written: dots doubled at line starts, and the final dot."""
    doubled = (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:]
    return doubled + (b".\r\n" if doubled.endswith(b"\r\n") else b"\r\n.\r\n")


class Line:
    """A connection that is kept from message to message."""

    def __init__(self, relay: Relay, *, helo: str) -> None:
        self.relay = relay
        self.sent = 0  # messages over the present connection
        self.used_at = 0.0  # monotonic
        self._helo = helo
        self._smtp: aiosmtplib.SMTP | None = None
        self._tls: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as we have heard."""
        return self._smtp is not None and self._smtp.is_connected

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
        self._smtp, self._tls, self.sent = smtp, _tls(smtp), 0
        self.used_at = monotonic()

    async def transmit(self, envelope: Envelope, begin: Callable[[], bool]) -> Reply:
        """One transaction. ``begin`` is asked just before the body; False stops it there.

        A kept connection that turns out to be closed is opened again, as long as nothing of the
        message went out.
        """
        kept = self.is_open and self.sent > 0
        try:
            if not self.is_open:
                await self.open()
            reply = await self._transaction(envelope, begin)
            if kept and _stale(reply):
                await self.open()
                reply = await self._transaction(envelope, begin)
        except RelayDown as down:
            return down.reply
        self.used_at = monotonic()
        return reply

    async def _transaction(self, envelope: Envelope, begin: Callable[[], bool]) -> Reply:
        for command, words in self._commands(envelope):
            try:
                code, text = await self._client.execute_command(*words, timeout=COMMAND_SECONDS)
            except _BROKEN as error:
                self.drop()
                return self._broken(Outcome.BEFORE_DATA, command, error)
            if code != (354 if command == "DATA" else 250) and not (
                command == "RCPT" and code == 251
            ):
                await self._reset()
                return self._answered(command, code, text)
        if not begin():
            # After 354 only closing tells the relay that there will be no message.
            self.drop()
            return self._say(Outcome.BEFORE_DATA, "DATA", "the lease could not be renewed")
        return await self._body(envelope.data)

    async def _body(self, data: bytes) -> Reply:
        # Not ``SMTP.data``: it would not tell a break before the body from one after it.
        protocol = self._client.protocol
        if protocol is None or not protocol.is_connected:
            self.drop()
            return self._say(Outcome.BEFORE_DATA, "DATA", "closed before the body")
        try:
            protocol.write(stuffed(data))
            code, text = await protocol.read_response(timeout=BODY_SECONDS)
        except _BROKEN as error:
            self.drop()
            return self._broken(Outcome.UNCERTAIN, "BODY", error)
        self.sent += 1
        reply = self._answered("BODY", code, text)
        if code == 421 or reply.outcome is Outcome.UNCERTAIN:
            self.drop()
        return reply

    def _commands(self, envelope: Envelope) -> tuple[tuple[str, tuple[bytes, ...]], ...]:
        mail = [b"MAIL", f"FROM:<{envelope.sender}>".encode("ascii")]
        if self._client.supports_extension("size"):
            mail.append(f"SIZE={len(envelope.data)}".encode("ascii"))
        if not envelope.data.isascii() and self._client.supports_extension("8bitmime"):
            mail.append(b"BODY=8BITMIME")
        asked = self.relay.dsn if self._client.supports_extension("dsn") else Dsn.OFF
        mail += mail_parameters(envelope.envid, asked)
        to = f"TO:<{envelope.recipient}>".encode("ascii")
        rcpt = (b"RCPT", to, *recipient_parameters(envelope.recipient, asked))
        return ("MAIL", tuple(mail)), ("RCPT", rcpt), ("DATA", (b"DATA",))

    async def _reset(self) -> None:
        """Clear a refused envelope, so that the next one starts clean."""
        try:
            if self.is_open:
                await self._client.rset(timeout=COMMAND_SECONDS)
        except _BROKEN:
            self.drop()

    async def part(self) -> None:
        """Say goodbye and close."""
        if self.is_open:
            with contextlib.suppress(*_BROKEN):
                await self._client.quit(timeout=PARTING_SECONDS)
        self.drop()

    def drop(self) -> None:
        """Close without a word."""
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None

    @property
    def _client(self) -> aiosmtplib.SMTP:
        if self._smtp is None:
            raise aiosmtplib.SMTPServerDisconnected("not connected")
        return self._smtp

    def _answered(self, command: str, code: int, text: str) -> Reply:
        return answered(command, code, text, tls=self._tls, relay=self.relay.label)

    def _broken(self, outcome: Outcome, command: str, error: BaseException) -> Reply:
        return self._say(outcome, command, f"{type(error).__name__}: {error}")

    def _say(self, outcome: Outcome, command: str, text: str) -> Reply:
        return Reply(
            outcome=outcome, command=command, text=text, tls=self._tls, relay=self.relay.label
        )


def _stale(reply: Reply) -> bool:
    """Whether the reply only says that a kept connection had been given up by the relay."""
    closed = reply.outcome is Outcome.BEFORE_DATA and reply.code is None
    return reply.command == "MAIL" and (closed or reply.code == 421)


def _tls(smtp: aiosmtplib.SMTP) -> str | None:
    found = smtp.get_transport_info("ssl_object")
    if not isinstance(found, ssl.SSLObject):
        return None
    cipher = found.cipher()
    return " ".join(filter(None, (found.version(), cipher[0] if cipher else None)))
