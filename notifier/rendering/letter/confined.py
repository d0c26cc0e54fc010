"""Setting letters whose templates people have edited: in a process of its own, within limits.

Typst itself can be asked for endless work, and for more memory than there is; both end the process
that asks. What came with the program, unchanged, is set where it is needed.
"""

import multiprocessing
import os
import resource
import signal
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock
from typing import Any, Final
from weakref import finalize

from notifier.rendering.errors import LimitExceeded, PiecesRefused, WriteError
from notifier.rendering.letter.typeface import Typeface
from notifier.rendering.sheet import Piece
from notifier.rendering.text import limits
from notifier.rendering.written import Bulk

#: Somebody ended it: that is not the fault of any letter.
_ENDED: Final = frozenset({-signal.SIGINT, -signal.SIGTERM})
#: Where nobody listens: a package that got past all checks is not fetched from anywhere.
_NOWHERE: Final = "http://127.0.0.1:9"
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_PARTING: Final = 5.0  # seconds
_RENEWED: Final = 50  # documents that one process sets


class _Died(LimitExceeded):
    """The process ended by itself, and not for the processor time that it took."""


class Interrupted(Exception):
    """The process was ended from outside while it set letters."""


class Confined:
    """A typesetter in a process of its own; safe to use from several threads."""

    def __init__(
        self, face: Typeface, seconds: float = limits.SECONDS, scratch: Path | None = None
    ) -> None:
        """``seconds`` of processor time for a document, besides those for each letter.

        ``scratch``: where sources of letters lie while they are set.
        """
        self._face, self._seconds, self._scratch = face, seconds, scratch
        self._lock = Lock()
        self._child: _Child | None = None
        self._jobs = 0  # that this child has had

    def bulk(self, pieces: Sequence[Piece]) -> Bulk:
        """As :meth:`Typesetter.bulk`; raises :class:`LimitExceeded` for all of them together."""
        found: Bulk = self._ask(len(pieces), ("bulk", list(pieces)))
        return found

    def png(self, piece: Piece, ppi: int) -> list[bytes]:
        """As :meth:`Typesetter.png`."""
        found: list[bytes] = self._ask(1, ("png", piece, ppi))
        return found

    def _ask(self, letters: int, job: tuple[Any, ...]) -> Any:
        seconds = int(self._seconds + limits.SECONDS_PER_LETTER * letters)
        try:
            return self._tried(seconds, job)
        except _Died:  # the machine may have been short of something: no letter is blamed at once
            return self._tried(seconds, job)

    def _tried(self, seconds: int, job: tuple[Any, ...]) -> Any:
        with self._lock:
            if self._child is None:
                self._child, self._jobs = _Child(self._face, self._scratch), 0
                finalize(self, self._child.end)
            self._jobs += 1
            try:
                answer = self._child.ask(seconds, job)
            except BaseException:  # also an interruption: it would go on for nobody
                self._child.end()
                self._child = None
                raise
            if self._jobs >= _RENEWED:  # it keeps something of each, and has only so much room
                self._child.end()
                self._child = None
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Child:
    """The process."""

    def __init__(self, face: Typeface, scratch: Path | None) -> None:
        # A fresh one, not a copy of this process, whose locks may be held just now.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_serve, args=(theirs, face, scratch), name="typesetter", daemon=True
        )
        self._process.start()
        theirs.close()  # so that each sees it when the other is gone

    def ask(self, seconds: int, job: tuple[Any, ...]) -> Any:
        try:
            self._connection.send((seconds, job))
            if not self._connection.poll(seconds * limits.PATIENCE):
                raise LimitExceeded(f"takes longer than {seconds * limits.PATIENCE} s", "letter")
            return self._connection.recv()
        except (EOFError, OSError):
            self._process.join(_PARTING)
            if self._process.exitcode in _ENDED:
                raise Interrupted from None
            code = self._process.exitcode
            kind = LimitExceeded if code == -signal.SIGXCPU else _Died
            raise kind(_why(code, seconds), "letter") from None

    def end(self) -> None:
        self._process.kill()
        self._process.join(_PARTING)
        self._connection.close()


def _why(code: int | None, seconds: int) -> str:
    if code == -signal.SIGXCPU:
        return f"takes more than {seconds} s of processor time"
    return f"takes more than {limits.MEMORY >> 20} MB of memory, or breaks the typesetter"


def _serve(connection: Connection, face: Typeface, scratch: Path | None) -> None:
    _restrict()
    from notifier.rendering.letter.typesetter import Typesetter

    typesetter = Typesetter(face, scratch)
    with suppress(EOFError, OSError):  # whoever asked is gone
        while True:
            seconds, job = connection.recv()
            _allow(seconds)
            connection.send(_done(typesetter, job))


def _done(typesetter: Any, job: tuple[Any, ...]) -> Any:
    try:
        made = getattr(typesetter, job[0])(*job[1:])
    except (WriteError, PiecesRefused) as error:
        return error
    except BaseException as error:  # noqa: BLE001 (its text may quote a letter; Typst's panics)
        return LimitExceeded(f"breaks the typesetter ({type(error).__name__})", "letter")
    size = len(made.pdf) if isinstance(made, Bulk) else sum(map(len, made))
    return made if size <= limits.PDF else LimitExceeded("makes too large a document", "letter")


def _restrict() -> None:
    """No more memory than is allowed, no core files, no network; Ctrl-C ends it at once."""
    for name in _PROXIES:
        os.environ[name] = os.environ[name.lower()] = _NOWHERE
    os.environ.pop("NO_PROXY", None)
    os.environ.pop("no_proxy", None)
    for what, most in ((resource.RLIMIT_AS, limits.MEMORY), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # some systems have no such limit
            resource.setrlimit(what, (most, most))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what Typst says as it dies quotes the letter
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _allow(seconds: int) -> None:
    """So many seconds of processor time from now on; then the system ends the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    most = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (most, hard))
