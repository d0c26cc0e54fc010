"""Undelivered mail and inquiries per mailing are figures."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.mailing import mail
from notifier.intake import inquiries as intake
from notifier.model.errors import BadInput, NotAllowed, NotFound
from notifier.model.inquiry import (
    About,
    Inquiry,
    InquiryChannel,
    InquiryKind,
    InquiryTopic,
)
from notifier.model.mailing import Mailing
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.rules.calendar import JAPAN
from notifier.store import figures, inquiries, members, messages
from notifier.store.db import rows, run, scalar
from notifier.store.figures import By, Span
from notifier.store.messages import Move
from tests.cases.conftest import ACTOR, Office, office
from tests.samples import NOW, SCHEME, WRITER, member
from tests.webhooks.conftest import move

__all__ = ("office",)
NAME = "leak-2025-07"


@pytest.fixture
async def ids(office: Office) -> list[int]:
    """Messages of a mailing to seven members; one other message beside it."""
    facts = WRITER.sample("apology", "data_leak").facts
    mailing = Mailing(
        name=NAME, scheme=SCHEME.scheme, notice="apology", step="data_leak",
        channel=Channel.LETTER, facts=facts,
    )  # fmt: skip
    cohort = [(f"M{n:04d}", n) for n in range(1, 8)]
    async with office.engine.begin() as conn:
        await members.save(conn, [(member(no), NOW) for no, _ in cohort], now=NOW)
        mailed = await mail(conn, mailing, cohort, await office.house(), actor=ACTOR, now=NOW)
        assert mailed.made == 7
    found = await office.rows("SELECT message_id FROM messages ORDER BY message_id")
    return [r["message_id"] for r in found]


def inquiry(kind: InquiryKind = InquiryKind.INQUIRY, **about: Any) -> Inquiry:
    return Inquiry(
        kind=kind,
        topic=InquiryTopic.NOT_RECEIVED,
        channel=InquiryChannel.PHONE,
        received_at=NOW,
        received_by="事務局",
        about=About(**about),
        text="通知が届いていない、と電話があった。\n折り返しを希望。",
    )


async def _add(engine: AsyncEngine, one: Inquiry) -> int:
    async with engine.begin() as conn:
        return await intake.add(conn, one, actor=ACTOR, now=NOW)


async def test_counts_of_a_mailing(office: Office, ids: list[int]) -> None:
    async with office.engine.begin() as conn:
        for state in (State.PRINTED, State.HANDED_OVER, State.POSTED):
            await move(conn, ids[:5], state)
        await move(conn, ids[:2], State.RETURNED)
        await move(conn, ids[5:6], State.PRINTED)
        await move(conn, ids[5:6], State.HANDED_OVER)
        await move(conn, ids[5:6], State.UNCERTAIN)
    await _add(office.engine, inquiry(message_id=ids[0]))
    await _add(office.engine, inquiry(InquiryKind.COMPLAINT, mailing=NAME, member_no="M0003"))
    done = await _add(office.engine, inquiry(InquiryKind.THANKS, mailing=NAME))
    await _add(office.engine, inquiry(member_no="M0003"))  # of what M0003 has had last: this
    await _add(office.engine, inquiry(member_no="M0007"))  # whose letter has not left: of nothing
    async with office.engine.begin() as conn:
        given = {"answered_by": "事務局", "text": "お伝えした。", "actor": ACTOR, "now": NOW}
        await intake.answer(conn, done, **given)  # type: ignore[arg-type]
        with pytest.raises(NotAllowed):
            await intake.answer(conn, done, **given)  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            await intake.answer(conn, 77, **given)  # type: ignore[arg-type]
        found = await figures.of_mailing(conn, NAME)
        assert (found.messages, found.left, found.undelivered) == (7, 6, 2)
        assert (found.of_state("uncertain"), found.of_state("posted")) == (1, 3)
        assert [found.of_kind(k) for k in InquiryKind] == [2, 1, 1]
        assert (found.open_inquiries, found.by_member) == (3, 1)
        same = await figures.of_notice(
            conn, "apology", "data_leak", since=NOW, until=NOW + timedelta(days=1)
        )
        assert same.messages == same.left == found.left  # what waits was sent on no day
        assert same.inquiries == found.inquiries
        day = {"since": NOW, "until": NOW + timedelta(days=1)}
        made = await figures.of_notice(conn, "apology", "data_leak", by=By.CREATED, **day)
        assert made.states == found.states
        other = await figures.of_notice(
            conn, "apology", None, since=NOW + timedelta(days=1), until=NOW + timedelta(days=2)
        )
        assert (other.messages, sum(other.inquiries.values())) == (0, 0)
        everything = await figures.of_notice(conn, "apology", None)
        assert everything.states == found.states
        assert (await figures.of_mailing(conn, "nothing")).messages == 0


async def test_a_period_goes_by_the_day_of_sending(office: Office, ids: list[int]) -> None:
    """Made on 7/16; one letter is handed over on 8/7 and posted, as the press says, on 8/8."""
    async with office.engine.begin() as conn:
        await move(conn, ids[:1], State.PRINTED)
        gone = Move(message_id=ids[0], after=State.HANDED_OVER, reason=Reason.HANDED_OVER)
        on_the_7th = datetime(2025, 8, 7, 10, tzinfo=JAPAN)
        assert await messages.move(conn, [gone], actor=ACTOR, now=on_the_7th) == ids[:1]

    async def on(month: int, day: int, by: By = By.SENT) -> int:
        begin = datetime(2025, month, day, tzinfo=JAPAN)
        async with office.engine.connect() as conn:
            found = await figures.of_notice(
                conn, "apology", None, since=begin, until=begin + timedelta(days=1), by=by
            )
        return found.messages

    assert [await on(8, 7), await on(7, 16), await on(7, 16, By.CREATED)] == [1, 0, 7]
    async with office.engine.begin() as conn:
        batch = await scalar(
            conn,
            """INSERT INTO batches (state, folder, created_at, created_by, posting_day)
               VALUES ('handed_over', 'B1', :now, 'test', '2025-08-07') RETURNING batch_id""",
            {"now": NOW},
        )
        await run(
            conn,
            """INSERT INTO pieces (message_id, batch_id, serial, file, first_page, pages, sha256,
                   posted_on, attempt, grams, yen)
               VALUES (:id, :batch, 1, 'f', 1, 1, '', '2025-08-08', 1, 20, 110)""",
            {"id": ids[0], "batch": batch},
        )
    assert [await on(8, 7), await on(8, 8)] == [0, 1]
    async with office.engine.connect() as conn:
        span = await figures.span(conn, "apology", None)
        none = await figures.span(conn, "apology", "overcharge")
    assert span == Span(7, *[datetime(2025, 8, 8, tzinfo=JAPAN)] * 2)
    assert none == Span(0, None, None)


async def test_an_inquiry_about_a_message_belongs_to_its_mailing(
    office: Office, ids: list[int]
) -> None:
    made = await _add(office.engine, inquiry(message_id=ids[2]))
    async with office.engine.connect() as conn:
        found = await inquiries.get(conn, made)
        assert found is not None
        assert (found.mailing, found.member_no) == (NAME, "M0003")
        assert found.text is not None
        assert found.text.startswith("通知が")
        [one] = await inquiries.search(conn, About(mailing=NAME))
        assert one.inquiry_id == made
        assert await inquiries.search(conn, About(member_no="M0001")) == []
        logged = await rows(conn, "SELECT reason FROM log WHERE kind = 'inquiry'")
        assert [r["reason"] for r in logged] == [f"inquiry:{made}"]


async def test_the_words_can_be_erased_alone(office: Office, ids: list[int]) -> None:
    made = await _add(office.engine, inquiry(message_id=ids[0]))
    async with office.engine.begin() as conn:
        await scalar(conn, "DELETE FROM inquiry_texts RETURNING inquiry_id")
        found = await inquiries.get(conn, made)
        assert found is not None
        assert found.text is None
        assert (await figures.of_mailing(conn, NAME)).of_kind("inquiry") == 1


@pytest.mark.parametrize(
    ("about", "field", "code"),
    [
        ({}, "about", "missing"),
        ({"message_id": 999}, "message", "not_found"),
        ({"member_no": "NOBODY"}, "member_no", "not_found"),
        ({"mailing": "none"}, "mailing", "not_found"),
        ({"batch_id": 5}, "batch", "not_found"),
        ({"mailing": "a\x00b"}, "mailing", "control_character"),
    ],
)
async def test_what_is_not_on_record_is_named(
    office: Office, about: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(BadInput) as told:
        await _add(office.engine, inquiry(**about))
    assert (field, code) in [(e.field, e.code) for e in told.value.errors]
