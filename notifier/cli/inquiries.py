"""``notifier inquiries``: what members ask, complain about and thank for."""

import sys
from codecs import getincrementaldecoder
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import RowMapping

from notifier import files
from notifier.app.lookups import require_about
from notifier.intake import inquiries as intake
from notifier.intake.attributes import read_time
from notifier.model.batch import batch_name
from notifier.model.errors import BadInput, FieldError, NotFound
from notifier.model.inquiry import (
    Inquiry,
    InquiryChannel,
    InquiryKind,
    InquiryState,
    InquiryTopic,
)
from notifier.model.lines import lines_of
from notifier.model.message import public_number
from notifier.printing.manifest import Table
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts
from notifier.store import inquiries as store

from .about import BatchName, Campaign, Mailing, Member, Message, about
from .session import Id, Limit, out, person, run, say
from .tables import cell, facts, show

app = typer.Typer(help="Inquiries, complaints and thanks of members.", no_args_is_help=True)
Words = Annotated[str, typer.Option("--text", help="What was said; - reads standard input.")]
#: Who spoke with the person: an agency, say. Who notes it is proven, and on the log.
ReceivedBy = Annotated[
    str | None, typer.Option("--received-by", "--by", help="Who took it; you if left out.")
]
AnsweredBy = Annotated[
    str | None, typer.Option("--answered-by", "--by", help="Who answered; you if left out.")
]
_MOST_BYTES = 1_000_000  # read of what was said; more than it may be
_COLUMNS = (
    "inquiry", "kind", "topic", "channel", "state", "received", "received by", "message", "member",
    "mailing", "campaign", "batch", "answered", "answered by",
)  # fmt: skip


@app.command("add")
def add(
    kind: InquiryKind = InquiryKind.INQUIRY,
    topic: InquiryTopic = InquiryTopic.OTHER,
    channel: InquiryChannel = InquiryChannel.PHONE,
    message: Message = None,
    member: Member = None,
    mailing: Mailing = None,
    campaign: Campaign = None,
    batch: BatchName = None,
    received: Annotated[
        str | None, typer.Option(help="When, as 2025-07-28T10:30:00+09:00; else now.")
    ] = None,
    by: ReceivedBy = None,
    text: Words = "",
) -> None:
    """Put an inquiry on record, bound to a message, member, mailing, campaign or batch."""

    async def work(parts: Parts) -> None:
        now = parts.clock.now()
        moment = read_time(received) if received else now
        if moment is None:
            raise BadInput([FieldError("received", "bad_time")])
        inquiry = Inquiry(
            kind=kind,
            topic=topic,
            channel=channel,
            received_at=moment,
            received_by=by or person().name,
            about=about(message, member, mailing, campaign, batch),
            text=_words(text),
        )
        async with parts.engine.begin() as conn:
            made = await intake.add(conn, inquiry, actor=person(), now=now)
        out.print(str(made))

    run(work)


def _words(text: str) -> str:
    if text != "-":
        return text
    given = sys.stdin.buffer.read(_MOST_BYTES)
    whole = len(given) < _MOST_BYTES  # else it may have been cut within a character
    try:
        return getincrementaldecoder("utf-8")().decode(given, final=whole)
    except UnicodeDecodeError:
        raise BadInput([FieldError("text", "not_utf8")]) from None


@app.command("answer")
def answer(inquiry: Id, by: AnsweredBy = None, text: Words = "") -> None:
    """Note that an inquiry was answered."""

    async def work(parts: Parts) -> None:
        async with parts.engine.begin() as conn:
            await intake.answer(
                conn,
                inquiry,
                answered_by=by or person().name,
                text=_words(text),
                actor=person(),
                now=parts.clock.now(),
            )

    run(work)


@app.command("list")
def list_(
    state: InquiryState | None = None,
    kind: InquiryKind | None = None,
    message: Message = None,
    member: Member = None,
    mailing: Mailing = None,
    campaign: Campaign = None,
    batch: BatchName = None,
    limit: Limit = 50,
) -> None:
    """The newest inquiries, without their words."""

    async def work(parts: Parts) -> None:
        wanted = about(message, member, mailing, campaign, batch)
        async with parts.engine.connect() as conn:
            await require_about(conn, wanted)
            found = await store.search(conn, wanted, state=state, kind=kind, limit=limit)
        show(_COLUMNS, [_line(r, parts.settings.locale) for r in found], limit=limit)

    run(work)


@app.command("show")
def show_(inquiry: Id) -> None:
    """One inquiry with its words."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await store.get(conn, inquiry)
        if found is None:
            raise NotFound("inquiry", inquiry)
        line = _line(found, parts.settings.locale)
        facts(zip(_COLUMNS, line, strict=True))
        for words in (found["text"], found["answer"]):
            if words:
                out.print("\n".join(cell(one) for one in lines_of(words)) + "\n")

    run(work)


@app.command("export")
def export(
    to: Annotated[Path, typer.Option("--to", "-o", help="A CSV file, UTF-8 with BOM.")],
    state: InquiryState | None = None,
    kind: InquiryKind | None = None,
    message: Message = None,
    member: Member = None,
    mailing: Mailing = None,
    campaign: Campaign = None,
    batch: BatchName = None,
    words: Annotated[bool, typer.Option("--words", help="With what was said.")] = False,
) -> None:
    """Write inquiries to a file; no cell of it is a formula."""

    async def work(parts: Parts) -> None:
        wanted = about(message, member, mailing, campaign, batch)
        async with parts.engine.connect() as conn:
            await require_about(conn, wanted)
            found = await store.search(conn, wanted, state=state, kind=kind, limit=1_000_000)
        table = Table("utf-8")
        more = ("text", "answer") if words else ()
        table.add((*_COLUMNS, *more))
        for r in reversed(found):
            line = [cell(value, seconds=True) for value in _line(r, parts.settings.locale)]
            table.add([*line, *(r[name] or "" for name in more)])
        files.write(to, table.data())
        say("exported", count=len(found), to=to)

    run(work)


def _line(found: RowMapping, language: str) -> tuple[object, ...]:
    message, batch = found["message_id"], found["batch_id"]
    return (
        str(found["inquiry_id"]),
        label(f"inquiry.{found['kind']}", language),
        label(f"topic.{found['topic']}", language),
        label(f"inquiry_channel.{found['channel']}", language),
        label(f"inquiry_state.{found['state']}", language),
        found["received_at"],
        found["received_by"],
        public_number(message) if message else "",
        found["member_no"],
        found["mailing"],
        str(found["campaign_id"] or ""),
        batch_name(batch) if batch else "",
        found["answered_at"],
        found["answered_by"],
    )
