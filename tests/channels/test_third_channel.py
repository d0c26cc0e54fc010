"""A third channel: a folder (``toy``) and a line in the registry, nothing else."""

import asyncio
import shutil
import sys
from pathlib import Path

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.samples import TEMPLATES


def with_toy(folder: Path) -> None:
    """The templates with one notice that knows the toy."""
    copy = shutil.copytree(TEMPLATES, folder / "templates") / "ja" / "card_error"
    notice = (copy / "notice.toml").read_text()
    changed = notice.replace('["email", "letter"]', '["email", "letter", "toy"]')
    assert changed != notice
    (copy / "notice.toml").write_text(changed)
    (copy / "toy.txt").write_text("{number} {name} 様\n")


async def test_an_event_is_sent_by_a_channel_that_the_program_does_not_know(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    with_toy(tmp_path)
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.channels.toy_process",
        engine.url.render_as_string(hide_password=False),
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await started.communicate()
    told = orjson.loads(answer)
    # Who has nothing else is reached by it, and who prefers it is.
    assert sorted(told["messages"]) == [["M0001", "toy", "sent"], ["M0002", "toy", "sent"]]
    assert told["sent"] == [2, 0]
    lines = (tmp_path / "sent.txt").read_text().splitlines()
    assert lines == ["M000000001 潮田 凪 様", "M000000002 潮田 凪 様"]
    assert told["preview"]["txt"].endswith(" 様")
