"""Delivery status notifications (RFC 3461): what a relay is asked to report, and under what name.

The report comes back to the return path, which names the message, and to the sender's own name
for the envelope (ENVID), which names the attempt. That name is ``token.number``: the number of an
attempt within its message is known when the mail is written, its id on record only with the
permit, and an id that counts all mail of the house is nobody else's business.
"""

import re
from typing import Final

from notifier.model.relay import Dsn

_MOST_ENVID: Final = 100  # characters of the encoded value, RFC 3461 4.4
_MOST_ORCPT: Final = 500  # of the whole value with its type, RFC 3461 4.2
_ENVID: Final = re.compile(r"([a-z0-9]{26})\.([1-9][0-9]{0,8})")
_ESCAPED: Final = re.compile(r"\+([0-9A-F]{2})")
_NOTIFY: Final = {
    Dsn.FAILURE: " NOTIFY=FAILURE,DELAY",
    Dsn.SUCCESS: " NOTIFY=SUCCESS,FAILURE,DELAY",
}
#: What xtext writes otherwise, of printable ASCII.
_ENCODED: Final = frozenset(" +=")
_XTEXT: Final = {ord(sign): f"+{ord(sign):02X}" for sign in _ENCODED}


def envelope_id(token: str, number: int) -> str:
    """Our name for the envelope of a message's attempt ``number`` (1 for the first)."""
    return f"{token}.{number}"


def attempt_of(envid: str) -> tuple[str, int] | None:
    """Token and number of the attempt that an ``Original-Envelope-Id`` names; None: not ours.

    Relays should decode it before they quote it (RFC 3464 2.2.1); in ours nothing is encoded.
    """
    found = _ENVID.fullmatch(envid.strip())
    return (found[1], int(found[2])) if found else None


def xtext(text: str) -> str:
    """``text`` in xtext (RFC 3461 4). Raises ValueError unless it is printable ASCII."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError("only printable ASCII can be written as xtext")
    return text if _ENCODED.isdisjoint(text) else text.translate(_XTEXT)


def from_xtext(text: str) -> str:
    """The text that xtext stands for. What is not xtext stays as it is."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def mail_parameters(envid: str, asked: Dsn) -> str:
    """Parameters of MAIL for a relay that offers DSN, each with a space before it.

    Only the headers are asked back: the bytes are in our archive, and a report that quotes a body
    is one more copy of personal data. A name that is too long, or that cannot be written, is left
    out; the return path still names the message.
    """
    if asked is Dsn.OFF:
        return ""
    named = _within(envid, _MOST_ENVID)
    return f" RET=HDRS ENVID={named}" if named else " RET=HDRS"


def recipient_parameters(address: str, asked: Dsn) -> str:
    """Parameters of RCPT for a relay that offers DSN; ``address`` in its SMTP form.

    The address that we wrote to comes back as ``Original-Recipient``, however often it was
    forwarded on the way. One that is too long once it is encoded is left out.
    """
    if asked is Dsn.OFF:
        return ""
    kind = "rfc822;"
    original = _within(address, _MOST_ORCPT - len(kind))
    return f"{_NOTIFY[asked]} ORCPT={kind}{original}" if original else _NOTIFY[asked]


def _within(text: str, most: int) -> str:
    """``text`` as xtext, or nothing."""
    try:
        written = xtext(text)
    except ValueError:
        return ""
    return written if len(written) <= most else ""
