"""HTML to plain text, roughly: what a person would read, line by line."""

import html
import re
from typing import Final

_MOST: Final = 200_000
#: What is not for readers: where it begins, and where it ends.
_HIDDEN: Final = (
    ("<!--", "-->"),
    ("<style", "</style>"),
    ("<script", "</script>"),
    ("<head", "</head>"),
)
_BREAK: Final = re.compile(
    r"<(?:br|/?p|/?div|/?tr|/?h[1-6]|/?li|/?table|hr|/?blockquote|/?pre)\b[^<>]{0,2000}>",
    re.IGNORECASE,
)
_CELL: Final = re.compile(r"</(?:td|th)\s*>", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[a-zA-Z!][^<>]{0,3000}>")
_ADDRESS: Final = re.compile(r"<([^<>\s@=]{1,64}@[^<>\s@]{1,255})>")
_PRE: Final = re.compile(r"<pre\b.*?</pre", re.IGNORECASE | re.DOTALL)
_EMPTY: Final = re.compile(r"\n{3,}")
_SPACES: Final = re.compile(r"[ \t\xa0]+")


def plain(markup: str) -> str:
    """The text of a page. Addresses in angle brackets are kept though they look like tags."""
    text = markup[:_MOST]
    for begin, end in _HIDDEN:
        text = _without(text, begin, end)
    text = _PRE.sub(lambda found: found[0].replace("\n", "<br>"), text)
    text = _ADDRESS.sub(r" &lt;\1&gt; ", text)
    text = _TAG.sub("", _CELL.sub(" ", _BREAK.sub("\n", text.replace("\n", " "))))
    lines = (_SPACES.sub(" ", line).strip() for line in html.unescape(text).split("\n"))
    return _EMPTY.sub("\n\n", "\n".join(lines)).strip("\n")


def _without(text: str, begin: str, end: str) -> str:
    """``text`` without what stands between; one that never ends is left."""
    lower, kept, at = text.lower(), [], 0
    if len(lower) != len(text) or begin not in lower:
        return text
    while (start := lower.find(begin, at)) >= 0 and (stop := lower.find(end, start)) >= 0:
        kept.append(text[at:start])
        at = stop + len(end)
    return " ".join((*kept, text[at:]))
