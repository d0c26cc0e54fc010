"""Words of ours that people type, read with a hint where one is misspelt."""

from typing import Final

from notifier.app.lookups import near
from notifier.intake.characters import printable
from notifier.model.reasons import Reason
from notifier.model.states import Channel

from .session import wrong_use

#: As help shows them.
CHANNELS: Final = f"[{'|'.join(Channel)}]"


def reason_of(text: str) -> Reason:
    """Return the reason of this name; raise ``BadParameter`` with the nearest ones."""
    if isinstance(text, Reason):
        return text
    try:
        return Reason(text)
    except ValueError:
        close = ", ".join(near(text, Reason))
        code = "no_such_reason" if close else "no_reason"
        raise wrong_use(code, text=printable(text), close=close) from None


def channel_of(text: str) -> Channel:
    """Return the channel of this name; raise ``BadParameter`` with those there are."""
    try:
        return Channel(text)
    except ValueError:
        known = ", ".join(Channel)
        raise wrong_use("no_such_channel", text=printable(text), known=known) from None
