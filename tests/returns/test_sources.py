"""Where mails are read from."""

from mailbox import Maildir, mbox
from pathlib import Path

from notifier.returns.reading import bounds
from notifier.returns.sources import mails

_MAIL = "From: a@example.jp\nSubject: {}\n\nFrom here on it is text.\n"


def test_a_file_is_one_mail_even_with_a_from_line(tmp_path: Path) -> None:
    file = tmp_path / "x.eml"
    file.write_text("From MAILER-DAEMON Thu Jul  3 08:39:28 2025\n" + _MAIL.format(1))
    assert [name for name, _ in mails([file])] == [str(file)]


def test_mbox(tmp_path: Path) -> None:
    box = mbox(tmp_path / "box")
    for n in range(3):
        box.add(_MAIL.format(n))
    box.close()
    found = list(mails([tmp_path / "box"]))
    assert [name for name, _ in found] == [f"{tmp_path}/box#{n}" for n in (1, 2, 3)]
    assert [data.count(b"Subject:") for _, data in found] == [1, 1, 1]


def test_maildir(tmp_path: Path) -> None:
    box = Maildir(tmp_path / "box")
    box.add(_MAIL.format(1))
    box.add_folder("old").add(_MAIL.format(2))
    subjects = sorted(data.split(b"\n")[1] for _, data in mails([tmp_path / "box"]))
    assert subjects == [b"Subject: 1", b"Subject: 2"]


def test_no_more_is_held_than_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "big"
    line = b"x" * 99 + b"\n"
    file.write_bytes(b"From a@example.jp Thu Jul  3 08:39:28 2025\n" + line * 40_000)
    [(_, data)] = mails([file])
    assert bounds.BYTES < len(data) <= bounds.BYTES + 65_536
