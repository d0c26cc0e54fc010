"""A relay on loopback: a real SMTP server that keeps what it is given, and can misbehave.

As a process of its own: ``python -m notifier.demo.post_office --port 2525 --dir var/mail``.
"""

import argparse
import asyncio
import hashlib
import json
import logging
import re
import signal
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from time import monotonic
from typing import Any, AnyStr, Final

import uvloop
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session, syntax

from notifier.files import make_folder, opener, write

from .certificate import server_context
from .misbehaviour import Rule, Rules, Stage

__all__ = ["PostOffice", "Received", "Rule", "Rules", "Stage"]

_HOST_NAME: Final = "relay.example.jp"
_NOBODY: Final = "<>"
#: A path as in RFC 5321 4.1.2 (and 6531): the local part is a dot-atom or a quoted string.
_ATOM: Final = r"[^\x00-\x20\x7f()<>@,;:\\\".\[\]]+"
_PATH: Final = re.compile(
    rf"<(?P<address>((({_ATOM}(\.{_ATOM})*)|\"(\\.|[^\\\"])*\")@[^\s@<>]+)?)>(?P<rest>.*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message that was taken."""

    queue_id: str
    message_id: str  # the header, as it stands
    sender: str  # of the envelope; "" of a report
    recipients: tuple[str, ...]
    options: tuple[str, ...]  # of MAIL, such as BODY=8BITMIME
    sha256: str  # of the DATA payload after dot-unstuffing, hexadecimal
    data: bytes
    tls: bool
    user: str | None  # who logged in


class PostOffice:
    """The relay. Open within ``async with``, or between :meth:`open` and :meth:`close`.

    Each accepted message is ``<folder>/<queue id>.eml``, byte for byte, and one line of JSON in
    the log, which is with the operating system before the answer 250.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        log: Path | None = None,
        rules: Rules | None = None,
        tls: bool = False,
        users: Mapping[str, str] | None = None,
        remember: bool = True,
        most_connections: int | None = None,
    ) -> None:
        """``port`` 0 takes a free one; ``users`` (name → password) may and need not log in.

        ``most_connections``: at once; a further one is refused.

        ``remember``: keep what was taken in ``messages``, too, not only in the folder.
        """
        self._remember = remember
        self.most_connections = most_connections
        self.folder, self.host, self.port = folder, host, port
        self.log_path = log or folder / "relay.log"
        self.rules = rules or Rules()
        self.messages: list[Received] = []
        self.connections = 0  # made so far
        self.certificate = b""  # PEM, where TLS is offered
        self._context: ssl.SSLContext | None = None
        if tls:
            self._context, self.certificate = server_context()
        self._users = {name.encode(): word.encode() for name, word in (users or {}).items()}
        self._server: asyncio.Server | None = None
        self._open: set[_Conversation] = set()
        self._number = 0

    async def open(self) -> None:
        """Listen. The queue ids go on from what the folder already holds."""
        make_folder(self.folder)
        make_folder(self.log_path.parent)
        self._number = max((int(path.stem, 16) for path in self.folder.glob("*.eml")), default=0)
        self._log = open(self.log_path, "ab", buffering=0, opener=opener)  # noqa: SIM115, ASYNC230
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._answer, self.host, self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is None:
            return
        self._server.close()
        for conversation in tuple(self._open):
            conversation.drop()
        await self._server.wait_closed()
        self._log.close()
        self._server = None

    async def __aenter__(self) -> "PostOffice":
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def wait_for(self, count: int, *, seconds: float = 20.0) -> list[Received]:
        """All messages, once there are ``count``. Raises :class:`TimeoutError`."""
        async with asyncio.timeout(seconds):
            while len(self.messages) < count:  # noqa: ASYNC110 (they may come in another thread)
                await asyncio.sleep(0.005)
        return self.messages

    def _answer(self) -> "_Conversation":
        self.connections += 1
        return _Conversation(
            self,
            hostname=_HOST_NAME,
            enable_SMTPUTF8=True,
            tls_context=self._context,
            auth_require_tls=False,
            auth_exclude_mechanism=() if self._users else ("PLAIN", "LOGIN"),
            authenticator=self._check,
            loop=asyncio.get_running_loop(),
        )

    def _check(self, _s: SMTP, _n: Session, _e: Envelope, _m: str, given: Any) -> AuthResult:
        known = isinstance(given, LoginPassword) and self._users.get(given.login) == given.password
        return AuthResult(success=known, handled=False, auth_data=given.login if known else None)

    def take(self, session: Session, envelope: Envelope) -> Received:
        """Keep a message: file first, then the line of the log."""
        data = envelope.original_content or b""
        login: Any = session.auth_data
        self._number += 1
        received = Received(
            queue_id=f"{self._number:08X}",
            message_id=_message_id(data),
            sender=(envelope.mail_from or "").removeprefix(_NOBODY),
            recipients=tuple(envelope.rcpt_tos),
            options=tuple(envelope.mail_options),
            sha256=hashlib.sha256(data).hexdigest(),
            data=data,
            tls=session.ssl is not None,
            user=login.decode() if login else None,
        )
        write(self.folder / f"{received.queue_id}.eml", data)
        self._log.write(_line(received))
        if self._remember:
            self.messages.append(received)
        return received

    async def handle_MAIL(  # noqa: N802 (the name that aiosmtpd looks for)
        self,
        server: "_Conversation",
        _n: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take a sender, unless a rule says otherwise."""
        refusal = await server.misbehave(Stage.MAIL, [address])
        if not refusal:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refusal or "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self,
        server: "_Conversation",
        _n: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take a recipient, unless a rule says otherwise."""
        if address == _NOBODY:
            return "501 5.1.3 Bad recipient address syntax"
        refusal = await server.misbehave(Stage.RCPT, [address])
        if not refusal:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return refusal or "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802
        self, server: "_Conversation", session: Session, envelope: Envelope
    ) -> str:
        """Take a message, unless a rule says otherwise."""
        rule = self.rules.find(Stage.END, envelope.rcpt_tos)
        if rule and rule.drop and rule.keep:
            self.take(session, envelope)
        if rule and (refusal := await server.obey(rule)):
            return refusal
        return f"250 2.0.0 Ok: queued as {self.take(session, envelope).queue_id}"

    def joined(self, conversation: "_Conversation") -> None:
        """Somebody connected."""
        most = self.most_connections
        taken = sum(not other.is_refused for other in self._open)
        conversation.is_refused = most is not None and taken >= most
        self._open.add(conversation)

    def left(self, conversation: "_Conversation") -> None:
        """Somebody is gone."""
        self._open.discard(conversation)


class _Conversation(SMTP):
    """One connection."""

    def __init__(self, office: PostOffice, **options: Any) -> None:
        super().__init__(office, **options)
        self._office = office
        self._greeted = False
        self.is_refused = False  # one connection too many

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._office.joined(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._office.left(self)
        super().connection_lost(error)

    def drop(self) -> None:
        """Cut the connection without a word."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    async def misbehave(self, stage: Stage, addresses: list[str]) -> str:
        """What the rules in force make of this stage: a refusal, or nothing."""
        rule = self._office.rules.find(stage, addresses)
        return await self.obey(rule) if rule else ""

    async def obey(self, rule: Rule) -> str:
        """Wait, drop or refuse. A dropped connection ends this task."""
        if rule.delay:
            await asyncio.sleep(rule.delay)
        if rule.drop:
            self.drop()
            await asyncio.Event().wait()  # until the loss of the connection cancels us
        return rule.reply

    async def push(self, status: AnyStr) -> None:
        if not self._greeted:
            self._greeted = True
            full = "421 4.7.0 Error: too many connections" if self.is_refused else ""
            if refusal := full or await self.misbehave(Stage.CONNECT, []):
                await super().push(refusal)
                if self.transport is not None:
                    self.transport.close()
                return
        await super().push(status)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        # The library's own reading takes any dots and forgets the quotes; relays are stricter.
        found = _PATH.fullmatch(arg.strip())
        # Nobody is the sender of a report (RFC 5321 4.5.5): the library takes "<>" for that.
        return (found["address"] or _NOBODY, found["rest"].strip()) if found else (None, None)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        recipients = [*self.envelope.rcpt_tos] if self.envelope else []
        if recipients and (refusal := await self.misbehave(Stage.DATA, recipients)):
            await self.push(refusal)
            return
        await super().smtp_DATA(arg)
        rule = self._office.rules.find(Stage.AFTER, recipients)
        if rule:
            await self.obey(rule)


def _message_id(data: bytes) -> str:
    head = data.partition(b"\r\n\r\n")[0]  # the parser would go through the body, too
    return str(BytesHeaderParser().parsebytes(head).get("Message-ID", "")).strip()


def _line(received: Received) -> bytes:
    fields = {
        "queue_id": received.queue_id,
        "message_id": received.message_id,
        "from": received.sender,
        "rcpt": received.recipients,
        "sha256": received.sha256,
        "size": len(received.data),
        "taken_at": monotonic(),  # comparable between the processes of one machine
    }
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def read_log(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a relay's log, each with the fields that it was written with."""
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.split(b"\n") if line]


async def _run(given: argparse.Namespace) -> None:
    office = PostOffice(
        given.dir,
        host=given.host,
        port=given.port,
        log=given.log,
        rules=Rules(file=given.rules),
        tls=given.starttls,
        remember=False,
    )
    done = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, done.set)
    async with office:
        if office.certificate:
            await asyncio.to_thread((given.dir / "relay.pem").write_bytes, office.certificate)
        sys.stdout.write(f"listening on {office.host}:{office.port}\n")
        sys.stdout.flush()
        await done.wait()


def main() -> None:
    """The command line. The first line of output is ``listening on HOST:PORT``."""
    parser = argparse.ArgumentParser(description="An SMTP server that keeps what it is given.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--dir", type=Path, required=True, help="folder for the .eml files")
    parser.add_argument("--log", type=Path, help="default: relay.log in the folder")
    parser.add_argument("--rules", type=Path, help="JSON file of misbehaviours, re-read on change")
    parser.add_argument("--starttls", action="store_true", help="certificate in relay.pem")
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # its lines quote addresses
    uvloop.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
