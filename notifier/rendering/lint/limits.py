"""Limits: what a source uses that could run without end, or reach out of its letter."""

from collections.abc import Iterator

from notifier.rendering import grammar, typst_source
from notifier.rendering.lint.finding import Finding, Severity
from notifier.rendering.lint.proofs import Proofs
from notifier.rendering.lint.source import Place

#: What a rule of its own names.
_ELSEWHERE = frozenset({"|safe", "|forceescape"})


def not_allowed(proofs: Proofs) -> Iterator[Finding]:
    """What is not in the list of what templates may use, wherever it stands."""
    trees = {s.name: s.tree for s in proofs.sources.all if s.is_template and s.tree is not None}
    for name, tree in trees.items():
        for line, what in grammar.faults(name, tree, trees):
            if what not in _ELSEWHERE:
                place = Place(name, line)
                yield proofs.finding(place, "not_allowed", Severity.ERROR, what=what)
    for source in proofs.sources.all:
        if source.ending == ".typ":
            for line, what in typst_source.faults(source.text):
                place = Place(source.name, line)
                yield proofs.finding(place, "not_allowed", Severity.ERROR, what=what)
