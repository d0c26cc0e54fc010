"""``notifier members``: the register."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.intake.members_csv import read_members
from notifier.runtime.parts import Parts
from notifier.store import log, schemes
from notifier.store import members as store

from .session import person, run, say

app = typer.Typer(help="会員: the register of members.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="CSV: UTF-8 or CP932.", exists=True, dir_okay=False)]


@app.command("import")
def import_(file: File) -> None:
    """Import members. Every bad row is named; with one bad row nothing is imported."""

    async def work(parts: Parts) -> None:
        async with parts.engine.begin() as conn:
            count, encoding = await _import(conn, file.read_bytes(), parts)
        say("members_imported", count=count, encoding=encoding)

    run(work, creates=True)


async def _import(conn: AsyncConnection, data: bytes, parts: Parts) -> tuple[int, str]:
    found = read_members(data, set(await schemes.all_of(conn)))
    now = parts.clock.now()
    saved = await store.save(conn, [(m, now) for m in found.members], now=now)
    await log.append(conn, "import", [{"reason": f"members:{len(saved)}"}], actor=person(), now=now)
    return len(saved), found.encoding
