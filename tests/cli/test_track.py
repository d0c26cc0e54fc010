"""``notifier track``: one line for each mail, without a database."""

import json
from pathlib import Path

from typer.testing import CliRunner

from notifier.cli.app import app

_BOUNCE = """\
From: MAILER-DAEMON@mx.example.jp
To: b+abcdefghijklmnopqrstuvwxyz@bounce.example.jp
Subject: failure notice

Hi. This is the qmail-send program at mx.example.jp.

<rei@kaisha.example.jp>:
Sorry, no mailbox here by that name. (#5.1.1)
"""


def test_json(tmp_path: Path) -> None:
    file = tmp_path / "x.eml"
    file.write_text(_BOUNCE)
    done = CliRunner().invoke(app, ["track", str(file), str(file), "--dry-run", "--json"])
    assert done.exit_code == 0
    first, second = map(json.loads, done.output.splitlines())
    assert first == second
    assert {name: first[name] for name in ("file", "recipients", "kind", "reason", "hard")} == {
        "file": str(file),
        "recipients": ["rei@kaisha.example.jp"],
        "kind": "bounced",
        "reason": "user_unknown",
        "hard": True,
    }
    assert (first["status"], "no mailbox" in first["reply"]) == ("5.1.1", True)


def test_for_people(tmp_path: Path) -> None:
    file = tmp_path / "x.eml"
    file.write_text(_BOUNCE)
    done = CliRunner().invoke(app, ["track", str(file), "--dry-run"])
    assert "届かなかった (宛先の利用者がいない) rei@kaisha.example.jp" in done.output


def test_a_file_that_is_not_there() -> None:
    assert CliRunner().invoke(app, ["track", "/no/such/file", "--dry-run"]).exit_code == 2
