"""Printed values: amounts as 3,430円, dates as 2025年8月14日; nothing unescaped."""

import re
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from typing import Final

from jinja2 import nodes

from notifier.model.notice import FieldSpec, FieldType
from notifier.rendering.errors import WriteError
from notifier.rendering.lint.fields import files_of
from notifier.rendering.lint.proofs import Proofs
from notifier.rendering.lint.source import Finding, Place, Severity, Source
from notifier.rendering.text import links

_FILTERS: Final = {
    FieldType.YEN: frozenset({"yen"}),
    FieldType.DATE: frozenset({"date", "plain_date", "wareki"}),
}
_RULES: Final = {FieldType.YEN: "bare_amount", FieldType.DATE: "bare_date"}
_BARE_YEN: Final = re.compile(r"(?<![\d,，.])[0-9０-９]{4,}[ \u3000]*円")
_BARE_DATE: Final = re.compile(
    r"(?<![0-9A-Za-z./-])(?:19|20)\d\d(?:-\d{1,2}-|/\d{1,2}/|\.\d{1,2}\.)\d{1,2}(?![0-9A-Za-z/-])"
)
_IN_TEXT: Final = {"bare_amount": _BARE_YEN, "bare_date": _BARE_DATE}
_PROSE: Final = frozenset({".txt", ".html", ".mjml", ".typ"})


def unformatted(proofs: Proofs) -> Iterator[Finding]:
    """Facts that a template prints without their filter, and numbers that are written out."""
    found = [*_by_templates(proofs), *_in_sources(proofs)]
    yield from found
    yield from _in_proofs(proofs, found)


def _by_templates(proofs: Proofs) -> Iterator[Finding]:
    for name, steps in files_of(proofs).items():
        tree = proofs.sources.by_name[name].tree
        if tree is None:
            continue
        specs = {f.name: f for step in steps for f in proofs.notice.fields_for(step)}
        for node in _printed(tree):
            spec = specs.get(node.name)
            if spec is not None and spec.type in _RULES:
                yield _bare(proofs, Place(name, node.lineno), spec)


def _bare(proofs: Proofs, place: Place, spec: FieldSpec) -> Finding:
    needed = "、".join(sorted(_FILTERS[spec.type]))
    rule = _RULES[spec.type]
    return proofs.finding(place, rule, Severity.ERROR, what=spec.name, needed=needed)


def _printed(tree: nodes.Template) -> Iterator[nodes.Name]:
    """Names that are printed, joined or put into a list as they are."""
    for holder in tree.find_all((nodes.Output, nodes.Concat, nodes.List, nodes.Tuple, nodes.Pair)):
        if isinstance(holder, nodes.Tuple) and holder.ctx != "load":
            continue
        children = [holder.value] if isinstance(holder, nodes.Pair) else holder.iter_child_nodes()
        for child in children:
            yield from _names(child)


def _names(node: nodes.Node | None) -> Iterator[nodes.Name]:
    if isinstance(node, nodes.Name) and node.ctx == "load":
        yield node
    elif isinstance(node, nodes.CondExpr):
        yield from _names(node.expr1)
        yield from _names(node.expr2)
    elif isinstance(node, nodes.Filter) and node.name in ("default", "d", "string", "trim"):
        yield from _names(node.node)


def _in_sources(proofs: Proofs) -> Iterator[Finding]:
    for source in proofs.sources.all:
        if source.ending in _PROSE:
            for rule, pattern in _IN_TEXT.items():
                for line, text in source.matches(pattern):
                    place = Place(source.name, line)
                    yield proofs.finding(place, rule, Severity.ERROR, what=text, needed=_way(rule))


def _in_proofs(proofs: Proofs, found: list[Finding]) -> Iterator[Finding]:
    """What becomes visible only when it is written: through a macro, or in the sample's text."""
    if any(one.rule in _IN_TEXT for one in found):
        return  # it would be said twice
    for proof in proofs.proofs:
        for text in proof.texts:
            for rule, pattern in _IN_TEXT.items():
                for match in pattern.finditer(text):
                    around = text[max(0, match.start() - 12) : match.end() + 12]
                    place = proofs.find(proof.step, match[0], around)
                    yield proofs.finding(
                        place, rule, Severity.ERROR, what=match[0], needed=_way(rule)
                    )


def _way(rule: str) -> str:
    kind = next(kind for kind, name in _RULES.items() if name == rule)
    return "、".join(sorted(_FILTERS[kind]))


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
