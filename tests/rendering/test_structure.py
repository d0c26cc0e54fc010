"""The order of blocks in every mail and letter, against what was agreed (``structure.txt``).

Where wording changes on purpose, write the file anew:
``python -m tests.rendering.test_structure > tests/rendering/structure.txt``.
"""

import io
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pypdf import PdfReader

from notifier.model.correspondence import Correspondence
from tests.rendering.pages import bare
from tests.samples import WRITER

FILE = Path(__file__).parent / "structure.txt"
ALL = [
    (notice.name, step, name)
    for notice in WRITER.notices.values()
    for step in notice.steps
    for name in WRITER.samples(notice.name, step)
]
_BLOCKS = {"table": "table", "ul": "points", "p": "text"}


class Blocks(HTMLParser):
    """Titles of a page, each with the kinds of block that stand under it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []
        self._inside = ""
        self.feed(html[html.index("<h1") :].partition('class="p h"')[0])  # that is the contacts

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("h1", "h2"):
            self.found.append(("", []))
            self._inside = tag
        elif tag in _BLOCKS:
            kinds = self.found[-1][1]
            if kinds[-1:] != [_BLOCKS[tag]]:
                kinds.append(_BLOCKS[tag])

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            title, kinds = self.found[-1]
            self.found[-1] = (title + data, kinds)


def described(notice: str, step: str, name: str) -> str:
    """Subject and blocks of a sample, as the file has them."""
    c = WRITER.samples(notice, step)[name]
    lines = [f"{notice} {step} {name}"]
    if "email" in WRITER.notices[notice].channels:
        mail = WRITER.mail(c, token="t", message_id="a@b.example.jp")
        lines.append(f"  {mail.subject}")
        lines += [f"  - {title}: {', '.join(kinds)}" for title, kinds in Blocks(mail.html).found]
    if "letter" in WRITER.notices[notice].channels:
        lines.append(f"  letter: {' / '.join(printed(c))}")
    return "\n".join(lines) + "\n"


def printed(c: Correspondence) -> Iterator[str]:
    """Numbered titles of a letter, in order."""
    pages = PdfReader(io.BytesIO(WRITER.letter(c).pdf)).pages
    text = "\n".join(page.extract_text() for page in pages)
    for number, title in re.findall(r"^(\d+)\. *(.+)$", text, re.MULTILINE):
        yield f"{number} {bare(title)}"


@pytest.mark.parametrize(("notice", "step", "name"), ALL)
def test_it_is_as_agreed(notice: str, step: str, name: str) -> None:
    assert described(notice, step, name) in FILE.read_text()


def test_nothing_is_agreed_that_is_not_there() -> None:
    heads = re.findall(r"^(\w+) (\w+) (\w+)$", FILE.read_text(), re.MULTILINE)
    assert sorted(heads) == sorted(ALL)


@pytest.mark.parametrize(("notice", "step", "name"), ALL)
def test_text_and_letter_have_the_blocks_of_the_page(notice: str, step: str, name: str) -> None:
    if WRITER.notices[notice].channels != ("email", "letter"):
        return
    c = WRITER.samples(notice, step)[name]
    mail = WRITER.mail(c, token="t", message_id="a@b.example.jp")
    titles = [title for title, _ in Blocks(mail.html).found][1:]
    in_text = re.findall(r"^■ (.+)$", mail.text, re.MULTILINE)
    assert in_text[: len(titles)] == titles
    numbered = [f"{number} {bare(title)}" for number, title in enumerate(titles, 1)]
    assert list(printed(c)) == numbered


if __name__ == "__main__":
    sys.stdout.write("".join(described(*one) for one in ALL))
