"""``notifier inquiries``: what members ask, complain about and thank for."""

import sys
from codecs import getincrementaldecoder
from dataclasses import replace
from typing import Annotated

import typer

from notifier import files
from notifier.app import inquiries
from notifier.intake.attributes import read_time
from notifier.model.batch import batch_name
from notifier.model.errors import BadInput, FieldError
from notifier.model.inquiry import (
    About,
    Inquiry,
    InquiryChannel,
    InquiryKind,
    InquiryState,
    InquiryTopic,
    KnownInquiry,
)
from notifier.model.lines import lines_of
from notifier.model.message import public_number
from notifier.printing.manifest import Table
from notifier.runtime.parts import Parts

from .language import as_json, word
from .names import Export, OfBatch, OfCampaign, OfMailing, OfMember, OfMessage
from .output import emit, out, say
from .session import Id, Limit, acting, person, run
from .tables import cell, facts, show
from .verbs import Verbs

app = Verbs()
#: Who spoke with the person: an agency, say. Who notes it is proven, and on the log.
ReceivedBy = Annotated[str | None, typer.Option("--received-by", "--by")]
AnsweredBy = Annotated[str | None, typer.Option("--answered-by", "--by")]
Words = Annotated[str, typer.Option("--text")]
_MOST_BYTES = 1_000_000  # read of what was said; more than it may be
_MOST_EXPORTED = 1_000_000
_COLUMNS = (
    "inquiry", "kind", "topic", "channel", "state", "received", "received by", "message", "member",
    "mailing", "campaign", "batch", "answered", "answered by",
)  # fmt: skip


def _about(
    message: int | None,
    member: str | None,
    mailing: str | None,
    campaign: int | None,
    batch: int | None,
) -> About:
    return About(
        message_id=message,
        member_no=member or None,
        mailing=mailing or None,
        campaign_id=campaign,
        batch_id=batch,
    )


@app.command("add")
def add(
    kind: InquiryKind = InquiryKind.INQUIRY,
    topic: InquiryTopic = InquiryTopic.OTHER,
    channel: InquiryChannel = InquiryChannel.PHONE,
    message: OfMessage = None,
    member: OfMember = None,
    mailing: OfMailing = None,
    campaign: OfCampaign = None,
    batch: OfBatch = None,
    received: str | None = None,
    by: ReceivedBy = None,
    text: Words = "",
) -> None:
    """Put an inquiry on record, bound to a message, member, mailing, campaign or batch."""

    async def work(parts: Parts) -> int:
        at = read_time(received) if received else parts.clock.now()
        if at is None:
            raise BadInput([FieldError("received", "bad_time")])
        inquiry = Inquiry(
            kind=kind,
            topic=topic,
            channel=channel,
            received_at=at,
            received_by=by or person().name,
            about=_about(message, member, mailing, campaign, batch),
            text=_words(text),
        )
        return await inquiries.add_inquiry(parts.engine, inquiry, **acting(parts))

    made = run(work)
    if as_json():
        emit({"inquiry": made})
    else:
        out.print(str(made))


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
        who, words = by or person().name, _words(text)
        await inquiries.answer_inquiry(parts.engine, inquiry, by=who, text=words, **acting(parts))

    run(work)


@app.command("list")
def list_(
    state: InquiryState | None = None,
    kind: InquiryKind | None = None,
    message: OfMessage = None,
    member: OfMember = None,
    mailing: OfMailing = None,
    campaign: OfCampaign = None,
    batch: OfBatch = None,
    limit: Limit = 50,
) -> None:
    """Print the newest inquiries, without their words."""
    found = _found(_about(message, member, mailing, campaign, batch), state, kind, limit)
    show(_COLUMNS, [replace(i, text=None, answer=None) for i in found], _line, limit=limit)


def _found(
    about: About, state: InquiryState | None, kind: InquiryKind | None, limit: int
) -> list[KnownInquiry]:
    return run(
        lambda parts: inquiries.find_inquiries(
            parts.engine, about, state=state, kind=kind, limit=limit
        )
    )


@app.command("show")
def show_(inquiry: Id) -> None:
    """Print an inquiry with its words."""
    found = run(lambda parts: inquiries.show_inquiry(parts.engine, inquiry))
    facts(_COLUMNS, found, _line)
    for words in (found.text, found.answer):
        if words and not as_json():
            out.print("\n".join(cell(one) for one in lines_of(words)) + "\n")


@app.command("export")
def export(
    to: Export,
    state: InquiryState | None = None,
    kind: InquiryKind | None = None,
    message: OfMessage = None,
    member: OfMember = None,
    mailing: OfMailing = None,
    campaign: OfCampaign = None,
    batch: OfBatch = None,
    words: Annotated[bool, typer.Option("--words")] = False,
) -> None:
    """Write inquiries to a file; no cell of it is a formula."""
    about = _about(message, member, mailing, campaign, batch)
    found = _found(about, state, kind, _MOST_EXPORTED)
    table = Table("utf-8")
    table.add((*_COLUMNS, *(("text", "answer") if words else ())))
    for one in reversed(found):
        more = (one.text or "", one.answer or "") if words else ()
        table.add([*(cell(value, seconds=True) for value in _line(one)), *more])
    files.write(to, table.data())
    say("exported", count=len(found), to=to)


def _line(found: KnownInquiry) -> tuple[object, ...]:
    return (
        str(found.inquiry_id),
        word("inquiry", found.kind),
        word("topic", found.topic),
        word("inquiry_channel", found.channel),
        word("inquiry_state", found.state),
        found.received_at,
        found.received_by,
        public_number(found.message_id) if found.message_id else "",
        found.member_no,
        found.mailing,
        str(found.campaign_id or ""),
        batch_name(found.batch_id) if found.batch_id else "",
        found.answered_at,
        found.answered_by,
    )
