"""What the member register tells us: the data of ``member.*`` events, version 1."""

from datetime import date
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from .billing import Ident, Line, SchemeKey
from .characters import is_blank
from .honorific import contradicts, written_with
from .linking import links_in
from .states import Channel

_BLANK_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
OptionalLine = Annotated[str, StringConstraints(max_length=200, pattern=_BLANK_LINE)]


def _seen(text: str) -> str:
    if is_blank(text):
        raise PydanticCustomError("blank", "nobody would see anything of it")
    return text


def _linkless(text: str) -> str:
    if links_in(text):
        raise PydanticCustomError("looks_like_link", "a mail program would make a link of it")
    return text


def _bare(name: str) -> str:
    if written_with(name):
        raise PydanticCustomError("honorific_in_name", "the name ends in an honorific")
    return name


#: Text that stands in mails as it is, where nothing of it may become a link.
Text = Annotated[Line, AfterValidator(_seen), AfterValidator(_linkless)]
OptionalText = Annotated[OptionalLine, AfterValidator(_linkless)]
Number = Annotated[Ident, AfterValidator(_linkless)]
Name = Annotated[Text, AfterValidator(_bare)]


class AddressData(BaseModel):
    """A postal address as events carry it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    postcode: Annotated[str, StringConstraints(pattern=r"^[0-9]{7}$")]
    prefecture: Text
    city: Text
    street: Text
    building: OptionalText = ""


class EnrolmentData(BaseModel):
    """One scheme and its policies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scheme: SchemeKey
    policies: Annotated[tuple[Number, ...], Field(min_length=1, max_length=20)]


class MemberUpdated(BaseModel):
    """``member.updated``: the whole of a member as it now is; unknown numbers are new members.

    ``organisation`` says whether the member is one (null: nobody has said), ``honorific`` what
    stands behind the name; empty leaves it to the member's kind: 様, for an organisation 御中.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    member_no: Number
    name: Name
    kana: OptionalText = ""
    organisation: bool | None = None
    honorific: Literal["", "様", "御中", "殿", "先生"] = ""
    email: OptionalLine = ""
    phone: OptionalLine = ""
    address: AddressData | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] = "ja"
    channel: Channel | None = None
    enrolments: Annotated[tuple[EnrolmentData, ...], Field(max_length=50)] = ()

    @field_validator("honorific")
    @classmethod
    def _fits(cls, honorific: str, info: ValidationInfo) -> str:
        if contradicts(honorific, info.data.get("organisation")):
            raise PydanticCustomError("honorific_contradicts", "it is not that of such a member")
        return honorific


class MemberLeft(BaseModel):
    """``member.left``: the member has left; unsent requests to pay are cancelled.

    What is owed to the person (an apology, a refund) still goes out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    member_no: Ident
    left_on: date
