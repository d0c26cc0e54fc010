"""MJML with Jinja placeholders, compiled once to HTML with the same placeholders."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import mjml

from notifier.rendering.errors import BadTemplate
from notifier.rendering.text import limits

_INCLUDE: Final = re.compile(r'<mj-include\s+path="([^"]+)"\s*/>')
_PLACEHOLDER: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_DEPTH: Final = 5
#: A tag: its slash, name, and whether it is closed at once. What stands in quotes is skipped.
_TAG: Final = re.compile(r"<(/?)([A-Za-z][\w-]*+)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*+)>")
_SECTION: Final = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>", re.DOTALL)
#: HTML that never has an end.
_EMPTY: Final = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})


def to_html(name: str, files: Mapping[str, str]) -> str:
    """The HTML of an MJML file of ``files``, its placeholders unchanged.

    Raises :class:`BadTemplate` where MJML is not well formed, has an unknown tag, or where a
    placeholder stands in a place in which it would be lost.
    """
    source = expanded(name, files)
    _check_size(name, source)
    try:
        # Without `fonts` every mail would fetch fonts from a foreign server.
        html = str(mjml.mjml2html(source, fonts={}))
    except ValueError as error:
        raise BadTemplate(name, "", str(error)) from None
    if len(html) > limits.COMPILED:
        raise BadTemplate(name, "", f"compiles to more than {limits.COMPILED} characters")
    left = re.search(r"<(mj-[a-z-]+)", html)
    if left:
        raise BadTemplate(name, left[1], "is not a tag of MJML, or not here")
    lost = set(_PLACEHOLDER.findall(source)) - set(_PLACEHOLDER.findall(html))
    if lost:
        raise BadTemplate(name, min(lost), "does not survive compilation")
    return html


def included(source: str) -> Iterator[str]:
    """The files that an MJML file includes."""
    return (found[1] for found in _INCLUDE.finditer(source))


def expanded(name: str, files: Mapping[str, str]) -> str:
    """An MJML file with all that it includes. Raises :class:`BadTemplate`."""
    return _Expansion(name, files).of(name, _DEPTH)


class _Expansion:
    """MJML's own include loses the width of included sections, hence as text."""

    def __init__(self, name: str, files: Mapping[str, str]) -> None:
        self._name, self._files = name, files
        self._room = limits.PAGE  # what includes what twice, and so on, is soon too much

    def of(self, file: str, depth: int) -> str:
        text = self._files[file]
        self._room -= len(text)
        if self._room < 0:
            raise BadTemplate(self._name, file, f"has more than {limits.PAGE} characters in it")

        def filled(found: re.Match[str]) -> str:
            if found[1] not in self._files:
                raise BadTemplate(file, found[1], "is included but does not exist")
            if depth == 0:
                raise BadTemplate(file, found[1], "is included by itself")
            return self.of(found[1], depth - 1)

        return _INCLUDE.sub(filled, text)


def _check_size(name: str, source: str) -> None:
    """Refuse what the compiler could run out of stack or time with: it would end this process."""
    if source.count("<") > limits.TAGS:
        raise BadTemplate(name, "", f"has more than {limits.TAGS} tags")
    if source.count("{{") + source.count("{%") > limits.PLACEHOLDERS:
        raise BadTemplate(name, "", f"has more than {limits.PLACEHOLDERS} placeholders")
    open_: list[str] = []
    for end, tag, rest in _TAG.findall(_SECTION.sub("", source)):
        if end:
            open_ = open_[:-1]
        elif not rest.endswith("/") and tag.lower() not in _EMPTY:
            open_.append(tag)
        if len(open_) > limits.LEVELS:
            raise BadTemplate(name, open_[-1], f"is nested more than {limits.LEVELS} deep")
