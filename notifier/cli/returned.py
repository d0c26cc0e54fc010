"""``notifier letters returned`` and ``scan``: letters that the post brought back."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from notifier.intake.returned_file import read_returned, read_scanned
from notifier.model.lines import lines_of
from notifier.model.returned import ReturnedReason
from notifier.printing.returned import Returned, bring_back
from notifier.runtime.parts import Parts

from .session import person, run, say


def returned(
    file: Annotated[
        Path,
        typer.Argument(help="CSV: 番号 or 管理番号, 理由, 返送日.", exists=True, dir_okay=False),
    ],
) -> None:
    """Note the letters of a file as returned, each for its reason; with one bad row, none."""
    run(lambda parts: _note(parts, read_returned(file.read_bytes())))


def scan(
    reason: Annotated[ReturnedReason, typer.Argument(help="What the post has stamped on them.")],
    numbers: Annotated[
        list[str] | None,
        typer.Argument(help="Numbers of letters, or of the press; else one a line, as scanned."),
    ] = None,
) -> None:
    """Note letters as returned, all for one reason, by the numbers on them."""
    codes = numbers or lines_of(sys.stdin.read(1_000_000))
    run(lambda parts: _note(parts, read_scanned(codes, reason)))


async def _note(parts: Parts, lines: Sequence[Returned]) -> None:
    async with parts.engine.begin() as conn:
        done = await bring_back(conn, lines, actor=person(), now=parts.clock.now())
    say("letters_returned", returned=done.returned, known=done.known)
