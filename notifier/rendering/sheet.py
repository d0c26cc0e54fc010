"""From pieces to sources for Typst: one document with any number of letters.

A letter is a function of its data: the sheet of ``_base`` with the ``letter.typ`` of its notice.
Letters of one kind share the function. Nothing of a letter is part of a source; all of it goes in
as JSON. Each kind has its own tools and language, so that letters of a publication stand beside
those of a program whose ``_base`` has changed since.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

from notifier.model.correspondence import Recipient
from notifier.rendering.letter.typeface import Typeface
from notifier.rendering.letter.window import GAP, LARGER, Block
from notifier.rendering.stationery import Envelope

#: Name of the file that a document begins with.
MAIN: Final = "main.typ"
_HEAD: Final = """\
#let frame = json("frame.json")
#set document(title: frame.title, author: frame.author)
#set text(lang: frame.language, region: frame.region)
"""
_KIND: Final = """\
#import "/{tools}": *
#let kind(data) = [{language}
{source}
#last-foot
]
"""
_LANGUAGE: Final = '#set text(lang: "{language}", region: {region})'
_USED: Final = '#import "/{name}": kind as kind-{n}\n'
_TAIL: Final = """\
#for (n, piece) in json("pieces.json").enumerate() {{
  ({kinds},).at(frame.kinds.at(n))(piece + (place: n, pages: frame.pages.at(n)))
}}
"""
_REGIONS: Final = {"ja": "JP"}
_KEPT: Final = 64  # sources


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
    edited: bool = False  # whether its templates are other ones than those of the program

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


class Document(NamedTuple):
    """What a document is made from; files by name."""

    own: dict[str, bytes]
    shared: dict[str, bytes]  # with other documents: the same name, the same content


class _Kind(NamedTuple):
    """What letters have in common that are made by one function."""

    language: str
    tools: str
    source: str

    def written(self, tools: str, language: str) -> str:
        """The function, in a document of a language; ``tools``: the name of their file."""
        own = "" if self.language == language else self._language()
        return _KIND.format(tools=tools, language=own, source=self.source)

    def _language(self) -> str:
        region = json.dumps(_REGIONS[self.language]) if self.language in _REGIONS else "none"
        return _LANGUAGE.format(language=self.language, region=region)


def _kind(piece: Piece) -> _Kind:
    return _Kind(piece.language, piece.tools, piece.source)


def document(pieces: Sequence[Piece], pages: Sequence[int]) -> Document:
    """The files of a document. ``pages``: of each piece, as far as they are known.

    Data are files, and so are tools and kinds, because what Typst keeps of one document serves the
    next one only while nothing changes that all of it could depend on; its inputs are such a thing.
    """
    language = pieces[0].language  # of the file as a whole
    kinds: dict[_Kind, int] = {}
    frame = {
        "title": _common(sorted({p.title for p in pieces})),
        "author": sorted({p.author for p in pieces}),
        "language": language,
        "region": _REGIONS.get(language),
        "kinds": [kinds.setdefault(_kind(p), len(kinds)) for p in pieces],
        "pages": list(pages),
    }
    tools = {kind.tools: _file("tools", kind.tools) for kind in kinds}
    files = [_file("kind", kind.written(tools[kind.tools][0], language)) for kind in kinds]
    used = [_USED.format(n=n, name=name) for n, (name, _) in enumerate(files)]
    tail = _TAIL.format(kinds=", ".join(f"kind-{n}" for n in range(len(files))))
    own = {
        MAIN: "".join([_HEAD, *used, tail]),
        "frame.json": json.dumps(frame, ensure_ascii=False),
        "pieces.json": f"[{','.join(p.data for p in pieces)}]",
    }
    return Document({n: text.encode() for n, text in own.items()}, dict([*tools.values(), *files]))


@lru_cache(_KEPT)
def _file(what: str, source: str) -> tuple[str, bytes]:
    """A file named after its content."""
    content = source.encode()
    return f"{what}-{sha256(content).hexdigest()[:32]}.typ", content


def _common(titles: Sequence[str]) -> str:
    return titles[0] if len(titles) == 1 else "、".join(titles)
