"""Numbers of messages, batches, cases, tasks and jobs, in every form in which they are shown."""

import re
import unicodedata
from typing import Final

#: Words that stand before a number where it is shown, and what may follow it: a batch names files.
_WORDS: Final = {
    "message": r"(?:message|通知|メッセージ|手紙|番号)",
    "batch": r"(?:batch|ロット)",
    "case": r"(?:case|案件)",
    "task": r"(?:task|タスク)",
    "job": r"(?:job|作業)",
}
_LETTERS: Final = {"message": "M?", "batch": "B?"}
_DIGITS: Final = r"(\d{1,15}|\d{1,3}(?:,\d{3})+)"
_FILE: Final = r"(?:-(?:\d+|withdrawn))?(?:\.\w+)?"


def number_of(kind: str, text: str) -> int | None:
    """Return the id that a text names (M000000012, 12, #12, 「タスク12」, full width); None: none.

    Of a batch its files and its folder name it as well.
    """
    plain = unicodedata.normalize("NFKC", text).strip().rstrip("。.")
    if kind == "batch":
        plain = plain.rstrip("/").rpartition("/")[2]
    before = rf"{_WORDS[kind]}?[\s:#]*{_LETTERS.get(kind, '')}"
    pattern = before + _DIGITS + (_FILE if kind == "batch" else "")
    found = re.fullmatch(pattern, plain, re.IGNORECASE)
    return int(found[1].replace(",", "")) if found else None
