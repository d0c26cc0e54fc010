"""Limits of requests: how many are under way, how slowly bodies come, how much they hold.

They stand between the edge and the routes. A caller behind a proxy of ours is counted by the
address that the proxy names; from here on ``request.client`` is that address.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.logs import get_logger
from notifier.model.http import Http, client_of, counted_as

from .language import preferred
from .problems import problem

_log = get_logger(__name__)
_SCOPE: Final = "notifier.admission"  # where a request's own stands in its scope
_RETRY: Final = "5"  # seconds
_TELL: Final = 10.0  # seconds between two lines about refusals


class Tally:
    """Refusals, by their cause: whoever comes a thousand times makes one line."""

    def __init__(self, event: str) -> None:
        """``event``: how the line is called."""
        self._event = event
        self._counts: Counter[str] = Counter()
        self._told_at = -_TELL

    def note(self, code: str) -> None:
        """Count one; told at once if none was told lately."""
        self._counts[code] += 1
        if monotonic() - self._told_at >= _TELL:
            self._told_at = monotonic()
            _log.warning(self._event, **self._counts)
            self._counts.clear()


class Refused(Exception):
    """A request that is refused for what it takes; ``code`` is a key of the catalogue."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Budget:
    """Bytes of bodies that are held at once."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, count: int) -> None:
        """Raises :class:`Refused` where they are used up."""
        if count > self._left:
            raise Refused(503, "overloaded")
        self._left -= count

    def give(self, count: int) -> None:
        """They are no longer held."""
        self._left += count


class Admission:
    """One request that is under way, and what it holds."""

    def __init__(self, house: "Limits") -> None:
        self._house = house
        self._key = ""
        self._budget = house.unknown
        self._held = 0

    def known(self, key: str) -> None:
        """Its credentials were looked at, and are good. Raises :class:`Refused`."""
        if not self._key:
            self._house.count_key(key)
            self._key = key
        self.vouched()

    def vouched(self) -> None:
        """Nothing of its body was read, and it is known whose it is."""
        self._budget = self._house.known

    def hold(self, count: int) -> None:
        """So many bytes of its body have come. Raises :class:`Refused`."""
        self._budget.take(count)
        self._held += count

    def end(self) -> None:
        """It is answered."""
        self._budget.give(self._held)
        if self._key:
            self._house.forget_key(self._key)


def admission_of(request: Request) -> Admission | None:
    """What a request may take; None where nobody counts."""
    found = request.scope.get(_SCOPE)
    return found if isinstance(found, Admission) else None


class Limits:
    """The layer that counts (ASGI)."""

    def __init__(self, app: ASGIApp, given: Http) -> None:
        self._app, self._given = app, given
        self._under_way = 0
        self._tally = Tally("api.refused")
        self._by_address: Counter[str] = Counter()
        self._by_key: Counter[str] = Counter()
        self.known, self.unknown = Budget(given.known_bytes), Budget(given.unknown_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, receive, send, self._given)
        client = self._client(scope)
        try:
            with self._counted(client) as admission:
                port = (scope.get("client") or ("", 0))[1]
                inner = {**scope, "client": (client, port), _SCOPE: admission}
                await self._app(inner, answer.receive, answer.send)
        except Refused as refused:
            self._tally.note(refused.code)
            await answer.refuse(refused)

    def _client(self, scope: Scope) -> str:
        peer = (scope.get("client") or ("", 0))[0]
        lines = [v for name, v in scope["headers"] if name == b"x-forwarded-for"]
        return client_of(peer, b",".join(lines).decode("latin-1"), self._given)

    @contextmanager
    def _counted(self, client: str) -> Iterator[Admission]:
        site = counted_as(client)
        if self._under_way >= self._given.requests:
            raise Refused(503, "overloaded")
        if self._by_address[site] >= self._given.requests_per_address:
            raise Refused(429, "too_many_requests")
        admission = Admission(self)
        self._under_way += 1
        self._by_address[site] += 1
        try:
            yield admission
        finally:
            admission.end()
            self._under_way -= 1
            _one_less(self._by_address, site)

    def count_key(self, key: str) -> None:
        """One more of a key. Raises :class:`Refused`."""
        if self._by_key[key] >= self._given.requests_per_key:
            raise Refused(429, "too_many_requests")
        self._by_key[key] += 1

    def forget_key(self, key: str) -> None:
        """One less."""
        _one_less(self._by_key, key)


class _Answer:
    """A request's two ways: a body that keeps a pace, and one answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, given: Http) -> None:
        self._scope, self._receive, self._send, self._given = scope, receive, send, given
        self._unread = _has_body(scope)
        self._started = False
        self._until: float | None = None

    async def receive(self) -> Message:
        """The next piece. Raises :class:`Refused` where it does not come in time."""
        if not self._unread:
            return await self._receive()
        if self._until is None:
            self._until = monotonic() + self._given.body_seconds
        try:
            async with asyncio.timeout(min(self._given.body_gap_seconds, self._left)):
                message = await self._receive()
        except TimeoutError:
            raise Refused(408, "request_timeout") from None
        self._unread = bool(message.get("more_body", False))
        return message

    @property
    def _left(self) -> float:
        return max(0.0, (self._until or 0.0) - monotonic())

    async def send(self, message: Message) -> None:
        """Answer; a connection whose body was not read to its end is used no more."""
        if message["type"] == "http.response.start":
            self._started = True
            if self._unread:
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
        await self._send(message)

    async def refuse(self, refused: Refused) -> None:
        """Answer with why."""
        if self._started:
            return
        language = preferred(Request(self._scope).headers.get("accept-language", ""))
        headers = {"Retry-After": _RETRY} if refused.status in (429, 503) else None
        response = problem(refused.status, refused.code, language, headers=headers)
        await response(self._scope, self._receive, self.send)


def _has_body(scope: Scope) -> bool:
    named = dict(scope["headers"])
    return b"transfer-encoding" in named or named.get(b"content-length", b"0") != b"0"


def _one_less(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]  # whoever has come and gone leaves nothing behind
