"""Whatever the record can hold is shown in words, in both languages."""

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

import notifier
from notifier.app.record_words import LABELS_OF, told, words_of
from notifier.model.fallback import Fallback
from notifier.model.inquiry import InquiryKind, InquiryState
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.model.suppression import SuppressionReason
from notifier.model.tracking import BounceReason, ReturnKind
from notifier.rendering.labels import LABELS

_SOURCES = Path(notifier.__file__).parent

#: By kind of entry: what its ``after`` and its ``reason`` may say.
_VALUES: dict[str, tuple[list[str], list[str]]] = {
    "move": ([*State], [*Reason]),
    "amend": ([*State], [*Reason]),
    "fallback": ([*Fallback], [Reason.LETTER_FOLLOWS]),
    "tracking": ([*ReturnKind], [*BounceReason]),
    "suppression": (["set", "lifted"], [*SuppressionReason]),
    "inquiry": ([*InquiryState], [f"{kind}:12" for kind in InquiryKind]),
}


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("kind", LABELS_OF)
def test_every_entry_about_a_message_is_words(kind: str, language: str) -> None:
    after, reasons = _VALUES[kind]
    shown = [words_of(kind, a, None, language)[0] for a in after]
    shown += [words_of(kind, None, r, language)[1] for r in reasons]
    prefixes = tuple(f"{prefix}." for prefix in LABELS_OF[kind])
    assert [s for s in shown if not s or s.startswith(prefixes)] == []


def test_every_kind_of_entry_about_a_message_is_known() -> None:
    sources = "\n".join(p.read_text() for p in (_SOURCES / "store").glob("*.py"))
    kinds = set(re.findall(r"SELECT :now, '(\w+)', :actor, message_id", sources))
    assert kinds == LABELS_OF.keys()


def _names_of_details() -> Iterator[str]:
    """Yield the names of details that tasks are raised with, wherever that is."""
    for path in _SOURCES.rglob("*.py"):
        source = path.read_text()
        if "TaskDraft(" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            given: ast.expr | None = None
            if isinstance(node, ast.keyword) and node.arg == "details":
                given = node.value
            elif isinstance(node, ast.AugAssign | ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(t, ast.Name) and t.id == "details" for t in targets):
                    given = node.value
            if isinstance(given, ast.Dict):
                yield from (str(k.value) for k in given.keys if isinstance(k, ast.Constant))


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_detail_of_a_task_has_a_name(language: str) -> None:
    names = set(_names_of_details()) - {"contradictions"}
    assert {"message", "batch", "gateway"} <= names  # they are found at all
    assert {f"detail.{n}" for n in names} - LABELS.catalogue(language).keys() == set()


class _Odd(StrEnum):
    REPLY = "550 5.1.1"


def test_a_value_that_is_no_word_of_ours_stays_as_it_is() -> None:
    assert list(told({"code": _Odd.REPLY}, "en")) == ["code: 550 5.1.1"]
    assert list(told({"code": "unknown_member"}, "ja")) != ["コード: unknown_member"]
