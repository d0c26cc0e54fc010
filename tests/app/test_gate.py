"""The gate refuses transactions and the record where people's hands are."""

from pathlib import Path

import pytest

from scripts.check_app import main


@pytest.mark.parametrize(
    ("file", "text", "wrong"),
    [
        ("cli/a.py", "async with engine.begin() as conn: ...", True),
        ("rules/a.py", "async with self._engine.connect() as conn: ...", True),
        ("cli/a.py", "async with parts.engine.connect() as conn: ...", True),
        ("cli/a.py", "from notifier.store import messages", True),
        ("api/a.py", "from notifier.store.db import loads", True),
        ("console/a.py", "from notifier import store", True),
        ("api/a.py", "import notifier.store.log", True),
        ("app/a.py", "async with engine.begin() as conn: ...", False),
        ("app/a.py", "from notifier.store import messages", False),
        ("cli/a.py", "from notifier.app import messages", False),
        ("rendering/a.py", "meter.begin()", False),
    ],
)
def test_what_belongs_elsewhere(tmp_path: Path, file: str, text: str, wrong: bool) -> None:
    path = tmp_path / file
    path.parent.mkdir()
    if text.startswith("async with"):
        text = f"async def work():\n    {text}"
    path.write_text(text, "utf-8")
    assert main(tmp_path) == (1 if wrong else 0)


def test_the_program_passes() -> None:
    assert main(Path("notifier")) == 0
