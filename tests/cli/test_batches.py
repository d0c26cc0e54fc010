"""``notifier batches``."""

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.demo.post_office import PostOffice
from notifier.model.message import public_number
from tests.cli.terminal import Terminal
from tests.printing.letters import Letters, check, listed

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
    assert "手紙 1通を抜き取りました" in notifier(
        "batches", "withdraw", "B1", public_number(ids[0])
    )
    await letters.stop(ids[1])
    said = notifier("batches", "hand-over", "B000001", env=env)
    assert "2 letters handed over" in said
    assert "taken out: 1" in said
    check(inbox / "B000001", ids[2:])
    shown = notifier("batches", "show", "B000001")
    assert "発送委託済み" in shown
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
    assert "ロット B000001 は「" in notifier("batches", "cancel", "B000001", code=1)
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


#: Words that name no batch, and what is said of them.
NO_BATCH = {
    "foo": "batch foo: not found",
    "B": "batch B: not found",
    "B9": "batch B000009: not found",
    "999999999999999": "batch B999999999999999: not found",
    "１": "not found",
}


async def test_no_verb_takes_what_is_no_batch_or_letter(notifier: Terminal, tmp_path: Path) -> None:
    answer = tmp_path / "answer.csv"
    answer.write_text("通番,番号,管理番号,差出日\n1,,A-1,2025-07-16\n")
    for name, told in NO_BATCH.items():
        said = notifier("batches", "show", name, env=EN, code=1)
        assert told in said
        assert "sha256" not in said  # no table
    for words in (
        ("cancel", "foo"),
        ("withdraw", "foo", "M000000001"),
        ("withdraw", "B1", "foo"),
        ("withdraw", "B1", "M000000001"),
        ("hand-over", "foo"),
        ("hand-over", "B1"),
        ("settle", "foo", "--taken"),
        ("acknowledge", "foo", str(answer)),
        ("acknowledge", "B1", str(answer)),
    ):
        assert "not found" in notifier("batches", *words, env=EN, code=1), words


async def test_a_letter_that_is_not_what_is_on_record_is_refused(
    notifier: Terminal, engine: AsyncEngine, post_office: PostOffice, tmp_path: Path
) -> None:
    """One attempt's document stands in another's place."""
    letters = Letters(engine, post_office, notifier.settings.var)
    ids = await letters.post(3)
    notifier("batches", "collect")
    await letters.run(
        """UPDATE documents d SET body = o.body
           FROM documents o, attempts mine, attempts theirs
           WHERE d.attempt_id = mine.attempt_id AND mine.message_id = :mine
             AND o.attempt_id = theirs.attempt_id AND theirs.message_id = :theirs""",
        mine=ids[0],
        theirs=ids[2],
    )
    pdf = tmp_path / "one.pdf"
    said = notifier("messages", "bytes", public_number(ids[0]), "-o", str(pdf), code=1)
    assert "ハッシュが違います" in said
    assert not pdf.exists()
    notifier("messages", "bytes", public_number(ids[1]), "-o", str(pdf))
    assert "ハッシュが違います" in notifier(
        "batches", "withdraw", "B1", public_number(ids[1]), code=1
    )
    assert "ハッシュが違います" in notifier("batches", "hand-over", "B1", code=1)


async def test_nothing_that_holds_addresses_is_for_others(
    notifier: Terminal, engine: AsyncEngine, post_office: PostOffice, tmp_path: Path
) -> None:
    """Also in a folder that an earlier version left open, whose parents are none of ours."""
    var = notifier.settings.var
    old = var / "batches" / "B000009"
    old.mkdir(parents=True)
    (old / "manifest.csv").write_text("見本 花子\n")
    for path in (var, *var.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    letters = Letters(engine, post_office, var)
    ids = await letters.post(2)
    inbox, out = tmp_path / "inbox", tmp_path / "letter.pdf"
    inbox.mkdir()
    inbox.chmod(0o750)
    out.touch(mode=0o644)
    notifier("batches", "collect")
    notifier("messages", "bytes", public_number(ids[0]), "-o", str(out))
    env = {"NOTIFIER_PRESS": f'{{"folder": "{inbox}"}}'}
    notifier("batches", "hand-over", "B1", env=env)
    notifier("batches", "withdraw", "B1", public_number(ids[0]))
    found = [path for path in (out, var, *var.rglob("*")) if not path.is_socket()]
    assert (var / "batches" / "B000001-withdrawn.csv") in found
    assert [path for path in found if path.stat().st_mode & 0o077] == []
    # What the press gets is for whoever may look into its folder.
    brought = {path.stat().st_mode & 0o777 for path in (inbox / "B000001").iterdir()}
    assert (brought, (inbox / "B000001").stat().st_mode & 0o777) == ({0o640}, 0o750)
