"""A program with one channel more: ``python -m tests.channels.toy_process DATABASE FOLDER``.

It takes an event about a member with nothing but a telephone, and lets the channels send.
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import orjson

from notifier.app.event_intake import Acceptor
from notifier.channels.adapter import TransportContext
from notifier.channels.registry import adapter_of, register, send_due
from notifier.model.states import Channel
from notifier.rendering.writer import Writer
from notifier.store import members, messages, schemes
from notifier.store.db import connect
from tests.cases.conftest import ACTOR, Hand
from tests.channels.toy import Toy
from tests.delivery.rig import HOUSE
from tests.samples import LOCALES, NOW, SCHEME, charge_failed, member

register(Toy())  # the line in the registry


async def main(url: str, folder: Path) -> None:
    """Say what became of it, as a line of JSON."""
    engine, hand = connect(url), Hand()
    writer = Writer(folder / "templates", LOCALES)

    async def present() -> Writer:
        return writer

    context = TransportContext(
        engine=engine, present=present, sender=HOUSE, folder=folder, now=hand.now
    )
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=ACTOR, now=NOW)
        only = member("M0001", email="", address=None, phone="03-0000-0000")
        await members.save(conn, [(only, NOW)], now=NOW)
        preferring = replace(member("M0002", phone="03-0000-0001"), channel=Channel("toy"))
        await members.save(conn, [(preferring, NOW)], now=NOW)
    await Acceptor(engine, writer.notices, hand, hand).accept(
        [charge_failed("M0001"), charge_failed("M0002")], ACTOR
    )
    sent = [await send_due(context), await send_due(context)]
    async with engine.connect() as conn:
        found = await messages.search(conn)
    preview = adapter_of(Channel("toy")).preview(writer, writer.sample("card_error", "first"))
    told = {
        "sent": sent,
        "messages": [[r.member_no, r.channel, r.state] for r in found],
        "preview": {ending: data.decode() for ending, data in preview.items()},
    }
    sys.stdout.buffer.write(orjson.dumps(told))
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
