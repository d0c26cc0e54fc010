"""Wording from the terminal: taken out, changed, looked at, published and taken back."""

import json
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.wording.desk import closing


@pytest.fixture
def folder(notifier: Terminal, tmp_path: Path) -> Path:
    """The refund notice, taken out and changed."""
    place = tmp_path / "mine"
    notifier("templates", "export", "refund", str(place))
    words = place / "ja" / "refund" / "words.txt"
    words.write_text(words.read_text() + closing("直した文です。"))
    return place


def test_lint_names_file_and_line(notifier: Terminal, folder: Path) -> None:
    notifier("lint", "refund", "--from", str(folder))
    words = folder / "ja" / "refund" / "words.txt"
    words.write_text(words.read_text() + closing("キャンペーンです。"))
    line = len(words.read_text().splitlines()) - 1
    for language, said in (("ja", "宣伝"), ("en", "promotion, which")):
        out = notifier("lint", "--from", str(folder), code=1, env={"NOTIFIER_LOCALE": language})
        assert f"ja/refund/words.txt:{line}: error promotion" in out
        assert said in out
    listed = map(json.loads, notifier("lint", "--json", "--from", str(folder), code=1).splitlines())
    found = [one for one in listed if one["severity"] == "error"]
    assert {(one["file"], one["line"], one["rule"]) for one in found} == {
        ("ja/refund/words.txt", line, "promotion")
    }
    assert "greeting" in notifier("lint", "greeting", code=1)
    assert "文の数" in notifier("lint", "refund", "--figures")


def test_a_draft_is_looked_at(notifier: Terminal, folder: Path, tmp_path: Path) -> None:
    assert "D1 ja/refund" in notifier("templates", "draft", str(folder), "--note", "直し")
    notifier("templates", "check", "D1")
    diff = notifier("templates", "diff", "D1")
    assert "+直した文です。" in diff
    assert "直した文です。" in notifier("templates", "show", "D1", "refund/words.txt")
    assert "ja/refund/words.txt" in notifier("templates", "show", "D1")
    to = tmp_path / "preview"
    notifier("preview", "refund", "--version", "D1", "--to", str(to), "--step", "decided")
    assert "直した文です。" in (to / "refund-decided.txt").read_text()
    mail = message_from_bytes((to / "refund-decided.eml").read_bytes(), policy=SMTP)
    assert mail.get_content_type() == "multipart/alternative"
    assert "D9" in notifier("templates", "check", "D9", code=1)
    assert "abcdef" in notifier("templates", "show", "abcdef", code=1)


def test_published_and_taken_back(notifier: Terminal, folder: Path) -> None:
    notifier("templates", "draft", str(folder))
    publish = ("templates", "publish", "D1", "--note", "直し")
    said = notifier(*publish, "--by", "somebody")  # who it was is proven, whatever is typed
    assert "P1" in said
    assert "minato の操作として" in said
    assert "D1 はすでに公開されています" in notifier(*publish, code=1)
    assert "新しい文面はありません" in notifier("templates", "draft", str(folder), code=1)
    assert "公開" in notifier("templates", "status")
    assert "直した文です。" in notifier("templates", "show", "in-force", "refund/words.txt")
    back = ("templates", "roll-back", "refund", "--note", "誤り")
    assert "P2" in notifier(*back)
    assert "直した文です。" not in notifier("templates", "show", "in-force", "refund/words.txt")
    listed = notifier("templates", "list", "refund")
    assert "minato" in listed
    assert listed.index("P2") < listed.index("差し戻し") < listed.index("P1")
    assert "すでに存在します" in notifier("templates", "export", "refund", str(folder), code=1)


def test_a_draft_that_does_not_pass_says_where(notifier: Terminal, folder: Path) -> None:
    words = folder / "ja" / "refund" / "words.txt"
    words.write_text(words.read_text() + closing("今だけお得です。"))
    notifier("templates", "draft", str(folder))
    for verb in (("check", "D1"), ("publish", "D1", "--note", "x")):
        assert "ja/refund/words.txt:" in notifier("templates", *verb, code=1)
    assert "P1" not in notifier("templates", "list")
