"""Type is set in a process of its own, to the same bytes."""

import multiprocessing
import shutil
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from notifier.archive.letters import archived_writer
from notifier.model.correspondence import Correspondence
from notifier.model.states import Channel
from notifier.printing.binding import TemplatesChanged
from notifier.printing.typesetting import ProcessWriter
from notifier.rendering.errors import PiecesRefused, WriteError
from notifier.rendering.folder import Folder, of_files
from tests.printing.letters import TOWNS, Letters, check
from tests.samples import LOCALES, TEMPLATES, WRITER

pytestmark = pytest.mark.engine

SAMPLE = WRITER.sample("refund", "decided")


def many(count: int) -> list[Correspondence]:
    return [
        replace(
            SAMPLE,
            number=f"M{n:09d}",
            recipient=replace(SAMPLE.recipient, name=f"見本 花{n}"),
        )
        for n in range(count)
    ]


def faults(refused: PiecesRefused) -> dict[int, tuple[type[WriteError], dict[str, object]]]:
    return {n: (type(e), vars(e)) for n, e in refused.faults.items()}


def test_a_long_file_is_the_same_from_another_process() -> None:
    apart = ProcessWriter(WRITER, TEMPLATES, LOCALES)
    letters = many(101)
    theirs, ours = apart.letters(letters), WRITER.letters(letters)
    assert (theirs.pdf, theirs.pages) == (ours.pdf, ours.pages)
    letters[7] = replace(letters[7], facts={})
    letters[90] = replace(letters[90], recipient=replace(SAMPLE.recipient, name="見本 \U0001f600"))
    with pytest.raises(PiecesRefused) as there:
        apart.letters(letters)
    with pytest.raises(PiecesRefused) as here:
        WRITER.letters(letters)
    apart.close()
    assert faults(there.value) == faults(here.value)
    assert faults(here.value).keys() == {7, 90}


def altered(notice: str, file: str, old: str, new: str) -> Folder:
    """A notice of which one file says something else."""
    folder = WRITER.folders["ja", notice]
    assert old in folder.files[file]
    return of_files("ja", notice, {**folder.files, file: folder.files[file].replace(old, new)})


def test_published_versions_go_along_to_the_other_process() -> None:
    folder = altered("refund", "_base/sheet.typ", "size: 14pt", "size: 13pt")
    published = WRITER.with_versions([WRITER.wording(folder)])
    shipped = ProcessWriter(WRITER, TEMPLATES, LOCALES)
    letters = many(101)
    theirs = shipped.writing_as(published).letters(letters).pdf
    assert theirs == published.letters(letters).pdf
    assert shipped.letters(letters).pdf == WRITER.letters(letters).pdf != theirs
    shipped.close()


def test_archived_versions_keep_what_was_common_to_each() -> None:
    folder = altered("refund", "_base/sheet.typ", "size: 14pt", "size: 13pt")
    then = WRITER.with_versions([WRITER.wording(folder)])
    letters = [SAMPLE, WRITER.sample("apology", "overcharge")]
    versions = [then.version("refund"), then.version("apology")]
    again = archived_writer(versions, WRITER.stationery)
    for letter in letters:
        assert again.letters([letter]).pdf == then.letters([letter]).pdf


def test_templates_that_were_changed_meanwhile_are_noticed(tmp_path: Path) -> None:
    changed = shutil.copytree(TEMPLATES, tmp_path / "templates")
    words = changed / "ja" / "refund" / "words.txt"
    words.write_text(words.read_text() + "\n")
    apart = ProcessWriter(WRITER, changed, LOCALES)
    with pytest.raises(TemplatesChanged, match="templates were changed"):
        apart.letters(many(101))
    apart.close()


def test_a_process_that_is_killed_is_replaced() -> None:
    apart = ProcessWriter(WRITER, TEMPLATES, LOCALES)
    apart.letters(many(101))
    for child in multiprocessing.active_children():
        child.kill()
    with pytest.raises(BrokenExecutor):
        apart.letters(many(101))
    assert len(apart.letters(many(101)).pages) == 101
    apart.close()


async def test_files_are_bound_side_by_side(letters: Letters) -> None:
    """Of the first file nothing is left: the numbers of the files have no gap."""
    near = [await letters.register(address=TOWNS[0]) for _ in range(2)]
    wrong = [await letters.send(channel=Channel.LETTER, to=to, facts={}) for to in near]
    far = [await letters.register(address=TOWNS[2]) for _ in range(4)]
    fine = [await letters.send(channel=Channel.LETTER, to=to) for to in far]
    batch = await letters.collect(pieces_per_file=2, processes=3)
    assert (batch.files, batch.pieces, batch.held) == (2, 4, 2)
    assert sorted(p.name for p in batch.folder.glob("*.pdf")) == [
        "B000001-001.pdf",
        "B000001-002.pdf",
    ]
    check(batch.folder, fine)
    assert {(await letters.state(i))[0] for i in wrong} == {"held"}
