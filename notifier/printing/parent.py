"""Processes that set type end with the process that asked for it, however that ends."""

import fcntl
import os
import select
import signal
import sys
from multiprocessing import parent_process
from threading import Thread


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
