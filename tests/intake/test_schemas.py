"""What is published about events is what the code does."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from notifier.intake.envelope import parse_event
from notifier.intake.schemas import all_files, event_schema, publish
from notifier.rendering.labels import label
from notifier.rules.rules import TYPES

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "events.md").read_text("utf-8")
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def test_the_published_schemas_are_current(tmp_path: Path) -> None:
    on_disk = {path.name: path.read_bytes() for path in (DOCS / "schemas").glob("*.json")}
    assert on_disk == all_files(), "run scripts/publish_schemas.py"
    assert {path.name for path in publish(tmp_path)} == set(on_disk)


def test_the_page_has_one_example_of_every_type() -> None:
    assert [e["type"] for e in EXAMPLES] == [*dict.fromkeys(e["type"] for e in EXAMPLES)]
    assert {e["type"] for e in EXAMPLES} == set(TYPES)
    lines = (DOCS / "examples" / "events.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: str(e["type"]))
def test_an_example_is_lawful_and_its_fields_are_explained(example: dict[str, Any]) -> None:
    event = parse_event(json.dumps(example).encode())
    section = PAGE.split(f"### {event.type}\n")[1].split("\n### ")[0]
    table = section.split("```json")[0]
    for name in type(event.data).model_fields:
        assert f"`{name}`" in table


@pytest.mark.parametrize("kind", TYPES)
def test_a_schema_refers_only_to_what_it_holds(kind: str) -> None:
    schema = event_schema(kind, 1)
    refs = re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(schema))
    assert set(refs) <= set(schema.get("$defs", {}))
    pattern = re.compile(next(iter(schema["patternProperties"])))
    assert pattern.match("traceparent")
    assert not any(map(pattern.match, ("data", "data_base64", "Big", "a_b")))


def test_every_code_on_the_page_has_its_words() -> None:
    table = PAGE.split("## Codes\n")[1]
    named = set(re.findall(r"`(\w+)`", table)) - {"field", "body", "params", "allowed", "expected"}
    for language in ("ja", "en"):
        assert [c for c in sorted(named) if label(f"error.{c}", language) == f"error.{c}"] == []
