"""The fonts of letters: where they are, what characters they have, how wide these are."""

import importlib.util
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

from fontTools.ttLib import TTFont

from notifier.rendering.errors import BadTemplate
from notifier.rendering.stationery import Stationery, Style

_GOTHIC: Final = "Noto Sans CJK JP"
_PACKAGES: Final = ("noto_cjk_sans_jp_regular", "noto_cjk_sans_jp_bold")
_UNICODE: Final = 14  # the format of the table of variation sequences
_SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
#: How far Japanese characters reach below their line, in ems, and how far those do that stand for
#: two characters of a vertical line. All others keep to the descent that the font itself tells.
SQUARE: Final = 0.12
_TWICE: Final = 0.6
_SQUARES: Final = re.compile(
    "[ \u3000・0-9０-９A-IK-PR-ZＡ-ＩＫ-ＰＲ-Ｚa-fhik-or-xz々〆〇ぁ-ゖァ-ヺー"
    "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\ufe00-\ufe0f\U000e0100-\U000e01ef]*"
)
_LONG_MARKS: Final = re.compile("[\u302a-\u3035]")


@dataclass(frozen=True)
class Typeface:
    """A family in regular and bold. Its tables are read when they are first needed."""

    family: str
    faces: tuple[tuple[Path, int], ...]  # file and number of the face in it; the regular one first

    @property
    def folders(self) -> list[str]:
        """Where the files are."""
        return sorted({str(path.parent) for path, _ in self.faces})

    def lacks(self, text: str) -> str | None:
        """The first character that the family cannot print (``U+1F600``); None: it has them all.

        A base with a variation selector (IVS) counts as one character: what the font prints in
        another form than the one asked for, it lacks.
        """
        if self._read.known.issuperset(text):
            return None
        return next((_named(c) for c in _characters(text) if not self._has(c)), None)

    def width(self, text: str) -> float:
        """The width in ems, without kerning."""
        return sum(self._read.widths.get(c, 1.0) for c in text)

    @cached_property
    def descent(self) -> float:
        """How far below its line the family reaches, in ems, but for marks of vertical lines."""
        return max(_descent(*face) for face in self.faces)

    def depth(self, text: str) -> float:
        """See :func:`depth_of`."""
        return depth_of(text, self.descent)

    def _has(self, character: str) -> bool:
        if len(character) == 1:
            return character in self._read.known
        return (ord(character[0]), ord(character[1])) in self._read.variants

    @cached_property
    def _read(self) -> "_Tables":
        return _common([_tables(*face) for face in self.faces])


def depth_of(text: str, descent: float) -> float:
    """How far below its line a text reaches at the most, in ems, in a font of a descent."""
    if _SQUARES.fullmatch(text):
        return SQUARE
    return max(_TWICE if _LONG_MARKS.search(text) else SQUARE, descent)


@lru_cache(maxsize=8)
def typeface(stationery: Stationery) -> Typeface:
    """The typeface that letters are set in. Raises :class:`BadTemplate` if it is not there."""
    if stationery.style is Style.GOTHIC:
        return Typeface(_GOTHIC, tuple((file, 0) for file in _wheel_files()))
    found = _installed(stationery.mincho)
    if not found:
        message = f"the font {stationery.mincho} is not installed"
        raise BadTemplate("letter_mincho", "", message)
    return Typeface(stationery.mincho, found)


def _wheel_files() -> list[Path]:
    files = []
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise BadTemplate("letter_style", "", f"the font package {package} is not installed")
        files += sorted(Path(spec.origin).parent.glob("*.otf"))
    return files


def _installed(family: str) -> tuple[tuple[Path, int], ...]:
    """Regular and bold of an installed family, the lighter first."""
    import typst  # by far not every process sets letters

    fonts = typst.Fonts(include_system_fonts=True, include_embedded_fonts=False).fonts()
    upright = [f for f in fonts if f.family == family and f.style == "normal" and f.path]
    by_weight = {f.weight: f for f in reversed(upright)}
    wanted = [by_weight[w] for w in (400, 700) if w in by_weight] or list(by_weight.values())[:1]
    return tuple((Path(f.path), f.index) for f in wanted if f.path)


@dataclass(frozen=True, slots=True)
class _Tables:
    known: frozenset[str]  # characters that may stand alone
    variants: frozenset[tuple[int, int]]  # base and selector
    widths: dict[str, float]  # ems


def _common(all_of_them: Sequence[_Tables]) -> _Tables:
    """What all faces have; the widths are those of the first."""
    return _Tables(
        frozenset.intersection(*(t.known for t in all_of_them)),
        frozenset.intersection(*(t.variants for t in all_of_them)),
        all_of_them[0].widths,
    )


def _font(path: Path, number: int) -> TTFont:
    collection = path.suffix.lower() in (".ttc", ".otc")
    return TTFont(path, lazy=True, fontNumber=number if collection else -1)


def _descent(path: Path, number: int) -> float:
    with _font(path, number) as font:
        deepest: int = max(-font["hhea"].descent, font["OS/2"].usWinDescent)
        units: int = font["head"].unitsPerEm
        return deepest / units


def _tables(path: Path, number: int) -> _Tables:
    with _font(path, number) as font:
        characters = {chr(c): glyph for c, glyph in font.getBestCmap().items()}
        units, advances = font["head"].unitsPerEm, font["hmtx"].metrics
        selectors = {chr(c) for one in _SELECTORS for c in one}
        return _Tables(
            frozenset(characters) - selectors,
            frozenset(_sequences(font)),
            {c: advances[glyph][0] / units for c, glyph in characters.items()}
            | dict.fromkeys(selectors, 0.0),
        )


def _sequences(font: Any) -> Iterator[tuple[int, int]]:
    for table in font["cmap"].tables:
        if table.format == _UNICODE:
            for selector, bases in table.uvsDict.items():
                yield from ((base, selector) for base, _ in bases)


def _characters(text: Iterable[str]) -> Iterator[str]:
    """Characters, each with the selector that follows it."""
    last = ""
    for c in text:
        if last and any(ord(c) in selectors for selectors in _SELECTORS):
            yield last + c
            last = ""
            continue
        if last:
            yield last
        last = c
    if last:
        yield last


def _named(character: str) -> str:
    return " ".join(f"U+{ord(c):04X}" for c in character)
