"""Reads a printed sheet back: words with their places, and the bars of a barcode."""

import io
import re
import subprocess
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from xml.etree import ElementTree as ET

from PIL import Image
from pypdf import PdfReader

MM = 25.4 / 72
DPI = 300
WHITE = 224  # of 255; whatever is darker is ink
_XHTML = "{http://www.w3.org/1999/xhtml}"
_DRAWN = re.compile(
    r"q 1 0 0 -1 ([\d.]+) ([\d.]+) cm(?:(?!\bq\b).)*?([\d.]+) w[^q]*?\bS\s", re.DOTALL
)
_STROKE = re.compile(r"([\d.]+) ([\d.]+) m ([\d.]+) ([\d.]+) l")


@dataclass(frozen=True)
class Box:
    """Something on the sheet, in mm from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float
    text: str = ""

    def within(self, left: float, top: float, right: float, bottom: float) -> bool:
        return (
            self.left >= left and self.top >= top and self.right <= right and self.bottom <= bottom
        )

    def touches(self, left: float, top: float, right: float, bottom: float) -> bool:
        return self.right > left and self.left < right and self.bottom > top and self.top < bottom


def words(pdf: bytes) -> list[list[Box]]:
    """The words of each page, by poppler."""
    command = ["pdftotext", "-bbox", "-", "-"]
    found = subprocess.run(command, input=pdf, check=True, capture_output=True).stdout
    pages = ET.fromstring(found.decode()).iter(f"{_XHTML}page")
    return [[_box(word) for word in page.iter(f"{_XHTML}word")] for page in pages]


def _box(word: ET.Element) -> Box:
    left, top, right, bottom = (
        float(word.attrib[name]) * MM for name in ("xMin", "yMin", "xMax", "yMax")
    )
    return Box(left, top, right, bottom, word.text or "")


def strokes(pdf: bytes, page: int = 0) -> list[Box]:
    """The upright strokes of a page that are thicker than a table's lines, from left to right."""
    sheet = PdfReader(io.BytesIO(pdf)).pages[page]
    contents = sheet.get_contents()
    assert contents is not None
    height = float(sheet.mediabox.height)
    found = []
    for drawn in _DRAWN.finditer(contents.get_data().decode("latin-1")):
        x, y, thick = float(drawn[1]), height - float(drawn[2]), float(drawn[3])
        for x0, y0, x1, y1 in (map(float, s) for s in _STROKE.findall(drawn[0])):
            if x0 == x1 and thick * MM > 0.3:
                left, right = x + x0 - thick / 2, x + x0 + thick / 2
                top, bottom = y + min(y0, y1), y + max(y0, y1)
                found.append(Box(left * MM, top * MM, right * MM, bottom * MM))
    return sorted(found, key=lambda box: box.left)


def folds(pdf: bytes, page: int = 0) -> list[float]:
    """Where the folding marks of a page are, in mm from its upper edge."""
    sheet = PdfReader(io.BytesIO(pdf)).pages[page]
    contents = sheet.get_contents()
    assert contents is not None
    height, found = float(sheet.mediabox.height), []
    for drawn in _DRAWN.finditer(contents.get_data().decode("latin-1")):
        for x0, y0, x1, y1 in (map(float, s) for s in _STROKE.findall(drawn[0])):
            if y0 == y1 and x1 != x0 and (float(drawn[1]) + x1) * MM < 15:
                found.append((height - float(drawn[2]) + y0) * MM)
    return sorted(found)


def dots(pdf: bytes, box: Box, folder: Path) -> list[tuple[float, float]]:
    """The places in mm of all dots of the first page within a box that are not white."""
    (folder / "sheet.pdf").write_bytes(pdf)
    command = ["pdftoppm", "-r", str(DPI), "-gray", "-f", "1", "-l", "1", "-singlefile"]
    subprocess.run([*command, folder / "sheet.pdf", folder / "sheet"], check=True)
    page = Image.open(folder / "sheet.pgm")
    per = DPI / 25.4  # dots of a millimetre
    x, y = ceil(box.left * per), ceil(box.top * per)
    part = page.crop((x, y, floor(box.right * per), floor(box.bottom * per)))
    wide = part.width
    light = part.tobytes()
    return [
        ((x + n % wide + 0.5) / per, (y + n // wide + 0.5) / per)
        for n, value in enumerate(light)
        if value < WHITE
    ]
