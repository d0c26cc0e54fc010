"""MJML with Jinja placeholders, compiled once to HTML with the same placeholders."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import mjml

from notifier.write.errors import BadTemplate

_INCLUDE: Final = re.compile(r'<mj-include\s+path="([^"]+)"\s*/>')
_PLACEHOLDER: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_DEPTH: Final = 5


def to_html(name: str, files: Mapping[str, str]) -> str:
    """The HTML of an MJML file of ``files``, its placeholders unchanged.

    Raises :class:`BadTemplate` where MJML is not well formed, has an unknown tag, or where a
    placeholder stands in a place in which it would be lost.
    """
    source = expanded(name, files)
    try:
        # Without `fonts` every mail would fetch fonts from a foreign server.
        html = str(mjml.mjml2html(source, fonts={}))
    except ValueError as error:
        raise BadTemplate(name, "", str(error)) from None
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
    return _expanded(name, files, _DEPTH)


def _expanded(name: str, files: Mapping[str, str], depth: int) -> str:
    """MJML's own include loses the width of included sections, hence as text."""

    def filled(found: re.Match[str]) -> str:
        if found[1] not in files:
            raise BadTemplate(name, found[1], "is included but does not exist")
        if depth == 0:
            raise BadTemplate(name, found[1], "is included by itself")
        return _expanded(found[1], files, depth - 1)

    return _INCLUDE.sub(filled, files[name])
