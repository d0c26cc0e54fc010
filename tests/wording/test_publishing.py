"""Publishing: only what passes, only once, only by somebody; and the way back."""

import asyncio
import shutil
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.wording import current_digests
from notifier.model.errors import NotAllowed, NotFound
from notifier.rendering.errors import BadTemplate
from notifier.rendering.publication import Refused
from notifier.store import batches, templates
from notifier.store.db import rows, run
from tests.samples import NOW, TEMPLATES, WRITER
from tests.wording.desk import LOGIN, Desk, closing

KEY = ("ja", "refund")
SHIPPED = WRITER.version("refund").digest


async def current(engine: AsyncEngine) -> str:
    async with engine.connect() as conn:
        return (await current_digests(conn, WRITER))[KEY]


async def test_without_a_publication_the_shipped_ones_are_in_force(engine: AsyncEngine) -> None:
    async with engine.connect() as conn:
        assert await templates.number(conn) == 0
        assert await templates.in_force(conn, 0) == {}
    assert await current(engine) == SHIPPED


async def test_a_draft_is_in_force_once_it_is_published(desk: Desk) -> None:
    number, [change] = await desk.draft(desk.edited(closing("直した文です。")))
    assert (change.language, change.notice, change.replaces) == (*KEY, SHIPPED)
    assert await current(desk.engine) == SHIPPED
    assert await desk.publisher().publish(number, note="直し", now=NOW) == 1
    assert await current(desk.engine) == change.digest
    async with desk.engine.connect() as conn:
        [found] = await templates.publications(conn, limit=9)
        logged = await rows(conn, "SELECT actor, reason FROM log WHERE kind = 'template'")
    assert (found.published_by, found.published_at, found.note) == (LOGIN, NOW, "直し")
    assert [r["reason"] for r in logged] == [
        f"drafted:D{number}",
        f"published:1:ja/refund:{change.digest}:{LOGIN}",
    ]


async def test_a_changed_base_is_a_new_version_of_every_notice(desk: Desk) -> None:
    folder = desk.edited("")
    base = folder / "ja" / "_base" / "words.txt"
    base.write_text(base.read_text() + "{# kept #}\n")
    number, changes = await desk.draft(folder)
    assert {c.notice for c in changes} == set(WRITER.notices)
    assert await desk.publisher().publish(number, note="", now=NOW) == len(changes)


async def test_nothing_changed_is_no_draft(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(NotAllowed, match="nothing is new"):
        await desk.draft(desk.edited(""))
    folder = desk.edited("")
    shutil.copytree(folder / "ja" / "refund", folder / "ja" / "greeting")
    with pytest.raises(NotAllowed, match="ja/greeting"):
        await desk.draft(folder)
    with pytest.raises(BadTemplate):
        await desk.draft(desk.edited("[[", file="notice.toml"))


async def test_a_folder_that_is_older_than_a_publication_takes_nothing_back(desk: Desk) -> None:
    old = desk.edited(closing("別の直しです。"), notice="card_error")
    await desk.publish("直した文です。")
    _, changes = await desk.draft(old)
    assert [c.notice for c in changes] == ["card_error"]


@pytest.mark.parametrize(
    ("rule", "more", "file", "old"),
    [
        ("promotion", closing("今ならお得です。"), "words.txt", ""),
        ("broken", "{% if %}", "words.txt", ""),
        ("unescaped", "{% set preview = heading | safe %}", "words.txt", ""),
        ("foreign_link", closing("https://elsewhere.test/ です。"), "words.txt", ""),
        ("unknown_field", closing("{{ nobody }}"), "words.txt", ""),
        ("not_written", '#panic("letter: no")\n', "letter.typ", ""),
        ("policy_changed", "bulk", "notice.toml", "standard"),
        ("policy_changed", 'expires_after = "99d"', "notice.toml", 'expires_after = "14d"'),
        ("field_changed", 'amount = "text"', "notice.toml", 'amount = "yen refund"'),
        ("field_changed", 'amount = "yen due"', "notice.toml", 'amount = "yen refund"'),
    ],
)
async def test_what_does_not_pass_is_not_published(
    desk: Desk, rule: str, more: str, file: str, old: str
) -> None:
    number, _ = await desk.draft(desk.edited(more, file=file, old=old))
    with pytest.raises(Refused) as refused:
        await desk.publisher().publish(number, note="checked, I swear", now=NOW)
    assert rule in {one.rule for one in refused.value.findings}
    assert await current(desk.engine) == SHIPPED


async def test_a_mail_without_a_subject_is_not_published(desk: Desk) -> None:
    folder = desk.edited("")
    (folder / "ja" / "refund" / "subject.txt").write_text("{# nothing #}")
    number, _ = await desk.draft(folder)
    with pytest.raises(Refused) as refused:
        await desk.publisher().publish(number, note="直し", now=NOW)
    assert "subject" in str(refused.value.findings)


async def test_what_is_on_record_cannot_be_changed(desk: Desk) -> None:
    await desk.publish("直した文です。")
    for act in (
        "UPDATE template_versions SET content = ''",
        "DELETE FROM template_publications",
        "UPDATE template_draft_versions SET digest = base",
        "TRUNCATE template_publications",
    ):
        with pytest.raises(DBAPIError, match="never changed"):
            async with desk.engine.begin() as conn:
                await run(conn, act)


async def test_only_staff_publishes_and_only_what_there_is(desk: Desk) -> None:
    number, _ = await desk.draft(desk.edited(closing("直した文です。")))
    with pytest.raises(NotAllowed, match="nobody"):
        await desk.publisher("nobody").publish(number, note="", now=NOW)
    with pytest.raises(NotFound):
        await desk.publisher().publish(number + 1, note="", now=NOW)
    assert await current(desk.engine) == SHIPPED


async def test_of_two_publishers_of_a_draft_one_does_it(desk: Desk) -> None:
    number, [change] = await desk.draft(desk.edited(closing("直した文です。")))
    both = await asyncio.gather(
        *(desk.publisher().publish(number, note="", now=NOW) for _ in range(2)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in both) == ["NotAllowed", "int"]
    assert await current(desk.engine) == change.digest


async def test_of_two_drafts_of_a_notice_the_second_must_begin_anew(desk: Desk) -> None:
    drafts = [await desk.draft(desk.edited(closing(f"直し{n}です。"))) for n in "一二"]
    both = await asyncio.gather(
        *(desk.publisher().publish(number, note="", now=NOW) for number, _ in drafts),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in both) == ["NotAllowed", "int"]
    [won] = [c.digest for (_, [c]), one in zip(drafts, both, strict=True) if isinstance(one, int)]
    assert await current(desk.engine) == won


async def test_the_way_back(desk: Desk) -> None:
    _, first = await desk.publish("一つ目です。")
    _, second = await desk.publish("二つ目です。")
    publisher = desk.publisher()
    assert await publisher.roll_back("refund", "ja", None, note="誤り", now=NOW) == 3
    assert await current(desk.engine) == first
    assert await publisher.roll_back("refund", "ja", SHIPPED[:12], note="誤り", now=NOW) == 4
    assert await current(desk.engine) == SHIPPED
    await publisher.roll_back("refund", "ja", second, note="やはり", now=NOW)
    assert await current(desk.engine) == second
    with pytest.raises(NotAllowed, match="in force"):
        await publisher.roll_back("refund", "ja", second, note="", now=NOW)
    never = WRITER.version("apology").digest
    for notice, version in (("refund", never), ("refund", "x"), ("apology", None)):
        with pytest.raises(NotFound):
            await publisher.roll_back(notice, "ja", version, note="", now=NOW)


async def test_two_roll_backs_at_once_go_back_once_each(desk: Desk) -> None:
    for text in ("一つ目です。", "二つ目です。"):
        await desk.publish(text)
    to = [desk.publisher().roll_back("refund", "ja", SHIPPED, note="", now=NOW) for _ in range(2)]
    both = await asyncio.gather(*to, return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["NotAllowed", "int"]
    assert TEMPLATES.is_dir()
    assert await current(desk.engine) == SHIPPED


async def test_a_batch_that_is_being_collected_holds_up_no_publication(desk: Desk) -> None:
    async with batches.at_the_press(desk.engine) as free, asyncio.timeout(20):
        assert free
        assert (await desk.publish("直した文です。"))[0] == 1
