"""The judgement: the record and the receiver, side by side, message by message."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos.house import DOMAIN, House

#: Where a message can still move by itself.
_OPEN: Final = ("queued", "claimed", "sending")
_MOST_RESENDS: Final = 2  # by policy; then a person is asked

_MESSAGES = """
SELECT m.message_id, m.token, m.state, m.reason, m.notice, m.uncertain_policy AS policy,
    coalesce(l.resends, 0) AS resends, coalesce(l.uncertain, 0) AS uncertain,
    coalesce(l.settled, 0) AS settled, coalesce(a.hashes, '{}') AS hashes
FROM messages m LEFT JOIN (
    SELECT message_id, count(*) FILTER (WHERE reason = 'policy_resend') AS resends,
        count(*) FILTER (WHERE after = 'uncertain') AS uncertain,
        count(*) FILTER (WHERE before = 'uncertain' AND reason <> 'policy_resend') AS settled
    FROM log WHERE kind = 'move' AND 'uncertain' IN (before, after) GROUP BY message_id
) l USING (message_id) LEFT JOIN (
    SELECT message_id, array_agg(sha256) AS hashes FROM attempts GROUP BY message_id
) a USING (message_id)
WHERE m.channel = 'email' ORDER BY m.message_id
"""

# Each letter stands in one batch.
_LETTERS = """
SELECT m.token, m.state, count(b.batch_id) AS batches
FROM messages m LEFT JOIN pieces p USING (message_id)
    LEFT JOIN batches b ON b.batch_id = p.batch_id AND b.state <> 'cancelled'
WHERE m.channel = 'letter' GROUP BY m.message_id
"""

# A charge that is told in the message about another one stands among the facts of that.
_EVENTS = """
SELECT e.id, d.message_id IS NOT NULL AND (d.outcome IN ('send', 'hold')
    OR d.reason = 'told_together' AND EXISTS (
        SELECT FROM message_facts f WHERE f.message_id = d.message_id
          AND f.facts->'further' @> jsonb_build_array(jsonb_build_object('charge_id', e.id)))
    ) AS is_told
FROM events e LEFT JOIN decisions d USING (event_id)
"""

_BUSY = """
SELECT (SELECT count(*) FROM events WHERE decided_at IS NULL)
     + (SELECT count(*) FROM messages
        WHERE state IN ('queued', 'claimed', 'sending') AND channel = 'email')
     + (SELECT count(*) FROM messages m
        WHERE state = 'uncertain' AND uncertain_policy = 'resend' AND stopped IS NULL
          AND (SELECT count(*) FROM log l
               WHERE l.message_id = m.message_id AND l.reason = 'policy_resend') < :most)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as the record has it."""

    message_id: int
    token: str
    state: str
    policy: str
    resends: int  # by the policy of its notice
    uncertain: int  # how often it became uncertain
    settled: int  # how often it was known after all: a late reply, a journal
    hashes: frozenset[bytes]  # of what was archived for its attempts

    @property
    def name(self) -> str:
        """Its Message-ID."""
        return f"<{self.token}@{DOMAIN}>"

    @property
    def most_copies(self) -> int:
        """How often the receiver may have it.

        Each resend followed an attempt of which nobody knows; the last attempt counts by state.
        """
        return self.resends + (self.state in ("sent", "uncertain"))

    @property
    def is_open(self) -> bool:
        """Whether it can still move by itself."""
        again = self.policy == "resend" and self.resends < _MOST_RESENDS
        return self.state in _OPEN or (self.state == "uncertain" and again)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the run came to."""

    messages: int
    states: Mapping[str, int]  # totals over all states; their sum is ``messages``
    lost: list[str]  # what was accepted and is neither sent nor in a state that says why
    doubled: list[str]  # copies at the receiver that no resend explains, by Message-ID
    unproved: list[str]  # copies whose bytes are not those that were archived
    policy_resends: int
    policy_copies: int  # copies beyond the first, at the receiver because of them
    uncertain: int  # moves to uncertain, however they ended
    uncertain_settled: int  # of these: known after all
    suspects: list[int] = field(default_factory=list)  # message ids to look at

    def wrong(self, permits: int) -> list[str]:
        """What must not be; nothing if all is well."""
        found = [
            f"{name}: {len(given)} ({', '.join(given[:5])})"
            for name in ("lost", "doubled", "unproved")
            if (given := getattr(self, name))
        ]
        if self.uncertain > permits:
            found.append(f"uncertain: {self.uncertain}, with {permits} permits outstanding")
        if sum(self.states.values()) != self.messages:
            found.append(f"states: {sum(self.states.values())} of {self.messages} messages")
        return found


async def busy(house: House) -> int:
    """How much can still move by itself."""
    return await house.count(_BUSY, most=_MOST_RESENDS)


async def record(house: House) -> list[Message]:
    """All messages."""
    return [
        Message(
            message_id=r["message_id"],
            token=r["token"],
            state=r["state"],
            policy=r["policy"],
            resends=r["resends"],
            uncertain=r["uncertain"],
            settled=r["settled"],
            hashes=frozenset(bytes(h) for h in r["hashes"]),
        )
        for r in await house.rows(_MESSAGES)
    ]


async def letters(house: House) -> tuple[int, list[str]]:
    """How many letters are bound, and those that are in no batch, or in two."""
    found = await house.rows(_LETTERS)
    wrong = [
        f"letter {r['token']}: {r['state']}, in {r['batches']} batches"
        for r in found
        if r["state"] != "printed" or r["batches"] != 1
    ]
    return len(found), wrong


async def unanswered(house: House, accepted: Iterable[str]) -> list[str]:
    """Accepted events of which not one message tells."""
    made: Counter[str] = Counter()
    for r in await house.rows(_EVENTS):
        made[r["id"]] += bool(r["is_told"])
    return [f"event {event_id}" for event_id in accepted if made[event_id] != 1]


def judge(
    messages: Sequence[Message], copies: Mapping[str, Sequence[bytes]], missing: Sequence[str] = ()
) -> Verdict:
    """Judge messages by their copies at the receiver (Message-ID → hashes).

    ``missing``: events that were accepted and led to no message.
    """
    lost, doubled, unproved, suspects = [*missing], [], [], []
    known = {message.name for message in messages}
    doubled += [f"{name or 'no Message-ID'} is not ours" for name in copies.keys() - known]
    for message in messages:
        taken = copies.get(message.name, ())
        here = [message.name]
        gone = message.is_open or (message.state == "sent" and not taken)
        lost += here * gone
        doubled += here * max(0, len(taken) - message.most_copies)
        foreign = sum(one not in message.hashes for one in taken)
        unproved += here * foreign
        if gone or foreign or len(taken) > message.most_copies:
            suspects.append(message.message_id)
    return Verdict(
        messages=len(messages),
        states=Counter(message.state for message in messages),
        lost=lost,
        doubled=doubled,
        unproved=unproved,
        policy_resends=sum(message.resends for message in messages),
        policy_copies=sum(max(0, len(copies.get(m.name, ())) - 1) for m in messages if m.resends),
        uncertain=sum(message.uncertain for message in messages),
        uncertain_settled=sum(message.settled for message in messages),
        suspects=suspects,
    )


async def evidence(house: House, suspects: Sequence[int]) -> list[dict[str, Any]]:
    """Row, log and attempts of messages, for whoever looks into a fault of ours."""
    found = []
    for message_id in suspects[:20]:
        [row] = await house.rows("SELECT * FROM messages WHERE message_id = :id", id=message_id)
        log = "SELECT * FROM log WHERE message_id = :id ORDER BY position"
        tries = "SELECT * FROM attempts WHERE message_id = :id ORDER BY number"
        found.append(
            {
                "message": row,
                "log": await house.rows(log, id=message_id),
                "attempts": await house.rows(tries, id=message_id),
            }
        )
    return found
