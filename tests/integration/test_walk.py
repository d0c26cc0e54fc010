"""A stranger's walk: the modules that the page on architecture lists are passed in that order."""

import asyncio
import re
import socket
import tomllib
from datetime import timedelta
from pathlib import Path

import aiosmtplib
import httpx

from notifier.api.app import create_app
from notifier.channels.mail import Mail
from notifier.delivery.process import WorkerProcess
from notifier.delivery.wake_up import WakeUp
from notifier.model.actor import system
from notifier.model.inbox import Inbox
from notifier.model.notice import Lane
from notifier.model.states import State
from notifier.printing.collect import collect
from notifier.printing.handover import hand_over
from notifier.printing.target import FolderTarget
from notifier.runtime.destinations import destinations_of
from notifier.runtime.engines import Urls
from notifier.runtime.job_registry import periodic_jobs
from notifier.runtime.parts import Parts, joined
from notifier.runtime.pressing import press_room
from notifier.runtime.receiving import receive
from notifier.runtime.rendering import renderer
from notifier.runtime.sender import staff_sender
from notifier.runtime.services import HouseServices
from notifier.runtime.settings import Settings
from tests.delivery.rig import eventually
from tests.integration.conftest import Town
from tests.integration.test_way_of_a_message import failed
from tests.integration.walks import Walk
from tests.returns.mails import TOKEN, report

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "architecture.md"
_MOST = 25
_REFUSED = """\
Final-Recipient: rfc822; m0001@member.example.jp
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user"""


def listed(title: str) -> list[str]:
    """The modules of a numbered list of the page, in order."""
    _, _, text = _PAGE.read_text("utf-8").partition(f"### {title}\n")
    return re.findall(r"^\d+\. `(.+?)`", text.partition("\n#")[0], re.MULTILINE)


def _check(title: str, walk: Walk) -> None:
    stops = listed(title)
    assert stops, title
    assert len(stops) <= _MOST
    assert stops == [name for name in walk.passed if name in set(stops)], walk.passed


def test_the_picture_shows_the_layers_that_the_gate_holds() -> None:
    contracts = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    [layers] = [c["layers"] for c in contracts["contracts"] if c["id"] == "layers"]
    named = [[name.strip(" ()") for name in re.split("[|:]", layer)] for layer in layers]
    there = [[n.removeprefix("notifier.") for n in row if _is_there(n)] for row in named]
    picture = _PAGE.read_text("utf-8").split("```")[1].splitlines()
    rows = [re.split(r" {3,}", line.strip())[0] for line in picture if line.strip(" │")]
    assert [row.split(" │ ") for row in rows] == [row for row in there if row]


def _is_there(name: str) -> bool:
    path = _ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


async def test_the_page_lists_what_is_passed(town: Town, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        inbox = Inbox(port=free.getsockname()[1])
    more = {"inbox": inbox, "clock_file": settings.var / "clock"}
    settings = settings.model_copy(update=more)
    database, redis = settings.database_url or "", settings.redis_url or ""
    urls = Urls(database=database, redis=redis, intake=None)
    async with joined(settings, urls, creates=False) as parts:
        _check("Event → mail", await _event_to_mail(town, parts))
        _check("Bounce → letter", await _bounce_to_letter(town, parts))
        _check("Letter → press", await _letter_to_press(parts))


async def _event_to_mail(town: Town, parts: Parts) -> Walk:
    walk, services = Walk(), HouseServices(parts)
    worker, stop = _worker(parts), asyncio.Event()
    transport = httpx.ASGITransport(create_app(services))
    headers = {"Authorization": f"Bearer {town.key}"}
    async with httpx.AsyncClient(
        transport=transport, headers=headers, base_url="http://notifier.example.jp"
    ) as billing:
        with walk.watching():
            told = await billing.post("/v1/events", json=failed("M0001"))
            assert told.status_code == 202
            delivering = asyncio.create_task(Mail.deliver(worker, stop))
            await eventually(lambda: _is_sent(town))
        stop.set()
        await delivering
    await services.close()
    return walk


def _worker(parts: Parts) -> WorkerProcess:
    given = parts.settings
    return WorkerProcess(
        engine=parts.engine,
        renderer=renderer(given, parts.writer, staff_sender(given), engine=parts.engine),
        relays=given.relays,
        destinations=destinations_of(given),
        journals=given.var / "journal",
        lease=timedelta(seconds=given.lease_seconds),
        now=parts.clock.now,
        wake_ups={Lane.STANDARD: WakeUp()},
    )


async def _is_sent(town: Town) -> bool:
    return [m["state"] for m in await town.messages()] == [State.SENT]


async def _is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _bounce_to_letter(town: Town, parts: Parts) -> Walk:
    walk, stop, given = Walk(), asyncio.Event(), parts.settings
    port = given.inbox.port or 0
    [mail] = await town.messages()
    listening = asyncio.create_task(receive(parts, stop))
    bounce = report(_REFUSED).replace(TOKEN.encode(), mail["token"].encode())
    jobs = periodic_jobs(parts)
    await eventually(lambda: _is_open(port))
    with walk.watching():
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as relay:
            await relay.sendmail("", [f"b+{mail['token']}@{given.bounce_domain}"], bounce)
        await jobs["cases"].run(parts.clock.now())
    stop.set()
    await listening
    found = [(m["channel"], m["state"]) for m in await town.messages()]
    assert found == [("email", State.BOUNCED), ("letter", State.QUEUED)]
    return walk


async def _letter_to_press(parts: Parts) -> Walk:
    walk, actor, room = Walk(), system("test"), press_room(parts)
    folder = parts.settings.var / "press"
    folder.mkdir()
    with walk.watching():
        batch = await collect(room, actor=actor)
        assert batch is not None
        await hand_over(room, batch.batch_id, FolderTarget(folder), actor=actor)
    assert [*folder.iterdir()]
    return walk
