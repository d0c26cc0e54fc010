"""Words that no verb takes are refused before anything starts."""

import pytest
from typer.testing import CliRunner

from notifier.cli.app import app


@pytest.mark.parametrize(
    "words",
    [
        "messages list --state nonsense",
        "messages list --limit -5",
        "messages settle 1 nonsense",
        "messages release 1 --category 9",
        "messages release --reason nonsense",
        "tasks list --state nonsense",
        "tasks show x",
        "tasks show 99999999999999999999",
        "batches hand-over -1",
        "rejected replay 0",
        "members import /no/such/file.csv",
        "work nolane",
        "nonsense",
    ],
)
def test_refused(words: str) -> None:
    assert CliRunner().invoke(app, words.split()).exit_code == 2


def test_help_names_every_verb() -> None:
    said = CliRunner().invoke(app, ["--help"]).output
    for verb in ("up", "serve", "work", "demo", "events", "members", "messages", "tasks"):
        assert verb in said
