"""Which of our modules something passes on its way, found by watching the calls."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import notifier

_ROOT = Path(notifier.__file__).parent


class Walk:
    """The modules of ours in which a function was called, in the order of the first call.

    What makes a module or an object, or goes through a collection, is no call of the story.
    """

    def __init__(self) -> None:
        self.passed: list[str] = []  # as paths below `notifier`
        self._seen: set[CodeType] = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch this thread, and those that it sends work to."""
        # Threads that run already cannot be watched.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or code in self._seen:
            return
        self._seen.add(code)
        path = Path(code.co_filename)
        if code.co_name[:1] == "<" or code.co_name[:2] == "__" or not path.is_relative_to(_ROOT):
            return
        name = path.relative_to(_ROOT).as_posix()
        if name not in self.passed:
            self.passed.append(name)
