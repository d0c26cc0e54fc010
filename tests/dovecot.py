"""A Dovecot of the tests' own on loopback: a real IMAP server with mails in a folder.

Like Postfix its master process must be started by root.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from notifier.model.inbox import Mailbox
from notifier.model.relay import Tls
from tests.postfix import eventually, free_port

USER, PASSWORD = "returns", "open-sesame"
_ACCOUNT: Final = "nobody"  # whose the mails are

_CONFIG: Final = """
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
mail_location = maildir:{home}/mail/%u
mail_max_userip_connections = 100
imap_capability = {capability}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
namespace inbox {{
  inbox = yes
  mailbox Done {{
    auto = create
  }}
}}
"""


class Dovecot:
    """Open between :meth:`start` and :meth:`stop`."""

    def __init__(self, *, capability: str = "") -> None:
        self.home = Path(tempfile.mkdtemp(prefix="notifier-dovecot-"))
        self.home.chmod(0o755)
        self.port = free_port()
        self._capability = capability
        self._process: subprocess.Popen[bytes] | None = None

    def mailbox(self, **more: Any) -> Mailbox:
        """A mailbox of it as we name it."""
        given = {"host": "127.0.0.1", "port": self.port, "tls": Tls.NONE, "username": USER}
        return Mailbox(**{**given, "password": PASSWORD, **more})

    def start(self) -> None:
        """Start it. Raises RuntimeError where it cannot be."""
        if os.geteuid() != 0:
            raise RuntimeError("Dovecot can be started only by root; run these tests as root")
        account = pwd.getpwnam(_ACCOUNT)
        (self.home / "mail").mkdir(exist_ok=True)
        os.chown(self.home / "mail", account.pw_uid, account.pw_gid)
        config = _CONFIG.format(
            home=self.home,
            port=self.port,
            uid=account.pw_uid,
            gid=account.pw_gid,
            password=PASSWORD,
            capability=self._capability,
        )
        (self.home / "dovecot.conf").write_text(config)
        command = ["dovecot", "-F", "-c", str(self.home / "dovecot.conf")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._answers)

    def stop(self) -> None:
        """Stop it and forget what it holds."""
        self.halt()
        shutil.rmtree(self.home, ignore_errors=True)

    def halt(self) -> None:
        """Stop it; what it holds stays."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            log = self.home / "log"
            raise RuntimeError(f"dovecot: {log.read_text() if log.exists() else 'ended'}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as at:
            return at.recv(4) == b"* OK"
        return False
