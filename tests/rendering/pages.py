"""Reads a written mail back, by means that the writer does not use itself."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser

HOSTILE = [
    "<script>alert(1)</script>",
    "{{7*7}}",
    "{% for x in [1] %}x{% endfor %}",
    "&lt;b&gt;",
    '"><a name=x>',
    "' onmouseover='x",
    "-->",
    '#eval("1")',
    "*太字* _斜体_ $x$ `code` @ref <label>",
    "=?UTF-8?B?QUJD?=",
    '"山田", 太郎 <a@b>',
    "=cmd|' /C calc'!A0",
]
#: Names that no one may lose a stroke of: beyond the BMP, IVS, CJK compatibility, enclosed.
NAMES = ["𠮷田 花子", "葛󠄀城 一郎", "髙﨑 ①㈱", "渡邉󠄂 〜～", "ﾊﾝｶｸ ｶﾅ", "O'Brien Anne-Marie"]


def parsed(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=SMTP)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


class Page(HTMLParser):
    """Text, tags and links of a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self._silent = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._silent += tag in ("style", "title", "script")
        self.links += [v or "" for k, v in attrs if k in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "title", "script")

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.texts.append(data.strip())

    @property
    def text(self) -> str:
        return "".join(self.texts)


def bare(text: str) -> str:
    """Without spaces, so that layouts can be compared."""
    return re.sub(r"\s+", "", text)
