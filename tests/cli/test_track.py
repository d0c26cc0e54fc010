"""``notifier track``: one line for each mail, without a database."""

import json
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from notifier.cli.app import app
from notifier.store.db import scalar
from tests.cli.terminal import Terminal

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


async def test_what_is_no_mail_is_named_and_not_read(
    notifier: Terminal, engine: AsyncEngine, tmp_path: Path
) -> None:
    folder = tmp_path / "wrong"
    folder.mkdir()
    (folder / "members.csv").write_text("会員番号,氏名\nM1,潮田 凪\n")
    (folder / "events.jsonl").write_text('{"specversion": "1.0"}\n')
    (folder / "scheme.toml").write_text("# a scheme\n")
    for words in (("track",), ("track", "--dry-run")):
        said = notifier(*words, str(folder), code=1)
        assert all(name in said for name in ("members.csv", "events.jsonl", "scheme.toml"))
    async with engine.connect() as conn:
        assert await scalar(conn, "SELECT count(*) FROM returns") == 0
