"""Findings from the words of a report that has no fields, or none that can be read."""

from collections.abc import Sequence

from notifier.model.tracking import DeliveredLevel, Finding, ReturnKind

from . import addresses, bounds, kind, mentions, replies
from .mentions import Mention
from .seen import Seen
from .told import hosts_of, is_local
from .why import Evidence, is_hard, reason_of
from .words import flat


def findings(seen: Seen) -> list[Finding]:
    """One finding for each recipient; one without an address if nothing tells whom it is about."""
    what = kind.of_report(seen)
    named = _recipients(seen)[: bounds.FINDINGS]
    several = len(named) > 1
    return [_finding(seen, one, what, several) for one in named] or [
        _finding(seen, Mention("", 9, 0, list(seen.lines)), what, several)
    ]


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
        by_key.get(addresses.key(one)) or Mention(one, 9, 0, lines) for one in dict.fromkeys(wanted)
    ]


def _finding(seen: Seen, mention: Mention, what: ReturnKind, several: bool) -> Finding:
    address = mention.origin or mention.address or None
    if what is ReturnKind.DELIVERED:
        return Finding(recipient=address, kind=what, level=DeliveredLevel.RELAY_ACCEPTED)
    own, around = _texts(seen, mention)
    texts = [*own, *around]
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


def _texts(seen: Seen, mention: Mention) -> tuple[Sequence[str], Sequence[str]]:
    """The server's words about a recipient, the surest first, and those about all of them."""
    about = replies.about(seen.lines, mention.address) if mention.address else ""
    near = mentions.paragraphs(mention.lines)
    quoted = [] if about else [replies.quoted(mention.lines)]
    around = [replies.quoted(seen.lines), seen.notice.text[:4_000], seen.subject]
    own = [text for text in (about, *quoted, *near[:4]) if text.strip()]
    return own, [text for text in around if text.strip()]
