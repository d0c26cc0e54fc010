"""Several failed charges in one message: its facts and amounts, charge by charge. Pure.

The first charge stands in the fields of the notice itself, as if it were alone; those told with
it are records under :data:`FURTHER`. First notices are told together where their dates are the
same; reminders that fall on one day, each with its own deadline.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from notifier.model.message import Draft
from notifier.model.money import AmountRole, ShownAmount
from notifier.model.states import Channel

#: The field of the notice that holds further charges.
FURTHER: Final = "further"
#: The field that holds the total of all charges, if there are several.
SUM: Final = "sum"
#: What a message says of each charge; all else in its facts is said of all of them.
_DATES: Final = ("deadline", "recharge_on")
_OWN: Final = (
    "charge_id", "charged_on", "premium", "other_fees", "total", "category", "ask_card_company",
    "correction",
    *_DATES,
)  # fmt: skip
_STEP: Final = "step"  # of a further charge that would by itself be told under another
_AMOUNTS: Final = ("premium", "other_fees", "total")
#: More charges than this in one first message nobody reads through.
MOST: Final = 10

Facts = Mapping[str, Any]


def charges_of(facts: Facts) -> list[dict[str, Any]]:
    """The charges that a message tells of, the first one first, each with its dates."""
    first = {name: facts[name] for name in _OWN if name in facts}
    dates = {name: facts[name] for name in _DATES if name in facts}
    return [first, *({**dates, **one} for one in facts.get(FURTHER, ()))]


def told(charges: Sequence[Facts], like: Facts) -> dict[str, Any]:
    """The facts of a message about these charges; what is said of all of them is as in ``like``."""
    common = {n: value for n, value in like.items() if n not in (*_OWN, FURTHER, SUM)}
    first, *others = charges
    own = {n: value for n, value in first.items() if n != _STEP}
    return {**common, **own, **({FURTHER: others, SUM: _sum(charges)} if others else {})}


def _sum(charges: Sequence[Facts]) -> int:
    return sum(one["total"] for one in charges)


def shown_of(charges: Sequence[Facts]) -> tuple[ShownAmount, ...]:
    """The amounts of a message about these charges; of several each names its charge."""
    several = len(charges) > 1
    each = tuple(
        ShownAmount(AmountRole.DUE, name, one[name], one["charge_id"] if several else "")
        for one in charges
        for name in _AMOUNTS
    )
    return (*each, ShownAmount(AmountRole.DUE, SUM, _sum(charges))) if several else each


def fit(facts: Facts, other: Facts) -> bool:
    """Whether both are asked for by the same day, before the same charge."""
    return all(facts.get(name) == other.get(name) for name in _DATES)


def joined(facts: Facts, other: Facts) -> dict[str, Any] | None:
    """The facts with the charges of another first notice added; None: they do not fit."""
    charges = [*charges_of(facts), *charges_of(other)]
    if not fit(facts, other) or len(charges) > MOST:
        return None
    return told(charges, facts)


def without(facts: Facts, gone: Collection[str]) -> dict[str, Any] | None:
    """The facts with charges (by id) left out; None: none is left."""
    left = [one for one in charges_of(facts) if one["charge_id"] not in gone]
    return told(left, facts) if left else None


def step_of(facts: Facts, charge_id: str, step: str) -> str:
    """The step under which a message of a step would tell of one of its charges alone."""
    own = [one.get(_STEP) for one in charges_of(facts) if one["charge_id"] == charge_id]
    return next(filter(None, own), step)


def useful_until(facts: Facts) -> date:
    """The first of the deadlines in a message: after it some of what it asks for is over."""
    return min(date.fromisoformat(one["deadline"]) for one in charges_of(facts))


def as_one(drafts: Sequence[Draft]) -> Draft:
    """One message for several, each about charges of the same member; the first leads.

    It goes by mail if one of them must.
    """
    first, *others = drafts
    if not others:
        return first
    charges = [{**one, _STEP: d.step} for d in drafts for one in charges_of(d.facts)]
    by_mail = any(d.channel is Channel.EMAIL for d in drafts)
    facts = told(charges, first.facts)
    return replace(
        first,
        channel=Channel.EMAIL if by_mail else first.channel,
        facts=facts,
        shown=shown_of(charges),
        useful_until=useful_until(facts) if first.useful_until else None,
    )
