"""Whom a return is about: the names of ours that it holds, in order of trust.

All of them are the message's token, which only those have seen through whose hands the mail went.
An address is no name: anybody can write one down.
"""

import re
from collections.abc import Iterator
from typing import Final

from notifier.delivery.smtp import attempt_of
from notifier.model.returns import Return

_RETURN_PATH: Final = re.compile(r"b\+([a-z0-9]{26})@", re.IGNORECASE)
_MESSAGE_ID: Final = re.compile(r"<?([a-z0-9]{26})@", re.IGNORECASE)


def tokens_of(one: Return) -> tuple[str, ...]:
    """The tokens that a return names, each once, the most trusted first.

    The return path it came to; return paths in its headers; the envelope's name (ENVID); the
    Message-ID of the returned mail; what it answers.
    """
    return tuple(dict.fromkeys(_named(one)))


def _named(one: Return) -> Iterator[str]:
    reading = one.reading
    for address in one.recipients:
        if found := _RETURN_PATH.match(address):
            yield found[1].lower()
    yield from (token.lower() for token in reading.tokens)
    for name in reading.envelope_ids:
        if attempt := attempt_of(name):
            yield attempt[0]
    for name in (*reading.message_ids, *reading.in_reply_to):
        if found := _MESSAGE_ID.match(name.strip()):
            yield found[1].lower()
