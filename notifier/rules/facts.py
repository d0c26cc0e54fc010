"""Amounts in the facts of a notice: their roles, and what speaks against them. Pure.

``notice.toml`` gives each amount its role; what the guard knows of a role for events holds for
facts that a person has written as well.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from notifier.model.errors import FieldError
from notifier.model.money import AmountRole, ChargeAmounts, ChargeLine, LineKind, ShownAmount
from notifier.model.notice import FieldSpec, FieldType
from notifier.model.reasons import Reason
from notifier.model.scheme import Scheme
from notifier.model.situation import ChargeRecord
from notifier.rules.guard import (
    Contradiction,
    check_charged,
    check_difference,
    check_due,
    check_refund,
)

#: Amounts that one message has shown under one charge: role, name, yen.
Shown = frozenset[tuple[AmountRole, str, int]]
_PREFIXES: Final = ("wrong_", "correct_")
#: What a role's record calls an amount of which there is one alone.
_ALONE: Final = {AmountRole.DIFFERENCE: "difference", AmountRole.REFUND: "refund"}
_CHARGE: Final = ("premium", "other_fees", "total")
#: The day on which the registered fees hold that an amount is compared with.
_DAYS: Final = ("charged_on", "renews_on")


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of the facts."""

    field: str
    role: AmountRole
    name: str  # as it is shown: ``premium``, ``other_fees``, ``total``, ``difference``, ``refund``
    yen: int


@dataclass(frozen=True, slots=True)
class FactAmounts:
    """All amounts of the facts of one notice and step."""

    amounts: tuple[Amount, ...]
    day: date | None  # of the charge

    @property
    def shown(self) -> tuple[ShownAmount, ...]:
        """The amounts as a reader is shown them."""
        return tuple(ShownAmount(a.role, a.name, a.yen) for a in self.amounts)

    def charge(self, role: AmountRole) -> ChargeAmounts | None:
        """Premium, fees and total under a role; None without all three."""
        found = {a.name: a.yen for a in self.amounts if a.role is role}
        if not found.keys() >= set(_CHARGE):
            return None
        lines = (
            ChargeLine(kind=LineKind.PREMIUM, amount=found["premium"]),
            ChargeLine(kind=LineKind.OPERATING_FEE, amount=found["other_fees"]),
        )
        return ChargeAmounts(lines=lines, total=found["total"])

    def one(self, role: AmountRole) -> Amount | None:
        """The only amount of a role."""
        return next((a for a in self.amounts if a.role is role), None)

    def field(self, role: AmountRole, name: str) -> str:
        """The field of an amount."""
        return next(a.field for a in self.amounts if (a.role, a.name) == (role, name))


def amounts_of(specs: Iterable[FieldSpec], facts: Mapping[str, Any]) -> FactAmounts:
    """The amounts in facts whose types have been checked."""
    found = [
        Amount(spec.name, spec.role, _name(spec), facts[spec.name])
        for spec in specs
        if spec.type is FieldType.YEN and spec.role and isinstance(facts.get(spec.name), int)
    ]
    day = next((date.fromisoformat(facts[name]) for name in _DAYS if facts.get(name)), None)
    return FactAmounts(tuple(found), day)


def unguarded(specs: Iterable[FieldSpec]) -> list[str]:
    """Amounts that nobody has given a role, or that stand in lists: the guard cannot hold them."""
    return [
        spec.name
        for spec in specs
        if (spec.type is FieldType.YEN and spec.role is None) or spec.type is FieldType.RECORDS
    ]


def _name(spec: FieldSpec) -> str:
    if spec.role in _ALONE:
        return _ALONE[spec.role]
    for prefix in _PREFIXES:
        if spec.name.startswith(prefix):
            return spec.name.removeprefix(prefix)
    return spec.name


def errors_within(given: FactAmounts) -> list[FieldError]:
    """What amounts say against each other, whoever is to read them; each error names its field."""
    errors = []
    for role in (AmountRole.DUE, AmountRole.CHARGED_WRONGLY, AmountRole.CORRECT):
        charge = given.charge(role)
        if charge is not None and charge.total != charge.lines_total:
            field = given.field(role, "total")
            sum_ = Contradiction(Reason.AMOUNT_SUM_WRONG, "total", charge.lines_total, charge.total)
            errors.append(_error(field, "sum_wrong", sum_))
    wrong, right = given.charge(AmountRole.CHARGED_WRONGLY), given.charge(AmountRole.CORRECT)
    difference, refund = given.one(AmountRole.DIFFERENCE), given.one(AmountRole.REFUND)
    if wrong and right and difference:
        found = check_difference(wrong, right, difference.yen)
        errors += [_error(difference.field, "difference_wrong", c) for c in found]
    if right and refund and not wrong:
        owed = check_refund(right.total, refund.yen)
        errors += [_error(refund.field, "refund_wrong", c) for c in owed]
    return errors


def _error(field: str, code: str, found: Contradiction) -> FieldError:
    told = {"expected": f"{found.expected:,}", "observed": f"{found.observed:,}"}
    return FieldError(f"facts.{field}", code, told)


def check_facts(
    given: FactAmounts, scheme: Scheme, charge: ChargeRecord | None, shown: Collection[Shown]
) -> list[Contradiction]:
    """Hold facts for one member against the record, role by role, as the guard does for events.

    ``charge``: what was submitted for the member on the day of the charge; ``shown``: what messages
    have shown to the member, each charge of each message by itself.
    """
    found: list[Contradiction] = []
    wrong, right = given.charge(AmountRole.CHARGED_WRONGLY), given.charge(AmountRole.CORRECT)
    for due in (given.charge(AmountRole.DUE), right):
        if due is not None:
            found += _check_due(given, scheme, due)
    if wrong is not None:
        found += _check_charged(charge, shown, wrong)
    difference, refund = given.one(AmountRole.DIFFERENCE), given.one(AmountRole.REFUND)
    if wrong and right and difference:
        found += check_difference(wrong, right, difference.yen)
    if refund is not None:
        owed = charge.refundable if charge else None
        found += check_refund(right.total if right else owed, refund.yen)
    return found


def _check_due(given: FactAmounts, scheme: Scheme, due: ChargeAmounts) -> list[Contradiction]:
    if given.day is None:
        return [Contradiction(Reason.CHARGE_NOT_ON_RECORD, "total", None, due.total)]
    return check_due(scheme, given.day, due)


def _check_charged(
    charge: ChargeRecord | None, shown: Collection[Shown], wrong: ChargeAmounts
) -> list[Contradiction]:
    if any(not check_charged(None, one, wrong) for one in shown):
        return []
    return check_charged(charge, frozenset(), wrong)
