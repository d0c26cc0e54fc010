"""What the member register tells us: the data of ``member.*`` events, version 1."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from .billing import Ident, Line, SchemeKey
from .states import Channel

_BLANK_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
OptionalLine = Annotated[str, StringConstraints(max_length=200, pattern=_BLANK_LINE)]


class AddressData(BaseModel):
    """A postal address as events carry it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    postcode: Annotated[str, StringConstraints(pattern=r"^[0-9]{7}$")]
    prefecture: Line
    city: Line
    street: Line
    building: OptionalLine = ""


class EnrolmentData(BaseModel):
    """One scheme and its policies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scheme: SchemeKey
    policies: Annotated[tuple[Ident, ...], Field(min_length=1, max_length=20)]


class MemberUpdated(BaseModel):
    """``member.updated``: the whole of a member as it now is; unknown numbers are new members."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    member_no: Ident
    name: Line
    kana: OptionalLine = ""
    email: OptionalLine = ""
    phone: OptionalLine = ""
    address: AddressData | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] = "ja"
    channel: Channel | None = None
    enrolments: Annotated[tuple[EnrolmentData, ...], Field(max_length=50)] = ()


class MemberLeft(BaseModel):
    """``member.left``: the member has left; unsent requests to pay are cancelled.

    What is owed to the person (an apology, a refund) still goes out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    member_no: Ident
    left_on: date
