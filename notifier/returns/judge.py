"""What a return proves about its message. Pure: the record is given, nothing is asked for.

See docs/tracking.md for the reasons.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from notifier.delivery.smtp import attempt_of
from notifier.model.reasons import Reason
from notifier.model.returns import Return, ReturnReason, Standing
from notifier.model.states import State
from notifier.model.suppression import HARD, SOFT, normal
from notifier.model.tracking import BounceReason, DeliveredLevel, Finding, ReturnKind
from notifier.store.messages import Move
from notifier.store.tracking import Entry, Known

_RETURN_PATH: Final = re.compile(r"b\+([a-z0-9]{26})@", re.IGNORECASE)
_MESSAGE_ID: Final = re.compile(r"<?([a-z0-9]{26})@", re.IGNORECASE)


def tokens_of(one: Return) -> tuple[str, ...]:
    """The tokens that a return names, each once, the most trusted first.

    The return path it came to; return paths in its headers; the envelope's name (ENVID); the
    Message-ID of the returned mail; what it answers.
    """
    return tuple(dict.fromkeys(_names_in(one)))


def _names_in(one: Return) -> Iterator[str]:
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


_K, _S = ReturnKind, State
#: How long after the last transmission a report may still come. Relays give up after five days,
#: the slowest of those that hold mail back after some weeks. People write whenever they like.
REPORTED_WITHIN: Final = timedelta(days=45)
_REPORTS: Final = frozenset({_K.DELIVERED, _K.DELAYED, _K.BOUNCED})
#: What is worth a person's time although it names no mail of ours.
_FOR_PERSON: Final = frozenset({_K.BOUNCED, _K.COMPLAINT, _K.REPLY, _K.UNKNOWN})
_LEVELS: Final = tuple(DeliveredLevel)
_GRAVEST: Final = (_K.BOUNCED, _K.DELAYED, _K.DELIVERED)
_STATUS: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_NUL: Final = str.maketrans("", "", "\x00")


class Weight(StrEnum):
    """What a return counts for the address of its message."""

    HARD = "hard"
    SOFT = "soft"
    SUCCESS = "success"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows from one return."""

    standing: Standing
    reason: ReturnReason | None = None
    about: Known | None = None
    entry: Entry | None = None
    move: Move | None = None
    weight: Weight | None = None


def judge(
    return_id: int,
    one: Return,
    named: Sequence[Known],
    *,
    names_ours: bool,
    of_members: Collection[str],
    now: datetime,
    certain: bool = False,
) -> Verdict:
    """Judge a return.

    ``named``: the messages whose tokens it holds, the most trusted first. ``names_ours``: whether
    it holds anything of the form of a token. ``of_members``: which of the addresses that it names
    belong to members. ``certain``: a person has said which message it is about.
    """
    kind = one.reading.kind
    if not named:
        return _nameless(kind, names_ours=names_ours)
    known = named[0]
    if (why := _doubt(kind, known, named, now)) and not (certain and known.sent_at):
        standing = Standing.PERSON if why is ReturnReason.CONTRADICTORY else Standing.IGNORED
        return Verdict(standing=standing, reason=why, about=known)
    if known.state in (_S.CLAIMED, _S.SENDING):
        return Verdict(standing=Standing.WAITING, about=known)
    found, forwarded = _finding(one, known)
    others = forwarded and found.recipient and normal(found.recipient) in of_members
    if others and not certain:
        why = ReturnReason.OTHER_MEMBER
        return Verdict(standing=Standing.PERSON, reason=why, about=known)
    verdict = _proven(return_id, one, known, found, forwarded, now)
    return replace(verdict, standing=Standing.APPLIED, reason=None) if certain else verdict


def _nameless(kind: ReturnKind, *, names_ours: bool) -> Verdict:
    if names_ours:
        return Verdict(standing=Standing.IGNORED, reason=ReturnReason.UNKNOWN_MAIL)
    standing = Standing.PERSON if kind in _FOR_PERSON else Standing.IGNORED
    unread = kind is _K.UNKNOWN
    return Verdict(
        standing=standing, reason=ReturnReason.UNREADABLE if unread else ReturnReason.NO_PROOF
    )


def _doubt(
    kind: ReturnKind, known: Known, named: Sequence[Known], now: datetime
) -> ReturnReason | None:
    if known.sent_at is None:
        return ReturnReason.NEVER_SENT
    if kind not in _REPORTS:
        return None
    if now - known.sent_at > REPORTED_WITHIN:
        return ReturnReason.TOO_LATE
    # An answer may quote a whole thread; a report is about one mail.
    return ReturnReason.CONTRADICTORY if len(named) > 1 else None


def _finding(one: Return, known: Known) -> tuple[Finding, bool]:
    """What it says about the message's reader, and whether only of another address."""
    if one.reading.kind not in _REPORTS:  # who writes, and from where, is another matter
        first = one.reading.findings[0] if one.reading.findings else Finding(None, _K.UNKNOWN)
        return replace(first, recipient=known.address, kind=one.reading.kind), False
    found = one.reading.findings
    own = [f for f in found if known.address in _addresses(f)]
    own += [f for f in found if not f.recipient]
    if own:
        return own[0], False
    if not found:
        return Finding(recipient=None, kind=one.reading.kind), False
    order = {kind: n for n, kind in enumerate(_GRAVEST)}
    return min(found, key=lambda f: order.get(f.kind, len(order))), True


def _addresses(found: Finding) -> set[str]:
    return {normal(a) for a in (found.recipient, found.final_recipient) if a}


def _proven(
    return_id: int, one: Return, known: Known, found: Finding, forwarded: bool, now: datetime
) -> Verdict:
    kind = found.kind if one.reading.kind in _REPORTS else one.reading.kind
    weight = _weight(kind, found, known, forwarded=forwarded)
    entry = Entry(
        message_id=known.message_id,
        return_id=return_id,
        at=one.at or now,
        kind=kind,
        reason=found.reason,
        hard=found.hard,
        level=found.level,
        status=found.status if found.status and _STATUS.fullmatch(found.status) else None,
        code=found.code if found.code and 100 <= found.code <= 999 else None,
        forwarded=forwarded,
        email_index=known.email_index if weight not in (None, Weight.COMPLAINT) else None,
        sent_at=known.sent_at,
        reply=found.reply.translate(_NUL)[:1000],
    )
    unread = kind is _K.UNKNOWN
    return Verdict(
        standing=Standing.PERSON if unread else Standing.APPLIED,
        reason=ReturnReason.UNREADABLE if unread else None,
        about=known,
        entry=entry,
        move=_move(kind, found, known, one.delivered_from),
        weight=weight,
    )


def _weight(kind: ReturnKind, found: Finding, known: Known, *, forwarded: bool) -> Weight | None:
    """A message counts once against its address, and only if it went to the present one."""
    if known.to_staff or known.email_index is None or forwarded:
        return None
    assert known.sent_at is not None
    told = found.recipient is not None and kind is not _K.COMPLAINT
    if not told and (known.address_at is None or known.address_at > known.sent_at):
        return None  # it may have been another one then
    if kind is _K.COMPLAINT:  # that a signature failed is no member's wish
        return None if found.reason is BounceReason.AUTHENTICATION else Weight.COMPLAINT
    if kind is _K.DELIVERED:
        taken = found.level in (DeliveredLevel.NEXT_ACCEPTED, DeliveredLevel.MAILBOX)
        return Weight.SUCCESS if taken and known.state is not _S.BOUNCED else None
    if kind is not _K.BOUNCED or known.counted or found.reason is None:
        return None
    if found.hard and found.reason in HARD:
        return Weight.HARD
    return Weight.SOFT if not found.hard and found.reason in SOFT else None


_BY_LEVEL: Final[Mapping[DeliveredLevel, Reason]] = {
    DeliveredLevel.NEXT_ACCEPTED: Reason.TAKEN_BY_NEXT,
    DeliveredLevel.MAILBOX: Reason.REPORTED_DELIVERED,
}


def _move(
    kind: ReturnKind, found: Finding, known: Known, delivered_from: DeliveredLevel
) -> Move | None:
    message = known.message_id
    if kind is _K.BOUNCED:
        reason = Reason.BOUNCED_FOR_GOOD if found.hard else Reason.BOUNCED_FOR_NOW
        return Move(message_id=message, after=_S.BOUNCED, reason=reason)
    level = found.level
    if kind is _K.DELIVERED and level and _LEVELS.index(level) >= _LEVELS.index(delivered_from):
        reason = _BY_LEVEL.get(level, Reason.REPORTED_TAKEN)
        before = (_S.SENT, _S.UNCERTAIN)  # that a bounce was misread only a person can say
        return Move(message_id=message, after=_S.DELIVERED, reason=reason, only_from=before)
    if kind is _K.UNKNOWN:
        return None
    # Whatever comes back about a mail shows that the relay had it.
    return Move(
        message_id=message,
        after=_S.SENT,
        reason=Reason.REPORTED_TAKEN,
        only_from=(_S.UNCERTAIN,),
    )
