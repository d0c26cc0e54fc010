"""Words of ours that people type, read with a hint where one is misspelt."""

import typer

from notifier.app.lookups import near
from notifier.model.reasons import Reason


def reason_of(text: str) -> Reason:
    """Return the reason of this name; raise ``BadParameter`` with the nearest ones."""
    if isinstance(text, Reason):
        return text
    try:
        return Reason(text)
    except ValueError:
        close = ", ".join(near(text, Reason))
        hint = f"; close to it: {close}" if close else ""
        raise typer.BadParameter(f"{text!r} is no reason{hint}") from None
