"""A Postfix of the tests' own on loopback, with configuration, queue and log in a folder.

Its master process must be started by root, so these tests need that. Recipients of a domain go
where :data:`ROUTES` says; those of any other domain wait in the queue.
"""

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from notifier.demo.certificate import make_certificate
from notifier.model.relay import Relay, Tls

T = TypeVar("T")
TAKEN: Final = "taken.example.jp"  # delivered, and thrown away
ONWARD: Final = "onward.example.jp"  # handed on to :attr:`Postfix.next_hop`, once somebody listens
REFUSED: Final = "nobody@member.example.jp"  # refused at RCPT
BOX: Final = "box.example.jp"  # put into a mailbox, :attr:`Postfix.box`
GONE, FULL = "gone.example.jp", "full.example.jp"  # taken, and sent back a moment later
BOUNCES: Final = "bounce.example.jp"  # handed to :attr:`Postfix.back` by LMTP, once it listens

_MAIN: Final = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/maillog
maillog_file_prefixes = {home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example.jp
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
smtpd_peername_lookup = no
smtp_host_lookup = native
enable_long_queue_ids = yes
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access
    inline:{{ {{ {refused} = 550 5.1.1 no such mailbox }} }}
virtual_mailbox_base = {home}/boxes
virtual_mailbox_maps = inline:{{ {{ @{box} = box }}, {{ @{full} = full }} }}
message_size_limit = 500000
virtual_mailbox_limit = 1000000
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
transport_retry_time = 1s
default_transport = smtp:[127.0.0.1]:1
transport_maps = inline:{{ {routes} }}
smtpd_tls_security_level = may
smtpd_tls_cert_file = {home}/relay.pem
smtpd_tls_key_file = {home}/relay.key
smtp_tls_security_level = none
"""

_MASTER: Final = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Postfix:
    """Open between :meth:`start` and :meth:`stop`."""

    def __init__(self) -> None:
        # Not a folder of pytest's: Postfix drops root, and must still get at its queue.
        self.home = Path(tempfile.mkdtemp(prefix="notifier-postfix-"))
        self.home.chmod(0o755)
        self.port, self.next_hop, self.back = free_port(), free_port(), free_port()
        self.box = self.home / "boxes" / "box"
        self.log = self.home / "maillog"
        self.certificate = self.home / "relay.pem"

    def relay(self, **more: Any) -> Relay:
        """It as a relay of ours."""
        given: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "name": "postfix"}
        return Relay(**(given | {"tls": Tls.NONE} | more))

    def start(self) -> None:
        """Start it. Raises RuntimeError where it cannot be."""
        if os.geteuid() != 0:
            raise RuntimeError("Postfix can be started only by root; run these tests as root")
        onward = f"smtp:[127.0.0.1]:{self.next_hop}"
        routes = {
            TAKEN: "discard:",
            ONWARD: onward,
            BOX: "virtual:",
            GONE: "virtual:",
            FULL: "virtual:",
            BOUNCES: f"lmtp:[127.0.0.1]:{self.back}",
        }
        listed = ", ".join(f"{{ {domain} = {to} }}" for domain, to in routes.items())
        (self.home / "etc").mkdir()
        (self.home / "queue").mkdir()
        (self.home / "data").mkdir()
        shutil.chown(self.home / "data", "postfix")
        account = pwd.getpwnam("nobody")
        self.box.parent.mkdir()
        full = self.box.with_name("full")
        full.write_bytes(bytes(2_000_000))
        for one in (self.box.parent, full):
            shutil.chown(one, account.pw_uid, account.pw_gid)
        main = _MAIN.format(
            home=self.home,
            refused=REFUSED,
            routes=listed,
            uid=account.pw_uid,
            gid=account.pw_gid,
            box=BOX,
            full=FULL,
        )
        (self.home / "etc" / "main.cf").write_text(main)
        (self.home / "etc" / "master.cf").write_text(_MASTER.format(port=self.port))
        certificate, private = make_certificate(datetime.now(UTC))
        self.certificate.write_bytes(certificate)
        (self.home / "relay.key").write_bytes(private)
        (self.home / "relay.key").chmod(0o600)
        self._run("postfix", "start")

    def stop(self) -> None:
        """Stop it and forget what it holds."""
        self._run("postfix", "stop")
        shutil.rmtree(self.home)

    def _run(self, *words: str) -> str:
        program, *more = words
        command = [program, "-c", str(self.home / "etc"), *more]
        done = subprocess.run(command, check=False, capture_output=True)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace")
            log = self.log.read_text() if self.log.exists() else ""
            raise RuntimeError(f"{' '.join(words)}: {said}{log}")
        return done.stdout.decode()

    def queue(self) -> list[dict[str, Any]]:
        """What waits, as ``postqueue -j`` tells it."""
        return [json.loads(line) for line in self._run("postqueue", "-j").splitlines()]

    def queued(self, *, sender: str = "", to: str = "") -> dict[str, Any]:
        """The mail from or to an address, once it waits in the deferred queue."""

        def fits(one: dict[str, Any]) -> bool:
            recipients = [recipient["address"] for recipient in one["recipients"]]
            named = one["sender"] == sender or to in recipients
            return named and one["queue_name"] == "deferred"

        def there() -> dict[str, Any] | None:
            return next(filter(fits, self.queue()), None)

        return eventually(there)

    def envelope(self, queue_id: str) -> list[str]:
        """The lines of a queue file's envelope records."""
        return self._run("postcat", "-e", "-q", queue_id).splitlines()

    def content(self, queue_id: str) -> bytes:
        """Headers and body as they wait, with CRLF."""
        return self._run("postcat", "-bh", "-q", queue_id).replace("\n", "\r\n").encode()

    def logged(self, *words: str) -> str:
        """The first line of the log that holds all words, once there is one."""

        def there() -> str | None:
            lines = self.log.read_text().splitlines() if self.log.exists() else []
            return next((line for line in lines if all(word in line for word in words)), None)

        return eventually(there)


def eventually(there: Callable[[], T | None], *, seconds: float = 20.0) -> T:
    """What ``there`` answers, once it is something."""
    until = time.monotonic() + seconds
    while not (found := there()):
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.02)
    return found
