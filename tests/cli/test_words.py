"""What the terminal says is in the catalogues: headings, refusals, confirmations."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

import notifier
from notifier.rendering.labels import LABELS

_PROGRAM = Path(notifier.__file__).parent
_VERBS = sorted((_PROGRAM / "cli").glob("*.py"))
_SOURCES = sorted(_PROGRAM.rglob("*.py"))
#: What has no language: an address, and the name of the program.
_WORDLESS = re.compile(r"https?://|\bnotifier\b")
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


def _names(module: str, node: ast.expr) -> Iterator[str]:
    """The names of columns in what is given to a table: literals, and names that stand for them."""
    match node:
        case ast.Constant(value=str(name)):
            yield name
        case ast.Name(id=name):
            known = _assigned()
            if value := known.get((module, name)) or known.get(("", name)):
                yield from _names(module, value)
        case ast.Tuple(elts=some) | ast.List(elts=some):
            for one in some:
                yield from _names(module, one)
        case ast.Starred(value=value) | ast.Subscript(value=value):
            yield from _names(module, value)


def _headings() -> dict[str, set[str]]:
    """By where they are shown: names of columns and facts."""
    found: dict[str, set[str]] = {}
    for path in _VERBS:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                name = node.func.id
                if name in _SHOWING and not any(k.arg == "kind" for k in node.keywords):
                    names = set(_names(path.stem, node.args[0]))
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


@pytest.mark.parametrize("language", ["ja", "en"])
def test_catalogues_are_read_as_babel_reads_them(language: str) -> None:
    with LABELS.path(language).open("rb") as file:
        told = {str(m.id): str(m.string) for m in read_po(file, abort_invalid=True)}
    assert LABELS.catalogue(language) == {k: v for k, v in told.items() if k and v}


def _calls(paths: list[Path], *names: str) -> Iterator[tuple[str, ast.Call]]:
    """Calls of functions and methods by their names (``print``, ``out.print``), and where."""
    for path in paths:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                yield f"{path.relative_to(_PROGRAM)}:{node.lineno}", node


def _literals(node: ast.expr) -> list[str]:
    """A text that is written there, or both of a choice; none where it is no literal."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=one, orelse=other):
            return [*_literals(one), *_literals(other)]
    return []


def _unsaid(key: str, call: ast.Call) -> str:
    """What is wrong with a label in either language, given what the call fills it with."""
    given = {k.arg for k in call.keywords}
    for language in ("ja", "en"):
        text = LABELS.catalogue(language).get(key)
        if text is None:
            return f"{key}: no label in {language}"
        wanted = {name for _, name, _, _ in Formatter().parse(text) if name}
        if None not in given and wanted - given:
            return f"{key}: {wanted - given} has no value in {language}"
    return ""


def test_every_refusal_has_words_in_both_languages() -> None:
    wrong, seen = [], 0
    for where, call in _calls(_SOURCES, "NotAllowed", "TemplatesChanged"):
        codes = [t for k in call.keywords if k.arg == "code" for t in _literals(k.value)]
        seen += len(codes)
        wrong += [f"{where}: {found}" for c in codes if (found := _unsaid(f"error.{c}", call))]
        wrong += [] if codes else [f"{where}: no code"]
    assert not wrong
    assert seen > 30


def test_what_is_not_found_has_a_name_in_both_languages() -> None:
    wrong = []
    for where, call in _calls(_SOURCES, "NotFound", "Damaged"):
        kinds = _literals(call.args[0])
        is_passed_on = isinstance(call.args[0], ast.Name)
        wrong += [] if kinds or is_passed_on else [f"{where}: a kind that is made up on the way"]
        keys = [f"kind.{k.replace(' ', '_')}" for k in kinds]
        wrong += [f"{where}: {found}" for k in keys if (found := _unsaid(k, call))]
    assert not wrong


def test_what_verbs_say_is_in_both_languages() -> None:
    wrong, seen = [], 0
    for where, call in _calls(_VERBS, "say", "wrong_use"):
        codes = _literals(call.args[0])
        seen += len(codes)
        wrong += [f"{where}: {found}" for c in codes if (found := _unsaid(f"cli.{c}", call))]
    for where, call in _calls(_VERBS, "phrase", "label"):
        keys = [k for k in _literals(call.args[0]) if "." in k]
        wrong += [f"{where}: {found}" for k in keys if (found := _unsaid(k, call))]
    for where, call in _calls(_VERBS, "word"):
        kinds, names = (_literals(one) for one in call.args)
        keys = [f"{kind}.{name}" for kind in kinds for name in names]
        wrong += [f"{where}: {found}" for k in keys if (found := _unsaid(k, call))]
    assert not wrong
    assert seen > 30


def test_no_verb_says_words_that_are_in_no_catalogue() -> None:
    printing = ("out.print", "err.print", "typer.echo", "typer.secho", "typer.BadParameter")
    wrong = []
    for where, call in _calls(_VERBS, *printing):
        for given in call.args:
            parts = given.values if isinstance(given, ast.JoinedStr) else [given]
            texts = [p.value for p in parts if isinstance(p, ast.Constant)]
            said = _WORDLESS.sub("", " ".join(map(str, texts)))
            wrong += [f"{where}: {said}"] if re.search("[A-Za-z]{2}", said) else []
    assert not wrong
