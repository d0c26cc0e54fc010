"""Mails that wait for their destination: a few are kept in hand, the others come back later."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

from .gate import Gate
from .render import Ready

_IN_HAND: Final = 2  # of each destination
_LONGEST: Final = 5.0  # seconds that a mail is kept in hand


class Waiting:
    """What a lane keeps in hand. ``again`` takes each mail when its time has come."""

    def __init__(self, again: Callable[[Ready], None]) -> None:
        self._again = again
        self._kept: dict[int, tuple[Ready, str, asyncio.TimerHandle]] = {}
        self._counts: Counter[str] = Counter()

    def put(self, ready: Ready, gate: Gate, wait: float, now: float) -> float | None:
        """Keep a mail that may begin in ``wait`` seconds.

        Where there are enough of its destination already, answers the seconds after which it is
        to come back from the record.
        """
        recipient = ready.envelope.recipient
        destination = gate.destination(recipient).name
        in_hand = self._counts[destination]
        if in_hand >= _IN_HAND or wait > _LONGEST:
            return gate.schedule(recipient, now, ahead=in_hand)
        message_id = ready.claim.message_id
        timer = asyncio.get_running_loop().call_later(wait, self._due, message_id)
        self._kept[message_id] = ready, destination, timer
        self._counts[destination] += 1
        return None

    def _due(self, message_id: int) -> None:
        self._again(self._remove(message_id))

    def _remove(self, message_id: int) -> Ready:
        ready, destination, timer = self._kept.pop(message_id)
        timer.cancel()
        self._counts[destination] -= 1
        if not self._counts[destination]:
            del self._counts[destination]
        return ready

    def take_all(self) -> list[Ready]:
        """All that is in hand; nothing is kept any more."""
        return [self._remove(message_id) for message_id in [*self._kept]]

    def __len__(self) -> int:
        return len(self._kept)
