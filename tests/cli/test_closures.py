"""The association's closed days on the terminal, and what goes by them."""

from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.actor import system
from notifier.store import closures, schemes
from tests.cli.terminal import Terminal
from tests.samples import NOW, SCHEME


async def test_from_the_first_to_the_last(
    notifier: Terminal, engine: AsyncEngine, tmp_path: Path
) -> None:
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=system("test"), now=NOW)
    notifier("closures", "add", "2025-08-13", "2025-08-15", "--name", "夏季休業")
    assert "すでに登録されています" in notifier("closures", "add", "2025-08-13", "2025-08-15")
    notifier("closures", "add", "2025/9/1", "--scheme", SCHEME.scheme)
    async with engine.connect() as conn:
        known = await closures.all_of(conn)
    assert [(c.first, c.last, c.scheme) for c in known] == [
        (date(2025, 8, 13), date(2025, 8, 15), ""),
        (date(2025, 9, 1), date(2025, 9, 1), SCHEME.scheme),
    ]
    assert "夏季休業" in notifier("closures", "list")
    notifier("closures", "remove", "1")
    assert "1" in notifier("closures", "remove", "1", code=1)
    assert "夏季休業" not in notifier("closures", "list")
    notifier.set_time(datetime(2025, 10, 1, tzinfo=UTC))
    assert "2025-09-01" not in notifier("closures", "list")
    assert "2025-09-01" in notifier("closures", "list", "--all")


async def test_a_file_is_taken_whole_or_not_at_all(
    notifier: Terminal, engine: AsyncEngine, tmp_path: Path
) -> None:
    file = tmp_path / "closed.csv"
    file.write_bytes(
        "開始日,終了日,名称\n2025-08-13,2025-08-15,夏季休業\n2025-12-29,,\n".encode("cp932")
    )
    assert "休業日 2件（うち新規 2件）" in notifier("closures", "import", str(file))
    assert "休業日 2件（うち新規 0件）" in notifier("closures", "import", str(file))
    bad = "開始日,終了日,制度\n2025-13-01,,\n2025-08-13,2025-08-01,\n2026-01-05,,nobody\n,,x\n"
    file.write_text(bad + "2026-02-02,2027-12-31,\n")
    said = notifier("closures", "import", str(file), code=1)
    for line in range(2, 7):
        assert f"{line}" in said
    assert "終了日" in said
    file.write_text("終了日\n2025-08-13\n")
    assert "開始日" in notifier("closures", "import", str(file), code=1)
    async with engine.connect() as conn:
        assert len(await closures.all_of(conn)) == 2
