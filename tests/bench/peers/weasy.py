"""WeasyPrint: the same letter as a page of HTML, one call each, in an environment of its own."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from notifier.model.correspondence import Correspondence
from notifier.model.states import Channel
from notifier.rendering import context
from notifier.rendering.folder import read_folders
from notifier.rendering.labels import LABELS
from notifier.rendering.letter.typeface import typeface
from notifier.rendering.stationery import Stationery
from notifier.rendering.words import Phrases
from tests.bench.figures import Absent
from tests.bench.ground import done
from tests.samples import TEMPLATES

_SCRIPT: Final = Path(__file__).with_name("weasy_site.py")
_STYLE: Final = """
@font-face {{ font-family: Letter; src: url("file://{regular}"); font-weight: normal }}
@font-face {{ font-family: Letter; src: url("file://{bold}"); font-weight: bold }}
@page {{ size: A4; margin: 22mm 22mm 20mm 24mm }}
body {{ font: 10pt/1.66 Letter; margin: 0 }}
h1 {{ font-size: 14pt; text-align: center }} h2 {{ font-size: 10.5pt; margin: 4mm 0 2mm }}
p {{ margin: 0 0 1mm; text-indent: 1em }} td {{ border: 0.5pt solid #b4bac1; padding: 1mm 2mm }}
table {{ width: 100%; border-collapse: collapse }} .window {{ height: 39mm }}
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What the peer said of itself."""

    label: str
    ms: float  # median of a letter


async def milliseconds(peers: Path, letters: Sequence[Correspondence]) -> Told:
    """How long it takes. Raises :class:`Absent` where it cannot be had."""
    home = peers / "weasyprint"
    home.mkdir(parents=True, exist_ok=True)
    python = await _installed(home)
    pages = home / "pages.json"
    pages.write_text(json.dumps([_page(c) for c in letters]), "utf-8")
    log = home / "run.log"
    try:
        await done(python, str(_SCRIPT), str(pages), log=log)
        told = json.loads(log.read_text().splitlines()[-1])
    except (RuntimeError, ValueError) as error:
        raise Absent(f"WeasyPrint does not run here: {error}") from error
    return Told(f"WeasyPrint {told['version']}", told["ms"])


async def _installed(home: Path) -> str:
    python, stamp = home / "venv" / "bin" / "python", home / "installed"
    if not stamp.exists():
        log = home / "install.log"
        try:
            await done(sys.executable, "-m", "venv", "--clear", str(home / "venv"), log=log)
            pip = (str(python), "-m", "pip", "--disable-pip-version-check", "--no-input")
            await done(*pip, "install", "--quiet", "weasyprint", log=log)
        except RuntimeError as error:
            raise Absent(f"WeasyPrint could not be installed: {error}") from error
        stamp.touch()
    return str(python)


def _page(c: Correspondence) -> str:
    """The words of a letter as HTML, in our font; without folding marks and barcode."""
    folder = read_folders(TEMPLATES)[c.language, c.notice]
    words = Phrases(folder, LABELS).plain_words(
        c.step, context.values(c, folder.notice, Channel.LETTER)
    )
    faces = [str(path) for path, _ in typeface(Stationery()).faces]
    assert c.recipient.address is not None
    to = [*c.recipient.address.lines, f"{c.recipient.name} {c.recipient.honorific}"]
    body = [
        f"<div class=window>{context.postcode(c)}<br>{'<br>'.join(map(escape, to))}</div>",
        f"<h1>{escape(words['heading'])}</h1>",
        *_paragraphs(f"{words['opening']}\n\n{words['lead']}"),
        *(part for section in words["sections"] for part in _section(section)),
        *_paragraphs(words["closing"]),
        *_paragraphs("\n\n".join(" ".join(who.values()) for who in words["contacts"])),
    ]
    style = _STYLE.format(regular=faces[0], bold=faces[-1])
    return f"<html lang=ja><style>{style}</style><body>{''.join(body)}</body></html>"


def _section(section: Mapping[str, Any]) -> Iterable[str]:
    yield f"<h2>{escape(section['title'])}</h2>"
    if "rows" in section:
        rows = (f"<tr>{''.join(f'<td>{escape(c)}</td>' for c in r)}</tr>" for r in section["rows"])
        yield f"<table>{''.join(rows)}</table>"
    if "points" in section:
        yield f"<ul>{''.join(f'<li>{escape(point)}</li>' for point in section['points'])}</ul>"
    yield from _paragraphs(section.get("text", ""))


def _paragraphs(text: str) -> list[str]:
    return [f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part]
