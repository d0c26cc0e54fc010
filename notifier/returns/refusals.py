"""Refusals of SMTP servers as findings: those that a relay logged, and those we got ourselves."""

from typing import Final

from notifier.model.tracking import Finding, ReturnKind

from .reading import replies
from .reading.why import Evidence, is_hard, reason_of

_MOST: Final = 1000  # characters of a reply
#: What we call the steps of a transaction, in the words of the reader.
_COMMANDS: Final = {"BODY": "DATA", "CONNECT": "CONN"}


def refused(
    recipient: str | None,
    reply: str,
    *,
    kind: ReturnKind = ReturnKind.BOUNCED,
    code: int | None = None,
    status: str | None = None,
    command: str = "",
    host: str = "",
    final: str | None = None,
) -> Finding:
    """What a refusal says; what is not given is read from the words."""
    said = status or replies.enhanced_of(reply)
    named = command or replies.command_of(reply)
    given = Evidence(
        texts=[reply],
        status=said,
        code=code or replies.code_of(reply),
        command=_COMMANDS.get(named, named),
        hosts=[one for one in (host, (recipient or "").rpartition("@")[2]) if one],
        temporary=kind is ReturnKind.DELAYED,
    )
    reason = reason_of(given)
    return Finding(
        recipient=recipient,
        kind=kind,
        reason=reason,
        hard=is_hard(reason, given),
        status=said,
        code=given.code,
        reply=" ".join(reply.split())[:_MOST],
        final_recipient=final,
    )
