"""What the writer needs to put one message into words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from .member import PostalAddress
from .scheme import Brand

_JAPAN: Final = ZoneInfo("Asia/Tokyo")
#: In the facts of a letter that takes the place of a mail: the day on which that was written.
MAILED_ON: Final = "mailed_on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """The reader as addressed on the message."""

    name: str
    honorific: str = "様"  # 様, 殿; 御中 if the name is that of an organisation
    organisation: str = ""  # where a person with an office (役職) is written to
    role: str = ""  # the office, before the name
    member_no: str = ""
    email: str = ""
    address: PostalAddress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondence:
    """One message before it is written.

    ``facts`` holds JSON values (dates as ISO strings, amounts as whole yen); the notice's
    ``notice.toml`` says which there are and of what type.
    """

    number: str  # the message's public number, printed on it
    notice: str
    step: str
    language: str
    written_at: datetime  # aware; its date in Japan is the date of issue
    recipient: Recipient
    scheme_name: str
    group_no: str
    policies: tuple[str, ...]
    brand: Brand
    facts: Mapping[str, Any] = field(default_factory=dict)
    scheme: str = ""  # the key; empty on what is no scheme's

    @property
    def issued_on(self) -> date:
        """The date of issue, in Japan."""
        return self.written_at.astimezone(_JAPAN).date()
