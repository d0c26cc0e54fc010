"""Readers of what comes back, side by side: ours, one of RFC 3464 alone, and ``flufl.bounce``."""

import importlib
import importlib.util
import re
from collections.abc import Callable, Iterable
from email import message_from_bytes
from email.message import Message
from typing import Any, Final

from notifier.model.tracking import Finding, ReturnKind
from notifier.returns.reading import read

Answer = tuple[ReturnKind | None, list[Finding]]
Reader = Callable[[bytes], Answer]

_ACTIONS: Final = {
    "failed": ReturnKind.BOUNCED,
    "delayed": ReturnKind.DELAYED,
    "delivered": ReturnKind.DELIVERED,
    "relayed": ReturnKind.DELIVERED,
    "expanded": ReturnKind.DELIVERED,
}
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
#: The gravest first.
_GRAVITY: Final = tuple(ReturnKind)[2::-1]


def readers() -> dict[str, Reader]:
    """Those that are here, by name."""
    found: dict[str, Reader] = {"ours": ours, "rfc3464": plain}
    if importlib.util.find_spec("flufl") is not None:
        found["flufl"] = _flufl(importlib.import_module("flufl.bounce").all_failures)
    return found


def ours(data: bytes) -> Answer:
    """What the product finds."""
    reading = read(data)
    return reading.kind, list(reading.findings)


def plain(data: bytes) -> Answer:
    """What a reader finds that knows RFC 3464 and nothing else."""
    findings = [
        finding
        for part in message_from_bytes(data).walk()
        if part.get_content_type() == "message/delivery-status"
        for finding in _blocks(part.get_payload())
    ]
    kinds = {finding.kind for finding in findings}
    return next((kind for kind in _GRAVITY if kind in kinds), None), findings


def _blocks(blocks: Any) -> Iterable[Finding]:
    for block in blocks if isinstance(blocks, list) else []:
        address = _address(block, "Original-Recipient") or _address(block, "Final-Recipient")
        kind = _ACTIONS.get(str(block.get("Action", "")).strip().lower())
        status = _STATUS.search(str(block.get("Status", "")))
        if address and kind:
            yield Finding(recipient=address, kind=kind, status=status and status[0])


def _address(block: Message, name: str) -> str | None:
    value = str(block.get(name, "")).partition(";")[2]
    return value.strip().strip("<>") or None


def _flufl(all_failures: Callable[[Message], Any]) -> Reader:
    def answer(data: bytes) -> Answer:
        temporary, permanent = all_failures(message_from_bytes(data))
        findings = [
            Finding(recipient=address.decode(errors="replace"), kind=kind)
            for kind, addresses in (
                (ReturnKind.BOUNCED, permanent),
                (ReturnKind.DELAYED, temporary),
            )
            for address in addresses
        ]
        return (findings[0].kind if findings else None), findings

    return answer
