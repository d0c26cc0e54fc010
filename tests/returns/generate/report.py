"""From a report as it came to a sample: what it says is scrubbed, what is true of it is written."""

import re
from typing import Any, Final

from tests.returns.generate.scenes import Scene

_STATUS: Final = re.compile(rb"^Status:\s*([245]\.\d{1,3}\.\d{1,3})", re.MULTILINE | re.IGNORECASE)
_RETURNED: Final = re.compile(
    rb"^Content-Type: (?:message/rfc822|text/rfc822-headers)", re.MULTILINE | re.IGNORECASE
)
_CODE: Final = re.compile(rb"\b[45]\d\d[ -]([45]\.\d{1,3}\.\d{1,3})")
_BLOCK: Final = re.compile(rb"(?:Final|Original)-Recipient:[^;\r\n]*;\s*<?([^\s>]+)", re.IGNORECASE)


def scrub(data: bytes, host: str) -> bytes:
    """Without this machine's own name, and with LF for line ends."""
    return data.replace(b"\r\n", b"\n").replace(host.encode(), b"app.example.jp")


def truths(scene: Scene, data: bytes) -> list[dict[str, Any]]:
    """What is true of the recipients that the report names, with the status it gives."""
    whole = {
        address: {**outcome.truth(address), "status": _status(data, address)}
        for address, outcome in scene.outcomes.items()
    }
    named = {address: one for address, one in whole.items() if _names(data, address)}
    return [*(named or whole).values()]


def _names(data: bytes, address: str) -> bool:
    """Whether the part before the returned mail names the address."""
    return address.encode() in _RETURNED.split(data)[0]


def _status(data: bytes, address: str) -> str | None:
    """The status in the block of the report that is about the address.

    Exim and OpenSMTPD write there that they know none; the reply beside it may have one.
    """
    for block in re.split(rb"\n\s*\n", data):
        named = [found.decode().lower() for found in _BLOCK.findall(block)]
        status = _STATUS.search(block)
        if status and address.lower() in named:
            told = None if not status[1].endswith(b".0.0") else _reply(data, block, address)
            return (told or status[1]).decode()
    return None


def _reply(data: bytes, block: bytes, address: str) -> bytes | None:
    """The code in the reply that the block, or the text before it, gives for the address."""
    beside = re.search(rb"^" + re.escape(address.encode()) + rb": (.*)", data, re.MULTILINE)
    found = _CODE.search(block) or (_CODE.search(beside[0]) if beside else None)
    if found:
        return found[1]
    only = set(_CODE.findall(_RETURNED.split(data)[0]))  # Courier quotes it above the block
    return only.pop() if len(only) == 1 else None
