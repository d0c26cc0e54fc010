"""Batches to the press, and back before they get there."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from notifier.model.errors import NotAllowed, NotFound
from notifier.model.message import public_number
from notifier.model.reasons import Reason
from notifier.model.states import Channel
from notifier.printing.collect import collect
from notifier.printing.drafting import LetterDrafter
from notifier.printing.handover import (
    HandOverUncertain,
    hand_over,
    note_dead_handovers,
    resolve_uncertain,
)
from notifier.printing.sftp import SftpTarget
from notifier.printing.target import FolderTarget, HandOverFailed, sums
from notifier.printing.withdraw import cancel, withdraw
from notifier.rendering.writer import Writer
from notifier.store import batches, tasks
from tests.delivery.rig import ACTOR, HOUSE
from tests.printing.letters import Letters, check, listed
from tests.printing.sftp_server import SftpServer
from tests.samples import LOCALES, TEMPLATES


async def test_a_batch_is_handed_over_once(letters: Letters) -> None:
    [message_id] = await letters.post()
    batch = await letters.collect()
    done = await letters.hand_over(batch)
    assert (done.letters, done.taken_out) == (1, 0)
    assert await letters.state(message_id) == ("handed_over", Reason.HANDED_OVER)
    with pytest.raises(NotAllowed, match="handed_over"):
        await letters.hand_over(batch)
    with pytest.raises(NotFound):
        await hand_over(letters.room(), 99, None, actor=ACTOR)


async def test_to_a_folder(letters: Letters, tmp_path: Path) -> None:
    ids = await letters.post(3)
    batch = await letters.collect(pieces_per_file=2)
    target = FolderTarget(tmp_path / "press")
    with pytest.raises(HandOverFailed, match="press"):
        await letters.hand_over(batch, target)
    assert await letters.batch_state(batch) == ("printed", "B000001")
    target.folder.mkdir()
    await letters.hand_over(batch, target)
    assert [p.name for p in target.folder.iterdir()] == ["B000001"]
    check(target.folder / "B000001", ids)
    [found] = await letters.rows("SELECT state, target, handed_over_by FROM batches")
    assert [*found.values()] == ["handed_over", str(target.folder), str(ACTOR)]


async def test_a_letter_that_was_stopped_is_taken_out(letters: Letters, tmp_path: Path) -> None:
    """The member has registered a new card after the letter was printed."""
    ids = await letters.post(5)
    batch = await letters.collect(pieces_per_file=2)
    before = sums(batch.folder)
    await letters.stop(ids[0])
    target = FolderTarget(tmp_path)
    done = await letters.hand_over(batch, target)
    assert (done.letters, done.taken_out) == (4, 1)
    there = tmp_path / "B000001"
    check(there, ids[1:])
    assert await letters.batch_state(batch) == ("handed_over", "B000001-2")
    assert not batch.folder.exists()
    [found] = await letters.rows("SELECT pieces, pages, yen, revision FROM batches")
    assert dict(found) == {"pieces": 4, "pages": 4, "yen": 440, "revision": 2}
    # Files that did not hold the letter are the same ones.
    after = sums(there)
    changed = [n for n in before if n.endswith(".pdf") and before[n] != after.get(n)]
    assert len(changed) == 1
    assert await letters.state(ids[0]) == ("cancelled", Reason.REREGISTERED)
    on_record = await letters.rows("SELECT name, sha256 FROM batch_files ORDER BY name")
    assert {r["name"]: r["sha256"].hex() for r in on_record} == {
        n: s for n, s in after.items() if n.endswith(".pdf")
    }


async def test_a_letter_printed_anew_is_not_posted_with_its_old_batch(letters: Letters) -> None:
    """It was held for its amount, put right, and stands in a later batch: that one counts."""
    wrong, fine = await letters.post(2)
    first = await letters.collect()
    await letters.run("UPDATE messages SET state = 'queued' WHERE message_id = :id", id=wrong)
    second = await letters.collect()
    assert [e["番号"] for e in listed(second.folder)] == [public_number(wrong)]
    done = await letters.hand_over(first)
    assert (done.letters, done.taken_out) == (1, 1)
    check(await letters.folder(first), [fine])
    assert (await letters.state(wrong))[0] == "printed"
    assert (await letters.hand_over(second)).letters == 1


async def test_a_batch_of_which_nothing_is_left_comes_to_nothing(letters: Letters) -> None:
    [message_id] = await letters.post()
    batch = await letters.collect()
    await letters.stop(message_id)
    with pytest.raises(NotAllowed, match="cancelled"):
        await letters.hand_over(batch)
    assert (await letters.batch_state(batch))[0] == "cancelled"
    assert not batch.folder.exists()


async def test_files_that_were_changed_are_not_handed_over(letters: Letters) -> None:
    await letters.post(2)
    batch = await letters.collect()
    for name in ("B000001-001.pdf", "manifest.csv", "counts.csv"):
        path = batch.folder / name
        kept = path.read_bytes()
        path.write_bytes(kept + b" ")
        with pytest.raises(NotAllowed, match=name):
            await letters.hand_over(batch)
        path.write_bytes(kept)
    (batch.folder / "more").write_text("x")
    with pytest.raises(NotAllowed, match="more"):
        await letters.hand_over(batch)
    (batch.folder / "more").unlink()
    assert (await letters.hand_over(batch)).letters == 2


@pytest.mark.parametrize("for_good", [False, True])
async def test_a_batch_is_cancelled(letters: Letters, *, for_good: bool) -> None:
    ids = await letters.post(3)
    batch = await letters.collect()
    await letters.stop(ids[0])
    assert await cancel(letters.room(), batch.batch_id, for_good=for_good, actor=ACTOR) == 2
    assert not batch.folder.exists()
    with pytest.raises(NotAllowed, match="cancelled"):
        await letters.hand_over(batch)
    if for_good:
        assert await letters.state(ids[1]) == ("cancelled", Reason.BY_PERSON)
        return
    again = await letters.collect()
    check(again.folder, ids[1:])


async def test_a_piece_is_withdrawn_before_the_hand_over(letters: Letters) -> None:
    ids = await letters.post(3)
    batch = await letters.collect()
    with pytest.raises(NotFound, match="M000000099"):
        await withdraw(letters.room(), batch.batch_id, [99], actor=ACTOR)
    done = await withdraw(letters.room(), batch.batch_id, [ids[1]], actor=ACTOR)
    assert done.taken_out == 1
    assert await letters.state(ids[1]) == ("cancelled", Reason.BY_PERSON)
    check(await letters.folder(batch), [ids[0], ids[2]])


async def test_a_piece_is_withdrawn_after_the_hand_over(letters: Letters) -> None:
    ids = await letters.post(3)
    batch = await letters.collect()
    await letters.hand_over(batch)
    done = await withdraw(letters.room(), batch.batch_id, [ids[1]], actor=ACTOR)
    assert done.listing is not None
    [head, line] = done.listing.read_text("utf-8-sig").splitlines()
    entry = next(e for e in listed(batch.folder) if e["番号"] == public_number(ids[1]))
    assert head == "通番,番号,ファイル,先頭ページ"
    assert line.split(",") == [entry[name] for name in head.split(",")]
    assert (await letters.state(ids[1]))[0] == "handed_over"  # until the press answers
    again = await withdraw(letters.room(), batch.batch_id, [ids[2]], actor=ACTOR)
    assert again.listing == done.listing
    assert len(done.listing.read_text("utf-8-sig").splitlines()) == 3


async def test_a_batch_goes_by_sftp(letters: Letters, tmp_path: Path) -> None:
    ids = await letters.post(2)
    batch = await letters.collect()
    server = SftpServer(tmp_path / "server")
    await server.open()
    with pytest.raises(HandOverFailed, match="another key"):
        await letters.hand_over(batch, SftpTarget(server.settings(host_key="stranger")))
    assert await letters.batch_state(batch) == ("printed", "B000001")
    target = SftpTarget(server.settings())
    await letters.hand_over(batch, target)
    check(server.inbox / "B000001", ids)
    assert [r["target"] for r in await letters.rows("SELECT target FROM batches")] == [target.label]
    await server.close()


@pytest.mark.parametrize(("breaks", "arrived"), [("before", False), ("after", True)])
async def test_a_hand_over_that_breaks_off_is_uncertain_until_a_person_finds_out(
    letters: Letters, tmp_path: Path, breaks: str, *, arrived: bool
) -> None:
    ids = await letters.post(2)
    batch = await letters.collect()
    server = SftpServer(tmp_path / "server")
    await server.open()
    server.trouble.hangs_up = breaks
    with pytest.raises(HandOverUncertain, match="B000001"):
        await letters.hand_over(batch, SftpTarget(server.settings()))
    await server.close()
    assert (server.inbox / "B000001").exists() is arrived
    assert (await letters.batch_state(batch))[0] == "uncertain"
    assert await letters.state(ids[0]) == ("uncertain", Reason.HANDOVER_BROKEN)
    assert await letters.tasks() == [("uncertain_batch", 1)]
    await letters.sweep()  # no policy sends a letter again
    assert (await letters.state(ids[0]))[0] == "uncertain"
    with pytest.raises(NotAllowed, match="uncertain"):
        await letters.hand_over(batch)
    count = await resolve_uncertain(letters.room(), batch.batch_id, taken=arrived, actor=ACTOR)
    assert count == 2
    async with letters.engine.begin() as conn:
        await tasks.close_moot(conn, actor=ACTOR, now=letters.time)
    assert [t["state"] for t in await letters.rows("SELECT state FROM tasks")] == ["done"]
    expected = "handed_over" if arrived else "queued"
    assert await letters.state(ids[0]) == (expected, Reason.HANDOVER_SETTLED)
    if arrived:
        assert (await letters.batch_state(batch))[0] == "handed_over"
    else:
        check((await letters.collect()).folder, ids)


async def test_a_refusal_at_the_last_step_is_uncertain_as_well(
    letters: Letters, tmp_path: Path
) -> None:
    await letters.post()
    batch = await letters.collect()
    server = SftpServer(tmp_path / "server")
    await server.open()
    server.trouble.refuses = True
    with pytest.raises(HandOverUncertain, match="not here"):
        await letters.hand_over(batch, SftpTarget(server.settings()))
    await server.close()
    assert list(server.inbox.iterdir()) == []
    with pytest.raises(NotFound):
        await resolve_uncertain(letters.room(), 99, taken=True, actor=ACTOR)
    assert await resolve_uncertain(letters.room(), batch.batch_id, taken=False, actor=ACTOR) == 1


async def test_a_hand_over_whose_process_died_is_uncertain(letters: Letters) -> None:
    """It got as far as the permit."""
    [message_id] = await letters.post()
    batch = await letters.collect()
    async with letters.engine.begin() as conn:
        await batches.hand_over(conn, batch.batch_id, target="x", actor=ACTOR, now=letters.time)
    await letters.run("UPDATE messages SET state = 'handed_over'")
    async with batches.at_the_press(letters.engine):
        assert await note_dead_handovers(letters.room()) == 0  # somebody may be at it
    assert await note_dead_handovers(letters.room()) == 1
    assert await letters.state(message_id) == ("uncertain", Reason.HANDOVER_BROKEN)
    assert (await letters.batch_state(batch))[0] == "uncertain"


async def test_a_letter_stopped_while_the_batch_is_brought_over_stops_it(
    letters: Letters, tmp_path: Path
) -> None:
    ids = await letters.post(2)
    batch = await letters.collect()

    class Slow(FolderTarget):
        """Meanwhile the member pays."""

        def parcel(self, folder: Path, name: str) -> Any:
            return _Meanwhile(super().parcel(folder, name), letters, ids[0])

    with pytest.raises(NotAllowed, match="at this very moment"):
        await letters.hand_over(batch, Slow(tmp_path))
    assert not (tmp_path / "B000001").exists()
    done = await letters.hand_over(batch, FolderTarget(tmp_path))
    assert (done.letters, done.taken_out) == (1, 1)
    check(tmp_path / "B000001", ids[1:])


class _Meanwhile:
    def __init__(self, parcel: Any, letters: Letters, message_id: int) -> None:
        self._parcel, self._letters, self._message_id = parcel, letters, message_id

    async def __aenter__(self) -> Any:
        ready = await self._parcel.__aenter__()
        await self._letters.stop(self._message_id)
        return ready

    async def __aexit__(self, *given: Any) -> Any:
        return await self._parcel.__aexit__(*given)


async def test_a_letter_that_cannot_be_bound_anew_is_held_and_the_others_go(
    letters: Letters, tmp_path: Path
) -> None:
    """It was fine in its place, and is not in another one."""
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    letter = tmp_path / "templates" / "ja" / "refund" / "letter.typ"
    source = '#if data.number == "M000000002" and data.place == 0 { panic("no") }'
    letter.write_text(f"{source}\n{letter.read_text()}")
    writer = Writer(tmp_path / "templates", LOCALES)
    room = replace(letters.room(), drafter=LetterDrafter(writer=writer, sender=HOUSE))
    to = await letters.register()
    ids = [await letters.send(channel=Channel.LETTER, to=to) for _ in range(4)]
    batch = await collect(room, actor=ACTOR)
    assert batch is not None
    assert batch.pieces == 4
    await letters.stop(ids[0])
    done = await hand_over(room, batch.batch_id, None, actor=ACTOR)
    assert (done.letters, done.taken_out) == (2, 2)
    assert await letters.state(ids[1]) == ("held", "render_failed")
    assert await letters.tasks() == [("held_message", 1)]
    assert {(await letters.state(i))[0] for i in ids[2:]} == {"handed_over"}
    check(room.folder / (await letters.batch_state(batch))[1], ids[2:])
