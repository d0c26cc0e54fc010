"""A question that cannot be answered is refused; an empty answer says that it is one."""

import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from notifier.model.actor import system
from notifier.runtime.engines import Engines
from notifier.store import members, schemes
from notifier.store.db import scalar
from tests.cli.terminal import Terminal, environment
from tests.samples import NOW, SCHEME, member


@pytest.fixture
async def known(engine: AsyncEngine) -> None:
    """A scheme, and two members of whom nothing is on record."""
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=system("test"), now=NOW)
        await members.save(conn, [(member("M000101"), NOW), (member("M000102"), NOW)], now=NOW)


_MISSPELT = {
    "messages list --member m000101": "M000000",
    "messages list --member M999": "M000000",
    "messages list --notice card_eror": "card_error",
    "messages list --notice foo": "apology",
    "messages list --scheme nope": SCHEME.scheme,
    "cases list --member M999": "M000000",
    "inquiries list --member M999": "M000000",
    "inquiries list --mailing leak": "leak",
    "inquiries list --batch B000007": "B000007",
    "inquiries list --message 12": "M000000012",
    "batches show foo": "foo",
    "batches show B000009": "B000009",
}


def test_what_nobody_knows_is_named(notifier: Terminal, known: None) -> None:
    for words, hint in _MISSPELT.items():
        said = notifier(*words.split(), code=1)
        assert "見つかりません" in said, words
        assert hint in said, words
        assert "M000102" not in said, words  # the number of another person is never told
    said = notifier("messages", "list", "--member", "M999", code=1, env={"NOTIFIER_LOCALE": "en"})
    assert "member M999: not found. Registered ones look like M000000." in said
    said = notifier("messages", "release", "--reason", "no_adress", code=2)
    assert "no_address" in said
    said = notifier("messages", "release", "--reason", "foo", code=2)
    assert "という理由はありません" in said
    assert "…" not in said.splitlines()[-1]  # no hint where nothing is near


async def test_refusals_are_told_in_the_language_of_the_screen(
    notifier: Terminal, known: None, tmp_path: Path
) -> None:
    assert "通知番号か --reason" in notifier("messages", "release", code=1)
    assert "確認待ちの通知はありません" in notifier("messages", "release", "--reason", "no_brand")
    assert "確認待ちの通知ではありません：M000000012" in notifier(
        "messages", "release", "12", code=1
    )
    (tmp_path / "none.jsonl").touch()
    days = ("--from", "2025-08-31", "--to", "2025-07-15")
    assert "--to: " in notifier("simulate", str(tmp_path / "none.jsonl"), *days, code=1)
    said = notifier(
        "inquiries", "add", "--member", "M000101", "--topic", "other", "--channel", "phone"
    )
    answer = ("inquiries", "answer", said.strip(), "--text", "済")
    notifier(*answer)
    assert "回答済みです" in notifier(*answer, code=1)
    said = notifier(
        "inquiries", "add", "--message", "99", "--topic", "other", "--channel", "phone", code=1
    )
    assert "message: 見つかりません" in said


def test_an_empty_answer_says_so(notifier: Terminal, known: None) -> None:
    for words in ("messages list --member M000101", "messages list --notice refund", "tasks list"):
        assert "該当するものはありません" in notifier(*words.split())


def test_log_lines_are_in_a_file(notifier: Terminal, known: None) -> None:
    file = notifier.settings.var / "log" / "notifier.jsonl"
    said = notifier("tasks", "list")
    assert "{" not in said
    assert file.stat().st_mode & 0o077 == 0
    assert all(orjson.loads(line) for line in file.read_bytes().splitlines())


@pytest.mark.parametrize("after", [0.15, 0.6, 1.2])
def test_an_interrupted_verb_ends_quietly(notifier: Terminal, tmp_path: Path, after: float) -> None:
    verb = subprocess.Popen(
        [sys.executable, "-m", "notifier.cli", "tasks", "list"],
        env=environment(notifier.settings) | {"PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said, _ = verb.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        verb.send_signal(signal.SIGINT)
        said, _ = verb.communicate()
    assert b"Traceback" not in said
    assert verb.returncode in (0, 130, -signal.SIGINT), said


def test_a_verb_that_only_reads_makes_no_record(notifier: Terminal, tmp_path: Path) -> None:
    nowhere = {
        "NOTIFIER_VAR": str(tmp_path / "wrong"),
        "NOTIFIER_DATABASE_URL": "",
        "NOTIFIER_DATABASE_OWNER_URL": "",
    }
    for words in ("tasks list", "messages show 1", "report --notice refund", "batches list"):
        said = notifier(*words.split(), code=1, env=nowhere)
        assert "記録がありません" in said, words
        assert str(tmp_path / "wrong") in said, words
    assert not (tmp_path / "wrong").exists()


async def test_nor_in_an_empty_database(
    notifier: Terminal, engines: Engines, engine: AsyncEngine
) -> None:
    url = engines.create_database("nothing_in_it")
    there = {"NOTIFIER_DATABASE_URL": url, "NOTIFIER_DATABASE_OWNER_URL": url}
    said = notifier("tasks", "list", code=1, env=there)
    assert "NOTIFIER_DATABASE_URL" in said
    empty = create_async_engine(url)
    async with empty.connect() as conn:
        assert await scalar(conn, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await empty.dispose()


def test_misspelt_settings_are_named(notifier: Terminal) -> None:
    for name, value, hint in (
        ("NOTIFIER_REALY_HOST", "x", "NOTIFIER_RELAY_HOST"),
        ("NOTIFIER_PRESS__CUT_OFF", "15:00", "NOTIFIER_PRESS is a JSON object"),
        ("NOTIFIER_LOCALE", "jp", "'ja' or 'en'"),
        ("notifier_lokale", "ja", "NOTIFIER_LOCALE"),
    ):
        said = notifier("tasks", "list", code=1, env={name: value})
        assert hint in said
    assert "notifier 0." in notifier("--version")
    assert "messages" in notifier("-h")
