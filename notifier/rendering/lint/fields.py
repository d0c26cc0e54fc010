"""Fields: what templates use against what ``notice.toml`` declares and ``sample.json`` fills."""

from collections.abc import Iterator
from typing import Final

from jinja2 import meta, nodes
from jinja2.exceptions import TemplateError

from notifier.model.states import Channel
from notifier.rendering.context import RESERVED
from notifier.rendering.folder import BASE
from notifier.rendering.lint.proofs import Proofs
from notifier.rendering.lint.source import ENVIRONMENT, Finding, Place, Severity, Source
from notifier.rendering.mail.mjml import included

_GIVEN: Final = frozenset({*ENVIRONMENT.globals, "caller", "varargs", "kwargs", "loop", "subject"})


def unknown_fields(proofs: Proofs) -> Iterator[Finding]:
    """Names that nobody declares: they would break every message."""
    for name, steps in files_of(proofs).items():
        source = proofs.sources.by_name[name]
        if source.tree is None:
            continue
        known = {f.name for step in steps for f in proofs.notice.fields_for(step)}
        known |= RESERVED | _GIVEN | _words_of(proofs, steps)
        for unknown in sorted(_undeclared(source.tree) - known):
            place = Place(name, _line(source.tree, unknown))
            yield proofs.finding(place, "unknown_field", Severity.ERROR, name=unknown)


def unused_fields(proofs: Proofs) -> Iterator[Finding]:
    """Facts that no reader ever sees."""
    used: dict[str, set[str]] = {step: set() for step in proofs.notice.steps}
    for name, steps in files_of(proofs).items():
        tree = proofs.sources.by_name[name].tree
        for step in steps:
            used[step] |= {n.name for n in _loads(tree)} if tree else set()
    everywhere = set().union(*used.values()) if used else set()
    for spec in proofs.notice.fields:
        if spec.name not in everywhere:
            yield _unused(proofs, spec.name, "[fields]")
    for step, specs in proofs.notice.step_fields.items():
        for spec in specs:
            if spec.name not in used[step]:
                yield _unused(proofs, spec.name, f"[step_fields.{step}]")


def samples(proofs: Proofs) -> Iterator[Finding]:
    """An optional fact without a value in any sample is a path that nobody has ever read."""
    for step in proofs.notice.steps:
        whole = [p.sample.facts for p in proofs.proofs if p.step == step and not p.left_out]
        for spec in proofs.notice.fields_for(step):
            if whole and spec.optional and not any(_is_given(f.get(spec.name)) for f in whole):
                place = proofs.line(proofs.folder.named("sample.json", step), f'"{step}"')
                about = {"name": spec.name, "step": step}
                yield proofs.finding(place, "no_sample", Severity.WARNING, **about)


def _is_given(fact: object) -> bool:
    return fact not in (None, "")


def files_of(proofs: Proofs) -> dict[str, set[str]]:
    """Templates in use → the steps that use them."""
    found: dict[str, set[str]] = {}
    for step in proofs.notice.steps:
        for name in _roots(proofs, step):
            _follow(proofs, name, step, found)
    return found


def _roots(proofs: Proofs, step: str) -> list[str]:
    named = proofs.folder.named
    mail = [named(file, step) for file in ("subject.txt", "body.txt", "body.mjml")]
    words = [f"{BASE}/words.txt", named("words.txt", step)]
    return words + (mail if Channel.EMAIL in proofs.notice.channels else [])


def _follow(proofs: Proofs, name: str, step: str, found: dict[str, set[str]]) -> None:
    source = proofs.sources.by_name.get(name)
    if source is None or step in found.get(name, ()):
        return
    found.setdefault(name, set()).add(step)
    for other in _references(source):
        _follow(proofs, other, step, found)


def _references(source: Source) -> Iterator[str]:
    if source.ending == ".mjml":
        yield from included(source.text)
    if source.tree is not None:
        for name in meta.find_referenced_templates(source.tree):
            if name is not None:
                yield name


def _words_of(proofs: Proofs, steps: set[str]) -> set[str]:
    """Names that files set which are run before: words, and imports of the page."""
    names = [name for step in steps for name in _roots(proofs, step)]
    pages = [n for n, s in files_of(proofs).items() if n.endswith(".mjml") and s & steps]
    found: set[str] = set()
    for name in {*names, *pages}:
        source = proofs.sources.by_name.get(name)
        tree = source.tree if source else None
        if tree is not None:
            found |= {n.name for n in tree.find_all(nodes.Name) if n.ctx == "store"}
            found |= {n.target for n in tree.find_all(nodes.Import)}
    return found


def _undeclared(tree: nodes.Template) -> set[str]:
    try:
        return meta.find_undeclared_variables(tree)
    except (TemplateError, RecursionError):
        return set()


def _loads(tree: nodes.Template) -> Iterator[nodes.Name]:
    return (n for n in tree.find_all(nodes.Name) if n.ctx == "load")


def _line(tree: nodes.Template, name: str) -> int:
    return next((n.lineno for n in _loads(tree) if n.name == name), 1)


def _unused(proofs: Proofs, name: str, table: str) -> Finding:
    place = proofs.line("notice.toml", table, f"{name} ")
    return proofs.finding(place, "unused_field", Severity.WARNING, name=name)
