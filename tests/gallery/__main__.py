"""Renders ``docs/gallery``: mails in a real Chromium, letters by the typesetter."""

import io
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from notifier.model.correspondence import Correspondence
from notifier.model.states import Channel
from notifier.rendering.labels import label
from notifier.rendering.samples import PLAIN
from notifier.rendering.writer import Writer
from tests.browser import Browser

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "gallery"
PHONE, DESKTOP = 390, 720  # CSS pixels
PPI = 72  # of letters
COLOURS = 16  # of a picture


@dataclass(frozen=True, slots=True)
class Picture:
    """One file of the gallery."""

    notice: str
    step: str
    variant: str
    view: str  # phone, desktop, dark, letter-1 …
    png: bytes

    @property
    def name(self) -> str:
        return f"{self.notice}-{self.step}-{self.variant}-{self.view}.png"


def mail_views(
    browser: Browser, html: str, *, plain: bool, first: bool
) -> Iterator[tuple[str, bytes]]:
    """A mail on a phone; the plain sample also on a desktop, the first one in the dark too."""
    browser.show(html, PHONE)
    yield "phone", browser.picture()
    if plain:
        browser.show(html, DESKTOP)
        yield "desktop", browser.picture()
    if plain and first:
        browser.show(html, PHONE, dark=True)
        yield "dark", browser.picture()


def pictures(writer: Writer, browser: Browser) -> Iterator[Picture]:
    """All of them, in the order of the notices, their steps and samples."""
    for notice in writer.notices.values():
        for step in notice.steps:
            for variant, c in writer.samples(notice.name, step).items():
                for view, png in views(writer, browser, c, variant):
                    yield Picture(notice.name, step, variant, view, small(png))


def views(
    writer: Writer, browser: Browser, c: Correspondence, variant: str
) -> Iterator[tuple[str, bytes]]:
    channels, steps = writer.notices[c.notice].channels, writer.notices[c.notice].steps
    if Channel.EMAIL in channels:
        mail = writer.mail(c, token="gallery", message_id="<gallery@notifier.example.jp>")
        plain, first = variant == PLAIN, c.step == steps[0]
        yield from mail_views(browser, mail.html, plain=plain, first=first)
    if Channel.LETTER in channels:
        for page, png in enumerate(writer.letter_png(c, PPI), 1):
            yield f"letter-{page}", png


def small(png: bytes) -> bytes:
    """The picture with few colours; text stays as sharp as it was."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    packed = image.quantize(COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    packed.save(out, "PNG", optimize=True, bits=4)
    return out.getvalue()


def index(made: list[Picture], writer: Writer) -> str:
    """The page that shows them."""
    lines = [
        "# Gallery",
        "",
        "Every notice in every channel with its samples, as the writer makes it (`make gallery`).",
        "Mails are shown by Chromium on a phone, the plain samples also on a desktop, the first",
        "step of a notice in dark mode too; letters by the typesetter. All in them is invented.",
        "",
    ]
    for notice in writer.notices:
        lines += [f"## {label(f'notice.{notice}', 'ja')} (`{notice}`)", ""]
        for key, views_of in _grouped(made, notice).items():
            lines += [f"### {key}", "", " ".join(_shown(p) for p in views_of), ""]
    return "\n".join(lines)


def _grouped(made: list[Picture], notice: str) -> Mapping[str, list[Picture]]:
    found: dict[str, list[Picture]] = {}
    for picture in made:
        if picture.notice == notice:
            found.setdefault(f"{picture.step}, {picture.variant}", []).append(picture)
    return found


def _shown(picture: Picture) -> str:
    width = 220 if picture.view in ("phone", "dark") else 320
    alt = f"{picture.notice} {picture.step} {picture.variant}, {picture.view}"
    return f'<img src="{picture.name}" alt="{alt}" width="{width}" valign="top">'


def main() -> None:
    """Make the folder anew; prints what it weighs."""
    writer = Writer(ROOT / "templates", ROOT / "locales")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with Browser() as browser:
        made = list(pictures(writer, browser))
    for picture in made:
        (FOLDER / picture.name).write_bytes(picture.png)
    (FOLDER / "README.md").write_text(index(made, writer))
    weight = sum(len(picture.png) for picture in made)
    sys.stdout.write(f"{len(made)} pictures, {weight / 1e6:.1f} MB, in {FOLDER}\n")


if __name__ == "__main__":
    main()
