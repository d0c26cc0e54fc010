"""What is written on pages is read from the file itself, and a misplaced page is noticed."""

import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from notifier.model.correspondence import Correspondence
from notifier.press.binding import Misplaced, bind, check
from notifier.press.inputs import dumped, is_inputs, loaded, stationery_of
from notifier.write.drawn import Pages
from notifier.write.written import Bulk
from tests.samples import WRITER

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
    ("numbers", "pages"),
    [
        ((3, 5, 9), (1, 1, 1)),  # two have changed places
        ((5, 3), (1, 2)),  # a letter's page is counted to the one before it
        ((5, 3, 9), (1, 1, 2)),
        ((5, 3, 9, 9), (1, 1, 1, 0)),
    ],
)
def test_a_page_of_another_is_noticed(numbers: tuple[int, ...], pages: tuple[int, ...]) -> None:
    pdf = WRITER.letters([letter(n) for n in (5, 3, 9)]).pdf
    with pytest.raises(Misplaced):
        check(Bulk(pdf, pages), [letter(n) for n in numbers], WRITER.stationery)


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
