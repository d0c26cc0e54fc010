"""What others write ends no line of ours: only a line feed does."""

import ast
import gzip
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

import notifier
from notifier.delivery.journal import Journal, orphans
from notifier.delivery.replies import answered
from notifier.model.lines import lines_of
from notifier.returns.postfix_log import Evidence, read_log
from notifier.returns.relay_log import LogFollower
from tests.returns.desk import Desk

#: What ``str.splitlines`` cuts at, beside the line feed.
ENDS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_BOUNCE = "bounce.example.jp"
_PACKAGE = Path(notifier.__file__).parent
#: Text of our own clerks and authors, cut into paragraphs or counted for a position.
_ALLOWED = {"rendering/characters.py", "rendering/typesetter.py", "rendering/words.py"}


def _ours(token: str, queue_id: str) -> str:
    path = f"b+{token}@{_BOUNCE}"
    return (
        f"Jul 16 10:00:00 relay postfix/qmgr[7]: {queue_id}: from=<{path}>, size=9, nrcpt=1"
        " (queue active)\n"
    )


def _forging(queue_id: str, victim: str, end: str) -> str:
    """A mail that was deferred; the server's words hold what looks like a line about another."""
    forged = (
        f"Jul 16 10:00:02 relay postfix/smtp[8]: {victim}: to=<b@example.jp>, relay=mx.example.jp"
        "[192.0.2.1]:25, dsn=5.1.1, status=bounced (host said: 550 5.1.1 unknown user)"
    )
    return (
        f"Jul 16 10:00:01 relay postfix/smtp[8]: {queue_id}: to=<a@example.jp>, relay=mx.example.jp"
        f"[192.0.2.1]:25, dsn=4.2.0, status=deferred (host said: 450 later{end}{forged})\n"
    )


@pytest.mark.parametrize("end", ENDS, ids=ascii)
def test_a_reply_forges_no_line_of_a_log(tmp_path: Path, end: str) -> None:
    mine, victim = "a" * 26, "b" * 26
    text = _ours(mine, "4AAAAA") + _ours(victim, "4BBBBB") + _forging("4AAAAA", "4BBBBB", end)
    plain, packed = tmp_path / "mail.log", tmp_path / "mail.log.1.gz"
    plain.write_bytes(text.encode())
    packed.write_bytes(gzip.compress(text.encode()))
    for path in (plain, packed):
        said = [(line.token, line.evidence) for line in read_log(path, bounce_domain=_BOUNCE)]
        assert said == [
            (mine, Evidence.ACCEPTED),
            (victim, Evidence.ACCEPTED),
            (mine, Evidence.DEFERRED),
        ]


async def test_a_reply_bounces_nobody_elses_mail(desk: Desk, tmp_path: Path) -> None:
    mine, victim = await desk.sent(2)
    path = tmp_path / "mail.log"
    lines = [_ours(mine["token"], "4AAAAA"), _ours(victim["token"], "4BBBBB")]
    lines += [_forging("4AAAAA", "4BBBBB", end) for end in ENDS]
    path.write_bytes("".join(lines).encode())
    one = LogFollower(engine=desk.engine, path=path, bounce_domain=_BOUNCE, now=desk.now)
    while await one.look():
        pass
    states = [(await desk.state(m["message_id"]))[0] for m in (mine, victim)]
    assert states == ["sent"] * 2
    assert not await desk.suppressed()


def test_a_reply_forges_no_entry_of_a_journal(tmp_path: Path) -> None:
    worker_id = uuid4()
    journal = Journal.create(tmp_path, worker_id)
    journal.begin(1)
    for end in ENDS:
        text = f'later{end}{{"b": 2}}{end}'
        journal.reply(1, answered("BODY", 450, text, tls=None, relay="r"))
    journal.close(remove=False)
    [found] = orphans(tmp_path)
    assert (set(found.begun), list(found.replies)) == ({1}, [1])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\n\nb", ["a", "", "b"]),
        ("a\u2028b\x85c\n", ["a\u2028b\x85c"]),
        ("a\rb", ["a\rb"]),
    ],
)
def test_only_a_line_feed_ends_a_line(text: str, lines: list[str]) -> None:
    assert lines_of(text) == lines


def _calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr == "splitlines":
            yield f"{path.relative_to(_PACKAGE)}:{node.lineno}"


def test_nobody_cuts_otherwise() -> None:
    found = [
        call
        for path in sorted(_PACKAGE.rglob("*.py"))
        if str(path.relative_to(_PACKAGE)) not in _ALLOWED
        for call in _calls(path)
    ]
    assert not found, "cut lines with notifier.model.lines.lines_of"
