"""Findings from the words of a report that has no fields, or none that can be read."""

from collections.abc import Sequence
from typing import Final

from notifier.model.tracking import DeliveredLevel, Finding, ReturnKind

from . import addresses, bounds, kind, mentions, replies
from .mentions import Mention
from .seen import Seen
from .told import hosts_of, is_local
from .why import Evidence, is_hard, reason_of
from .words import flat

_NOWHERE: Final = 9  # the tier of what the text does not name


def findings(seen: Seen) -> list[Finding]:
    """One finding for each recipient; one without an address if nothing tells whom it is about."""
    what = kind.of_report(seen)
    named = _recipients(seen)[: bounds.FINDINGS]
    nobody = Mention("", _NOWHERE, 0, list(seen.lines))
    around = _around(seen, named)
    return [_finding(seen, one, what, around, len(named) > 1) for one in named or [nobody]]


def _around(seen: Seen, named: Sequence[Mention]) -> list[str]:
    """Words about all recipients: of several, what stands above the first of them."""
    if len(named) > 1 and all(one.tier < _NOWHERE for one in named):
        above = seen.lines[: min(one.line for one in named)]
        return ["\n".join(above), seen.heading]
    return [replies.quoted(seen.lines), seen.notice.text[:4_000], seen.heading]


def _recipients(seen: Seen) -> list[Mention]:
    """Those in the header for it (Exim, Gmail), those in the text, those of the returned mail."""
    failed = addresses.every(seen.headers.all("x-failed-recipients"))
    named = mentions.find(seen.lines, apart=seen.apart, written_to=[*failed, *seen.written_to])
    wanted = failed or ([] if named else kind.recipients_elsewhere(seen))
    if not wanted:
        return named
    by_key = {addresses.key(one.address): one for one in named}
    lines = list(seen.lines)
    return [
        by_key.get(addresses.key(one)) or Mention(one, _NOWHERE, 0, lines)
        for one in dict.fromkeys(wanted)
    ]


def _finding(
    seen: Seen, mention: Mention, what: ReturnKind, around: Sequence[str], several: bool
) -> Finding:
    address = mention.origin or mention.address or None
    if what is ReturnKind.DELIVERED:
        return Finding(recipient=address, kind=what, level=DeliveredLevel.RELAY_ACCEPTED)
    own = _own(seen, mention)
    texts = [text for text in (*own, *around) if text.strip()]
    joined = " ".join(own[:3] if several and own else texts[:3])
    given = Evidence(
        texts=texts,
        status=replies.enhanced_of(joined),
        code=replies.code_of(joined),
        command=replies.command_of(joined, seen.notice.text),
        hosts=hosts_of(mention.address, joined),
        local=is_local(seen, mention.address),
        temporary=what is ReturnKind.DELAYED,
    )
    reason = reason_of(given)
    return Finding(
        recipient=address,
        kind=what,
        reason=reason,
        hard=is_hard(reason, given),
        status=given.status,
        code=given.code,
        reply=flat(texts[0] if texts else "", bounds.REPLY),
    )


def _own(seen: Seen, mention: Mention) -> list[str]:
    """The server's words about a recipient, the surest first."""
    about = replies.about(seen.lines, mention.address) if mention.address else ""
    near = mentions.paragraphs(mention.lines)
    quoted = [] if about else [replies.quoted(mention.lines)]
    return [text for text in (about, *quoted, *near[:4]) if text.strip()]
