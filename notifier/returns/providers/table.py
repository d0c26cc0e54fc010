"""A provider's words for what became of a mail, and ours; one table for each provider."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from notifier.model.tracking import BounceReason, DeliveredLevel, Finding, ReturnKind
from notifier.returns.reading import replies, why, words

from . import table_file

_REPLY = 1_000  # characters
_GIVEN_UP = frozenset({ReturnKind.BOUNCED, ReturnKind.DELAYED})


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word says about a failure; None: the server's own reply says it."""

    reason: BounceReason | None = None
    hard: bool | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The words of one provider."""

    ignored: frozenset[str]  # they say nothing about arrival
    events: Mapping[str, ReturnKind]
    reasons: Mapping[str, Meaning]

    def kind_of(self, event: str) -> ReturnKind | None:
        """What an event is; None: it says nothing about arrival. A new word is for a person."""
        return None if event in self.ignored else self.events.get(event, ReturnKind.UNKNOWN)

    def finding(
        self, kind: ReturnKind, recipient: object, word: str, *, status: object, reply: object
    ) -> Finding:
        """What an event says about one recipient. Whatever is no text is left out."""
        said = words.flat(reply, _REPLY) if isinstance(reply, str) else ""
        enhanced = replies.enhanced_or_success(status) if isinstance(status, str) else None
        enhanced = enhanced or replies.enhanced_or_success(said)
        code = replies.code_of(said)
        reason, hard = None, None
        if kind in _GIVEN_UP:
            given = why.Evidence(texts=(said,), status=enhanced, code=code)
            meaning = self.reasons.get(word, Meaning())
            reason = meaning.reason or why.reason_of(given)
            hard = why.is_hard(reason, given) if meaning.hard is None else meaning.hard
        return Finding(
            recipient=recipient if isinstance(recipient, str) and recipient else None,
            kind=kind,
            reason=reason,
            hard=hard,
            status=enhanced,
            code=code,
            reply=said,
            # The destination's server has it; whether the mailbox does, no provider says.
            level=DeliveredLevel.NEXT_ACCEPTED if kind is ReturnKind.DELIVERED else None,
        )


@cache
def table(provider: str) -> Table:
    """The table of a provider."""
    found = tomllib.loads(table_file(provider).read_text("utf-8"))
    return Table(
        ignored=frozenset(found["ignored"]),
        events={word: ReturnKind(kind) for word, kind in found["events"].items()},
        reasons={
            word: Meaning(BounceReason(m["reason"]) if "reason" in m else None, m.get("hard"))
            for word, m in found["reasons"].items()
        },
    )
