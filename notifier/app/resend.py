"""Sending again: a copy of a message for a reader who did not get it, or needs it once more.

A copy says what the first one said, under a key of its own, linked with it, with the reason and
whoever asked. Each request makes one copy, however often it is made. What is still on its way,
or may have arrived, is not sent again by mistake: the answer says what to do instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.app.fallback import Left, left_of, whole
from notifier.app.new_messages import message_row
from notifier.app.release import outcome_now
from notifier.app.rule_context import RuleContext as House
from notifier.model.actor import Actor
from notifier.model.correspondence import MAILED_ON
from notifier.model.decision import Hold
from notifier.model.errors import BadInput, FieldError, NotFound
from notifier.model.fallback import Fallback
from notifier.model.member import Member, MemberStatus, PostalAddress
from notifier.model.message import Draft, public_number
from notifier.model.notice import Lane, requests_of
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.rendering.fact_errors import text_errors
from notifier.rules.calendar import business_day, end_of, japan_date
from notifier.rules.open_days import arrival
from notifier.rules.plan import earliest
from notifier.store import fallbacks, members, messages, recipients, resends, suppressions
from notifier.store.resends import Resend

_MOST_WORDS: Final = 500
_S = State
#: Where a message is on its way: whether it arrives is not decided yet.
_UNDER_WAY: Final = frozenset(
    {_S.QUEUED, _S.CLAIMED, _S.SENDING, _S.PRINTED, _S.HANDED_OVER, _S.HELD}
)
#: Where its reader has it, as far as is known.
_THERE: Final = frozenset({_S.SENT, _S.DELIVERED, _S.POSTED})
#: What nobody wanted to have sent any more.
_STOPPED: Final = frozenset({_S.CANCELLED, _S.EXPIRED})
#: What the same message can be sent by once more.
_RETRIED: Final = frozenset({_S.FAILED, _S.SUPPRESSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asks for."""

    message_id: int
    reason: str
    channel: Channel | None = None  # None: as the first time
    again: bool = False  # although the reader has it, as far as is known
    anyway: bool = False  # although its matter has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """A copy."""

    message_id: int
    channel: Channel
    lane: Lane
    made: bool  # False: the same request had made it before


async def resend(
    engine: AsyncEngine, acceptor: Acceptor, request: Request, *, actor: Actor, now: datetime
) -> Resent:
    """Make a copy of a message, or find the one that the same request has made before.

    Raises :class:`NotFound`, and :class:`BadInput` with what speaks against it and what to do.
    """
    if errors := list(text_errors("reason", request.reason, _MOST_WORDS)):
        raise BadInput(errors)
    async with engine.begin() as conn:
        await resends.lock_reader(conn, request.message_id)
        house = await acceptor.house(conn)
        requests = requests_of(house.notices)
        first = await fallbacks.told_by(conn, request.message_id, requests=requests)
        if first is None:
            raise NotFound("message", public_number(request.message_id))
        return await _Resending(conn, request, first, house, actor, now).run()


class _Resending:
    """One request, in its transaction."""

    def __init__(
        self,
        conn: AsyncConnection,
        request: Request,
        first: fallbacks.ToldMessage,
        house: House,
        actor: Actor,
        now: datetime,
    ) -> None:
        self._conn, self._request, self._first, self._house = conn, request, first, house
        self._actor, self._now = actor, now
        self._channel = request.channel or Channel(first.channel)

    async def run(self) -> Resent:
        notice = self._notice()
        related = await resends.related(self._conn, self._request.message_id)
        if earlier := self._same_request(related):
            return Resent(message_id=earlier, channel=self._channel, lane=notice.lane, made=False)
        self._check_state(related)
        left = self._left()
        address = await self._reachable()
        left = self._in_time(left, address)
        await self._check_amounts()
        made = await self._store(left)
        return Resent(message_id=made, channel=self._channel, lane=notice.lane, made=True)

    def _notice(self) -> Any:
        notice = self._house.notices.get(self._first.notice)
        if notice is None or self._first.staff_id is not None:
            raise _refused("message", "resend_staff")
        to_member = self._first.member_id is not None
        channels = notice.channels if to_member else (Channel.LETTER,)
        if self._channel not in channels:
            raise _refused("channel", "not_one_of", allowed=", ".join(channels))
        return notice

    def _same_request(self, related: Sequence[resends.RelatedMessage]) -> int | None:
        """The copy that this very request has made: same message, channel and reason."""
        wanted = (self._request.message_id, self._channel, self._request.reason)
        return next(
            (r.message_id for r in related if (r.resend_of, r.channel, r.reason) == wanted),
            None,
        )

    def _check_state(self, related: Sequence[resends.RelatedMessage]) -> None:
        """That nothing of the kind is on its way, or there, unless a person knows better."""
        state, number = State(self._first.state), public_number(self._request.message_id)
        if state in _RETRIED and self._channel == self._first.channel:
            raise _refused("message", "resend_retry", number=number)
        standing = [(number, state)] + [(public_number(r.message_id), r.state) for r in related]
        for named, stands in standing:
            if stands is State.HELD:
                raise _refused("message", "resend_held", number=named)
            if stands in _UNDER_WAY:
                raise _refused("message", "resend_under_way", number=named)
            if stands is State.UNCERTAIN:
                raise _refused("message", "resend_uncertain", number=named)
        for named, stands in standing:
            if stands in _THERE and not self._request.again:
                raise _refused("message", "resend_has_it", number=named)

    def _left(self) -> Left:
        """What of it is still to be said; all of it, where a person wants it anyway."""
        first, anyway = self._first, self._request.anyway
        if anyway:
            left = left_of(first, self._house.notices)
            return whole(first) if isinstance(left, Fallback) else left
        if first.state in _STOPPED:
            raise _refused("message", "resend_stopped", reason=first.reason)
        if first.stopped not in (None, Reason.LETTER_FOLLOWS):
            raise _refused("message", "resend_ended")
        left = left_of(first, self._house.notices)
        if isinstance(left, Fallback):
            overtaken = left is Fallback.OVERTAKEN
            raise _refused("message", "resend_overtaken" if overtaken else "resend_ended")
        return left

    async def _reachable(self) -> PostalAddress | None:
        """The address of a letter. Nobody is written to who cannot be reached."""
        member_id = self._first.member_id
        if member_id is None:
            assert self._first.case_id is not None  # as every reader who is no member
            return await recipients.address_of(self._conn, self._first.case_id)
        member = (await members.by_id(self._conn, [member_id]))[member_id]
        if member.status is MemberStatus.LEFT and not self._request.anyway:
            raise _refused("message", "resend_member_left")
        if self._channel.rules.paper:
            if member.address is None:
                raise _refused("channel", "resend_no_address")
            return member.address
        await self._check_mailbox(member)
        return None

    async def _check_mailbox(self, member: Member) -> None:
        if not member.email:
            raise _refused("channel", "resend_no_email")
        stopped = await suppressions.of_members(self._conn, [member.member_id], now=self._now)
        if stopped:
            raise _refused("channel", "resend_suppressed")

    def _in_time(self, left: Left, address: PostalAddress | None) -> Left:
        """That its reader can still act on it; otherwise it has no last day, if wanted anyway."""
        if left.useful_until is None:
            return left
        there = japan_date(self._now)
        if address is not None:
            is_open = self._house.closures.of(self._first.scheme or "")
            there = arrival(self._now, address, self._house.press, is_open)
        if there <= left.useful_until:
            return left
        if not self._request.anyway:
            days = {"arrives": there.isoformat(), "until": left.useful_until.isoformat()}
            raise _refused("message", "resend_too_late", **days)
        return replace(left, useful_until=None)

    async def _check_amounts(self) -> None:
        """No amount that contradicts the record goes out once more, whatever a person wants."""
        outcome, _ = await outcome_now(self._conn, self._first, self._house, now=self._now)
        if isinstance(outcome, Hold) and "contradictions" in outcome.details:
            raise _refused("message", "resend_contradicts")
        if isinstance(outcome, Hold) and outcome.reason is Reason.NO_BRAND:
            raise _refused("message", "no_brand")

    async def _store(self, left: Left) -> int:
        first, request = self._first, self._request
        row = {
            **self._row(left),
            "copy": await resends.next_copy(self._conn, left.case_id, first.notice),
            "reason": Reason.RESENT,
        }
        made = await messages.insert(self._conn, [row], actor=self._actor, now=self._now)
        asked = Resend(
            resend_of=first.message_id,
            reason=request.reason,
            again=request.again,
            anyway=request.anyway,
        )
        await resends.add(self._conn, made[0], asked, actor=self._actor, now=self._now)
        return made[0]

    def _row(self, left: Left) -> dict[str, Any]:
        first, notice = self._first, self._house.notices[self._first.notice]
        at_once = self._channel.rules.paper or left.step in notice.any_time
        calendar = self._house.calendar(first.scheme or "")
        draft = Draft(
            notice=first.notice,
            step=left.step,
            scheme=first.scheme,
            channel=self._channel,
            generation=left.generation,
            facts=self._facts(left),
            shown=left.shown,
            not_before=None if at_once else earliest(self._now, calendar),
            useful_until=left.useful_until,
        )
        row = message_row(
            draft,
            notice,
            case_id=left.case_id,
            member_id=first.member_id,
            language=first.language,
            held=None,
            now=self._now,
        )
        if self._channel.rules.paper:  # it is of use until it has been collected
            is_open = self._house.closures.of(first.scheme or "")
            collected = end_of(business_day(self._now, self._house.press.cut_off, is_open))
            row["expires_at"] = max(row["expires_at"], collected)
        return row

    def _facts(self, left: Left) -> dict[str, Any]:
        """A letter that follows a mail says on which day that was written."""
        facts = {name: value for name, value in left.facts.items() if name != MAILED_ON}
        first = self._first
        if self._channel is Channel.EMAIL:
            return facts
        if first.channel == Channel.LETTER:
            return dict(left.facts)
        if first.tried_at is None:
            return facts
        return {**facts, MAILED_ON: japan_date(first.tried_at).isoformat()}


def _refused(field: str, code: str, **params: object) -> BadInput:
    return BadInput([FieldError(field, code, params)])
