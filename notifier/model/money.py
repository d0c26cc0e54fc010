"""Amounts in yen, each with the role it plays."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

#: The largest amount, of a line and of all of them together.
MOST_YEN: Final = 99_999_999
#: Whole yen. A string, a fraction, a negative or an absurd amount is refused, not repaired.
Yen = Annotated[int, Field(strict=True, ge=0, le=MOST_YEN)]


class AmountRole(StrEnum):
    """What an amount says; each role is checked against its own record."""

    DUE = "due"
    CORRECT = "correct"
    CHARGED_WRONGLY = "charged_wrongly"
    DIFFERENCE = "difference"
    REFUND = "refund"


class LineKind(StrEnum):
    """What a line of a charge is for."""

    PREMIUM = "premium"  # 保険料
    OPERATING_FEE = "operating_fee"  # 制度運営費
    OTHER = "other"


class ChargeLine(BaseModel):
    """One line of a charge."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: LineKind
    amount: Yen
    policy_no: Annotated[str, Field(max_length=40)] | None = None


class ChargeAmounts(BaseModel):
    """The lines of a charge and their sum, as billing states them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lines: Annotated[tuple[ChargeLine, ...], Field(min_length=1, max_length=50)]
    total: Yen

    def sum_of(self, *kinds: LineKind) -> int:
        """Yen over all lines of these kinds."""
        return sum(line.amount for line in self.lines if line.kind in kinds)

    @property
    def lines_total(self) -> int:
        """Yen over all lines, whatever ``total`` claims."""
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True)
class ShownAmount:
    """An amount as a reader is shown it; stored typed and searchable beside the bytes."""

    role: AmountRole
    name: str  # ``total``, ``premium``, ``operating_fee``, ``difference`` …
    yen: int
    charge: str = ""  # which of several charges that one message tells of; empty: its only one


def shown(role: AmountRole, amounts: ChargeAmounts) -> tuple[ShownAmount, ...]:
    """Premium, fees and total of a charge under one role."""
    other = amounts.sum_of(LineKind.OPERATING_FEE, LineKind.OTHER)
    rows: Iterable[tuple[str, int]] = (
        ("premium", amounts.sum_of(LineKind.PREMIUM)),
        ("other_fees", other),
        ("total", amounts.total),
    )
    return tuple(ShownAmount(role, name, yen) for name, yen in rows)
