"""Escaping: what a template does to have values taken for markup, and links that lead away."""

import re
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from typing import Final

from notifier.rendering import links
from notifier.rendering.errors import WriteError
from notifier.rendering.lint.finding import Finding, Severity
from notifier.rendering.lint.proofs import Proofs
from notifier.rendering.lint.source import Place, Source

_UNSAFE: Final = frozenset({"safe", "Markup", "autoescape", "endautoescape", "forceescape"})
_CALLS: Final = frozenset({"|", "filter"})
_BY_NAME: Final = frozenset({"'safe'", '"safe"'})
_LINK: Final = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]*:)?//[^\s<>\"'（）「」、。{}|]+|\bwww\.[^\s<>\"'、。{}]+", re.IGNORECASE
)
_WRITTEN: Final = frozenset({".txt", ".html", ".mjml", ".typ"})


def raw_markup(proofs: Proofs) -> Iterator[Finding]:
    """``|safe``, ``{% autoescape %}`` and ``Markup`` turn escaping off."""
    for source in proofs.sources.all:
        if source.is_template:
            for line, word in _unsafe(source):
                place = Place(source.name, line)
                yield proofs.finding(place, "unescaped", Severity.ERROR, word=word)


def _unsafe(source: Source) -> Iterator[tuple[int, str]]:
    for (_, _, before), (line, kind, text) in pairwise([(0, "", ""), *source.tokens]):
        by_word = kind == "name" and text in _UNSAFE
        if (by_word and (text != "safe" or before in _CALLS)) or (
            kind == "string" and text in _BY_NAME
        ):
            yield line, text.strip("'\"")


def foreign_links(proofs: Proofs) -> Iterator[Finding]:
    """Addresses in the sources that point where the sample's brand does not allow."""
    domains = {d for p in proofs.proofs for d in p.sample.brand.allowed_domains}
    for source in proofs.sources.all:
        if source.ending not in _WRITTEN:
            continue
        for line, text in source.matches(_LINK):
            url = unescape(text).rstrip(".,;)")
            try:
                links.check_url("links", _whole(url), sorted(domains))
            except WriteError as error:
                place = Place(source.name, line)
                yield proofs.finding(
                    place, "foreign_link", Severity.ERROR, link=url, why=error.message
                )


def _whole(url: str) -> str:
    if url.startswith("//"):
        return f"https:{url}"
    return url if "://" in url else f"https://{url}"
