"""What a scheme tells its members: the data of ``scheme.*`` events, version 1."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .billing import Ident, SchemeKey, Sentence
from .money import ChargeAmounts


class RenewalDue(BaseModel):
    """``scheme.renewal_due``: a member's policies end, and are renewed unless the member objects.

    One for each member, scheme and end; a correction supersedes it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    member_no: Ident
    scheme: SchemeKey
    policies: Annotated[tuple[Ident, ...], Field(min_length=1, max_length=20)]
    ends_on: date  # last day of the present term
    renews_until: date  # last day of the next term
    amounts: ChargeAmounts  # what the next term costs
    first_charge_on: date | None = None
    reply_by: date | None = None  # None: by the cut-off of the notice
    changes: Sentence | None = None  # what is new in the next term, as settled by staff

    @property
    def renewal(self) -> str:
        """What makes it one matter of a member."""
        return f"{self.scheme}:{self.ends_on.isoformat()}"
