"""``notifier users``, ``login``, ``services``: who sits at the terminal is proven."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.runtime.engines import Engines
from notifier.runtime.settings import Settings
from notifier.store.db import rows
from notifier.store.roles import RUNTIME
from tests.app.office import PASSWORD, Colleague
from tests.cli.terminal import Terminal, environment
from tests.conftest import Databases
from tests.samples import NOW


@pytest.fixture
def bare(settings: Settings, engines: Engines, databases: Databases) -> Iterator[Terminal]:
    """A terminal on a record in which nobody can sign in yet."""
    name = databases.create()
    url = engines.database(name)
    changed = {
        "database_url": url.replace("postgres@", f"{RUNTIME}@"),
        "database_owner_url": url,
    }
    yield Terminal(settings.model_copy(update=changed), NOW)
    databases.drop(name)


def _typed(notifier: Terminal, words: tuple[str, ...], *lines: str) -> str:
    """What a verb prints to whom these lines, and then the code of the secret shown, are typed."""
    command = [sys.executable, "-m", "notifier.cli", *words, "--password-stdin"]
    said = ""
    with subprocess.Popen(
        command,
        env=environment(notifier.settings),
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(f"{line}\n" for line in lines))
        process.stdin.flush()
        for line in process.stdout:
            said += line
            if found := re.search(r"secret=([A-Z2-7]+)", line):
                process.stdin.write(pyotp.TOTP(found[1]).now() + "\n")
                process.stdin.flush()
    assert process.returncode == 0, said
    return said


def test_from_an_empty_record_to_the_second_administrator(bare: Terminal) -> None:
    for words in ("tasks list", "messages show 1", "tasks done 1 --note x", "whoami", "users list"):
        assert "notifier users first" in bare(*words.split(), code=1), words
    assert "notifier users first" in bare("login", "umino", given=b"x\n1\n", code=1)
    bare("users", "roles")
    first = ("users", "first", "umino", "海野 渚", "umino@office.example.jp")
    said = _typed(bare, first, "a long and odd sentence 7")
    codes = re.findall(r"[a-z2-7]{4}(?:-[a-z2-7]{4}){3}", said)
    assert len(codes) == 10
    assert "管理者" in bare("whoami")
    assert "すでに利用者がいます" in bare(*first, given=b"another odd one 77\n000000\n", code=1)
    invite = ("users", "invite", "isobe", "磯部 凪", "isobe@office.example.jp", "--role")
    assert "二人目" in bare("--code", codes[0], *invite, "author", code=1)
    said = bare("--code", codes[1], *invite, "administrator")
    half = said.split(": ")[-1].strip()
    _typed(bare, ("users", "accept", "isobe"), half, "-", "another odd sentence 8")
    assert "isobe" in bare("whoami")
    bare("logout")
    assert "notifier login" in bare("whoami", code=1)


def test_a_code_each_time_within_a_session(notifier: Terminal, minato: Colleague) -> None:
    notifier.sign_in(minato.token, [])
    assert "コードが必要です" in notifier("keys", "new", "a.example.jp", code=1)
    code = ("--code", minato.recovery[0])
    assert "nk_" in notifier(*code, "keys", "new", "a.example.jp")
    assert "使用済み" in notifier(*code, "keys", "new", "a.example.jp", code=1)
    assert "使用済み" in notifier("--code", "000000", "keys", "new", "b.example.jp", code=1)


def test_login_and_its_file(notifier: Terminal, minato: Colleague) -> None:
    path = notifier.settings.var / "session"
    path.unlink()
    wrong = notifier("login", "minato", given=b"wrong password\n000000\n", code=1)
    nobody = notifier("login", "nobody", given=b"wrong password\n000000\n", code=1)
    assert wrong == nobody
    given = f"{PASSWORD}\n{minato.recovery[0]}\n".encode()
    notifier("login", "minato", "--password-stdin", given=given)
    assert path.stat().st_mode & 0o777 == 0o600
    notifier("tasks", "list")
    path.chmod(0o640)
    assert "他の人が読めるか" in notifier("tasks", "list", code=1)
    elsewhere = notifier.settings.var / "elsewhere"
    path.chmod(0o600)
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert "セッションファイル" in notifier("tasks", "list", code=1)
    path.unlink()
    os.mkfifo(path)
    assert "セッションファイル" in notifier("tasks", "list", code=1)


@pytest.mark.parametrize("variable", ["LOGNAME", "USER"])
async def test_no_name_of_the_machine_proves_anybody(
    notifier: Terminal, engine: AsyncEngine, variable: str
) -> None:
    notifier("closures", "add", "2025-08-13", "--name", "夏季休業", env={variable: "mori"})
    async with engine.connect() as conn:
        found = await rows(conn, "SELECT DISTINCT actor FROM log WHERE kind LIKE 'clos%'")
    assert [r["actor"] for r in found] == ["user:minato"]
    (notifier.settings.var / "session").unlink()
    assert "notifier login" in notifier("tasks", "list", env={variable: "mori"}, code=1)


def test_a_script_acts_by_its_token_and_no_further(notifier: Terminal) -> None:
    new = ("services", "new", "nightly", "--scope", "batches.do", "--scope", "figures.read")
    env = {"NOTIFIER_TOKEN": notifier(*new).strip()}
    (notifier.settings.var / "session").unlink()
    assert "service:nightly" in notifier("whoami", env=env)
    for words in ("tasks list", "messages release --reason no_brand", "inquiries export -o x.csv"):
        said = notifier(*words.split(), env=env, code=1)
        assert "権限がありません" in said, words
    bad = {"NOTIFIER_TOKEN": env["NOTIFIER_TOKEN"] + "x"}
    assert "有効ではありません" in notifier("batches", "list", env=bad, code=1)


def test_staff_are_users_now(notifier: Terminal) -> None:
    said = notifier("staff", "add", "sono", "園 汀", "sono@office.example.jp")
    assert "notifier users add" in said
    assert "園 汀" in notifier("staff", "list")
    assert "通知のみ" in notifier("users", "show", "sono")
    bad = notifier("users", "add", "Sono", "x", "x@office.example.jp", code=1)
    assert "login" in bad


def test_requests_are_seen_and_not_confirmed_by_whoever_asked(notifier: Terminal) -> None:
    said = notifier("keys", "new", "a.example.jp", "--scope", "members.write")
    number = said.split()[-1]
    assert "会員情報を扱うAPIキー" in notifier("users", "requests")
    assert "別の管理者の承認が必要" in notifier("users", "confirm", number, code=1)
    notifier("users", "withdraw", number)
    assert "会員情報を扱うAPIキー" not in notifier("users", "requests")
