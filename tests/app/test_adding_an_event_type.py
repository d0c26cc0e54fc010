"""A type of events is one module and its schema: docs/adding-an-event-type.md is followed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parent.parent.parent
_PAGE = (_ROOT / "docs" / "adding-an-event-type.md").read_text("utf-8")
[_MODULE] = re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL)
[_EVENT] = re.findall(r"```json\n(.*?)```", _PAGE, re.DOTALL)
[_PLACE] = re.findall(r"^`(notifier/rules/rules/\w+\.py)`:", _PAGE, re.MULTILINE)
_FOLLOW = """
import asyncio, json, sys
from pathlib import Path
from notifier.api.openapi.document import document
from notifier.app.event_intake import Acceptor
from notifier.intake.envelope import parse_event
from notifier.intake.schemas import publish
from notifier.model.errors import BadInput
from notifier.store import members, schemes
from notifier.store.db import connect, rows
from tests.cases.conftest import ACTOR, Hand
from tests.samples import NOTICES, NOW, SCHEME, member

async def follow(url, raw, folder):
    engine = connect(url)
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=ACTOR, now=NOW)
        await members.save(conn, [(member("M0001"), NOW)], now=NOW)
    await Acceptor(engine, NOTICES, Hand(), Hand()).accept([parse_event(raw)], ACTOR)
    async with engine.connect() as conn:
        told = await rows(conn, "SELECT kind, key FROM tasks")
        decided = await rows(conn, "SELECT outcome, reason FROM decisions")
    await engine.dispose()
    wrong = json.loads(raw)
    wrong["data"]["expires_on"] = "soon"
    try:
        parse_event(json.dumps(wrong).encode())
    except BadInput as problem:
        fields = [error.field for error in problem.errors]
    print(json.dumps({
        "tasks": [list(r.values()) for r in told],
        "decisions": [list(r.values()) for r in decided],
        "wrong": fields,
        "schemas": [path.name for path in publish(Path(folder))],
        "openapi": list(json.loads(document())["components"]["schemas"]),
    }))

asyncio.run(follow(sys.argv[1], sys.argv[2].encode(), sys.argv[3]))
"""


@pytest.fixture
def followed(database_url: str, tmp_path: Path) -> dict[str, Any]:
    """What a program does to which one file was added."""
    copy, schemas = tmp_path / "copy", tmp_path / "schemas"
    shutil.copytree(_ROOT / "notifier", copy / "notifier")
    (copy / _PLACE).write_text(_MODULE)
    schemas.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _FOLLOW, database_url, _EVENT, str(schemas)],
        env={**os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{_ROOT}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_page_adds_a_type_by_one_module_and_its_schema(followed: dict[str, Any]) -> None:
    assert followed["tasks"] == [["operations_alert", "group-liability"]]
    assert followed["decisions"] == [["skip", "record_only"]]
    assert followed["wrong"] == ["data.expires_on"]
    assert "billing.card.expiring.v1.json" in followed["schemas"]
    assert "billing.card.expiring.v1" in followed["openapi"]
