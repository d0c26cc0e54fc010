"""The grammar: what of a source is not in the list of what may be used, line by line.

The sandbox refuses the same when a message reaches it; here it is found wherever it stands, also in
a branch that no sample takes.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from jinja2 import nodes

from notifier.rendering.letter import typst_source
from notifier.rendering.lint.proofs import Proofs
from notifier.rendering.lint.source import Finding, Place, Severity
from notifier.rendering.text import filters, limits
from notifier.rendering.words import FILTERS

_FILTERS: Final = filters.FILTERS | FILTERS
_FORBIDDEN: Final = frozenset({"*", "**"})


class Fault(NamedTuple):
    """Something that may not be used."""

    line: int
    what: str  # as it stands in the source, or nearly


def faults(name: str, tree: nodes.Template, files: Mapping[str, nodes.Template]) -> list[Fault]:
    """What a template may not use; ``files``: all that it could include, parsed."""
    # A page is put together of several files: what one imports the others may call.
    imported = {node.target for one in files.values() for node in one.find_all(nodes.Import)}
    found = [
        Fault(node.lineno or 1, what)  # some nodes have none
        for node in tree.find_all(nodes.Node)
        for what in (*_of_node(node), *_of_call(node, imported))
    ]
    return sorted({*found, *_circles(tree), *_inclusions(name, tree, files)})


def _of_node(node: nodes.Node) -> Iterator[str]:
    if type(node) not in filters.NODES and not isinstance(node, _HANDLED):
        yield type(node).__name__.lower()
    elif isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        yield f"|{node.name}"
    elif isinstance(node, nodes.Test) and node.name not in filters.TESTS:
        yield f"is {node.name}"
    elif isinstance(node, nodes.For) and node.recursive:
        yield "recursive"
    elif isinstance(node, nodes.BinExpr) and node.operator in _FORBIDDEN:
        yield node.operator
    elif isinstance(node, nodes.Mod) and _is_text(node.left):
        yield "%"
    elif isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        yield f".{node.attr}"
    elif isinstance(node, nodes.Getitem) and _starts_low(node.arg):
        yield "[_…]"


#: Operators are named by their sign; `autoescape` has a rule of its own.
_HANDLED: Final = (nodes.BinExpr, nodes.ScopedEvalContextModifier, nodes.EvalContextModifier)


def _of_call(node: nodes.Node, imported: set[str]) -> Iterator[str]:
    if not isinstance(node, nodes.Call):
        return
    function = node.node
    if isinstance(function, nodes.Getattr):
        base = function.node
        of_import = isinstance(base, nodes.Name) and base.name in imported
        if not of_import and function.attr not in filters.ALL_METHODS:
            yield f".{function.attr}()"
    elif not isinstance(function, nodes.Name):
        yield "()"
    elif function.name == "range" and not _is_short(node):
        yield "range()"


def _is_short(call: nodes.Call) -> bool:
    numbers = [arg.value for arg in call.args if isinstance(arg, nodes.Const)]
    if len(numbers) < len(call.args) or not all(isinstance(n, int) for n in numbers):
        return False
    try:
        return len(range(*numbers)) <= limits.RANGE
    except (TypeError, ValueError, OverflowError):
        return False


def _is_text(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Concat) or (
        isinstance(node, nodes.Const) and isinstance(node.value, str)
    )


def _starts_low(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and str(node.value).startswith("_")


def _circles(tree: nodes.Template) -> Iterator[Fault]:
    """Macros that call themselves, if only by way of others."""
    macros = {macro.name: macro for macro in tree.find_all(nodes.Macro)}
    calls = {
        name: {
            call.node.name
            for call in macro.find_all(nodes.Call)
            if isinstance(call.node, nodes.Name)
        }
        for name, macro in macros.items()
    }
    for name, macro in macros.items():
        if name in _reached(name, calls):
            yield Fault(macro.lineno, f"{name}() → {name}()")


def _inclusions(
    name: str, tree: nodes.Template, files: Mapping[str, nodes.Template]
) -> Iterator[Fault]:
    """Files that are named by a value, or that include themselves."""
    known = {file: {target for _, target in _targets(one)} for file, one in files.items()}
    for line, target in _targets(tree):
        if target is None:
            yield Fault(line, "include")
        elif target == name or name in _reached(target, known):
            yield Fault(line, f"{name} → {target} → {name}")


def _targets(tree: nodes.Template) -> Iterator[tuple[int, Any]]:
    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport)):
        file = getattr(node, "template", None)
        is_named = isinstance(file, nodes.Const) and isinstance(file.value, str)
        yield node.lineno, file.value if is_named and isinstance(file, nodes.Const) else None


def _reached(begin: Any, ways: Mapping[Any, set[Any]]) -> set[Any]:
    found: set[Any] = set()
    todo = [begin]
    while todo:
        for one in ways.get(todo.pop(), set()) - found:
            found.add(one)
            todo.append(one)
    return found


#: What a rule of its own names.
_ELSEWHERE = frozenset({"|safe", "|forceescape"})


def not_allowed(proofs: Proofs) -> Iterator[Finding]:
    """What is not in the list of what templates may use, wherever it stands."""
    trees = {s.name: s.tree for s in proofs.sources.all if s.is_template and s.tree is not None}
    for name, tree in trees.items():
        for line, what in faults(name, tree, trees):
            if what not in _ELSEWHERE:
                place = Place(name, line)
                yield proofs.finding(place, "not_allowed", Severity.ERROR, what=what)
    for source in proofs.sources.all:
        if source.ending == ".typ":
            for line, what in typst_source.faults(source.text):
                place = Place(source.name, line)
                yield proofs.finding(place, "not_allowed", Severity.ERROR, what=what)
