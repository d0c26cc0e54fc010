"""What SpamAssassin thinks of our mails, by its own rules, without the network."""

import mailbox
import re
import subprocess
from pathlib import Path

from tests.samples import WRITER

MOST = 1.0  # of the 5 points that make a mail spam


def test_no_mail_looks_like_spam(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "mails")
    for notice in WRITER.notices.values():
        for step in notice.steps if "email" in notice.channels else ():
            for name, c in WRITER.samples(notice.name, step).items():
                number = f"{notice.name}.{step}.{name}@notifier.example.jp"
                box.add(WRITER.mail(c, token="t", message_id=number).data)
    count = len(box)
    box.close()
    judged = subprocess.run(
        # Learning from what others have sent would give another answer on every machine.
        ["spamassassin", "--local", "--mbox", "--cf=use_bayes 0", f"--prefspath={tmp_path}/prefs"],
        input=(tmp_path / "mails").read_bytes(),
        check=True,
        capture_output=True,
    ).stdout.decode("utf-8", "replace")
    unfolded = re.sub(r"\n[ \t]+", " ", judged)
    scores = re.findall(
        r"^X-Spam-Status: \w+, score=(-?[\d.]+) .*? tests=(\S*)", unfolded, re.MULTILINE
    )
    assert len(scores) == count
    assert not [(score, why) for score, why in scores if float(score) > MOST]
    assert any("HTML_MESSAGE" in why for _, why in scores)  # it has looked into them
