"""From pieces to a source for Typst: one document with any number of letters.

A letter is a function of its data: the sheet of ``_base`` with the ``letter.typ`` of its notice.
Letters of one kind share the function. Nothing of a letter is part of the source; all of it goes
in as JSON.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from notifier.model.correspondence import Recipient
from notifier.write.envelope import Envelope
from notifier.write.typeface import Typeface
from notifier.write.window import GAP, LARGER, PITCH, Block

_HEAD: Final = """\
#let pieces = json(bytes(sys.inputs.data))
#set document(title: pieces.title, author: pieces.author)
#set text(lang: pieces.language, region: pieces.region)
"""
_KIND: Final = """\
#let kind-{n}(data) = [
{source}
#last-foot
]
"""
_TAIL: Final = """\
#for piece in pieces.pieces {{
  ({kinds},).at(piece.kind)(piece)
}}
"""
_REGIONS: Final = {"ja": "JP"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A letter before it is set."""

    kind: tuple[str, str, str]  # language, notice, step
    source: str  # Typst: the sheet and what the notice makes of it
    data: Mapping[str, Any]  # JSON values
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
        "pitch": PITCH,
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
    shown = [
        {**piece.data, "kind": kinds.setdefault(piece.source, len(kinds)), "piece": n, "pages": p}
        for n, (piece, p) in enumerate(zip(pieces, pages, strict=True))
    ]
    data = {
        "title": _common(sorted({p.title for p in pieces})),
        "author": sorted({p.author for p in pieces}),
        "language": pieces[0].language,
        "region": _REGIONS.get(pieces[0].language),
        "pieces": shown,
    }
    source = [_HEAD, *(_KIND.format(n=n, source=text) for text, n in kinds.items())]
    names = ", ".join(f"kind-{n}" for n in range(len(kinds)))
    source.append(_TAIL.format(kinds=names))
    return "".join(source), {"data": json.dumps(data, ensure_ascii=False)}


def _common(titles: Sequence[str]) -> str:
    return titles[0] if len(titles) == 1 else "、".join(titles)
