"""Help and refusals of use: in Japanese or English throughout."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from notifier.cli.app import app
from notifier.cli.language import asked_for
from notifier.cli.verbs import help_text, param_help
from notifier.rendering.labels import LABELS

#: Words that are the same in both languages: names of formats, programs, settings and columns.
_NAMES = frozenset((
        "add", "all", "apology", "asc", "base", "bulk", "card", "codes", "confirm", "created",
        "docs", "draft", "email", "eml", "error", "examples", "facts", "force", "gz", "html",
        "https", "in", "ja", "json", "lang", "lint", "list", "longest", "maildir", "mailings",
        "mbox", "md", "members", "messages", "name", "new", "note", "notifier", "pdf", "plain",
        "png", "queued", "reason", "requests", "retry", "roles", "scheme", "sent", "shipped",
        "standard", "step", "templates", "to", "toml", "tools", "txt", "until", "urgent", "users",
        "whsec", "words", "write",
))  # fmt: skip
_OPTION = re.compile(r"--?[a-z][a-z-]*")
_WORD = re.compile(r"[A-Za-z]{2,}")


def _verbs(command: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """All verbs and groups, by the words that they are called by."""
    yield key, command
    if isinstance(command, TyperGroup):
        for name in command.list_commands(None):  # type: ignore[arg-type]
            one = command.get_command(None, name)  # type: ignore[arg-type]
            yield from _verbs(one, f"{key}.{name}" if key else name)


VERBS = dict(_verbs(get_command(app)))


def _texts() -> Iterator[tuple[str, str]]:
    for key, command in VERBS.items():
        yield key, help_text(key)
        for param in command.params:
            yield f"{key} {param.name}", param_help(key, param)
            if getattr(param, "prompt", None):
                yield f"{key} {param.name}?", help_text(f"prompt_{param.name}")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_verb_and_option_has_help(language: str) -> None:
    with asked_for(["--lang", language]):
        texts = dict(_texts())
    assert [key for key, text in texts.items() if not text] == []
    assert len(texts) > 300


def test_japanese_help_has_no_english() -> None:
    with asked_for(["--lang", "ja"]):
        texts = dict(_texts())
    english = {
        key: words
        for key, text in texts.items()
        if (words := {w for w in _WORD.findall(_OPTION.sub("", text)) if w.islower()} - _NAMES)
    }
    assert english == {}
    japanese = re.compile("[ぁ-ん一-龥ァ-ヶ]")
    assert [key for key, text in texts.items() if not japanese.search(text)] == []


def test_no_help_is_for_a_verb_or_option_that_is_no_more() -> None:
    used = {"any.help", "notifier"}
    for key, command in VERBS.items():
        used.add(key)
        for param in command.params:
            argument = param.param_type_name == "argument"
            name = param.name if argument else max(param.opts, key=len)[2:]
            used |= {f"{key}.{name}", f"any.{name}", f"prompt_{param.name}"}
    known = {k.removeprefix("help.") for k in LABELS.catalogue("ja") if k.startswith("help.")}
    own = {k for k in known if "." not in k and k not in VERBS} - used
    assert known - used - own == set()


@pytest.mark.parametrize(
    ("words", "ja", "en"),
    [
        ("messages list --limit 0", "1 から 100,000 まで", "from 1 to 100,000"),
        ("messages list --state x", "選択肢にありません", "not one of held, queued"),
        ("messages lst", "近いもの: list", "Perhaps: list"),
        ("messages list --nonsense", "というオプションはありません", "There is no option"),
        ("messages list --limit", "値がない", "lacks its value"),
        ("messages list more words", "余分な語", "Too many words: more words"),
        ("messages show", "MESSAGE を指定", "MESSAGE is missing"),
        ("members import /no/such.csv", "読めません", "no such file"),
        ("tasks show x", "記録の番号ではありません", "no number of a record"),
        ("suppressions add a@example.jp --until soon", "の形の日付", "a day such as"),
    ],
)
def test_wrong_use_is_told_in_the_language(words: str, ja: str, en: str) -> None:
    for language, told in (("ja", ja), ("en", en)):
        done = CliRunner().invoke(app, ["--lang", language, *words.split()])
        assert done.exit_code == 2
        assert told in done.output, words


def test_language_comes_from_option_then_setting_then_system() -> None:
    japanese, english = "使い方", "Usage"
    for env, words, told in (
        ({"LANG": "en_US.UTF-8"}, ["--help"], english),
        ({"LANG": "ja_JP.UTF-8"}, ["--help"], japanese),
        ({"LANG": "C.UTF-8"}, ["--help"], japanese),
        ({"LANG": "en_US.UTF-8", "NOTIFIER_LOCALE": "ja"}, ["--help"], japanese),
        ({"NOTIFIER_LOCALE": "ja"}, ["--lang", "en", "--help"], english),
        ({"NOTIFIER_LOCALE": "ja"}, ["messages", "list", "--help", "--lang=en"], english),
    ):
        unset = {"LC_ALL": None, "LC_MESSAGES": None, "NOTIFIER_LOCALE": None}
        said = CliRunner().invoke(app, words, env={**unset, **env}).output
        assert told in said, env
