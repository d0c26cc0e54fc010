"""What mail programs make links of, though nobody wrote a link."""

import re
import unicodedata
from importlib.resources import files
from typing import Final

from .lines import lines_of


def _top_level() -> frozenset[str]:
    text = files("notifier.model").joinpath("top_level_domains.txt").read_text("utf-8")
    lines = (line for line in lines_of(text) if not line.startswith("#"))
    return frozenset(" ".join(lines).split())


_TOP_LEVEL: Final = _top_level()
#: A scheme with its slashes, or one that programs know without them.
_SCHEME: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://|\b(?:mailto|tel|javascript|data):", re.IGNORECASE
)
#: Names with dots between them, as browsers read the dots (UTS 46).
_DOTTED: Final = re.compile(r"[^\W_](?:[\w-]*[^\W_])?(?:[.．。｡][^\W_](?:[\w-]*[^\W_])?)+")
_DOT: Final = re.compile("[.．。｡]")


def links_in(text: str) -> list[str]:
    """What a mail program may turn into links: addresses of pages, of mailboxes, bare domains.

    ``evil.example/login`` is one, ``No.5``, ``3.5階`` and ``St.Mary`` are none: what stands behind
    the last dot must be a top-level domain.
    """
    if not (":" in text or _DOT.search(text)):
        return []
    found = [match[0] for match in _SCHEME.finditer(text)]
    return found + [match[0] for match in _DOTTED.finditer(text) if _is_domain(match[0])]


def _is_domain(text: str) -> bool:
    labels = _DOT.split(unicodedata.normalize("NFKC", text).casefold())
    # 「みほん.comまで」: programs end a domain where another script begins.
    last = re.match(r"[a-z0-9-]+", labels[-1])
    return labels[-1] in _TOP_LEVEL or (last is not None and last[0] in _TOP_LEVEL)
