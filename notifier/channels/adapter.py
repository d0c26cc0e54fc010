"""What a channel must be able to do, and what it is given for that."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.delivery.compose import StaffSender
from notifier.model.correspondence import Correspondence
from notifier.model.outcome import RenderedMessage
from notifier.model.states import Channel
from notifier.rendering.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportContext:
    """What a transport works with."""

    engine: AsyncEngine
    present: Callable[[], Awaitable[Writer]]  # the writer of what is in force
    sender: StaffSender
    folder: Path  # where files of the program are
    now: Callable[[], datetime]


class Adapter(ABC):
    """A channel, with all that it does."""

    channel: Channel

    @abstractmethod
    def render(self, writer: Writer, c: Correspondence) -> RenderedMessage:
        """Render a message as its reader would get it. Raises what the writer raises."""

    @abstractmethod
    def preview(self, writer: Writer, c: Correspondence) -> Mapping[str, bytes]:
        """Render files for people to look at: ending → bytes."""

    async def send_due(self, _context: TransportContext) -> int:
        """Send what is due; return how many. The clock asks for it every quarter of a minute.

        Nothing for a channel whose transport runs otherwise: mail has workers of its own, and
        letters are collected when somebody asks for a batch.
        """
        return 0
