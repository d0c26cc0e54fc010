"""A toy of a channel: it writes a line to a file for whoever has a telephone number."""

from collections.abc import Mapping
from typing import Final

from notifier.channels.adapter import Adapter, TransportContext
from notifier.delivery.compose import correspondence
from notifier.model.actor import system
from notifier.model.correspondence import Correspondence
from notifier.model.outcome import RenderedMessage
from notifier.model.reasons import Reason
from notifier.model.states import WAITING_MOVES, Channel, ChannelRules, State
from notifier.rendering.writer import Writer
from notifier.rules.calendar import japan_date
from notifier.store import compose, messages, queue
from notifier.store.messages import Move

FILE: Final = "toy.txt"  # of a notice: a line with ``{number}`` and ``{name}``
TOY: Final = Channel.register(
    "toy",
    ChannelRules(
        moves={**WAITING_MOVES, State.QUEUED: WAITING_MOVES[State.QUEUED] | {State.SENT}},
        way=(State.SENT,),
        needs="phone",
        files=(FILE,),
    ),
)


class Toy(Adapter):
    """The channel ``toy``."""

    channel = TOY

    def render(self, writer: Writer, c: Correspondence) -> RenderedMessage:
        line = _line(writer, c)
        return RenderedMessage(subject=None, text=line, size=len(line), pages=None, problem=None)

    def preview(self, writer: Writer, c: Correspondence) -> Mapping[str, bytes]:
        return {"txt": _line(writer, c).encode()}

    async def send_due(self, context: TransportContext) -> int:
        now, writer = context.now(), await context.present()
        async with context.engine.begin() as conn:
            ids = await queue.due(conn, TOY, now=now)
            found = await compose.load(conn, ids, today=japan_date(now))
            read = [correspondence(found[i], context.sender, now=now) for i in ids]
            with (context.folder / "sent.txt").open("a") as file:
                file.writelines(f"{_line(writer, c)}\n" for c in read)
            sent = [Move(message_id=i, after=State.SENT, reason=Reason.ACCEPTED) for i in ids]
            return len(await messages.move(conn, sent, actor=system("toy"), now=now))


def _line(writer: Writer, c: Correspondence) -> str:
    text = writer.folders[c.language, c.notice].source(FILE, c.step)
    return text.strip().format(number=c.number, name=c.recipient.name)
