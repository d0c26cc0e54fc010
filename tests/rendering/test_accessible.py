"""Pages in a real Chromium: readable for everybody, in the light, in the dark, on any brand."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.rendering.context import _ink
from tests.browser import Browser
from tests.samples import WRITER

MAILS = [
    (notice.name, step, name)
    for notice in WRITER.notices.values()
    for step in notice.steps
    if "email" in notice.channels
    for name in WRITER.samples(notice.name, step)
]
#: Light, dark and in between, where neither white nor near-black would do.
BRANDS = ["#1f4e79", "#ffffff", "#000000", "#7a7a7a", "#ffe9a8", "#c0392b", "#2e8b57", "#8080ff"]
#: Every piece of text that is seen: what it says, its size, and its colour on its background.
SEEN = """
(() => {
  const rgba = text => text.match(/[\\d.]+/g).map(Number);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c.slice(0, 3);
      if (c[3] > 0) throw "half transparent";
    }
    return [255, 255, 255];
  };
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walk.nextNode();) {
    const e = node.parentElement, style = getComputedStyle(e);
    if (!node.data.trim() || !e.getClientRects().length || e.closest("style")) continue;
    found.push({text: node.data.trim(), size: parseFloat(style.fontSize),
                ink: rgba(style.color).slice(0, 3), ground: ground(e)});
  }
  return found;
})()
"""
PAGE = """
({
  lang: document.documentElement.lang,
  title: document.title,
  headings: [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].map(h => Number(h.tagName[1])),
  tables: [...document.querySelectorAll("table")].map(t => ({
    role: t.getAttribute("role"), heads: t.querySelectorAll("th").length,
    scoped: t.querySelectorAll("th[scope]").length, nested: t.querySelectorAll("table").length})),
  links: [...document.links].map(a => ({href: a.href, text: a.textContent.trim()})),
  loaded: document.querySelectorAll("img,script,link,iframe,object,video,audio,form").length,
  wide: document.documentElement.scrollWidth - innerWidth,
})
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as one:
        yield one


def _luminance(colour: list[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], other: list[float]) -> float:
    """WCAG 2.2 contrast ratio of two colours of 0 to 255."""
    low, high = sorted(_luminance([c / 255 for c in colour]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def page(notice: str, step: str, name: str, colour: str = "") -> str:
    c = WRITER.samples(notice, step)[name]
    if colour:
        c = replace(c, brand=replace(c.brand, colour=colour))
    return WRITER.mail(c, token="t", message_id="a@b.example.jp").html


@pytest.mark.parametrize(("notice", "step", "name"), MAILS)
def test_structure(browser: Browser, notice: str, step: str, name: str) -> None:
    html = page(notice, step, name)
    for width in (320, 390, 720):
        browser.show(html, width)
        found: Any = browser.run(PAGE)
        assert found["wide"] <= 0, width
    assert found["lang"] == "ja"
    assert found["title"].startswith("【")
    assert found["headings"][0] == 1
    assert set(found["headings"][1:]) == {2}
    for table in found["tables"]:
        assert table["role"] == ("presentation" if table["nested"] or not table["heads"] else None)
        assert table["nested"] or table["scoped"] == table["heads"]
    for link in found["links"]:
        assert link["text"]
        assert link["href"].startswith(("https://", "tel:"))
    assert found["loaded"] == 0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("notice", "step", "name"), MAILS)
def test_everything_can_be_read(
    browser: Browser, notice: str, step: str, name: str, dark: bool
) -> None:
    browser.show(page(notice, step, name), 390, dark=dark)
    found = browser.run(SEEN)
    assert len(found) > 10
    for piece in found:
        assert contrast(piece["ink"], piece["ground"]) >= 4.5, piece
        assert piece["size"] >= 12, piece


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("colour", BRANDS)
def test_on_any_brand(browser: Browser, colour: str, dark: bool) -> None:
    browser.show(page("card_error", "first", "plain", colour), 390, dark=dark)
    for piece in browser.run(SEEN):
        assert contrast(piece["ink"], piece["ground"]) >= 4.5, piece


def test_colours_survive_a_program_that_turns_them_round(browser: Browser) -> None:
    browser.show(page("card_error", "first", "plain"), 390)
    for piece in browser.run(SEEN):
        turned = [[255 - c for c in piece[key]] for key in ("ink", "ground")]
        assert contrast(*turned) >= 4.5, piece


def test_the_dark_is_dark(browser: Browser) -> None:
    browser.show(page("card_error", "first", "plain", "#1f4e79"), 390, dark=True)
    assert all(_luminance([c / 255 for c in p["ground"]]) < 0.2 for p in browser.run(SEEN))


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_ink_is_readable_on_every_colour(colour: tuple[int, int, int]) -> None:
    ink = _ink("#{:02x}{:02x}{:02x}".format(*colour))
    channels = [float(int(ink[at : at + 2], 16)) for at in (1, 3, 5)]
    made = contrast(channels, list(map(float, colour)))
    assert made >= 4.5
    other = [255 - c for c in channels]
    assert made >= contrast(other, list(map(float, colour))) - 0.05  # the better of the two


@pytest.mark.parametrize(("notice", "step", "name"), MAILS)
def test_without_its_style_sheet_a_page_still_holds(
    browser: Browser, notice: str, step: str, name: str
) -> None:
    """As programs show it that drop style sheets."""
    bare = re.sub("<style.*?</style>", "", page(notice, step, name), flags=re.DOTALL)
    assert "style=" in bare
    browser.show(bare, 390)
    assert browser.run(PAGE)["wide"] <= 0
    for piece in browser.run(SEEN):
        assert contrast(piece["ink"], piece["ground"]) >= 4.5, piece
        assert piece["size"] >= 12, piece
