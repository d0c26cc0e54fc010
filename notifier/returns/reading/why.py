"""Why a mail was not delivered: from words, codes and the command that was answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from notifier.model.tracking import BounceReason

from .tables import Reasons, reasons
from .words import even

_R = BounceReason
#: Something went wrong: what else is told says more.
_VAGUE = frozenset({_R.SYSTEM_ERROR, _R.MAILER_ERROR})
#: Where no recipient has been named yet, what is unknown or ill-formed is ours.
_BEFORE = {"CONN": _R.BLOCKED, "MAIL": _R.REJECTED}
_OURS = frozenset({_R.HOST_UNKNOWN, _R.SYNTAX})
#: What a refusal without a cause is about, by the command that it answers.
_REFUSED = {"MAIL": _R.REJECTED, "RCPT": _R.FILTERED, "DATA": _R.REJECTED, "CONN": _R.BLOCKED}


#: Texts that are remembered: what stands around all recipients of a report is judged once.
_MOST_KEPT = 64
_even = lru_cache(_MOST_KEPT)(even)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about one refusal."""

    texts: Sequence[str]  # the server's own words first, what stands around them later
    status: str | None = None  # enhanced code
    code: int | None = None
    command: str = ""  # CONN, MAIL, RCPT, DATA
    hosts: Sequence[str] = ()  # of the server, of the recipient
    category: str = ""  # of PowerMTA
    temporary: bool = False
    local: bool = False  # the server that reports is the recipient's own


def reason_of(given: Evidence) -> BounceReason:
    """The reason that fits best; on_hold if there are words that say nothing, else undefined."""
    table = reasons()
    texts = [_even(text) for text in given.texts if text.strip()]
    own, around = texts[:1], texts[1:]
    first = (
        _by_host(table, own, given)
        or _by_code(table.sure, given.status)
        or _by_words(table, own, given)
    )
    if first in _VAGUE and (clearer := _clearer(table, around[:3], given)):
        return clearer
    found = (
        first
        or _by_code(table.codes, given.status)
        or _by_words(table, around, given)
        or _known(table.categories.get(given.category, ""), given)
        or _by_refusal(table, texts, given)
        or _general(table, given)
    )
    return found or (_R.ON_HOLD if any(len(text) > 3 for text in texts) else _R.UNDEFINED)


def is_hard(reason: BounceReason, given: Evidence) -> bool:
    """Whether the address is dead for good."""
    status = "" if (given.status or "").endswith(".0.0") else given.status or ""
    first = (status or str(given.code or 5))[:1]
    passing = reason is _R.SUSPENDED and any("temporar" in text for text in given.texts[:3])
    return reason in reasons().hard and first != "4" and not given.temporary and not passing


def _clearer(table: Reasons, around: Sequence[str], given: Evidence) -> BounceReason | None:
    """What says more than that something went wrong."""
    if (coded := _by_code(table.codes, given.status)) and coded not in _VAGUE:
        return coded
    found = (_by_words(table, [text], given) for text in around)
    return next((one for one in found if one and one not in _VAGUE), None)


def _by_host(table: Reasons, texts: Sequence[str], given: Evidence) -> BounceReason | None:
    places = {one for host in given.hosts for one in _above(host)}
    for rule in table.rules:
        if (
            not rule.hosts.isdisjoint(places)
            and rule.after in {"", given.command}
            and (not rule.codes or given.status in rule.codes)
            and any(rule.words.within(text) for text in texts)
        ):
            return rule.reason
    return None


def _above(host: str) -> list[str]:
    """A host's name, and those of the domains that it is in."""
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def _by_words(table: Reasons, texts: Sequence[str], given: Evidence) -> BounceReason | None:
    for text in texts:
        if reason := _named(text):
            return _at_command(reason, _clean(table, text), given)
    return None


@lru_cache(_MOST_KEPT)
def _named(text: str) -> BounceReason | None:
    """The reason that the surest words of a text name."""
    table = reasons()
    clean = _clean(table, text)
    for one in table.phrases:
        if one.words.within(clean) and not any(word in clean for word in one.excepted):
            return one.reason
    return None


def _clean(table: Reasons, text: str) -> str:
    """Without what servers say about themselves."""
    for ignored in table.ignored:
        if ignored in text:
            text = text.replace(ignored, " ")
    return text


def _at_command(reason: BounceReason, text: str, given: Evidence) -> BounceReason:
    """What words mean as a reply to a command.

    After DATA the address had been taken: "unknown" then is what the recipient's settings say.
    Before the recipient is named an unknown host is ours. And an address that a server has no
    route for is a user of its own, or a host elsewhere.
    """
    if given.command in _BEFORE and reason in _OURS:
        return _BEFORE[given.command]
    if reason is _R.USER_UNKNOWN and given.command == "DATA" and (given.status or "")[2:] != "1.1":
        return _R.FILTERED
    if reason is _R.HOST_UNKNOWN and "unrouteable address" in text and (given.local or given.code):
        return _R.USER_UNKNOWN
    return reason


def _by_code(codes: Mapping[str, str], status: str | None) -> BounceReason | None:
    if status is None:
        return None
    found = codes.get(status) or codes.get(status[2:])
    return BounceReason(found) if found else None


def _known(name: str, given: Evidence) -> BounceReason | None:
    if name == "refused":
        return _REFUSED.get(given.command, _R.POLICY)
    return BounceReason(name) if name else None


def _by_refusal(table: Reasons, texts: Sequence[str], given: Evidence) -> BounceReason | None:
    if any(table.refused.within(text) for text in texts[:1]):
        return _REFUSED.get(given.command, _R.REJECTED)
    return None


def _general(table: Reasons, given: Evidence) -> BounceReason | None:
    status = (given.status or "")[2:]
    if status and status != "0.0":
        subject = status.split(".")[0]
        if name := table.general.get(status) or table.general.get(subject):
            return _known(name, given)
    return _known(table.replies.get(str(given.code or ""), ""), given)
