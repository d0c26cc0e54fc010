"""What is written on pages is read from the file itself, and a misplaced page is noticed."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from notifier.archive.letters import dumped, is_inputs, loaded, stationery_of
from notifier.model.correspondence import Correspondence
from notifier.printing.binding import Misplaced, bind, bind_all, check
from notifier.rendering.errors import PiecesRefused
from notifier.rendering.pdf.reader import Pages
from notifier.rendering.writer import Writer
from notifier.rendering.written import Bulk
from tests.samples import ADDRESS, TEMPLATES, WRITER

_NAMES = st.text(st.sampled_from("山川()（）[]<>\\/『』々ー0Aa･、"), min_size=1, max_size=12)


def letter(number: int, notice: str = "refund", step: str = "decided") -> Correspondence:
    return replace(WRITER.sample(notice, step), number=f"M{number:09d}")


def named(name: str) -> Correspondence:
    c = letter(1)
    return replace(c, recipient=replace(c.recipient, name=name))


@pytest.mark.parametrize(
    ("notice", "step"),
    [(n.name, s) for n in WRITER.notices.values() if "letter" in n.channels for s in n.steps],
)
def test_all_text_is_read_as_another_reader_reads_it(notice: str, step: str) -> None:
    pdf = WRITER.letters([letter(1, notice, step), letter(2, notice, step)]).pdf
    ours, theirs = Pages(pdf), PdfReader(io.BytesIO(pdf)).pages
    assert len(ours) == len(theirs)
    for n, page in enumerate(theirs):
        read = "".join("".join(ours.lines(n)).split())
        assert sorted(read) == sorted("".join(page.extract_text().split()))


@settings(max_examples=25)
@given(_NAMES)
def test_parentheses_and_escapes_hide_nothing(name: str) -> None:
    name = f"潮{name}"
    text = "".join("".join(Pages(WRITER.letters([named(name)]).pdf).lines(0)).split())
    assert name in text
    assert "M000000001" in text


def test_pages_are_counted_to_their_letters() -> None:
    bound = bind(WRITER, [letter(n) for n in (5, 3, 9)])
    assert bound.first_pages == (1, 2, 3)
    check(bound, [letter(n) for n in (5, 3, 9)], WRITER.stationery)


@pytest.mark.parametrize(
    ("numbers", "pages", "refused"),
    [
        ((3, 5, 9), (1, 1, 1), [0, 1]),  # two have changed places
        ((5, 3), (1, 2), [1]),  # a letter's page is counted to the one before it
    ],
)
def test_a_page_of_another_is_noticed(
    numbers: tuple[int, ...], pages: tuple[int, ...], refused: list[int]
) -> None:
    pdf = WRITER.letters([letter(n) for n in (5, 3, 9)]).pdf
    with pytest.raises(PiecesRefused) as caught:
        check(Bulk(pdf, pages), [letter(n) for n in numbers], WRITER.stationery)
    assert [*caught.value.faults] == refused
    assert {fault.field for fault in caught.value.faults.values()} == {"number"}


@pytest.mark.parametrize("pages", [(1, 1, 2), (1, 1, 1, 0), (3,)])
def test_pages_that_belong_to_no_letter_are_noticed(pages: tuple[int, ...]) -> None:
    pdf = WRITER.letters([letter(n) for n in (5, 3, 9)]).pdf
    with pytest.raises(Misplaced):
        check(Bulk(pdf, pages), [letter(n) for n in (5, 3, 9)], WRITER.stationery)


#: What a clerk, a member or an attacker may have put where; all of it looks like a number.
ALIKE: list[dict[str, object]] = [
    {"name": "M123456789"},
    {"name": "M000000005"},  # the number of another letter of the file
    {"name": "文書番号 M123456789"},
    {"member_no": "M123456789"},
    {"address": replace(ADDRESS, building="M123456789")},
    {"address": replace(ADDRESS, building="M000000005ビル")},
    {"address": replace(ADDRESS, street="千代田9丁目99番M123456789")},
]


@pytest.mark.parametrize("n", range(len(ALIKE)))
def test_what_reads_like_a_number_is_none(n: int) -> None:
    odd = letter(3)
    odd = replace(odd, recipient=replace(odd.recipient, **ALIKE[n]))  # type: ignore[arg-type]
    brand = replace(odd.brand, association="M000000005", signatory="M123456789")
    letters = [letter(5), odd, replace(letter(9), brand=brand, group_no="M123456789")]
    good, bound, faults = bind_all(WRITER, letters)
    assert faults == {}
    assert good == [0, 1, 2]
    assert bound is not None
    assert bound.pages == (1, 1, 1)


def test_a_number_on_a_further_page_is_read_in_its_foot_only() -> None:
    samples = WRITER.samples("apology", "data_leak").values()
    long = next(c for c in samples if WRITER.letter(c).pages == 2)
    long = replace(long, number="M000000007", scheme_name="M123456789")
    good, bound, faults = bind_all(WRITER, [letter(5), long, letter(9)])
    assert (good, faults) == ([0, 1, 2], {})
    assert bound is not None
    assert bound.pages == (1, 2, 1)
    other = replace(long, number="M000000008")
    with pytest.raises(PiecesRefused) as caught:
        check(bound, [letter(5), other, letter(9)], WRITER.stationery)
    assert [*caught.value.faults] == [1]


def test_what_spoils_the_file_for_all_is_found_by_halves(tmp_path: Path) -> None:
    """Typst gives up the whole document, and says of no letter that it was this one."""
    source = '#if data.number in ("M000000003", "M000000008") { panic("broken") }'
    writer, letters = breaking(tmp_path, source), [letter(n) for n in range(1, 10)]
    good, bound, faults = bind_all(writer, letters)
    assert good == [0, 1, 3, 4, 5, 6, 8]
    assert [*faults] == [2, 7]
    assert bound is not None
    check(bound, [letters[n] for n in good], WRITER.stationery)


def test_letters_that_cannot_stand_together_are_parted(tmp_path: Path) -> None:
    writer = breaking(tmp_path, '#if data.place > 1 { panic("broken") }')
    good, bound, faults = bind_all(writer, [letter(n) for n in range(4)])
    assert (good, [*faults]) == ([0, 1], [2, 3])
    assert bound is not None


def breaking(folder: Path, source: str) -> Writer:
    """A writer whose letters begin with a piece of Typst."""
    shutil.copytree(TEMPLATES, folder / "templates")
    path = folder / "templates" / "ja" / "refund" / "letter.typ"
    path.write_text(f"{source}\n{path.read_text()}")
    return Writer(folder / "templates")


def test_a_file_that_cannot_be_read_is_no_file_without_text() -> None:
    out = io.BytesIO()
    blank = PdfWriter()
    blank.add_blank_page(595, 842)
    blank.write(out)
    for pdf in (out.getvalue(), b"%PDF-1.7\n", b""):
        with pytest.raises(Misplaced):
            check(Bulk(pdf, (1,)), [letter(1)], WRITER.stationery)


@given(st.text(max_size=8), st.dictionaries(st.text(max_size=5), st.integers() | st.text()))
def test_inputs_are_read_back_as_they_were(name: str, facts: dict[str, object]) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    facts = {k: v for k, v in facts.items() if not isinstance(v, int) or abs(v) < 2**53}
    c = replace(named(name), facts=facts)
    inputs = dumped(c, WRITER.stationery)
    assert is_inputs(inputs)
    assert loaded(inputs) == c
    assert dumped(loaded(inputs), WRITER.stationery) == inputs
    assert stationery_of(inputs) == WRITER.stationery
