"""Findings from the fields of RFC 3464, with the words around them."""

import re
from collections.abc import Sequence
from typing import Final

from notifier.model.tracking import DeliveredLevel, Finding, ReturnKind

from . import addresses, bounds, kind, mentions, replies
from .report import Group, Report
from .seen import Seen
from .why import Evidence, is_hard, reason_of
from .words import flat

_SMTP: Final = re.compile(r"^\s*(?:smtp|e?smtps?)\s*;\s*", re.IGNORECASE)
_EXIT: Final = re.compile(r"\s*x-unix\s*;\s*\d*\s*$", re.IGNORECASE)
_HOST: Final = re.compile(
    r"(?:host|talking to|from|by|at) ([a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+)", re.IGNORECASE
)
_ACTIONS: Final = {
    "fail": ReturnKind.BOUNCED,
    "dela": ReturnKind.DELAYED,
    "defe": ReturnKind.DELAYED,
    "deli": ReturnKind.DELIVERED,
    "rela": ReturnKind.DELIVERED,
    "expa": ReturnKind.DELIVERED,
}
_LEVELS: Final = {
    "deli": DeliveredLevel.MAILBOX,
    "rela": DeliveredLevel.NEXT_ACCEPTED,
    "expa": DeliveredLevel.RELAY_ACCEPTED,
}
_BROKEN: Final = ReturnKind.BOUNCED, ReturnKind.DELAYED


def findings(seen: Seen, found: Report) -> list[Finding]:
    """One finding for each recipient that the report names, the gravest if it names one twice."""
    named = _mentions(seen)
    kept: dict[str, Finding] = {}
    for group in found.groups:
        one = _finding(seen, group, named, len(found.groups))
        if one is None:
            continue
        name = addresses.key(one.recipient or "")
        if name not in kept or (
            kept[name].kind is not ReturnKind.BOUNCED and one.kind is ReturnKind.BOUNCED
        ):
            kept[name] = one
    return list(kept.values())


def _mentions(seen: Seen) -> list[mentions.Mention]:
    return mentions.find(seen.lines, apart=seen.apart, written_to=seen.written_to)


def _finding(
    seen: Seen, group: Group, named: Sequence[mentions.Mention], count: int
) -> Finding | None:
    recipient, final = _whom(seen, group, named, count)
    if recipient is None:
        return None
    action = group.get("action").lower()[:4]
    what = _ACTIONS.get(action) or _by_status(seen, group)
    if what not in _BROKEN:
        return Finding(
            recipient=recipient,
            kind=what,
            status=replies.enhanced_or_success(group.get("status")),
            level=_LEVELS.get(action, DeliveredLevel.RELAY_ACCEPTED),
            reply=flat(_diagnosis(group)[0], bounds.REPLY),
            final_recipient=final,
        )
    return _broken(seen, group, named, recipient, final, what, count > 1)


def _broken(
    seen: Seen,
    group: Group,
    named: Sequence[mentions.Mention],
    recipient: str,
    final: str | None,
    what: ReturnKind,
    several: bool,
) -> Finding:
    """A finding of what was not delivered, or not yet."""
    own, vague = _diagnosis(group)
    near = [one for one in (recipient, final) if one]
    about = next(filter(None, (replies.about(seen.lines, one) for one in near)), "")
    keys = set(map(addresses.key, near))
    lines = next((one.lines for one in named if addresses.key(one.address) in keys), [])
    beside = [about, *mentions.paragraphs(lines)[:3]]
    # The whole notice is the last resort; of several recipients it speaks of the others too.
    whole = "" if several and any(beside) else _all(seen)
    texts = [text for text in (own, *beside, vague, whole) if text.strip()]
    status = _status(group, [own] if own else texts[:2])
    given = Evidence(
        texts=texts,
        status=status,
        code=replies.code_of(own) or replies.code_of(about),
        command=replies.command_of(
            f"{own} {about}", " ".join(lines) if several else seen.notice.text
        ),
        local=is_local(seen, recipient),
        hosts=[_server(group), *hosts_of(recipient, own), *hosts_of(final or "", "")],
        category=group.get("x-powermta-bouncecategory").lower(),
        temporary=what is ReturnKind.DELAYED,
    )
    reason = reason_of(given)
    said = own or about or vague or " ".join(texts[:1])
    return Finding(
        recipient=recipient,
        kind=what,
        reason=reason,
        hard=is_hard(reason, given),
        status=status,
        code=given.code,
        reply=flat(said, bounds.REPLY),
        final_recipient=final,
    )


def _whom(
    seen: Seen, group: Group, named: Sequence[mentions.Mention], count: int
) -> tuple[str | None, str | None]:
    """The address that we wrote to, and the one where it went if that is another."""
    final = addresses.of_field(group.get("final-recipient"))
    original = addresses.of_field(
        group.get("original-recipient") or group.get("x-original-recipient")
    )
    actual = addresses.of_field(group.get("x-actual-recipient"))
    whole = [one for one in (original, final, actual) if one and "@" in one]
    if whole:
        first = whole[0] if original else _made_from(whole[0], named) or whole[0]
        other = (
            final
            if final and "@" in final and addresses.key(final) != addresses.key(first)
            else None
        )
        return first, other
    bare = original or final or actual
    return (_completed(seen, bare, named, count) if bare else None), None


def _made_from(final: str, named: Sequence[mentions.Mention]) -> str | None:
    """The address that was expanded to this one, as the text says."""
    same = (one for one in named if addresses.key(one.address) == addresses.key(final))
    found = next(same, None)
    return found.origin if found else None


def _completed(seen: Seen, bare: str, named: Sequence[mentions.Mention], count: int) -> str:
    """A name of the server's own users, with the domain that the rest of the report gives it."""
    failed = addresses.every(seen.headers.all("x-failed-recipients"))
    known = [*failed, *seen.written_to, *(one.address for one in named)]
    same = [one for one in known if one.lower().startswith(f"{bare.lower()}@")]
    alone = [one for one in (failed, seen.written_to, [m.address for m in named]) if len(one) == 1]
    if same:
        return same[0]
    return alone[0][0] if alone and count == 1 else bare


def _by_status(seen: Seen, group: Group) -> ReturnKind:
    """The kind where the action is missing or no word of the standard."""
    first = group.get("status").strip()[:1]
    if first == "2":
        return ReturnKind.DELIVERED
    return ReturnKind.BOUNCED if first == "5" else kind.of_report(seen)


def _status(group: Group, texts: Sequence[str]) -> str | None:
    """The field, unless it says nothing and the words say more."""
    given = replies.enhanced_of(group.get("status"))
    if given and not given.endswith(".0.0"):
        return given
    spoken = next(filter(None, map(replies.enhanced_of, texts)), None)
    return spoken or given


def _diagnosis(group: Group) -> tuple[str, str]:
    """The server's words; apart from them what is no more than a program's exit status."""
    found = (
        group.get("diagnostic-code")
        or group.get("x-diagnostic-code")
        or group.get("x-supplementary-info")
    )
    found = _SMTP.sub("", found)
    if _EXIT.match(found):
        return "", found
    comment = group.get("status").partition("(")[2].rstrip(") ")
    return found or comment, ""


def _server(group: Group) -> str:
    return group.get("remote-mta").partition(";")[2].strip().lower()


def is_local(seen: Seen, address: str) -> bool:
    """Whether the server that reports is the recipient's own."""
    domain = address.rpartition("@")[2].lower()
    server = (seen.sender or "").rpartition("@")[2].lower()
    return bool(domain) and (server == domain or server.endswith(f".{domain}"))


def hosts_of(address: str, text: str) -> list[str]:
    """Names of servers that a refusal may come from: the recipient's domain, those in the text."""
    return [address.rpartition("@")[2].lower(), *(one.lower() for one in _HOST.findall(text[:500]))]


def _all(seen: Seen) -> str:
    """The whole notice, for want of anything clearer."""
    return seen.notice.text[:4_000]
