"""Facts that no event has told, as a mailing has them: weighed by the guard like an event's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.decision import Hold, Send
from notifier.model.message import Draft
from notifier.model.money import AmountRole
from notifier.model.situation import ChargeRecord, Situation
from notifier.rules.facts import FactAmounts, Shown, amounts_of, check_facts
from notifier.rules.rules.outcomes import weigh
from notifier.store import charges, history


@dataclass(frozen=True, slots=True)
class Record:
    """What is on record to hold amounts against, by member id."""

    charges: Mapping[int, ChargeRecord]
    shown: Mapping[int, Sequence[Shown]]


async def record_of(
    conn: AsyncConnection, given: FactAmounts, scheme: str, member_ids: Sequence[int]
) -> Record:
    """What was charged and shown to members, as far as amounts of these facts ask for it."""
    if given.one(AmountRole.CHARGED_WRONGLY) is None or given.day is None:
        return Record({}, {})
    said = await history.shown_to(conn, member_ids, scheme)
    shown = {
        member_id: [frozenset((AmountRole(r), name, yen) for r, name, yen in one) for one in told]
        for member_id, told in said.items()
    }
    return Record(await charges.submitted_on(conn, member_ids, given.day), shown)


def weigh_facts(situation: Situation, draft: Draft, record: Record) -> Send | Hold:
    """Weigh a draft whose facts no event has told: its amounts are held against the record."""
    assert situation.scheme is not None
    given = amounts_of(situation.notices[draft.notice].fields_for(draft.step), draft.facts)
    member_id = situation.member.member_id
    found = check_facts(
        given,
        situation.scheme,
        record.charges.get(member_id),
        record.shown.get(member_id, ()),
    )
    return weigh(situation, replace(draft, shown=given.shown), found)
