"""Transitions: every change of a message's state, as parts of the statements that make it.

A statement that moves messages is composed from a :class:`Transition`, which renders the update
together with its entry in the log. Whoever makes one names all its pairs of states, and a pair
that the table in :mod:`notifier.model.states` does not have raises when the module is imported.
No other text in the program sets a message's state (a test reads them all).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from notifier.model.states import INITIAL, Channel, IllegalMove, State, check_move

Moves = Mapping[State, Collection[State]]

_MAIL: Final = (Channel.EMAIL,)
#: States in which a worker has a lease; it ends with a move out of them.
_LEASED: Final = frozenset({State.CLAIMED, State.SENDING})
_RELEASE: Final = ", worker_id = NULL, lease_until = NULL"


def logged(
    moved: str = "moved", *, kind: str = "move", attempt: str = "", reason: str = "reason"
) -> str:
    """The entry in the log of each message of ``moved``, as a part named ``logged``.

    ``attempt``: the part with the attempt (attempt_id) of each message, where there is one.
    """
    attempt_id = "attempt_id, " if attempt else ""
    join = f" JOIN {attempt} USING (message_id)" if attempt not in ("", moved) else ""
    return f"""logged AS (
    INSERT INTO log (at, kind, actor, message_id, case_id, {attempt_id}before, after, reason)
    SELECT :now, '{kind}', :actor, message_id, case_id, {attempt_id}before, after, {reason}
    FROM {moved}{join}
)"""


class Transition:
    """One change of state: where from, where to, and the parts of a statement that make it.

    ``moves``: each state that a message may be in → where it goes from there. With several ends
    for one state ``after`` names the column that says which. A message that stays where it is
    (in an amendment) needs no line in the table. None: whatever the table has; the caller's rows
    say from where. Raises :class:`~notifier.model.states.IllegalMove`.
    """

    def __init__(
        self,
        moves: Moves | None,
        *,
        channels: Iterable[Channel] = _MAIL,
        name: str = "moved",
        after: str | None = None,
        reason: str = ":reason",
        kind: str = "move",
        logged_reason: str = "reason",
    ) -> None:
        self._logged_reason = logged_reason
        self._channels = tuple(channels)
        self._anywhere = moves is None
        self._ends = {b: frozenset(e) for b, e in (moves or self._table()).items()}
        self._name, self._after, self._reason, self._kind = name, after, reason, kind
        for before, ends in self._ends.items():
            if len(ends) != 1 and after is None:
                raise ValueError(f"{before}: say which column holds the state that follows")
            for end in ends:
                self.check(before, end)

    def _table(self) -> Moves:
        listed = [channel.rules.moves for channel in self._channels]
        return {s: frozenset().union(*(moves.get(s, ()) for moves in listed)) for s in State}

    def check(self, before: State, after: State) -> None:
        """Raise IllegalMove unless a message may move so, on every channel that has the state."""
        known = [c for c in self._channels if before in c.rules.moves] or self._channels
        if after not in self._ends.get(before, ()):
            raise IllegalMove(known[0], before, after)
        for channel in () if before is after or self._anywhere else known:
            check_move(channel, before, after)

    def where(self, column: str = "m.state") -> str:
        """The condition that a message is in one of the states from which this leads.

        It is empty for a transition from anywhere.
        """
        if self._anywhere:
            return ""
        listed = ", ".join(f"'{s}'" for s in self._ends)
        return f"{column} IN ({listed})" if len(self._ends) > 1 else f"{column} = {listed}"

    def locked(
        self,
        where: str = "",
        *,
        source: str = "messages m",
        columns: str = "",
        limit: bool = False,
        skip: bool = False,
    ) -> str:
        """The messages that move, held in the order of their ids, as a part named ``old``.

        ``skip``: those that somebody else holds are left out; ``limit``: at most ``:limit``.
        """
        more = f", {columns}" if columns else ""
        tail = " LIMIT :limit" * limit + " FOR UPDATE OF m" + " SKIP LOCKED" * skip
        return f"""old AS (
    SELECT m.message_id, m.case_id, m.state{more}
    FROM {source}
    WHERE {" AND ".join(filter(None, (where, self.where())))}
    ORDER BY m.message_id{tail}
)"""

    def moved(
        self,
        source: str = "old",
        where: str = "m.message_id = old.message_id",
        *,
        retry_at: str = "",
        also: str = "",
        returning: str = "",
    ) -> str:
        """The update, as a part of the transition's name.

        It gives message_id, case_id, before, after, reason, and what ``returning`` adds. Where
        the messages were not locked before, ``where`` has to hold the state, too. ``retry_at``:
        the column with the time of the next attempt, where there is one.
        """
        more = f", next_attempt_at = coalesce({retry_at}, m.next_attempt_at)" if retry_at else ""
        more += f", {also}" if also else ""
        given = f", {returning}" if returning else ""
        return f"""{self._name} AS (
    UPDATE messages m SET state = {self.end}, reason = {self._reason}, updated_at = :now{more}{
            self._released
        }
    FROM {source} WHERE {where}
    RETURNING m.message_id, m.case_id, {self._start} AS before, m.state AS after, m.reason{given}
)"""

    def logged(self, *, attempt: str = "") -> str:
        """The entry in the log, as a part named ``logged``."""
        return logged(self._name, kind=self._kind, attempt=attempt, reason=self._logged_reason)

    def sweep(
        self,
        where: str,
        *,
        columns: str = "",
        also: str = "",
        answer: str = "message_id",
        limit: bool = True,
    ) -> str:
        """A whole statement: lock what there is (with ``limit``: what is free), move, log, tell."""
        returning = ", ".join(f"m.{c}" for c in answer.split(", ") if c not in _GIVEN)
        return f"""
WITH {self.locked(where, columns=columns, limit=limit, skip=limit)},
{self.moved(also=also, returning=returning)},
{self.logged()}
SELECT {answer} FROM moved ORDER BY message_id
"""

    @property
    def end(self) -> str:
        """The state that follows, as SQL."""
        if self._after:
            return self._after
        ends = {before: end for before, (end,) in self._ends.items()}
        if len(set(ends.values())) == 1:
            return f"'{next(iter(ends.values()))}'"
        cases = " ".join(f"WHEN '{before}' THEN '{end}'" for before, end in ends.items())
        return f"CASE old.state {cases} END"

    @property
    def _start(self) -> str:
        return f"'{next(iter(self._ends))}'" if len(self._ends) == 1 else "old.state"

    @property
    def _released(self) -> str:
        leaves = any(
            before in _LEASED and end not in _LEASED
            for before, ends in self._ends.items()
            for end in ends
        )
        return _RELEASE if leaves else ""


_GIVEN: Final = ("message_id", "case_id", "before", "after", "reason")


def creation(columns: str, source: str) -> str:
    """New messages from the rows of ``source``, and their entries in the log.

    ``columns``: those that are stored as they are given. The rows also have state, reason, and
    ``suppressed``: whether the message is so from the start. Parts: ``made`` and ``logged``.
    """
    return f"""made AS (
    INSERT INTO messages ({columns}, state, reason, created_at, updated_at)
    SELECT {columns}, CASE WHEN suppressed THEN '{State.SUPPRESSED}' ELSE state END,
        CASE WHEN suppressed THEN :suppressed ELSE reason END, :now, :now
    FROM {source}
    RETURNING message_id, token, case_id, task_id, state, reason
), logged AS (
    INSERT INTO log (at, kind, actor, message_id, case_id, task_id, after, reason)
    SELECT :now, 'move', :actor, message_id, case_id, task_id, state, reason FROM made
)"""


def check_initial(state: State) -> None:
    """Raise ValueError for a state in which no message comes to be."""
    if state not in INITIAL:
        raise ValueError(f"no message comes to be {state}")
