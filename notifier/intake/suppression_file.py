"""Suppressed addresses as a CSV file, in and out."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from notifier.model.errors import BadInput, FieldError
from notifier.model.suppression import KnownSuppression, SuppressionReason, normal
from notifier.printing.manifest import safe
from notifier.rules.calendar import JAPAN, end_of, japan_date
from notifier.store.suppressions import Suppression

from .addresses import parse_email
from .attributes import MAX_TEXT, text_problem
from .columns import cell, columns, day_of
from .text_file import decode, read_rows

_COLUMNS: Final = {
    "email": ("email", "アドレス", "メールアドレス"),
    "reason": ("reason", "理由"),
    "until": ("until", "期限"),
    "note": ("note", "メモ", "備考"),
}
_HEADER: Final = ("email", "reason", "detail", "score", "since", "until", "note", "message_id")


def read_suppressions(data: bytes, *, now: datetime) -> list[Suppression]:
    """The addresses of a file with ``email`` and, if given, ``reason``, ``until`` and ``note``.

    Raises :class:`BadInput` naming line and column of all that is wrong.
    """
    text, _ = decode(data)
    rows = read_rows(text)
    places = columns(rows[0], _COLUMNS, ("email",))
    found: dict[str, Suppression] = {}
    wrong: list[FieldError] = []
    for row in rows[1:]:
        cells = {name: cell(row, place) for name, place in places.items()}
        try:
            one = _suppression(row.line, cells, now)
        except BadInput as problem:
            wrong += [FieldError(e.field, e.code, e.params, line=row.line) for e in problem.errors]
        else:
            found[one.address] = one
    if wrong:
        raise BadInput(wrong)
    if not found:
        raise BadInput([FieldError("file", "no_rows")])
    return list(found.values())


def _suppression(line: int, cells: Mapping[str, str], now: datetime) -> Suppression:
    address = normal(parse_email(cells["email"]))
    reason, until, note = (cells.get(name, "") for name in ("reason", "until", "note"))
    day = day_of(until) if until else None
    wrong = []
    if reason and reason not in set(SuppressionReason):
        known = ", ".join(SuppressionReason)
        wrong.append(FieldError("reason", "not_allowed", {"allowed": known}, line=line))
    if until and (day is None or day < japan_date(now)):
        wrong.append(FieldError("until", "bad_date", line=line))
    if note and (code := text_problem(note)):
        wrong.append(FieldError("note", code, {"limit": MAX_TEXT}, line=line))
    if wrong:
        raise BadInput(wrong)
    return Suppression(
        address=address,
        reason=SuppressionReason(reason) if reason else SuppressionReason.IMPORTED,
        since=now,
        until=end_of(day) if day else None,
        note=note,
    )


def written(found: Iterable[KnownSuppression]) -> bytes:
    """Suppressions as a CSV file, UTF-8 with BOM; it can be imported elsewhere."""
    file = io.StringIO(newline="")
    table = csv.writer(file)
    table.writerow(_HEADER)
    for r in found:
        days = [at and at.astimezone(JAPAN).date().isoformat() for at in (r.since, r.until)]
        cells = (r.address, r.reason, r.detail, r.score, *days, r.note, r.message_id)
        table.writerow([safe(str(c)) if c is not None else "" for c in cells])
    return file.getvalue().encode("utf-8-sig")
