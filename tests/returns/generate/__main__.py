"""Make the generated samples again: ``python -m tests.returns.generate [SERVER …]``.

Needs root on Debian, with overlayfs and the way to its packages. Each server is installed in a
room of its own (:mod:`tests.returns.generate.room`) and sends through to a post office of ours that
refuses, defers or takes; what comes back is kept. Nothing outside is changed.
"""

import base64
import json
import os
import re
import smtplib
import socket
import sys
import tempfile
import time
from email.header import Header
from pathlib import Path
from typing import Any, Final

from notifier.model.tracking import ReturnKind
from tests.returns.collection import SAMPLES
from tests.returns.generate.backend import Backend, free_port, open_backend
from tests.returns.generate.report import scrub, truths
from tests.returns.generate.room import Room, open_room
from tests.returns.generate.scenes import BOUNCE, LOCAL, LOOP, Scene, scenes
from tests.returns.generate.servers import SERVERS, Plan, Server

_START: Final = 100.0  # seconds until a server listens: sendmail first looks for its own name
_WAIT: Final = 60.0  # seconds for the last report of a round
_WARNING: Final = re.compile(rb"^Action:[ \t]*delayed", re.MULTILINE | re.IGNORECASE)
_INSIDE: Final = "NOTIFIER_ROOM"  # set once we are in a mount namespace of our own
_BODY: Final = (
    "潮田 凪 様\n\nカードの決済ができませんでした。再登録をお願いいたします。\n\nみなと職能協会\n"
)
_SUBJECT: Final = "再登録期限のお知らせ"


def mail(scene: Scene) -> bytes:
    """One of our mails, in the charset of the scene."""
    charset = scene.japanese
    encoded = charset == "utf-8"
    body = _BODY.encode(charset)
    text = base64.encodebytes(body) if encoded else body
    lines = [
        "From: hoken@example.jp",
        f"To: {', '.join([*scene.outcomes, *scene.others])}",
        f"Subject: {Header(_SUBJECT, charset).encode()}",
        "Date: Tue, 15 Jul 2025 10:00:00 +0900",
        f"Message-ID: <{token(scene)}@mail.example.jp>",
        "MIME-Version: 1.0",
        f"Content-Type: text/plain; charset={charset}",
        f"Content-Transfer-Encoding: {'base64' if encoded else '7bit'}",
    ]
    return ("\n".join([*lines, "", ""]).encode() + text).replace(b"\n", b"\r\n")


def token(scene: Scene) -> str:
    """The 26 characters that name it."""
    return scene.name.replace("-", "").ljust(26, "a")


def send(scene: Scene, port: int, server: Server) -> None:
    """Hand it to the server; a refusal of recipients in the session is no report and no matter."""
    options = [f"ENVID={token(scene)}.1", "RET=FULL"] if server.dsn else []
    recipients = [*scene.outcomes, *scene.others]
    asked = [f"NOTIFY={scene.notify}"] if server.dsn else []
    with smtplib.SMTP("127.0.0.1", port, local_hostname="app.example.jp", timeout=30) as smtp:
        sender = f"b+{token(scene)}@{BOUNCE}"
        try:
            smtp.sendmail(sender, recipients, mail(scene), options, asked)
        except smtplib.SMTPException as refused:
            sys.stdout.write(f"  {scene.name}: not taken: {refused}\n")


def _fits(scene: Scene, server: Server, *, hasty: bool) -> bool:
    domains = {address.partition("@")[2] for address in scene.outcomes}
    if scene.hasty != hasty and (scene.hasty or scene.patient or hasty):
        return False
    able = server.dsn or not (scene.patient or "SUCCESS" in scene.notify)
    return able and (server.local or LOCAL not in domains) and (server.loops or LOOP not in domains)


def play(room: Room, server: Server, backend: Backend, *, hasty: bool) -> dict[str, list[bytes]]:
    """Reports by scene."""
    port = free_port()
    plan = Plan(port=port, routes=backend.routes(port), local=LOCAL, hasty=hasty)
    server.start(room, plan)
    _listening(room, port)
    start = len(backend.office.messages)
    wanted = [scene for scene in scenes() if _fits(scene, server, hasty=hasty)]
    for scene in wanted:
        send(scene, port, server)
    until = time.monotonic() + _WAIT
    found: dict[str, list[bytes]] = {}
    while time.monotonic() < until and len(found) < len(wanted):
        time.sleep(1)
        found = {}
        for one in backend.returned(start):
            name = one.recipients[0].partition("@")[0].removeprefix("b+")
            found.setdefault(name, []).append(one.data)
    missing = [scene.name for scene in wanted if token(scene) not in found]
    sys.stdout.write(f"{server.name}: {len(found)} scenes; without a report: {missing}\n")
    return found


def _listening(room: Room, port: int) -> None:
    until = time.monotonic() + _START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError as refused:
            if time.monotonic() > until:
                raise RuntimeError(f"it does not listen: {room.said()}") from refused
            time.sleep(0.2)
        else:
            return


def generate(server: Server, folder: Path) -> list[dict[str, Any]]:
    """All samples of a server; the lines of the manifest."""
    rows: list[dict[str, Any]] = []
    with open_room() as installed:
        installed.install(*server.packages)
        installed.run("useradd", "-m", "kaiin")
        version = installed.version(server.packages[0])
        for hasty in (False, True):
            with (
                tempfile.TemporaryDirectory() as temp,
                open_backend(Path(temp)) as backend,
                open_room(installed) as room,
            ):
                found = play(room, server, backend, hasty=hasty)
            rows += _kept(server, version, found, folder)
    return rows


def _kept(
    server: Server, version: str, found: dict[str, list[bytes]], folder: Path
) -> list[dict[str, Any]]:
    rows = []
    for scene in scenes():
        # Those after the first repeat it: an impatient server warns every second.
        for data in [one for one in found.get(token(scene), []) if _is_wanted(scene, one)][:1]:
            clean = scrub(data, socket.gethostname())
            path = folder / f"{server.name}-{scene.name.replace('-', '_')}.eml"
            path.write_bytes(clean)
            known = truths(scene, clean)
            named = {"file": f"generated/{path.name}", "source": f"{server.name} {version}, Debian"}
            rows.append({**named, "kind": known[0]["kind"], "findings": known})
    return rows


def _is_wanted(scene: Scene, report: bytes) -> bool:
    """Whether it tells what the scene is about: a server that gives up may warn before."""
    wanted = next(iter(scene.outcomes.values())).kind is ReturnKind.DELAYED
    return wanted is bool(_WARNING.search(report))


def main(names: list[str]) -> None:
    """Samples of these servers in place of the old ones, in the folder and in the manifest."""
    folder, manifest = SAMPLES / "generated", SAMPLES / "truth.jsonl"
    folder.mkdir(exist_ok=True)
    for name in names:
        fresh = generate(SERVERS[name], folder)
        known = [json.loads(line) for line in manifest.read_text().splitlines()]
        rows = [row for row in known if not row["file"].startswith(f"generated/{name}-")] + fresh
        for old in folder.glob(f"{name}-*.eml"):
            if f"generated/{old.name}" not in {row["file"] for row in fresh}:
                old.unlink()
        rows.sort(key=lambda row: row["file"])
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        manifest.write_text(text)


if __name__ == "__main__":
    if _INSIDE not in os.environ:
        # A namespace of our own: mounts and servers go when we go.
        alone = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--propagation",
            "private",
        ]
        command = [*alone, sys.executable, "-m", "tests.returns.generate", *sys.argv[1:]]
        os.execvpe(command[0], command, {**os.environ, _INSIDE: "yes"})
    main(sys.argv[1:] or [*SERVERS])
