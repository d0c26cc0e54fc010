"""A real SFTP server in this process, which can be told to misbehave, and keys for it."""

from pathlib import Path
from typing import Any

import asyncssh

from notifier.model.press import Sftp


class Trouble:
    """What the server does wrong."""

    damages = False  # what it writes is not what it got
    refuses = False  # to rename
    hangs_up = ""  # "before" or "after" the rename


class _Office(asyncssh.SFTPServer):
    trouble: Trouble
    inbox: Path

    def __init__(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
        self._conn = chan.get_connection()
        super().__init__(chan, chroot=str(self.inbox).encode())

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        if self.trouble.refuses:
            raise asyncssh.SFTPPermissionDenied("not here")
        if self.trouble.hangs_up == "before":
            return self._conn.abort()
        done = super().rename(oldpath, newpath)
        return self._conn.abort() if self.trouble.hangs_up else done

    def write(self, file_obj: object, offset: int, data: bytes) -> Any:
        wrong = bytes([data[0] ^ 1]) + data[1:] if self.trouble.damages else data
        return super().write(file_obj, offset, wrong)


class SftpServer:
    """A running server: ``.inbox`` is where batches arrive, ``.trouble`` what it does wrong."""

    def __init__(self, place: Path) -> None:
        self.place, self.inbox, self.trouble = place, place / "inbox", Trouble()
        self.inbox.mkdir(parents=True)
        for name in ("host", "client", "stranger"):
            key = asyncssh.generate_private_key("ssh-ed25519")
            key.write_private_key(place / name)
            key.write_public_key(place / f"{name}.pub")

    async def open(self) -> None:
        """Listen on a port of its own."""
        office = type("Office", (_Office,), {"trouble": self.trouble, "inbox": self.inbox})
        self._listener = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[self.place / "host"],
            authorized_client_keys=str(self.place / "client.pub"),
            sftp_factory=office,
        )
        self.port: int = self._listener.get_port()

    async def close(self) -> None:
        """Hang up."""
        self._listener.close()
        await self._listener.wait_closed()

    def settings(self, *, key: str = "client", host_key: str = "host", **more: Any) -> Sftp:
        """How to reach it; ``host_key`` is the one that is pinned."""
        return sftp(self.place, self.port, key=key, host_key=host_key, **more)


def sftp(
    place: Path, port: int, *, key: str = "client", host_key: str = "host", **more: Any
) -> Sftp:
    """Settings for a server on this machine, with the keys in ``place``."""
    known = place / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {(place / f'{host_key}.pub').read_text()}")
    given: dict[str, Any] = {"username": "notifier", "timeout": 10, **more}
    return Sftp(host="127.0.0.1", port=port, key_file=place / key, known_hosts=known, **given)
