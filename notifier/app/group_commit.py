"""Group commit: requests that come while a commit is under way share the next one.

Nobody waits for company: where nothing is under way a request is committed at once, alone.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from .event_intake import Request

T = TypeVar("T")
Answer: TypeAlias = T | Exception

_MOST: Final = 500  # events in one commit
#: Commits under way: while one waits for the database the next is decided.
_AT_ONCE: Final = 2


@dataclass(slots=True, eq=False)
class _Waiting(Generic[T]):
    request: "Request"
    answer: "asyncio.Future[T]"


class GroupCommit(Generic[T]):
    """Commits requests in groups, each with an answer of its own."""

    def __init__(
        self, commit: Callable[[Sequence["Request"]], Awaitable[Sequence[Answer[T]]]]
    ) -> None:
        """``commit``: commits what it can of some requests of one actor; an answer for each."""
        self._commit = commit
        self._waiting: deque[_Waiting[T]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, request: "Request") -> T:
        """The answer to a request, once it is committed. Raises what speaks against it.

        Whoever is cancelled meanwhile does not learn whether it was committed.
        """
        mine: _Waiting[T] = _Waiting(request, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        self._begin()
        return await mine.answer

    async def close(self) -> None:
        """Wait for what is under way, also that of callers who have gone."""
        while self._running:
            await asyncio.wait(self._running)

    def _begin(self) -> None:
        while self._waiting and len(self._running) < _AT_ONCE:
            # In a context of its own: log lines are not about the request that came first.
            task = asyncio.create_task(self._run(self._next_group()), context=Context())
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _next_group(self) -> list[_Waiting[T]]:
        """The longest waiting, of one actor; an event that stands in two requests ends it."""
        group: list[_Waiting[T]] = []
        actor, keys, count = self._waiting[0].request.actor, set[tuple[str, str]](), 0
        while self._waiting:
            request = self._waiting[0].request
            named = {(event.source, event.id) for event in request.events}
            count += len(request.events)
            if group and (request.actor != actor or keys & named or count > _MOST):
                break
            group.append(self._waiting.popleft())
            keys |= named
        return group

    async def _run(self, group: Sequence[_Waiting[T]]) -> None:
        try:
            answers = await self._commit([one.request for one in group])
        except BaseException as problem:
            for one in group:
                _settle(one.answer, problem)
            raise
        for one, answer in zip(group, answers, strict=True):
            _settle(one.answer, answer)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._begin()


def _settle(future: asyncio.Future[T], answer: T | BaseException) -> None:
    if future.done():  # whoever asked has gone
        return
    if isinstance(answer, asyncio.CancelledError):
        future.cancel()
    elif isinstance(answer, BaseException):
        future.set_exception(answer)
    else:
        future.set_result(answer)
