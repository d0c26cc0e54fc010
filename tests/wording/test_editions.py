"""Editions: running processes write from what was in force when a message was claimed."""

import hashlib
import io
import zipfile
from collections.abc import Iterable
from email import message_from_bytes
from email.policy import SMTP
from shutil import rmtree

import pytest

from notifier.delivery.editions import Editions
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.printing.collect import collect
from notifier.rules.calendar import japan_date
from notifier.store import compose
from tests.delivery.rig import ACTOR, Rig, renderer
from tests.samples import NOW, WRITER
from tests.wording.desk import LOGIN, Desk

SHIPPED = WRITER.version("refund").digest


def text_of(data: bytes) -> str:
    body = message_from_bytes(data, policy=SMTP).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def read(rig: Rig, message_id: int) -> compose.WantedMessage:
    async with rig.engine.connect() as conn:
        found = await compose.load(conn, [message_id], today=japan_date(rig.time))
    return found[message_id]


async def test_a_worker_learns_of_a_publication_with_its_next_claim(rig: Rig, desk: Desk) -> None:
    sent: list[int] = []
    digests = [SHIPPED]
    async with rig.at_work():
        for text in ("", "一つ目の直しです。", "二つ目の直しです。"):
            if text:
                digests.append((await desk.publish(text))[1])
            sent.append(await rig.send())
            await rig.until(sent[-1], State.SENT)
        await desk.publisher().roll_back("refund", "ja", digests[1], note="誤り", now=NOW)
        sent.append(await rig.send())
        await rig.until(sent[-1], State.SENT)
    used = [(await rig.attempts(one))[0]["template_digest"] for one in sent]
    assert used == [*digests, digests[1]]
    shown = [text_of(m.data) for m in rig.office.messages]
    assert ["一つ目の直しです。" in one for one in shown] == [False, True, False, True]
    assert ["二つ目の直しです。" in one for one in shown] == [False, False, True, False]
    known = await rig.rows("SELECT digest FROM template_versions")
    assert set(used) <= {r["digest"] for r in known}


async def test_what_was_claimed_before_is_written_from_what_was_in_force(
    rig: Rig, desk: Desk
) -> None:
    made = renderer(editions=rig.editions)
    before = await read(rig, await rig.send())
    _, digest = await desk.publish("直した文です。")
    after = await read(rig, await rig.send())
    await made.open([before, after])
    for row, expected in ((after, digest), (before, SHIPPED), (after, digest)):
        ready = made.mail(row, now=rig.time)
        assert ready.version.digest == expected
        assert ("直した文です。" in text_of(ready.envelope.data)) is (expected == digest)


async def test_a_publication_that_cannot_be_opened_stops_no_lane(rig: Rig, desk: Desk) -> None:
    class Brittle(Editions):
        async def open(self, publications: Iterable[int]) -> None:
            if bad in (asked := [*publications]):
                raise ArithmeticError("somewhere deep below")
            await super().open(asked)

    rig.editions = Brittle(rig.engine, WRITER)
    bad, _ = await desk.publish("一つ目です。")
    stuck = await rig.send()
    async with rig.at_work():
        await rig.until(stuck, State.HELD)
        await desk.publisher().roll_back("refund", "ja", SHIPPED, note="誤り", now=NOW)
        await rig.until(await rig.send(), State.SENT)
    assert await rig.state(stuck) == ("held", Reason.RENDER_FAILED)
    assert await rig.tasks() == [("held_message", 1)]


async def test_a_batch_of_letters_is_of_one_edition(rig: Rig, desk: Desk) -> None:
    _, first = await desk.publish("一つ目です。")
    pinned = await rig.room().drafter.pinned()
    await desk.publish("二つ目です。")
    row = await read(rig, await rig.send(channel=Channel.LETTER))
    c = pinned.draft(row, written_at=rig.time).c
    assert pinned.writer.version(c.notice, c.language).digest == first


async def test_who_makes_a_batch_keeps_its_writer(rig: Rig, desk: Desk) -> None:
    assert await rig.editions.present() is WRITER
    _, first = await desk.publish("一つ目です。")
    kept = await rig.editions.present()
    _, second = await desk.publish("二つ目です。")
    assert kept.version("refund").digest == first
    assert (await rig.editions.present()).version("refund").digest == second


async def test_a_printed_letter_names_the_version_in_force(rig: Rig, desk: Desk) -> None:
    _, digest = await desk.publish("直した文です。")
    message_id = await rig.send(channel=Channel.LETTER)
    await collect(rig.room(), actor=ACTOR)
    [attempt] = await rig.attempts(message_id)
    assert attempt["template_digest"] == digest


async def test_a_publication_with_other_tools_is_printed_beside_the_rest(
    rig: Rig, desk: Desk
) -> None:
    """As after a release of the program that changes the tools: older publications keep theirs."""
    margin = "#let margin = (left: 2{}mm,"
    old, new = margin.format(4), margin.format(6)
    folder = desk.edited(new, notice="_base", file="tools.typ", old=old)
    for other in WRITER.notices.keys() - {"refund"}:
        rmtree(folder / "ja" / other)
    number, [_] = await desk.draft(folder)
    await desk.publisher().publish(number, note="直し", now=NOW)
    await rig.send(channel=Channel.LETTER)
    facts = WRITER.sample("card_error", "first").facts
    await rig.send(notice="card_error", step="first", channel=Channel.LETTER, facts=facts)
    batch = await collect(rig.room(), actor=ACTOR)
    assert batch is not None
    assert (batch.pieces, batch.held) == (2, 0)


async def test_many_publications_take_bounded_room(rig: Rig, desk: Desk) -> None:
    editions = Editions(rig.engine, WRITER)
    digests = {}
    for n in range(7):
        number, digests[number] = await desk.publish(f"{n + 1}回目の直しです。")
        await editions.open([number])
        assert len(editions._writers) <= 4
        assert len(editions._wordings) <= 4
    for number, digest in digests.items():
        await editions.open([number])
        assert editions.of(number).version("refund").digest == digest
        assert editions.of(number).version("apology") == WRITER.version("apology")
    assert editions.of(0) is WRITER


async def test_versions_share_what_is_the_same(rig: Rig, desk: Desk) -> None:
    first, _ = await desk.publish("一つ目です。")
    second, _ = await desk.publish("お詫びの直しです。", notice="card_error")
    await rig.editions.open([first, second])
    one, two = rig.editions.of(first), rig.editions.of(second)
    assert one.folders["ja", "refund"] is two.folders["ja", "refund"]
    assert one.folders["ja", "card_error"] is WRITER.folders["ja", "card_error"]
    assert two.folders["ja", "card_error"] is not WRITER.folders["ja", "card_error"]


async def _publish_raw(rig: Rig, content: bytes) -> None:
    """What an older release may have published, and this one cannot read."""
    digest = hashlib.sha256(content).hexdigest()
    for sql in (
        """INSERT INTO template_versions (digest, notice, language, content, registered_at)
           VALUES (:digest, 'refund', 'ja', :content, :now)""",
        """INSERT INTO template_publications
               (language, notice, digest, replaces, published_at, published_by, note)
           VALUES ('ja', 'refund', :digest, :digest, :now, :by, '')""",
    ):
        given = {"digest": digest, "content": content, "now": rig.time, "by": LOGIN}
        await rig.run(sql, **{k: v for k, v in given.items() if f":{k}" in sql})


@pytest.mark.parametrize("name", ["refund/notice.toml", "other"])
async def test_a_version_that_cannot_be_read_is_never_another(
    rig: Rig, desk: Desk, name: str
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "title = 1")
    await _publish_raw(rig, buffer.getvalue())
    held = await rig.send()
    facts = dict(WRITER.sample("card_error", "first").facts)
    fine = await rig.send(notice="card_error", step="first", facts=facts, shown=[])
    async with rig.at_work(Lane.STANDARD):
        await rig.until(held, State.HELD)
        await rig.until(fine, State.SENT)
    assert await rig.state(held) == ("held", Reason.RENDER_FAILED)
    assert len(await rig.tasks()) == 1
