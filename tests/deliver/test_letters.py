"""Letters into batches, to the press and back."""

import csv
import hashlib
import io
import subprocess
from pathlib import Path

import pytest

from notifier.deliver.handover import hand_over, take_back
from notifier.deliver.letters import Batch
from notifier.deliver.manifest import Entry, manifest
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.member import PostalAddress
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.store import batches, documents, messages
from notifier.store.messages import Move
from tests.deliver.rig import ACTOR, Rig


async def collect(rig: Rig) -> Batch | None:
    return await rig.collector().collect(actor=ACTOR)


def check_sums(folder: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)


def listed(folder: Path) -> list[dict[str, str]]:
    text = (folder / "manifest.csv").read_bytes().decode("utf-8-sig")
    return [*csv.DictReader(io.StringIO(text))]


async def test_due_letters_become_a_batch(rig: Rig) -> None:
    later = PostalAddress(postcode="9000001", prefecture="沖縄県", city="那覇市", street="港町9-9")
    far = await rig.send(channel=Channel.LETTER, to=await rig.register(address=later))
    near = await rig.send(channel=Channel.LETTER)
    batch = await collect(rig)
    assert batch is not None
    assert (batch.pieces, batch.held, batch.folder.name) == (2, 0, "B000001")
    first, second = listed(batch.folder)
    assert (first["通番"], first["〒"], first["宛名"]) == ("1", "100-0001", "潮田 凪 様")
    assert (second["番号"], second["住所"]) == (f"M{far:09d}", "沖縄県那覇市港町9-9")
    check_sums(batch.folder)
    pdf = (batch.folder / first["ファイル"]).read_bytes()
    assert hashlib.sha256(pdf).hexdigest() == first["sha256"]
    [attempt] = await rig.attempts(near)
    assert (attempt["outcome"], attempt["relay"]) == ("printed", "B000001")
    async with rig.engine.connect() as conn:
        assert await documents.of_attempt(conn, attempt["attempt_id"]) == pdf
        on_record = await batches.get(conn, batch.batch_id)
    assert on_record is not None
    assert (on_record["state"], on_record["pieces"]) == ("printed", 2)
    digest = hashlib.sha256((batch.folder / "manifest.csv").read_bytes()).digest()
    assert on_record["manifest_sha256"] == digest
    assert await rig.state(near) == ("printed", Reason.PRINTED)
    assert len(await rig.rows("SELECT * FROM shown")) == 2
    assert await collect(rig) is None


async def test_a_letter_that_cannot_be_written_is_held_and_the_others_go_on(rig: Rig) -> None:
    homeless = await rig.send(channel=Channel.LETTER, to=await rig.register(address=None))
    wordless = await rig.send(channel=Channel.LETTER, facts={})
    fine = await rig.send(channel=Channel.LETTER)
    batch = await collect(rig)
    assert batch is not None
    assert (batch.pieces, batch.held) == (1, 2)
    assert await rig.state(homeless) == ("held", Reason.NO_ADDRESS)
    assert await rig.state(wordless) == ("held", Reason.RENDER_FAILED)
    assert (await rig.state(fine))[0] == "printed"
    assert await rig.tasks() == [("held_message", 1), ("held_message", 1)]


async def test_a_batch_is_handed_over_once(rig: Rig) -> None:
    message_id = await rig.send(channel=Channel.LETTER)
    batch = await collect(rig)
    assert batch is not None
    assert await hand_over(rig.engine, batch.batch_id, actor=ACTOR, now=rig.time) == 1
    assert await rig.state(message_id) == ("handed_over", Reason.HANDED_OVER)
    with pytest.raises(NotAllowed, match="handed_over"):
        await hand_over(rig.engine, batch.batch_id, actor=ACTOR, now=rig.time)
    with pytest.raises(NotFound):
        await hand_over(rig.engine, 99, actor=ACTOR, now=rig.time)


async def test_a_batch_with_a_stopped_letter_is_taken_back_and_printed_anew(rig: Rig) -> None:
    stopped_id = await rig.send(channel=Channel.LETTER)
    fine = await rig.send(channel=Channel.LETTER)
    batch = await collect(rig)
    assert batch is not None
    async with rig.engine.begin() as conn:
        asked = [Move(message_id=stopped_id, after=State.CANCELLED, reason=Reason.BY_PERSON)]
        await messages.move(conn, asked, actor=ACTOR, now=rig.time)
    with pytest.raises(NotAllowed, match=f"M{stopped_id:09d}"):
        await hand_over(rig.engine, batch.batch_id, actor=ACTOR, now=rig.time)
    folder = rig.collector().folder
    assert await take_back(rig.engine, folder, batch.batch_id, actor=ACTOR, now=rig.time) == 1
    assert not batch.folder.exists()
    again = await collect(rig)
    assert again is not None
    assert [e["番号"] for e in listed(again.folder)] == [f"M{fine:09d}"]
    assert await hand_over(rig.engine, again.batch_id, actor=ACTOR, now=rig.time) == 1


async def test_a_collection_that_breaks_off_leaves_nothing_printed(rig: Rig) -> None:
    """The folder's place is taken: the files cannot be put there, so nothing is recorded."""
    message_id = await rig.send(channel=Channel.LETTER)
    folder = rig.collector().folder
    (folder / "B000001" / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="B000001"):
        await collect(rig)
    assert await rig.state(message_id) == ("queued", Reason.CREATED)
    batch = await collect(rig)
    assert batch is not None
    assert sorted(p.name for p in folder.iterdir()) == ["B000002"]
    assert (await rig.state(message_id))[0] == "printed"


async def test_files_without_a_record_are_cleared_away(rig: Rig) -> None:
    """The crash came between the rename and the commit."""
    message_id = await rig.send(channel=Channel.LETTER)
    async with rig.engine.begin() as conn:
        await batches.open_batch(conn, actor=ACTOR, now=rig.time)
    left = rig.collector().folder / "B000001"
    left.mkdir(parents=True)
    (left / "manifest.csv").write_text("x")
    batch = await collect(rig)
    assert batch is not None
    assert (batch.folder.name, left.exists()) == ("B000002", False)
    assert (await rig.state(message_id))[0] == "printed"


async def test_only_one_collects_at_a_time(rig: Rig) -> None:
    await rig.send(channel=Channel.LETTER)
    async with batches.collecting(rig.engine) as free:
        assert free
        with pytest.raises(NotAllowed):
            await collect(rig)
    assert await collect(rig) is not None


def test_no_cell_of_the_manifest_is_a_formula() -> None:
    entry = Entry(
        serial=1,
        message_id=1,
        postcode="1000001",
        address='=HYPERLINK("https://example.jp")',
        name="＠SUM(A1)",
        pages=1,
        file="000001.pdf",
        sha256="00",
    )
    [_, row] = csv.reader(io.StringIO(manifest([entry]).decode("utf-8-sig")))
    assert row[3:5] == ['\'=HYPERLINK("https://example.jp")', "'＠SUM(A1)"]
