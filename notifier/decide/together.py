"""Several failed charges in one message: its facts and amounts, charge by charge. Pure.

The first charge stands in the fields of the notice itself, as if it were alone; those told with
it are records under :data:`FURTHER`. What they have in common (deadline, day of the re-charge)
stands once: only such charges are told together.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from notifier.model.money import AmountRole, ShownAmount

#: The field of the notice that holds further charges.
FURTHER: Final = "further"
#: What a message says of each charge; all else in its facts is said of all of them.
_OWN: Final = (
    "charge_id", "charged_on", "premium", "other_fees", "total", "category", "ask_card_company",
)  # fmt: skip
_COMMON: Final = ("deadline", "recharge_on")
_AMOUNTS: Final = ("premium", "other_fees", "total")
#: More charges than this in one message nobody reads through.
MOST: Final = 10

Facts = Mapping[str, Any]


def charges_of(facts: Facts) -> list[Facts]:
    """The charges that a message tells of, the first one first."""
    first = {name: facts[name] for name in _OWN if name in facts}
    return [first, *facts.get(FURTHER, ())]


def told(charges: Sequence[Facts], like: Facts) -> dict[str, Any]:
    """The facts of a message about these charges; what they have in common is as in ``like``."""
    common = {name: value for name, value in like.items() if name not in (*_OWN, FURTHER)}
    first, *others = charges
    return {**common, **first, **({FURTHER: others} if others else {})}


def shown_of(charges: Sequence[Facts]) -> tuple[ShownAmount, ...]:
    """The amounts of a message about these charges; of several each names its charge."""
    several = len(charges) > 1
    return tuple(
        ShownAmount(AmountRole.DUE, name, one[name], one["charge_id"] if several else "")
        for one in charges
        for name in _AMOUNTS
    )


def fit(facts: Facts, other: Facts) -> bool:
    """Whether one message can ask for both: by the same day, before the same charge."""
    return all(facts.get(name) == other.get(name) for name in _COMMON)


def joined(facts: Facts, other: Facts) -> dict[str, Any] | None:
    """The facts with the charges of another message added; None: they do not fit."""
    charges = [*charges_of(facts), *charges_of(other)]
    if not fit(facts, other) or len(charges) > MOST:
        return None
    return told(charges, facts)


def without(facts: Facts, gone: Collection[str]) -> dict[str, Any] | None:
    """The facts with charges (by id) left out; None: none is left."""
    left = [one for one in charges_of(facts) if one["charge_id"] not in gone]
    return told(left, facts) if left else None
