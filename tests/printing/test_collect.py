"""Letters that are due become a batch."""

import asyncio
import hashlib
import shutil
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pypdf import PdfReader

from notifier.archive.letters import file_again, letter_again
from notifier.archive.packing import document_of
from notifier.model.correspondence import Correspondence
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.reasons import Reason
from notifier.model.states import Channel
from notifier.printing.collect import collect
from notifier.printing.drafting import LetterDrafter
from notifier.rendering.stationery import Stationery
from notifier.rendering.writer import Writer
from notifier.store import batches
from tests.delivery.rig import ACTOR, HOUSE
from tests.printing.letters import Letters, check, listed, sound
from tests.samples import TEMPLATES, WRITER


async def test_due_letters_become_a_batch(letters: Letters) -> None:
    far, near, _ = ids = await letters.post(3)
    batch = await letters.collect()
    assert (batch.pieces, batch.held, batch.files) == (3, 0, 1)
    assert (batch.folder.name, batch.posting_day.isoformat()) == ("B000001", "2025-07-16")
    check(batch.folder, ids)
    first, *_, last = listed(batch.folder)
    assert (first["通番"], first["〒"], first["宛名"]) == ("1", "100-0001", "潮田 凪2 様")
    assert (last["番号"], last["住所1"]) == (f"M{far:09d}", "沖縄県那覇市港町9-9")
    assert (last["バーコード"], last["郵便料金"]) == ("90000019-9", "110")
    assert batch.yen == 330
    assert await letters.state(near) == ("printed", Reason.PRINTED)
    assert len(await letters.rows("SELECT * FROM shown")) == 3
    assert await collect(letters.room(), actor=ACTOR) is None


async def test_what_is_recorded_costs_more_and_is_marked(letters: Letters) -> None:
    await letters.post(2)
    batch = await letters.collect(recorded=("refund",))
    assert [(row["取扱"], row["郵便料金"]) for row in listed(batch.folder)] == [
        ("特定記録", "320")
    ] * 2
    assert batch.yen == 640


async def test_a_letter_with_something_in_the_window_is_held(
    letters: Letters, tmp_path: Path
) -> None:
    good, bad = await letters.post(2)
    changed = shutil.copytree(TEMPLATES, tmp_path / "templates")
    path = changed / "ja" / "refund" / "letter.typ"
    drawn = f'#if data.number == "M{bad:09d}" {{ at(40mm, 40mm)[親展] }}'
    path.write_text(f"{drawn}\n{path.read_text()}")
    room = replace(letters.room(), drafter=LetterDrafter(writer=Writer(changed), sender=HOUSE))
    batch = await collect(room, actor=ACTOR)
    assert batch is not None
    assert (batch.pieces, batch.held) == (1, 1)
    check(batch.folder, [good])
    assert await letters.state(bad) == ("held", Reason.WINDOW_NOT_CLEAR)


async def test_the_record_has_the_hashes(letters: Letters) -> None:
    await letters.post(2)
    batch = await letters.collect()
    async with letters.engine.connect() as conn:
        on_record = await batches.get(conn, batch.batch_id)
    assert on_record is not None
    assert (on_record.state, on_record.pieces, on_record.yen) == ("printed", 2, 220)
    digest = hashlib.sha256((batch.folder / "manifest.csv").read_bytes()).digest()
    assert on_record.manifest_sha256 == digest
    [file] = await letters.rows("SELECT * FROM batch_files")
    pdf = (batch.folder / file["name"]).read_bytes()
    assert (file["sha256"], file["size"]) == (hashlib.sha256(pdf).digest(), len(pdf))
    assert {row["ファイルsha256"] for row in listed(batch.folder)} == {file["sha256"].hex()}


async def test_files_hold_so_many_pieces_and_come_again_byte_for_byte(letters: Letters) -> None:
    ids = await letters.post(7)
    batch = await letters.collect(pieces_per_file=3)
    assert batch.files == 3
    check(batch.folder, ids)
    names = sorted(p.name for p in batch.folder.glob("*.pdf"))
    assert names == ["B000001-001.pdf", "B000001-002.pdf", "B000001-003.pdf"]
    for name in names:
        async with letters.engine.connect() as conn:
            made = await file_again(conn, batch.batch_id, name, WRITER)
        assert made == (batch.folder / name).read_bytes()


async def test_files_are_pdf_a_with_tags(letters: Letters) -> None:
    await letters.post(2)
    batch = await letters.collect()
    sound(path := batch.folder / "B000001-001.pdf")
    catalogue = PdfReader(path).trailer["/Root"]
    assert catalogue["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert b"pdfaid:part>2<" in catalogue["/Metadata"].get_data()  # type: ignore[index]


async def test_a_letter_comes_again_from_the_archive(letters: Letters) -> None:
    [message_id] = await letters.post()
    batch = await letters.collect()
    [attempt] = await letters.attempts(message_id)
    assert (attempt["outcome"], attempt["relay"]) == ("printed", "B000001")
    async with letters.engine.connect() as conn:
        inputs = await document_of(conn, attempt["attempt_id"])
        assert inputs is not None
        assert hashlib.sha256(inputs).digest() == attempt["sha256"]
        again = await letter_again(conn, attempt["template_digest"], inputs, WRITER)
    assert again == (batch.folder / "B000001-001.pdf").read_bytes()
    [kept] = await letters.rows("SELECT length(body) AS size FROM documents")
    assert kept["size"] < 500


async def test_a_letter_that_cannot_be_written_is_held_and_the_others_go_on(
    letters: Letters,
) -> None:
    homeless = await letters.send(channel=Channel.LETTER, to=await letters.register(address=None))
    [wordless] = await letters.post(facts={})
    boxed = await letters.send(
        channel=Channel.LETTER, to=await letters.register(name="潮田 \U0001f600")
    )
    fine = await letters.post(2)
    batch = await letters.collect()
    assert (batch.pieces, batch.held) == (2, 3)
    check(batch.folder, fine)
    assert await letters.state(homeless) == ("held", Reason.NO_ADDRESS)
    assert await letters.state(wordless) == ("held", Reason.RENDER_FAILED)
    assert (await letters.state(boxed))[0] == "held"
    assert await letters.tasks() == [("held_message", 1)] * 3


async def test_an_address_that_cannot_be_read_holds_up_no_other_letter(letters: Letters) -> None:
    ids = await letters.post(4)
    for message_id, contact in zip(
        ids[:3], (b"{", b'{"address": {}}', b'{"address": [1]}'), strict=True
    ):
        await letters.run(
            """UPDATE member_contacts SET contact = :contact WHERE member_id = (
                   SELECT member_id FROM messages WHERE message_id = :id)""",
            contact=contact,
            id=message_id,
        )
    batch = await letters.collect()
    assert (batch.pieces, batch.held) == (1, 3)
    check(batch.folder, ids[3:])
    assert await letters.tasks() == [("held_message", 1)] * 3


async def test_a_letter_that_cannot_be_archived_holds_up_no_other(letters: Letters) -> None:
    [bad] = await letters.post()
    facts = WRITER.sample("card_error", "first").facts
    fine = await letters.post(notice="card_error", step="first", facts=facts)

    class Forgetful:
        def __getattr__(self, name: str) -> Any:
            return getattr(WRITER, name)

        def sample_like(self, c: Correspondence) -> Correspondence:
            return {"card_error": WRITER.sample_like(c)}[c.notice]

    room = replace(letters.room(), drafter=LetterDrafter(writer=Forgetful(), sender=HOUSE))
    batch = await collect(room, actor=ACTOR)
    assert batch is not None
    check(batch.folder, fine)
    assert await letters.state(bad) == ("held", Reason.RENDER_FAILED)


async def test_after_the_cut_off_it_is_the_next_open_day(letters: Letters) -> None:
    """2025-07-18 is a Friday, and the Monday after it a holiday."""
    ids = await letters.post(1, expires_at=datetime(2025, 7, 30, tzinfo=UTC))
    letters.time = datetime(2025, 7, 18, 6, 0, tzinfo=UTC)  # 15:00 in Japan
    batch = await letters.collect()
    assert batch.posting_day.isoformat() == "2025-07-22"
    check(batch.folder, ids)
    assert "2025年7月22日" in PdfReader(batch.folder / "B000001-001.pdf").pages[0].extract_text()


async def test_what_is_of_no_use_on_the_posting_day_is_not_printed(letters: Letters) -> None:
    letters.time = datetime(2025, 7, 18, 7, 0, tzinfo=UTC)
    await letters.post(1, expires_at=letters.time + timedelta(days=2))
    assert await collect(letters.room(), actor=ACTOR) is None


async def test_a_batch_that_cannot_be_put_in_its_place_leaves_nothing_printed(
    letters: Letters,
) -> None:
    [message_id] = await letters.post()
    folder = letters.room().folder
    folder.mkdir(parents=True)
    (folder / "B000001").write_text("in the way")
    with pytest.raises(OSError, match="B000001"):
        await letters.collect()
    assert await letters.state(message_id) == ("queued", Reason.CREATED)
    batch = await letters.collect()
    assert sorted(p.name for p in folder.iterdir() if p.is_dir()) == ["B000002"]
    check(batch.folder, [message_id])


async def test_files_without_a_record_are_cleared_away(letters: Letters) -> None:
    """The crash came between the rename and the commit."""
    ids = await letters.post()
    async with letters.engine.begin() as conn:
        day = letters.time.date()
        await batches.open_batch(conn, posting_day=day, actor=ACTOR, now=letters.time)
    left = letters.room().folder / "B000001"
    left.mkdir(parents=True)
    (left / "manifest.csv").write_text("x")
    batch = await letters.collect()
    assert (batch.folder.name, left.exists()) == ("B000002", False)
    check(batch.folder, ids)


async def test_only_one_is_at_the_press_at_a_time(letters: Letters) -> None:
    await letters.post()
    async with batches.at_the_press(letters.engine) as free:
        assert free
        with pytest.raises(NotAllowed):
            await letters.collect()
    assert (await letters.collect()).pieces == 1


class _Meanwhile:
    """Something happens to letters while they are being set."""

    def __init__(self, letters: Letters, sql: str) -> None:
        self._url = letters.engine.url.set(drivername="postgresql").render_as_string(
            hide_password=False
        )
        self._sql = sql

    def __getattr__(self, name: str) -> Any:
        return getattr(WRITER, name)

    def letters(self, many: Sequence[Correspondence]) -> Any:
        """Set them, and then it happens, once."""
        made = WRITER.letters(many)
        sql, self._sql = self._sql, ""
        if sql:
            asyncio.run(self._run(sql))
        return made

    async def _run(self, sql: str) -> None:
        conn = await asyncpg.connect(self._url)
        await conn.execute(sql)
        await conn.close()


@pytest.mark.parametrize(
    "what",
    [
        "UPDATE messages SET state = 'cancelled' WHERE message_id = 2",
        # Held, put right and released: queued as before, but it says something else.
        "UPDATE messages SET state = 'queued' WHERE message_id = 2",
    ],
)
async def test_a_letter_that_changes_while_it_is_set_is_not_printed(
    letters: Letters, what: str
) -> None:
    first, changed, last = await letters.post(3)
    room = letters.room()
    busy = replace(room, drafter=LetterDrafter(writer=_Meanwhile(letters, what), sender=HOUSE))
    batch = await collect(busy, actor=ACTOR)
    assert batch is not None
    check(batch.folder, [first, last])
    assert (await letters.state(changed))[0] == what.split("'")[1]
    [file] = await letters.rows("SELECT pieces FROM batch_files")
    assert file["pieces"] == 2


async def test_a_file_comes_again_after_its_templates_have_changed(
    letters: Letters, tmp_path: Path
) -> None:
    await letters.post(2)
    batch = await letters.collect()
    changed = shutil.copytree(TEMPLATES, tmp_path / "templates")
    for file in ("refund/words.txt", "_base/sheet.typ"):
        path = changed / "ja" / file
        path.write_text(path.read_text() + "\n")
    later = Writer(changed, stationery=Stationery(envelope="kaku2"))
    async with letters.engine.connect() as conn:
        made = await file_again(conn, batch.batch_id, "B000001-001.pdf", later)
        with pytest.raises(NotFound, match="B000001-009"):
            await file_again(conn, batch.batch_id, "B000001-009.pdf", later)
    assert made == (batch.folder / "B000001-001.pdf").read_bytes()


async def test_a_letter_that_breaks_the_typesetter_is_held_alone(letters: Letters) -> None:
    """Not as a writer should, with a list of faults, but by any error at all."""
    ids = await letters.post(5)

    class Brittle:
        def __getattr__(self, name: str) -> Any:
            return getattr(WRITER, name)

        def letters(self, many: Sequence[Correspondence]) -> Any:
            if any(c.number == f"M{ids[3]:09d}" for c in many):
                raise ArithmeticError("somewhere deep below")
            return WRITER.letters(many)

    room = replace(letters.room(), drafter=LetterDrafter(writer=Brittle(), sender=HOUSE))
    batch = await collect(room, actor=ACTOR)
    assert batch is not None
    assert (batch.pieces, batch.held) == (4, 1)
    check(batch.folder, [*ids[:3], ids[4]])
    assert await letters.state(ids[3]) == ("held", Reason.RENDER_FAILED)


async def test_a_typesetter_that_never_works_holds_nothing(letters: Letters) -> None:
    ids = await letters.post(2)

    class Away:
        def __getattr__(self, name: str) -> Any:
            return getattr(WRITER, name)

        def letters(self, many: Sequence[Correspondence]) -> Any:
            raise BrokenExecutor("its process was killed")

    room = replace(letters.room(), drafter=LetterDrafter(writer=Away(), sender=HOUSE))
    with pytest.raises(ExceptionGroup):
        await collect(room, actor=ACTOR)
    assert {(await letters.state(i))[0] for i in ids} == {"queued"}
    check((await letters.collect()).folder, ids)
