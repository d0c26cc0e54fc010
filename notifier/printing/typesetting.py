"""Setting type in processes of their own, which end with the process that asked for it.

While one sets type, this one checks what was set and packs what is archived; several use several
cores. What the typesetter keeps of thousands of letters goes with its process.
"""

import fcntl
import multiprocessing
import os
import select
import signal
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import parent_process
from pathlib import Path
from threading import Lock, Thread
from typing import Final

from notifier.archive.letters import LetterWriter
from notifier.model.correspondence import Correspondence
from notifier.model.reasons import Reason
from notifier.model.template_version import TemplateVersion
from notifier.rendering.errors import LetterError, PiecesRefused, WriteError
from notifier.rendering.folder import unpacked
from notifier.rendering.stationery import Stationery
from notifier.rendering.wording import Wording
from notifier.rendering.writer import Writer
from notifier.rendering.written import Bulk

from .binding import TemplatesChanged


def die_with_parent() -> None:
    """From now on this process ends when its parent does, at once and whatever it is doing.

    The parent holds the other end of a pipe that :mod:`multiprocessing` made before this process
    began, so that a parent that has died already is noticed too. The kernel sends a signal when
    that end closes: no thread of ours has to be given the word for it. (The signal of Linux for
    the death of a parent comes with the end of the thread that began the process, and threads
    end before.) Elsewhere a thread waits.
    """
    parent = parent_process()
    if parent is None:
        return
    if sys.platform == "linux":
        pipe: int = parent.sentinel
        signal.signal(signal.SIGIO, signal.SIG_DFL)  # which ends the process
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(pipe, fcntl.F_GETFL)
        fcntl.fcntl(pipe, fcntl.F_SETFL, flags | os.O_ASYNC)
        if select.select([pipe], [], [], 0)[0]:
            os._exit(1)
    Thread(target=_end_with, args=(parent,), name="end-with-parent", daemon=True).start()


def _end_with(parent: object) -> None:
    parent.join()  # type: ignore[attr-defined]
    os._exit(1)


#: So many letters are set at once here: a process takes a second to begin.
_FEW: Final = 100
_MOST_FILES: Final = 20  # that a process sets before a fresh one takes its place

#: What is wrong with a letter, in a form that travels: reason, field, message, detail.
_Fault = tuple[Reason | None, str, str, str]
_Digests = dict[tuple[str, str], str]
_MadeOf = tuple[Path, Path, Stationery, Path | None]


@dataclass(frozen=True, slots=True)
class _Refused:
    faults: dict[int, _Fault]


class ProcessWriter:
    """A writer that sets long files in other processes; safe to use from several threads."""

    def __init__(
        self, inner: LetterWriter, templates: Path, locales: Path, *, processes: int = 1
    ) -> None:
        """``templates`` and ``locales`` are those that ``inner`` was made of."""
        self.inner = self._shipped = inner
        self._shop = _Shop(processes, (templates, locales, inner.stationery, inner.scratch))

    def writing_as(self, inner: LetterWriter) -> "ProcessWriter":
        """The same for a writer of published versions; the processes are shared."""
        made = copy(self)
        made.inner = inner
        return made

    @property
    def stationery(self) -> Stationery:
        """What letters are set on and with."""
        return self.inner.stationery

    @property
    def scratch(self) -> Path | None:
        """Where files are made that are needed for a while; None: where all programs do."""
        return self.inner.scratch

    def sample_like(self, c: Correspondence) -> Correspondence:
        """A letter of the same kind to a fictional reader."""
        return self.inner.sample_like(c)

    def version(self, notice: str, language: str) -> TemplateVersion:
        """What a notice is written from at present."""
        return self.inner.version(notice, language)

    def letters(self, many: Sequence[Correspondence]) -> Bulk:
        """Letters as one document, as :meth:`Writer.letters`.

        Raises :class:`TemplatesChanged`, and BrokenExecutor where a process was killed.
        """
        if len(many) <= _FEW:
            return self.inner.letters(many)
        kinds = {(c.notice, c.language) for c in many}
        wanted = {kind: self.version(*kind) for kind in kinds}
        digests = {kind: version.digest for kind, version in wanted.items()}
        # What did not come with the program goes along.
        published = [
            version
            for kind, version in wanted.items()
            if self.inner is not self._shipped and version != self._shipped.version(*kind)
        ]
        try:
            found = self._shop.workers().submit(_set, digests, published, list(many)).result()
        except BrokenExecutor:
            self.close()  # the next ones get fresh processes
            raise
        if isinstance(found, _Refused):
            raise PiecesRefused({n: _error(fault) for n, fault in found.faults.items()})
        return found

    def close(self) -> None:
        """End the processes; they come back when they are needed."""
        self._shop.close()


class _Shop:
    """The processes, made when they are needed."""

    def __init__(self, processes: int, made_of: _MadeOf) -> None:
        self._processes, self._made_of = processes, made_of
        self._pool: ProcessPoolExecutor | None = None
        self._lock = Lock()

    def close(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def workers(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self._processes,
                    # Fresh ones, not copies of this process, whose locks may be held just now.
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_begin,
                    initargs=self._made_of,
                    max_tasks_per_child=_MOST_FILES,
                )
            return self._pool


_writer: Writer | None = None  # of a process that sets type


def _begin(templates: Path, locales: Path, stationery: Stationery, scratch: Path | None) -> None:
    global _writer
    die_with_parent()
    _writer = Writer(templates, locales, stationery, scratch)


@lru_cache(maxsize=8)
def _wording(one: TemplateVersion) -> Wording:
    assert _writer is not None
    return _writer.wording(unpacked(one.language, one.notice, one.content))


def _set(
    wanted: _Digests, published: Sequence[TemplateVersion], many: Sequence[Correspondence]
) -> Bulk | _Refused:
    assert _writer is not None
    writer = _writer.with_versions(map(_wording, published)) if published else _writer
    if {kind: writer.version(*kind).digest for kind in wanted} != wanted:
        text = "the templates were changed under a running program"
        raise TemplatesChanged(text, code="templates_changed")
    try:
        return writer.letters(many)
    except PiecesRefused as refused:
        return _Refused(_faults(refused.faults))
    except Exception as error:  # not every one can travel, and its text may quote a letter
        raise RuntimeError(f"the typesetter broke: {type(error).__name__}") from error


def _faults(faults: Mapping[int, WriteError]) -> dict[int, _Fault]:
    return {
        n: (e.reason, e.field, e.message, e.detail)
        if isinstance(e, LetterError)
        else (None, e.field, e.message, "")
        for n, e in faults.items()
    }


def _error(fault: _Fault) -> WriteError:
    reason, field, message, detail = fault
    if reason is None:
        return WriteError(field, message)
    return LetterError(reason, field, message, detail)
