"""Letters that the post brought back: as a CSV file, or as numbers from a scanner."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from notifier.model.errors import BadInput, FieldError
from notifier.model.returned import STAMPS, ReturnedReason
from notifier.printing.returned import Returned

from .columns import cell, columns, day_of
from .text_file import decode, read_rows

_COLUMNS: Final = {
    "番号": ("番号", "number"),
    "管理番号": ("管理番号", "press_id", "piece_id"),
    "バッチ": ("バッチ", "batch"),
    "理由": ("理由", "返送理由", "返戻理由", "reason"),
    "返送日": ("返送日", "返戻日", "returned_on"),
}
_NUMBER: Final = re.compile(r"M[0-9]{9,18}")
_BATCH: Final = re.compile(r"B[0-9]{6,15}")
_PRESS_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,39}")


def read_returned(data: bytes) -> list[Returned]:
    """The letters of a file with 理由 and one of 番号 and 管理番号; 返送日 and バッチ if given.

    Raises :class:`BadInput` naming line and column of all that cannot be read.
    """
    text, _ = decode(data)
    rows = read_rows(text)
    places = columns(rows[0], _COLUMNS, ("理由",))
    if not {"番号", "管理番号"} & places.keys():
        raise BadInput([FieldError("番号", "missing_column", line=rows[0].line)])
    lines: list[Returned] = []
    wrong: list[FieldError] = []
    for row in rows[1:]:
        try:
            lines.append(_line(row.line, {n: cell(row, at) for n, at in places.items()}))
        except BadInput as problem:
            wrong += problem.errors
    if wrong:
        raise BadInput(wrong)
    if not lines:
        raise BadInput([FieldError("file", "no_rows")])
    return lines


def read_scanned(codes: Iterable[str], reason: ReturnedReason) -> list[Returned]:
    """Letters by the numbers on them, one a line, all brought back for one reason.

    Raises :class:`BadInput` naming the line of what is no number.
    """
    scanned = [(n, code.strip()) for n, code in enumerate(codes, 1)]
    cells = [(n, {"番号" if _NUMBER.fullmatch(c) else "管理番号": c}) for n, c in scanned if c]
    wrong = [
        FieldError("管理番号", "ack_unreadable", line=n)
        for n, named in cells
        if "管理番号" in named and not _PRESS_ID.fullmatch(named["管理番号"])
    ]
    if wrong or not cells:
        raise BadInput(wrong or [FieldError("番号", "missing")])
    return [_line(n, {**named, "理由": reason}) for n, named in cells]


def _line(line: int, cells: Mapping[str, str]) -> Returned:
    number, press_id = cells.get("番号", ""), cells.get("管理番号", "")
    batch, day = cells.get("バッチ", ""), cells.get("返送日", "")
    reason = STAMPS.get(cells["理由"].replace(" ", "").replace("　", ""))
    checks = {
        "番号": bool(_NUMBER.fullmatch(number)) if number else bool(press_id),
        "管理番号": not press_id or bool(_PRESS_ID.fullmatch(press_id)),
        "バッチ": not batch or bool(_BATCH.fullmatch(batch)),
        "返送日": not day or day_of(day) is not None,
        "理由": reason is not None,
    }
    wrong = [
        FieldError(name, "ack_unreadable" if cells.get(name) else "missing", line=line)
        for name, fine in checks.items()
        if not fine
    ]
    if wrong or reason is None:
        raise BadInput(wrong)
    return Returned(
        line=line, reason=reason, number=number, press_id=press_id, batch=batch, on=day_of(day)
    )
