"""Every value that staff can meet has a name in both languages."""

import importlib
import pkgutil
import re
from collections import Counter
from enum import Enum
from pathlib import Path

import pytest

import notifier.model
from notifier.model.errors import FieldError
from notifier.rendering.labels import LABELS, Labels, label
from notifier.rendering.writer import Writer

_LOCALES = Path(__file__).parents[2] / "locales"

#: The part of the key before the dot, by enum; ``None``: never shown to anybody.
KINDS = {
    "Action": "action",
    "ActorKind": "actor",
    "AmountRole": "role",
    "BatchState": "batch",
    "BounceReason": "bounce",
    "CallOutcome": "call",
    "CallState": "call_state",
    "CaseKind": "case",
    "CaseMove": None,
    "Category": "category",
    "Channel": "channel",
    "DeliveredLevel": "evidence",
    "Dsn": None,
    "EventStatus": "event_status",
    "Exposure": "exposure",
    "Fallback": "fallback",
    "FieldType": None,
    "Honorific": None,
    "InquiryChannel": "inquiry_channel",
    "InquiryKind": "inquiry",
    "InquiryState": "inquiry_state",
    "InquiryTopic": "topic",
    "JobState": "job_state",
    "KeyType": None,
    "Lane": "lane",
    "LineKind": "line",
    "MemberStatus": "member_status",
    "Permission": "permission",
    "Reason": "reason",
    "RefundReason": "refund_reason",
    "Refusal": "refusal",
    "RelayKind": None,
    "Remedy": "remedy",
    "RequestKind": "request",
    "ReturnKind": "return",
    "ReturnReason": "return_reason",
    "ReturnedReason": "returned",
    "Role": "role",
    "Scope": "scope",
    "SecretKind": None,
    "Standing": "standing",
    "State": "state",
    "SuppressionReason": "suppression",
    "TaskKind": "task",
    "Tls": None,
    "UncertainPolicy": "uncertain",
    "UserState": "user_state",
    "WebhookState": "webhook",
}


def _enums() -> list[type[Enum]]:
    found = {}
    for module in pkgutil.iter_modules(notifier.model.__path__):
        loaded = importlib.import_module(f"notifier.model.{module.name}")
        for value in vars(loaded).values():
            if isinstance(value, type) and issubclass(value, Enum) and len(value):
                found[value.__name__] = value
    return sorted(found.values(), key=lambda e: e.__name__)


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("kind", _enums(), ids=lambda e: e.__name__)
def test_every_value_of_the_model_has_a_label(kind: type[Enum], language: str) -> None:
    assert kind.__name__ in KINDS, "a new enum: say here what its labels are called"
    prefix = KINDS[kind.__name__]
    if prefix is None:
        return
    names = {m.name.lower() if kind.__name__ == "Lane" else str(m.value) for m in kind}
    missing = {f"{prefix}.{n}" for n in names} - LABELS.catalogue(language).keys()
    assert not missing


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_notice_has_a_label(writer: Writer, language: str) -> None:
    assert {f"notice.{n}" for n in writer.notices} <= LABELS.catalogue(language).keys()


def test_both_catalogues_have_the_same_keys() -> None:
    assert LABELS.catalogue("ja").keys() == LABELS.catalogue("en").keys()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_no_key_stands_twice_in_a_catalogue(language: str) -> None:
    """The second would never be shown: a problem of HTTP said ``{kind} {key}``."""
    path = Path(__file__).parents[2] / "locales" / language / "LC_MESSAGES" / "notifier.po"
    keys = re.findall('^msgid "(.+)"$', path.read_text("utf-8"), re.MULTILINE)
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_parameters_fill_a_label() -> None:
    error = FieldError(field="name", code="too_long", params={"limit": 200})
    assert "200" in label(f"error.{error.code}", "en", **error.params)


def test_a_missing_parameter_is_left_standing() -> None:
    assert "{limit}" in label("error.too_long", "ja", other=1)


def test_values_are_not_read_as_placeholders() -> None:
    assert "{x.__class__}" in label("error.too_long", "ja", limit="{x.__class__}")


def test_fallbacks(tmp_path: Path) -> None:
    assert label("state.held", "fr") == label("state.held", "ja")
    assert label("state.held", "../../etc") == label("state.held", "ja")
    assert label("state.no_such", "ja") == "state.no_such"
    assert Labels(tmp_path).label("state.held", "ja") == "state.held"


@pytest.mark.parametrize("language", ["ja", "en"])
def test_no_key_stands_twice(language: str) -> None:
    text = (_LOCALES / language / "LC_MESSAGES" / "notifier.po").read_text(encoding="utf-8")
    keys = [line for line in text.splitlines() if line.startswith("msgid ")]
    assert sorted(keys) == sorted(set(keys))  # of two, one would be said in the other's place


def test_an_error_without_parameters_shows_no_placeholder() -> None:
    for language in ("ja", "en"):
        assert "{" not in label("error.not_found", language)
