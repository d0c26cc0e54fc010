"""Batches by SFTP, to a server that behaves and one that does not."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncssh
import pytest

from notifier.printing.sftp import SftpTarget
from notifier.printing.target import HandOverFailed, Target, sums
from tests.printing.sftp_server import SftpServer, sftp


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[SftpServer]:
    made = SftpServer(tmp_path / "server")
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """A folder with a small file and one of several blocks."""
    folder = tmp_path / "B000001"
    folder.mkdir()
    (folder / "manifest.csv").write_bytes("通番\r\n".encode())
    (folder / "B000001-001.pdf").write_bytes(os.urandom(2_500_000))
    return folder


async def send(target: Target, batch: Path) -> None:
    async with target.parcel(batch, batch.name) as parcel:
        await parcel.publish()


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


async def test_a_batch_arrives_whole(server: SftpServer, batch: Path) -> None:
    target = SftpTarget(server.settings())
    async with target.parcel(batch, batch.name) as parcel:
        [hidden] = names(server.inbox)
        assert hidden.startswith(".B000001.")
        await parcel.publish()
    assert names(server.inbox) == ["B000001"]
    assert sums(server.inbox / "B000001") == sums(batch)


async def test_what_is_not_published_is_taken_away(server: SftpServer, batch: Path) -> None:
    async with SftpTarget(server.settings()).parcel(batch, batch.name):
        assert names(server.inbox)
    assert names(server.inbox) == []


async def test_a_batch_that_is_there_is_not_replaced(server: SftpServer, batch: Path) -> None:
    (server.inbox / "B000001").mkdir()
    with pytest.raises(HandOverFailed, match="there already") as failed:
        await send(SftpTarget(server.settings()), batch)
    assert not failed.value.retry
    assert names(server.inbox / "B000001") == []


async def test_a_server_with_another_key_gets_nothing(server: SftpServer, batch: Path) -> None:
    with pytest.raises(HandOverFailed, match="shows another key") as failed:
        await send(SftpTarget(server.settings(host_key="stranger")), batch)
    assert not failed.value.retry
    assert names(server.inbox) == []


async def test_a_key_that_is_not_ours_is_refused(server: SftpServer, batch: Path) -> None:
    with pytest.raises(HandOverFailed, match="does not accept") as failed:
        await send(SftpTarget(server.settings(key="stranger")), batch)
    assert not failed.value.retry


async def test_missing_files_are_named(server: SftpServer, batch: Path, tmp_path: Path) -> None:
    given = server.settings()
    for field in ("key_file", "known_hosts"):
        changed = given.model_copy(update={field: tmp_path / "nowhere"})
        with pytest.raises(HandOverFailed, match="nowhere"):
            await send(SftpTarget(changed), batch)
    (tmp_path / "no key").write_text("no key")
    with pytest.raises(HandOverFailed, match="no key"):
        await send(SftpTarget(given.model_copy(update={"key_file": tmp_path / "no key"})), batch)


async def test_other_bytes_are_noticed(server: SftpServer, batch: Path) -> None:
    server.trouble.damages = True
    with pytest.raises(HandOverFailed, match="holds other bytes") as failed:
        await send(SftpTarget(server.settings()), batch)
    assert failed.value.retry
    assert names(server.inbox) == []


async def test_nobody_listens(server: SftpServer, batch: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(HandOverFailed, match=f"127.0.0.1:{port}") as failed:
        await send(SftpTarget(server.settings().model_copy(update={"port": port})), batch)
    assert failed.value.retry


async def test_a_break_in_the_upload_publishes_nothing(server: SftpServer, batch: Path) -> None:
    async with SftpTarget(server.settings()).parcel(batch, batch.name) as parcel:
        server.trouble.hangs_up = "before"
        with pytest.raises((asyncssh.Error, OSError)):
            await parcel.publish()
    assert "B000001" not in names(server.inbox)


@pytest.fixture
def openssh(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """OpenSSH's own server; its keys are beside the inbox."""
    place = tmp_path / "openssh"
    keys = SftpServer(place)
    authorized = place / "authorized_keys"
    shutil.copy(place / "client.pub", authorized)
    os.chmod(place / "host", 0o600)  # noqa: PTH101
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    options = {
        "Port": port, "ListenAddress": "127.0.0.1", "HostKey": place / "host", "UsePAM": "no",
        "AuthorizedKeysFile": authorized, "StrictModes": "no", "PidFile": "none",
        "PasswordAuthentication": "no", "Subsystem": "sftp internal-sftp",
        "PermitRootLogin": "prohibit-password",
    }  # fmt: skip
    config = place / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    running = subprocess.Popen([program, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        yield keys.inbox, port
    finally:
        running.terminate()
        running.wait(10)


def _wait(port: int) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


async def test_openssh_takes_a_batch(openssh: tuple[Path, int], batch: Path) -> None:
    inbox, port = openssh
    given = sftp(inbox.parent, port, username=getpass.getuser(), folder=str(inbox))
    await send(SftpTarget(given), batch)
    assert names(inbox) == ["B000001"]
    assert sums(inbox / "B000001") == sums(batch)
    with pytest.raises(HandOverFailed, match="there already"):
        await send(SftpTarget(given), batch)
    pinned = sftp(inbox.parent, port, username=getpass.getuser(), host_key="stranger")
    with pytest.raises(HandOverFailed, match="shows another key"):
        await send(SftpTarget(pinned), batch)
