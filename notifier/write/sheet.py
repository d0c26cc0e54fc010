"""From pieces to a source for Typst: one document with any number of letters.

A letter is a function of its data: the sheet of ``_base`` with the ``letter.typ`` of its notice.
Letters of one kind share the function. Nothing of a letter is part of the source; all of it goes
in as JSON.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from notifier.model.correspondence import Recipient
from notifier.write.envelope import Envelope
from notifier.write.typeface import Typeface
from notifier.write.window import GAP, LARGER, Block

_HEAD: Final = """\
#let frame = json(bytes(sys.inputs.frame))
#set document(title: frame.title, author: frame.author)
#set text(lang: frame.language, region: frame.region)
"""
_KIND: Final = """\
#let kind-{n}(data) = [
{source}
#last-foot
]
"""
_TAIL: Final = """\
#for (n, piece) in json(bytes(sys.inputs.pieces)).enumerate() {{
  ({kinds},).at(frame.kinds.at(n))(piece + (place: n, pages: frame.pages.at(n)))
}}
"""
_REGIONS: Final = {"ja": "JP"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A letter before it is set."""

    kind: tuple[str, str, str]  # language, notice, step
    tools: str  # Typst: functions that do not depend on the letter
    source: str  # Typst: the sheet and what the notice makes of it
    data: str  # JSON
    title: str
    author: str
    written_at: datetime
    most_pages: int
    most_sheets: int  # that its postage allows

    @property
    def language(self) -> str:
        """Of its words."""
        return self.kind[0]


def addressed(r: Recipient, postcode: str, block: Block, bars: str) -> dict[str, Any]:
    """What stands in the window."""
    return {
        **asdict(block),
        "postcode": postcode,
        "bars": bars,
        "gap": GAP,
        "larger": LARGER,
        "name": r.name,
        "honorific": r.honorific,
    }


def paper(e: Envelope, face: Typeface, *, fold_marks: bool) -> dict[str, Any]:
    """What the sheet has to know of envelope and typeface."""
    window = {
        k: getattr(e, k)
        for k in ("left", "top", "width", "height", "slack_x", "slack_y", "barcode")
    }
    return {"window": window, "folds": list(e.folds) if fold_marks else [], "font": face.family}


def document(pieces: Sequence[Piece], pages: Sequence[int]) -> tuple[str, dict[str, str]]:
    """Source and inputs of a document. ``pages``: of each piece, as far as they are known."""
    kinds: dict[str, int] = {}
    frame = {
        "title": _common(sorted({p.title for p in pieces})),
        "author": sorted({p.author for p in pieces}),
        "language": pieces[0].language,
        "region": _REGIONS.get(pieces[0].language),
        "kinds": [kinds.setdefault(p.source, len(kinds)) for p in pieces],
        "pages": list(pages),
    }
    source = [_HEAD, _tools(pieces), *(_KIND.format(n=n, source=text) for text, n in kinds.items())]
    names = ", ".join(f"kind-{n}" for n in range(len(kinds)))
    source.append(_TAIL.format(kinds=names))
    inputs = {
        "frame": json.dumps(frame, ensure_ascii=False),
        "pieces": f"[{','.join(p.data for p in pieces)}]",
    }
    return "".join(source), inputs


def _tools(pieces: Sequence[Piece]) -> str:
    """Those of the one language that the letters of a document are in."""
    found = {piece.tools for piece in pieces}
    if len(found) > 1:
        raise ValueError("the letters of a document are in one language")
    return found.pop() + "\n"


def _common(titles: Sequence[str]) -> str:
    return titles[0] if len(titles) == 1 else "、".join(titles)
