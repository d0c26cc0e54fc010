"""What a page's content draws: texts and shapes, each with the box that it fills.

Reads what Typst makes: a row of pieces (``q … cm … Q``) that each say where they stand, with their
tags between them. Anything else is an error, never a page with less on it.
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from notifier.rendering.pdf.fonts import Font, Unknown, glyphs_of

_DEEPEST: Final = 12  # parentheses within parentheses; those that match need not be escaped
_INNER: Final = rb"(?:[^\\()]++|\\.%s)*+"


def _literal(depth: int = _DEEPEST) -> bytes:
    """What stands between the parentheses of a string."""
    return _INNER % (rb"|\(" + _literal(depth - 1) + rb"\)" if depth else b"")


_NUMBER: Final = rb"-?[\d.]+"
_UPRIGHT: Final = [b"1", b"0", b"0", b"-1"]
#: The begin of what is tagged; strings in it tell languages, or what glyphs mean.
_TAG: Final = (
    rb"/\w+ ?(?:BMC|(?:/\w+|<<(?:[^()<>]|<[^<>]*>|<<[^()<>]*>>|\(" + _literal() + rb"\))*+>>) ?BDC)"
)
#: Between pieces: what they are, and paths that clip them.
_BETWEEN: Final = re.compile(
    rb"(?:\s|EMC|Q|%s|q (?:%s |[mlhc]\s)+W\*?\s+n)*+" % (_TAG, _NUMBER), re.DOTALL
)
_TOKEN: Final = re.compile(
    rb"\s+|[\[\]]|(%s)|(%s)|/(\w+)|\((%s)\)|<([0-9A-Fa-f]*)>|([A-Za-z]+\*?)"
    % (_TAG, _NUMBER, _literal()),
    re.DOTALL,
)
#: Strings of glyphs, and by how much (thousandths of the size) what follows is moved back.
_SHOWN: Final = re.compile(rb"\((%s)\)|<([0-9A-Fa-f]*)>|(%s)" % (_literal(), _NUMBER), re.DOTALL)
_STRING: Final = rb"(?:\(%s\)|<[0-9A-Fa-f]*>)" % _literal()
#: Most texts: colour and manner, which change nothing about their place, then a single line.
_LINE: Final = re.compile(
    rb"\s*/\w+ cs (?:%s )++scn\s+BT \d Tr/(\w+) (%s) Tf 1 0 0 -1 (%s) (%s) Tm"
    rb"(?:\[((?:%s|%s|\s)*+)\]TJ|(%s)Tj)\s+ET"
    % (_NUMBER, _NUMBER, _NUMBER, _NUMBER, _STRING, _NUMBER, _STRING),
    re.DOTALL,
)
#: What glyphs stand for that mean nothing one by one.
_ACTUAL: Final = re.compile(rb"/ActualText ?(?:<([0-9A-Fa-f]*)>|\((%s)\))" % _literal(), re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
#: An escape that Python's bytes do not have in the same meaning.
_OWN_ESCAPE: Final = re.compile(rb"\\[^0-3nrtbf\\]")
_PLAIN: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
#: A run of lines.
_STRAIGHT: Final = re.compile(rb"(?:%s %s [ml]\s)+" % (_NUMBER, _NUMBER))
#: Operators on paths, with how many of the last numbers are places.
_PLACES: Final = {b"m": 2, b"l": 2, b"c": 6}
#: Operators that draw, and those that say how.
_STROKES: Final = frozenset((b"S", b"s", b"B", b"B*", b"b", b"b*"))
_FILLS: Final = frozenset((b"f", b"F", b"f*", b"h"))
_LOOKS: Final = frozenset(b"M J j d cs CS sc SC scn SCN gs BT ET Tr".split())
#: How far characters reach above and below their line, in sizes: Japanese ones are squares.
_ABOVE, _BELOW = 0.88, 0.12


class Drawn(NamedTuple):
    """A text or a shape; its box in points, from the upper left corner of the sheet."""

    left: float
    top: float
    right: float
    bottom: float
    text: str  # of a shape: empty


class Contents:
    """Reads pages that share their fonts; what several of them draw is read once."""

    def __init__(self, fonts: Mapping[bytes, Font]) -> None:
        self._fonts = fonts
        self._known: dict[bytes, Drawn] = {}  # from where each piece stands
        self._between: set[bytes] = set()

    def drawn(self, content: bytes, height: float) -> Iterator[Drawn]:
        """What a page of a height in points shows, in order. Raises :class:`Unknown`."""
        *pieces, rest = content.split(b"\nQ\n")
        for piece in pieces:
            head, placed, body = piece.partition(b" cm")
            between, _, matrix = head.rpartition(b"q ")
            self._skip(between if placed else piece)
            if not placed:  # the end of what was clipped
                continue
            shape = self._known.get(body) or self._learn(body)
            numbers = matrix.split()
            if numbers[:4] == _UPRIGHT:
                x, y = float(numbers[4]), height - float(numbers[5])
                left, top, right, bottom, text = shape
                yield Drawn(x + left, y + top, x + right, y + bottom, text)
            else:
                yield _turned(shape, numbers, height)
        self._skip(rest)

    def _skip(self, between: bytes) -> None:
        if between in self._between:
            return
        if not _BETWEEN.fullmatch(between):
            raise Unknown("something is drawn in a way that is not known")
        self._between.add(between)

    def _learn(self, body: bytes) -> Drawn:
        try:
            if line := _LINE.fullmatch(body):
                shape = self._line(*line.groups())
            else:
                shape = self._text(body) if b"\nBT" in body else _path(body)
        except (LookupError, ValueError):
            raise Unknown("an operator without what it needs") from None
        self._known[body] = shape
        return shape

    def _line(
        self, name: bytes, size: bytes, left: bytes, base: bytes, many: bytes | None, one: bytes
    ) -> Drawn:
        """A text of one line; ``many``: strings and what is moved between them."""
        raw, moved = [], 0.0
        for literal, digits, number in _SHOWN.findall(one if many is None else many):
            if number:
                moved += float(number)
            else:
                raw.append(bytes.fromhex(digits.decode()) if digits else _unescaped(literal))
        font, glyphs = self._fonts[name], glyphs_of(b"".join(raw))
        em, x, y = float(size), float(left), float(base)
        right = x + (font.width(glyphs) - moved) * em / 1000
        return Drawn(x, y - _ABOVE * em, right, y + _BELOW * em, font.text(glyphs))

    def _text(self, body: bytes) -> Drawn:
        """A stretch of text: its lines begin where ``Tm`` says, and run to the right."""
        font, size, text = None, 0.0, []
        x = y = 0.0
        edges: list[tuple[float, float, float, float]] = []
        actual = ""  # what stands for the glyphs up to the end of their tag
        for numbers, name, raw, operator in _operations(body):
            if operator == b"Tf":
                font, size = self._fonts.get(name), numbers[-1]
            elif operator == b"Tm":
                x, y = numbers[-2:]
            elif operator in (b"Tj", b"TJ"):
                if font is None:
                    raise Unknown("a text without a font")
                glyphs = glyphs_of(raw)
                start, x = x, x + (font.width(glyphs) - sum(numbers)) * size / 1000
                edges.append((start, y - _ABOVE * size, x, y + _BELOW * size))
                text.append("" if actual else font.text(glyphs))
            elif operator in (b"BDC", b"EMC"):
                actual = raw.decode("utf-16", "replace")
                text.append(actual)
            elif operator not in _LOOKS and operator != b"w":
                raise Unknown("a text with something else in it")
        return Drawn(*_around(edges), "".join(text))


def _path(body: bytes) -> Drawn:
    """A path: the box around all its points, and half its line's width to each side."""
    xs: list[float] = []
    ys: list[float] = []
    width, half = 1.0, 0.0
    # A barcode is a path of 67 lines: most of what is drawn in a letter.
    straight = _STRAIGHT.search(body)
    words = straight[0].split() if straight else []
    if straight:
        xs, ys = [*map(float, words[::3])], [*map(float, words[1::3])]
        body = body[: straight.start()] + body[straight.end() :]
    lines = set(words[2::6]) == {b"m"} and set(words[5::6]) == {b"l"} and len(words) % 6 == 0
    for numbers, _, raw, operator in _operations(body):
        if operator in _PLACES:
            places = numbers[-_PLACES[operator] :]
            xs += places[::2]
            ys += places[1::2]
            lines = False
        elif operator == b"w":
            width = numbers[-1]
        elif operator in _STROKES:
            half = width / 2
        elif raw or operator not in _FILLS | _LOOKS:
            raise Unknown("a shape with something else in it")
    if not xs:
        raise Unknown("a shape without points")
    # Upright and level lines end where their last points are.
    wide = 0.0 if lines and ys[::2] == ys[1::2] else half
    high = 0.0 if lines and xs[::2] == xs[1::2] else half
    return Drawn(min(xs) - wide, min(ys) - high, max(xs) + wide, max(ys) + high, "")


def _operations(body: bytes) -> Iterator[tuple[list[float], bytes, bytes, bytes]]:
    """Each operator with the numbers, the name and the glyphs before it."""
    numbers: list[float] = []
    name = raw = b""
    read = 0
    for found in _TOKEN.finditer(body):
        if found.start() != read:
            break
        read = found.end()
        tag, number, named, literal, digits, operator = found.groups()
        if number:
            numbers.append(float(number))
        elif tag:
            yield [], b"", _actual(tag), b"BDC"
        elif named:
            name = named
        elif operator:
            yield numbers, name, raw, operator
            numbers, name, raw = [], b"", b""
        elif literal is not None:
            raw += _unescaped(literal)
        elif digits is not None:
            raw += bytes.fromhex(digits.decode())
    if read != len(body) or numbers or raw:
        raise Unknown("content that is not of the form that we know")


def _actual(tag: bytes) -> bytes:
    """The text that a tag gives for its glyphs, in UTF-16 with its mark; empty: none."""
    found = _ACTUAL.search(tag)
    if found is None:
        return b""
    if found[1] is not None:
        return bytes.fromhex(found[1].decode())
    raw = _unescaped(found[2])
    return raw if raw.startswith(b"\xfe\xff") else raw.decode("latin-1").encode("utf-16")


def _around(boxes: list[tuple[float, float, float, float]]) -> tuple[float, float, float, float]:
    if not boxes:
        return 0.0, 0.0, 0.0, 0.0
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _turned(shape: Drawn, numbers: list[bytes], height: float) -> Drawn:
    """A piece that is turned or scaled."""
    try:
        a, b, c, d, e, f = map(float, numbers)
    except ValueError:
        raise Unknown("something that stands nowhere") from None
    corners = [(x, y) for x in (shape.left, shape.right) for y in (shape.top, shape.bottom)]
    xs = [a * x + c * y + e for x, y in corners]
    ys = [height - (b * x + d * y + f) for x, y in corners]
    return Drawn(min(xs), min(ys), max(xs), max(ys), shape.text)


def _unescaped(literal: bytes) -> bytes:
    """What a string says; most of them at once, because glyphs are mostly escapes."""
    if b"\\" not in literal:
        return literal
    if _OWN_ESCAPE.search(literal):
        return _ESCAPE.sub(_plain, literal)
    return codecs.escape_decode(literal)[0]


def _plain(escape: re.Match[bytes]) -> bytes:
    what = escape[1]
    return bytes([int(what, 8)]) if what.isdigit() else _PLAIN.get(what, what)
