"""Bytes to text, whatever they claim to be."""

import codecs
import re
from functools import lru_cache
from typing import Final

#: What the names in mails stand for in practice: supersets that take more of what is really sent.
_ALIASES: Final = {
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "x-euc-jp": "euc_jp",
    "cp-850": "cp850",
    "unicode-1-1-utf-8": "utf-8",
    "gb2312": "gb18030",
    "ks_c_5601-1987": "cp949",
}
_GUESSES: Final = ("utf-8", "cp932", "euc_jp")
_ESCAPES: Final = re.compile(rb"\x1b[$(][@-Z]")
_ESCAPED: Final = re.compile(r"\x1b[$(]+[@-Z]")


def decode(data: bytes, charset: str = "") -> str:
    """``data`` as text. Never raises; what fits no charset keeps its ASCII."""
    if data.isascii():
        return _ascii(data, charset)
    named = _codec(charset)
    for name in ((named,) if named else ()) + _GUESSES:
        try:
            return data.decode(name)
        except (UnicodeError, LookupError, ValueError):
            continue
    return data.decode("utf-8" if named in {None, "utf-8"} else "latin-1", "replace")


def _ascii(data: bytes, charset: str) -> str:
    if b"\x1b" in data and _ESCAPES.search(data):
        text = data.decode("iso2022_jp_ext", "replace")
        return _ESCAPED.sub("", text)
    if charset[:3] in {"utf", "hz-"} and charset != "utf-8" and _codec(charset):
        return data.decode(_codec(charset) or "ascii", "replace")
    return data.decode("ascii")


@lru_cache(256)
def _codec(charset: str) -> str | None:
    """The name of a codec of text; None: there is none. Names in mails are untrusted."""
    given = charset.strip().lower()[:40]
    name = _ALIASES.get(given, given)
    try:
        b"a".decode(name, "ignore")  # refuses codecs that make no text, such as zlib and rot13
        return codecs.lookup(name).name
    except (LookupError, ValueError, UnicodeError):
        return None
