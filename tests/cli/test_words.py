"""What the terminal says is in the catalogues: headings, refusals, confirmations."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import notifier
from notifier.write.labels import LABELS

_PROGRAM = Path(notifier.__file__).parent
_VERBS = sorted((_PROGRAM / "cli").glob("*.py"))
_SHOWING = {"show", "show_table", "facts"}


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def _assigned() -> dict[tuple[str, str], ast.expr]:
    """(module, name) → what is assigned to the name; names in capitals are known to all."""
    found: dict[tuple[str, str], ast.expr] = {}
    for path in _VERBS:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                found[path.stem, name] = node.value
                if name.isupper() and not name.startswith("_"):
                    found["", name] = node.value
    return found


def _names(module: str, node: ast.expr, *, facts: bool) -> Iterator[str]:
    """The names of columns in what is given to a table: literals, and names that stand for them."""
    match node:
        case ast.Constant(value=str(name)):
            yield name
        case ast.Name(id=name):
            known = _assigned()
            if value := known.get((module, name)) or known.get(("", name)):
                yield from _names(module, value, facts=facts)
        case ast.Tuple(elts=[first, *_]) if facts and isinstance(first, ast.Constant):
            yield str(first.value)
        case ast.Tuple(elts=some) | ast.List(elts=some):
            for one in some:
                yield from _names(module, one, facts=facts)
        case ast.Starred(value=value) | ast.Subscript(value=value):
            yield from _names(module, value, facts=facts)
        case ast.Call(func=ast.Name(id="zip"), args=[first, *_]):
            yield from _names(module, first, facts=False)


def _headings() -> dict[str, set[str]]:
    """By where they are shown: names of columns and facts."""
    found: dict[str, set[str]] = {}
    for path in _VERBS:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                name = node.func.id
                if name in _SHOWING and not any(k.arg == "kind" for k in node.keywords):
                    names = set(_names(path.stem, node.args[0], facts=name == "facts"))
                    found[f"{path.name}:{node.lineno}"] = names
    return found


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_heading_has_a_label(language: str) -> None:
    headings = _headings()
    unread = {where for where, names in headings.items() if not names}
    assert not unread, "write the names of columns where the table is shown, or beside it"
    used = {f"column.{name.replace(' ', '_')}" for names in headings.values() for name in names}
    catalogue = LABELS.catalogue(language).keys()
    assert used - catalogue == set()
