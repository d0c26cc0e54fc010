"""The acknowledgement of a press as a CSV file: which pieces were posted, and when."""

import re
from collections.abc import Mapping
from typing import Final

from notifier.model.errors import BadInput, FieldError
from notifier.printing.acknowledge import AcknowledgementRow

from .columns import cell, columns, day_of
from .text_file import decode, heading, read_rows

_COLUMNS: Final = {
    "通番": ("通番", "serial"),
    "番号": ("番号", "number"),
    "管理番号": ("管理番号", "press_id", "piece_id"),
    "差出日": ("差出日", "posted_on"),
    "結果": ("結果", "result"),
}
_NEEDED: Final = ("通番", "管理番号", "差出日")
_SERIAL: Final = re.compile(r"[0-9]{1,7}")
_PRESS_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,39}")
_NUMBER: Final = re.compile(r"M[0-9]{9,18}")
_POSTED: Final = frozenset({"", "差出", "posted"})
_WITHDRAWN: Final = frozenset({"抜取", "withdrawn"})


def read_acknowledgement(data: bytes) -> tuple[list[AcknowledgementRow], list[FieldError]]:
    """The rows that can be read, and what is wrong with the others, by line.

    Columns 通番, 管理番号 and 差出日, and if given 番号 (of the letter) and 結果 (差出 or 抜取);
    others are not read. Raises :class:`BadInput` where the file as a whole cannot be read.
    """
    text, _ = decode(data)
    rows = read_rows(text)
    places = columns(rows[0], _COLUMNS, _NEEDED)
    lines: list[AcknowledgementRow] = []
    wrong: list[FieldError] = []
    for row in rows[1:]:
        cells = {name: cell(row, place) for name, place in places.items()}
        try:
            lines.append(_line(row.line, cells))
        except BadInput as problem:
            wrong += problem.errors
    if not lines and not wrong:
        raise BadInput([FieldError("file", "no_rows")])
    return lines, wrong


def _line(line: int, cells: Mapping[str, str]) -> AcknowledgementRow:
    serial = cells["通番"].lstrip("0")
    number, result = cells.get("番号", ""), heading(cells.get("結果", ""))
    checks = {
        "通番": bool(_SERIAL.fullmatch(serial)),
        "番号": not number or bool(_NUMBER.fullmatch(number)),
        "結果": result in _POSTED | _WITHDRAWN,
    }
    day = None
    if result not in _WITHDRAWN:
        day = day_of(cells["差出日"])
        checks["管理番号"] = bool(_PRESS_ID.fullmatch(cells["管理番号"]))
        checks["差出日"] = day is not None
    wrong = [
        FieldError(name, "ack_unreadable" if cells.get(name) else "missing", line=line)
        for name, fine in checks.items()
        if not fine
    ]
    if wrong:
        raise BadInput(wrong)
    press_id = cells["管理番号"] if day else ""
    return AcknowledgementRow(
        line=line, serial=int(serial), number=number, press_id=press_id, posted_on=day
    )
