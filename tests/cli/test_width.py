"""What a person sees in a terminal of 60 or 80 columns, and a program in a pipe."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

from rich.cells import cell_len

from tests.cli.terminal import EXAMPLES, Terminal, environment


def _seen(notifier: Terminal, columns: int, language: str, *words: str) -> list[str]:
    """The lines of a verb on a terminal so many columns wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = environment(notifier.settings, NOTIFIER_LOCALE=language, TERM="xterm")
    command = [sys.executable, "-m", "notifier.cli", *words]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        said = b""
        while part := _read(ours):
            said += part
    os.close(ours)
    assert process.returncode == 0, said.decode()
    return re.sub(r"\x1b\[[0-9;]*m", "", said.decode()).replace("\r", "").split("\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # which Linux says in place of an end
        return b""


def test_lists_keep_within_the_terminal_and_a_pipe_has_a_line_for_each(notifier: Terminal) -> None:
    notifier("schemes", "import", str(EXAMPLES / "group-liability.toml"))
    notifier("members", "import", str(EXAMPLES / "members.csv"), "--yes")
    for columns, language, heading in ((60, "ja", "適用開始"), (80, "en", "valid from")):
        lines = _seen(notifier, columns, language, "schemes", "list")
        assert all(cell_len(line) <= columns for line in lines)
        assert heading in "\n".join(lines)
        assert any("G-20418" in line for line in lines)
    _, heading, _, *records = notifier("schemes", "list").splitlines()
    assert "適用開始" in heading
    assert len(records) == 1
