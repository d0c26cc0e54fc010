"""Words of ours that people type, read with a hint where one is misspelt."""

from notifier.app.lookups import near
from notifier.intake.characters import printable
from notifier.model.reasons import Reason

from .session import wrong_use


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
