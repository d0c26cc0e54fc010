"""Links may point only where the brand allows."""

import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Final
from urllib.parse import urlsplit

from notifier.rendering.errors import WriteError

#: One pattern each, because a literal at the start makes the search ten times as fast.
_ATTRIBUTES: Final = tuple(
    re.compile(name + r"""\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""")
    for name in ("href", "src", "srcset", "action", "background", "poster")
)
_CSS: Final = re.compile(r"url\(\s*['\"]?([^'\")]*)")
#: What a mail program turns into a link by itself; Japanese has no space before it. No scheme is
#: that long: without an end to it a long run of letters and hyphens would be gone through again
#: from each of them.
_BARE: Final = re.compile(
    r"(?<![a-z0-9])(?:[a-z][a-z0-9+.-]{0,79}://|www\.)[^\s<>\"'（）「」、。]*", re.IGNORECASE
)
_TEL: Final = re.compile(r"tel:\+?[0-9]{8,15}")


def check_url(field: str, url: str, domains: Sequence[str]) -> None:
    """Raise :class:`WriteError` unless ``url`` is https (or tel) to one of ``domains`` or below."""
    if _TEL.fullmatch(url):
        return
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        plain = parts.username is None and parts.password is None and parts.port in (None, 443)
    except ValueError:
        raise WriteError(field, "is not a URL") from None
    if parts.scheme != "https" or not plain or "\\" in url:
        raise WriteError(field, "is not a plain https link")
    if not any(host == d or host.endswith(f".{d}") for d in domains):
        raise WriteError(field, "points to a domain that the brand does not allow")


def check_html(html: str, domains: Sequence[str]) -> None:
    """Check every link of a page, whether in an attribute, a style or the text."""
    for url in dict.fromkeys(in_html(html)):
        if url and not url.startswith("#"):
            check_url("links", url, domains)


def check_text(text: str, domains: Sequence[str]) -> None:
    """Check everything in plain text that a mail program makes a link of."""
    for url in dict.fromkeys(in_text(text)):
        check_url("links", url, domains)


def in_text(text: str) -> Iterator[str]:
    """What a mail program makes links of in plain text, each with its scheme."""
    if "://" not in text and "www." not in text.lower():
        return  # as the pattern would find, in a tenth of the time
    for found in _BARE.findall(text):
        yield found if "://" in found else f"https://{found}"


def in_html(html: str) -> Iterator[str]:
    """All links of a page in lower case: in attributes and styles, wherever they stand."""
    page = html.lower()
    for pattern in _ATTRIBUTES:
        for quoted, single, bare in pattern.findall(page):
            yield unescape(quoted or single or bare)
    for url in _CSS.findall(page):
        yield unescape(url)
