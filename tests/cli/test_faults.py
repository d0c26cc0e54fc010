"""However a verb fails, a person reads a sentence, and never a traceback."""

import asyncio
import re
from pathlib import Path

import orjson
import pytest
import typer

import notifier
from notifier.cli.faults import fail
from notifier.cli.language import asked_for
from notifier.cli.session import run
from notifier.model.batch import BatchState
from notifier.model.errors import Damaged, NotAllowed, NotFound
from notifier.printing.target import HandOverFailed
from notifier.rendering.labels import LABELS
from notifier.runtime.parts import Parts
from notifier.runtime.settings import Settings
from tests.cli.terminal import environment


def _said(problem: Exception, language: str, capsys: pytest.CaptureFixture[str]) -> str:
    with asked_for(["--lang", language]), pytest.raises(typer.Exit) as end:
        fail(problem)
    assert end.value.exit_code == 1
    return capsys.readouterr().err


def test_problems_are_said_in_the_language(capsys: pytest.CaptureFixture[str]) -> None:
    problem = NotFound("rejected entry", 7)
    assert "受け付けなかった項目 7" in _said(problem, "ja", capsys)
    assert "rejected entry 7: not found" in _said(problem, "en", capsys)
    problem_of_tasks = NotAllowed("closed", code="task_closed", task=7, by="user:x")
    assert "タスク7" in _said(problem_of_tasks, "ja", capsys)
    group = ExceptionGroup(
        "several", [ExceptionGroup("x", [NotAllowed("held", code="not_held", messages="M1")])]
    )
    assert "Not held: M1" in _said(group, "en", capsys)
    state = NotAllowed("x", code="batch_in_state", batch="B000001", state=BatchState.HANDED_OVER)
    assert "B000001 は「引渡し済み」" in _said(state, "ja", capsys)
    assert "document of attempt 3 is not what" in _said(
        Damaged("document of attempt", 3), "en", capsys
    )
    assert "送信内容 3" in _said(Damaged("document of attempt", 3), "ja", capsys)
    for fault in (OSError(28, "No space left on device"), HandOverFailed("x: no", retry=True)):
        assert "（" in _said(fault, "ja", capsys)
        assert "(" in _said(fault, "en", capsys)


def test_a_fault_of_ours_has_a_reference_and_a_line_in_the_log(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.var.mkdir(exist_ok=True)
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)

    async def broken(_: Parts) -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError("of nobody's making, a@example.jp")

    with pytest.raises(typer.Exit):
        run(broken)
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "Traceback" not in said
    assert "example.jp" not in said
    [line] = (settings.var / "log" / "notifier.jsonl").read_text().splitlines()
    entry = orjson.loads(line)
    assert entry["reference"] in said
    assert "a@example.jp" not in line


@pytest.mark.parametrize("language", ["ja", "en"])
def test_everything_that_may_be_missing_has_a_name(language: str) -> None:
    sources = "\n".join(p.read_text() for p in Path(notifier.__file__).parent.rglob("*.py"))
    kinds = set(re.findall(r'NotFound\(\s*"([a-z ]+)"', sources))
    assert {"member", "task"} <= kinds
    labels = {f"kind.{kind.replace(' ', '_')}" for kind in kinds}
    assert labels - LABELS.catalogue(language).keys() == set()
