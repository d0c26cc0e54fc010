"""Lint looks at what people write, so that nothing they write may break it."""

from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifier.rendering.errors import BadTemplate
from notifier.rendering.lint import lint, lint_folders
from tests.rendering.lint.notices import FILES, WORDS, notice

_PIECES = st.sampled_from(
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "{{ day }}", "{{ total | yen }}", "{% set lead %}",
        "{% endset %}", "{% if cause %}", "{% endif %}", "{% for x in cause %}", "{% endfor %}",
        "{% macro a(b) %}", "{% endmacro %}", "{% include 'x' %}", "₂",
        '{% import "_base/blocks.txt" as b %}', "{% set sections = [day] %}", "{% set bow = 1 %}",
        "{% set sections = {} %}", "{% set sections = [[], 1, none] %}", "| safe", "記", "以上",
        "<mj-text>", "</mj-text>", '<mj-include path="_base/layout.mjml" />', "&nbsp;", "<", "拝啓",
        '<mj-include path="plain/body.mjml" />', "3430円", "2025-08-14", "https://", "//x", "。",
        "（", ")", "～", "〜", "⾧", "\u00a0", "\ud7ff", '"', "'", "\\", "((((", "[[[[", "**",
        "{{ 9**9**9 }}", "#letter", "{% include 'plain/words.txt' %}", "\n",
    ]
)  # fmt: skip
_TEXT = st.lists(_PIECES | st.text(max_size=8), max_size=14).map(
    lambda parts: "".join(parts).replace("\r", "\n")  # as a file is read
)
_NAMES = st.sampled_from([name for name in FILES if not name.endswith(("notice.toml", ".json"))])


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(file=_NAMES, text=_TEXT, whole=st.booleans())
def test_any_text_in_any_file_gives_findings_and_nothing_else(
    file: str, text: str, whole: bool
) -> None:
    folder = notice({file: text if whole else FILES[file] + text})
    for one in lint(folder):
        assert one.line >= 1
        name = one.file.removeprefix("ja/")
        assert one.line <= folder.files[name].count("\n") + 1
        assert one.message("ja") != one.message("en")


@given(text=_TEXT)
def test_any_manifest_is_read_or_refused(text: str) -> None:
    manifest = {"plain/notice.toml": FILES["plain/notice.toml"] + text}
    with suppress(BadTemplate):
        assert all(one.line >= 1 for one in lint(notice(manifest)))


@settings(max_examples=40)
@given(text=_TEXT)
def test_any_sample_is_read_or_refused(text: str) -> None:
    found = lint(notice({"plain/sample.json": text}))
    assert {one.rule for one in found} & {"broken", "not_written"}


def test_one_notice_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    for name, text in notice().files.items():
        for file in {name, name.replace("plain/", "other/")}:
            path = tmp_path / "ja" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    manifest = tmp_path / "ja" / "other" / "notice.toml"
    manifest.write_text(manifest.read_text() + "\n[[")
    (tmp_path / "ja" / "plain" / "words.txt").write_text(WORDS + "お得")
    found = {(one.file, one.rule) for one in lint_folders(tmp_path)}
    assert found == {("ja/other/notice.toml", "broken"), ("ja/plain/words.txt", "promotion")}
    assert {one.file for one in lint_folders(tmp_path, ["plain"])} == {"ja/plain/words.txt"}
    [broken] = [one for one in lint_folders(tmp_path) if one.rule == "broken"]
    assert broken.line == manifest.read_text().count("\n") + 1
