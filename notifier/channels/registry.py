"""Which channels there are: one line for each."""

from collections.abc import Iterator
from typing import Final

from notifier.logs import get_logger
from notifier.model.states import Channel

from .adapter import Adapter, TransportContext
from .letter import Letter
from .mail import Mail

log = get_logger(__name__)

_ADAPTERS: Final[dict[Channel, Adapter]] = {}


def register(adapter: Adapter) -> None:
    """Take a channel into service, when the program is loaded."""
    _ADAPTERS[adapter.channel] = adapter


register(Mail())
register(Letter())


def adapter_of(channel: Channel) -> Adapter:
    """Return the adapter of a channel."""
    return _ADAPTERS[channel]


def adapters() -> Iterator[Adapter]:
    """Every channel in service, in the order in which they were registered."""
    return iter(_ADAPTERS.values())


async def send_due(context: TransportContext) -> int:
    """Let every channel send what is due; return how many messages went.

    One that fails holds up no other, and is asked again the next time.
    """
    count = 0
    for adapter in adapters():
        try:
            count += await adapter.send_due(context)
        except Exception as error:  # noqa: BLE001 (whatever breaks in one channel is its own)
            log.error("channel failed", channel=adapter.channel, error=type(error).__name__)
    return count
