"""``notifier batches``."""

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.demo.post_office import PostOffice
from notifier.model.message import public_number
from tests.cli.terminal import Terminal
from tests.press.letters import Letters, check, listed

EN = {"NOTIFIER_LOCALE": "en"}


async def test_from_the_queue_to_the_post(
    notifier: Terminal, engine: AsyncEngine, post_office: PostOffice, tmp_path: Path
) -> None:
    letters = Letters(engine, post_office, notifier.settings.var)
    ids = await letters.post(4)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    env = {**EN, "NOTIFIER_PRESS": f'{{"folder": "{inbox}", "encoding": "utf-8"}}'}
    said = notifier("batches", "collect", env=env)
    assert "4 letters, 4 pages, 1 files, 440 yen; to be posted on 2025-07-16" in said
    assert "no letters wait" in notifier("batches", "collect", env=env)
    pdf = tmp_path / "one.pdf"
    notifier("messages", "bytes", public_number(ids[0]), "-o", str(pdf))
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert "1 letters taken out" in notifier("batches", "withdraw", "B1", public_number(ids[0]))
    await letters.stop(ids[1])
    said = notifier("batches", "hand-over", "B000001", env=env)
    assert "2 letters handed over" in said
    assert "taken out: 1" in said
    check(inbox / "B000001", ids[2:])
    shown = notifier("batches", "show", "B000001")
    assert "handed_over" in shown
    assert "B000001-001.pdf" in shown
    assert "B000001" in notifier("batches", "list")
    first = listed(inbox / "B000001")[0]
    answer = tmp_path / "answer.csv"
    answer.write_text(
        f"通番,番号,管理番号,差出日\n1,{first['番号']},A-1,2025-07-16\n7,,A-7,2025-07-16\n"
    )
    for figures in ("posted: 1, withdrawn: 0, known: 0", "posted: 0, withdrawn: 0, known: 1"):
        said = notifier("batches", "acknowledge", "B000001", str(answer), env=EN, code=1)
        assert figures in said
        assert "line 3 通番: is not in this batch (7)" in said
    assert "✗" in notifier("batches", "cancel", "B000001", code=1)
    assert "batch B000009: not found" in notifier("batches", "show", "B9", env=EN, code=1)
    assert "✗" in notifier("batches", "settle", "B1", "--taken", code=1)


async def test_a_press_that_cannot_be_reached(
    notifier: Terminal, engine: AsyncEngine, post_office: PostOffice, tmp_path: Path
) -> None:
    letters = Letters(engine, post_office, notifier.settings.var)
    await letters.post()
    notifier("batches", "collect")
    env = {"NOTIFIER_PRESS": f'{{"folder": "{tmp_path / "nowhere"}"}}'}
    assert "nowhere" in notifier("batches", "hand-over", "B1", env=env, code=1)
    server = '{"host": "h", "username": "u", "key_file": "k", "known_hosts": "k"}'
    both = f'{{"folder": "x", "sftp": {server}}}'
    said = notifier("batches", "list", env={"NOTIFIER_PRESS": both}, code=1)
    assert "NOTIFIER_PRESS: folder and sftp: one of them, not both" in said
    said = notifier("batches", "list", env={"NOTIFIER_PRESS": '{"cut_off": "25:00"}'}, code=1)
    assert "NOTIFIER_PRESS__CUT_OFF" in said
