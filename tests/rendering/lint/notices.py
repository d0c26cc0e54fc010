"""A notice of a few lines, with something wrong in it where a test wants it."""

import json
from pathlib import Path
from typing import Any

from notifier.rendering.folder import Folder, of_files
from notifier.rendering.lint import Finding, lint

_SHIPPED = Path(__file__).parents[3] / "templates" / "ja" / "_base"

MANIFEST = """title = "ご請求のお知らせ"
lane = "standard"
channels = ["email", "letter"]
steps = ["first"]
expires_after = "7d"
uncertain = "ask"
retention_years = 10
fallback = { letter = true }

[fields]
total = "yen"
day = "date"
cause = "text?"
"""
WORDS = """{# What is here is no text: キャンペーン #}
{% set heading = "ご請求のお知らせ" %}
{% set opening = "いつもお世話になっております。" %}
{% set lead %}
{{ day | date }}に、{{ total | yen }}をご請求いたします。

ご不明な点は、下記までお問い合わせください。
{% endset %}
{% set sections = [{"title": "内容", "rows": [["合計", total | yen]]}] %}
{% if cause %}
{% set sections = sections + [{"title": "原因", "text": cause}] %}
{% endif %}
"""
FACTS = {"total": 3430, "day": "2025-08-14", "cause": "計算の誤りによるものです。"}
FILES = {
    "plain/notice.toml": MANIFEST,
    "plain/words.txt": WORDS,
    "plain/subject.txt": "【{{ scheme_name }}】{{ heading }}\n",
    "plain/body.txt": '{% include "_base/layout.txt" %}\n',
    "plain/body.mjml": '<mj-include path="_base/layout.mjml" />\n',
    "plain/letter.typ": "\n#letter\n",
    "plain/sample.json": json.dumps({"steps": {"first": FACTS}}, indent=1, ensure_ascii=False),
}


def base() -> dict[str, str]:
    """The files that all notices share."""
    return {f"_base/{p.name}": p.read_text() for p in sorted(_SHIPPED.iterdir())}


def notice(changed: dict[str, str] | None = None, **facts: Any) -> Folder:
    """The notice, with files changed and facts of its sample."""
    files = {**base(), **FILES, **(changed or {})}
    if facts:
        sample = {"steps": {"first": {**FACTS, **facts}}}
        files["plain/sample.json"] = json.dumps(sample, indent=1, ensure_ascii=False)
    return of_files("ja", "plain", files)


def with_line(file: str, line: str, *, before: str = "") -> tuple[Folder, int]:
    """The notice with a line put into a file, at its end or before one; and its number."""
    name = file if "/" in file else f"plain/{file}"
    text = {**base(), **FILES}[name]
    at = text.index(before) if before else len(text)
    head = text[:at]
    if head and not head.endswith("\n"):
        head += "\n"
    return notice({name: f"{head}{line}\n{text[at:]}"}), head.count("\n") + 1


def by_rule(folder: Folder, rule: str) -> list[Finding]:
    """What a rule finds."""
    return [one for one in lint(folder) if one.rule == rule]


def places(folder: Folder, rule: str) -> list[tuple[str, int]]:
    """Files and lines of what a rule finds."""
    return [(one.file, one.line) for one in by_rule(folder, rule)]
