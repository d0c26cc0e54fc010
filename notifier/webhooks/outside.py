"""HTTP to addresses that others have named: what a name leads to is checked when it is connected.

Whoever may name a URL could otherwise have us call what only we can reach. The check is made on
the address that is connected to, so that a name which leads elsewhere a moment later gains nothing.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpcore

from notifier.model.webhook import CallOutcome
from notifier.model.webhook import Outside as Rules

_MOST: Final = 65_536  # bytes of an answer
_LONGEST_URL: Final = 2_000
_SHARE: Final = 1 / 3  # of the time for a call, after which the next address is tried
#: Look-ups of their own, lest names that nobody answers for hold up others of the process.
_LOOKUPS: Final = ThreadPoolExecutor(32, thread_name_prefix="lookup")
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Unreachable(Exception):
    """No answer; ``outcome`` says why."""

    def __init__(self, outcome: CallOutcome) -> None:
        self.outcome = outcome
        super().__init__(outcome)


class Answer(NamedTuple):
    """What was answered."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes  # its beginning, at most 64 KiB


def url_problem(url: str, rules: Rules) -> str | None:
    """Why a URL will not be called, as a code; None if it may be. Names are not looked up."""
    if not (url.isascii() and url.isprintable() and " " not in url) or len(url) > _LONGEST_URL:
        return "bad_url"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "bad_url"
    if parts.scheme not in ("https", "http") or not host or port == 0:
        return "bad_url"
    if "@" in parts.netloc or parts.fragment or "\\" in url:
        return "bad_url"
    if parts.scheme == "http" and not rules.plain_http:
        return "https_required"
    return "address_not_allowed" if _is_address(host) and not rules.permits(host) else None


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


async def resolved(host: str, port: int) -> list[str]:
    """All addresses of a name, as text."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_LOOKUPS, ask)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Outside:
    """Calls others. Redirects are not followed, proxies of the environment not asked."""

    def __init__(self, rules: Rules, *, resolve: Resolve = resolved) -> None:
        context = ssl.create_default_context(cafile=rules.ca_file)
        self.rules = rules
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=None,  # whoever keeps many waiting holds back no other
            max_keepalive_connections=20,
            keepalive_expiry=30,
            network_backend=_Checked(rules, resolve),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._pool.aclose()

    async def call(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Send a request and read the beginning of its answer.

        Raises :class:`Unreachable`. The time allowed is for all of it.
        """
        if url_problem(url, self.rules):
            raise Unreachable(CallOutcome.ADDRESS_NOT_ALLOWED)
        try:
            async with asyncio.timeout(self.rules.timeout):
                return await self._call(method, url, headers or {}, body)
        except (TimeoutError, httpcore.TimeoutException):
            raise Unreachable(CallOutcome.TIMED_OUT) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError):
            raise Unreachable(CallOutcome.BROKEN) from None

    async def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(url)
        given = {"host": parts.netloc, **headers}
        request = httpcore.URL(
            scheme=parts.scheme,
            host=parts.hostname or "",
            port=parts.port,
            target=f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}",
        )
        async with self._pool.stream(
            method, request, headers=list(given.items()), content=body
        ) as response:
            told = {n.decode().lower(): v.decode("latin-1") for n, v in response.headers}
            start = bytearray()
            async for chunk in response.aiter_stream():
                start += chunk
                if len(start) >= _MOST:
                    break
            return Answer(response.status, told, bytes(start[:_MOST]))


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects only to what the rules permit; TLS and Host keep the name."""

    def __init__(self, rules: Rules, resolve: Resolve) -> None:
        self._rules, self._resolve = rules, resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's own signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first permitted address that answers."""
        found = [a for a in await self._resolve(host.strip("[]"), port) if self._rules.permits(a)]
        if not found:
            raise Unreachable(CallOutcome.ADDRESS_NOT_ALLOWED)
        *others, last = found
        share = self._rules.timeout * _SHARE  # an address that swallows all is not waited for
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._network.connect_tcp(
                    address, port, share, local_address, socket_options
                )
        return await self._network.connect_tcp(last, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._network.sleep(seconds)
