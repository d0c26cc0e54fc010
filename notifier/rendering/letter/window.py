"""The address block: which lines, at which size, so that all of it stays in the window.

Lines are broken here and not by the typesetter, so that a letter can be refused before it is set.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from notifier.model.correspondence import Recipient
from notifier.model.member import PostalAddress
from notifier.model.reasons import Reason
from notifier.rendering.errors import LetterError
from notifier.rendering.letter.typeface import SQUARE, Typeface
from notifier.rendering.stationery import QUIET, Envelope
from notifier.rendering.text.japanese import addressee

#: Sizes in points with the height of a line in sizes; the small ones stand closer.
SIZES: Final = ((10.5, 1.45), (9.5, 1.4), (8.5, 1.3), (7.5, 1.2))
GAP: Final = 0.4  # above the name, in sizes
LARGER: Final = 1.25  # the name, in sizes
_MM: Final = 25.4 / 72  # of a point
_SPARE: Final = 0.3  # mm that kerning and rounding may take
_MOST_NAMES: Final = 3  # lines of a name
#: What may not begin or end a line (JIS X 4051, the part that addresses and names have).
NOT_FIRST: Final = (
    "、。，．・：；！？ー々〻ゝゞヽヾ）］｝〕〉》」』"
    "】〜ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
_NOT_LAST: Final = frozenset("（［｛〔〈《「『【")
#: One character with its selectors and marks.
_CHARACTER: Final = re.compile(r".[\ufe00-\ufe0f\U000e0100-\U000e01ef\u3099\u309a]*", re.DOTALL)
#: What stays together: a run of half-width characters, or one character.
_UNIT: Final = re.compile(rf"[!-~]+|{_CHARACTER.pattern}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """An address as it is set."""

    size: float  # points
    pitch: float  # height of a line, in sizes
    lines: tuple[str, ...]
    company: tuple[str, ...]
    names: tuple[str, ...]
    drop: float  # how far the last name reaches below its box, in its sizes


def fit(recipient: Recipient, e: Envelope, face: Typeface, *, barcode: bool) -> Block:
    """The block at the largest size that fits. Raises :class:`LetterError` if none does."""
    assert recipient.address is not None
    for size, pitch in SIZES:
        block = _block(recipient, recipient.address, size, pitch, e, face)
        if _height(block, e, barcode=barcode) <= e.text_height:
            return block
    name = len(block.names) + len(block.company) > _MOST_NAMES
    field = "recipient.name" if name else "recipient.address"
    raise LetterError(Reason.ADDRESS_DOES_NOT_FIT, field, "does not fit into the window")


def _block(
    r: Recipient, address: PostalAddress, size: float, pitch: float, e: Envelope, face: Typeface
) -> Block:
    room = (e.text_width - _SPARE) / (size * _MM)
    place = [f"{address.prefecture}{address.city}", address.street]
    lines = [*_joined(place, room, face), *_broken(address.building, room, face)]
    company, named = "", addressee(r.name, r.honorific)
    if r.organisation:
        company, named = r.organisation, f"{r.role}　{named}".strip()
    wide = room / LARGER
    names = _broken(named, wide, face, end=len(r.honorific) + 1)
    return Block(
        size,
        pitch,
        tuple(lines),
        tuple(_broken(company, wide, face)),
        tuple(names),
        face.depth(names[-1]) - SQUARE if names else 0.0,
    )


def _height(block: Block, e: Envelope, *, barcode: bool) -> float:
    """Millimetres from the postcode's line to the foot of the barcode."""
    rows = 1 + len(block.lines) + LARGER * (len(block.company) + len(block.names))
    em = block.size * _MM
    text = (rows * block.pitch + GAP) * em
    # Below ễ, g or Ọ the blank begins where they end.
    return text + (block.drop * LARGER * em + QUIET + e.barcode_height if barcode else 0.0)


def _joined(parts: Sequence[str], room: float, face: Typeface) -> list[str]:
    """One line if it fits; else broken between the parts, as one writes it by hand."""
    whole = "".join(parts)
    if face.width(whole) <= room:
        return [whole]
    if all(face.width(part) <= room for part in parts):
        return [part for part in parts if part]
    return _broken(whole, room, face)


def _broken(text: str, room: float, face: Typeface, end: int = 0) -> list[str]:
    """Lines of at most ``room`` ems; the last ``end`` characters stay with what is before them."""
    lines, line = [], ""
    for unit in _units(text.strip(), room, face, end):
        if line and face.width(line + unit.rstrip()) > room:
            tail = _last_word(line)
            if face.width(tail) > room / 2 or face.width(tail + unit.rstrip()) > room:
                tail = ""
            lines.append(line.removesuffix(tail).strip())
            line = tail
        line += unit
    return [*lines, line.strip()] if line.strip() else lines


def _last_word(line: str) -> str:
    """What stands behind the last space: 1234 of 見本タワー 1234, which 号室 still belongs to."""
    place = max(line.rfind(" "), line.rfind("　"))
    return line[place + 1 :] if place > 0 else ""


def _units(text: str, room: float, face: Typeface, end: int) -> Iterator[str]:
    """What a line may be broken between."""
    unit = ""
    last = len(text) - end if end else len(text)
    for found in _UNIT.finditer(text):
        part = found[0]
        stays = unit and (part[0] in NOT_FIRST or unit[-1] in _NOT_LAST or found.start() >= last)
        if unit and not stays:
            yield unit
            unit = ""
        unit += part
        if face.width(unit) > room:  # longer than a line: broken anywhere
            yield from _CHARACTER.findall(unit)
            unit = ""
    if unit:
        yield unit
