"""A scheme as a TOML file: registered fees and brands, each from a day on."""

from collections.abc import Iterator, Sequence
from datetime import date, time
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from notifier.model.billing import Ident, Line, SchemeKey
from notifier.model.card_number import has_card_number
from notifier.model.characters import is_clean
from notifier.model.errors import BadInput, FieldError
from notifier.model.money import LineKind, Yen
from notifier.model.scheme import Brand, Contact, Fee, Scheme
from notifier.rendering.stationery import ENVELOPES
from notifier.rendering.text import japanese
from notifier.rendering.text.japanese import Open

from .addresses import parse_email
from .card_numbers import REFUSED
from .findings import first_of_each, translate
from .toml_file import read_toml

_Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
_Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=253)]
_Postcode = Annotated[str, StringConstraints(pattern=r"^([0-9]{7})?$")]
_Time = Annotated[str, StringConstraints(pattern=r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$")]
_Optional = Annotated[str, StringConstraints(max_length=200)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _FeeEntry(_Entry):
    kind: Annotated[LineKind, Field(strict=False)]
    yen: Yen
    valid_from: date
    valid_to: date | None = None


class _OpenEntry(_Entry):
    days: Line
    opens: _Time
    closes: _Time


class _ContactEntry(_Entry):
    name: Line
    phone: Line
    hours: _Optional = ""  # as they are printed, or:
    open: Annotated[list[_OpenEntry], Field(max_length=14)] = []
    closed: _Optional = ""  # days without service among these
    email: _Optional = ""
    postcode: _Postcode = ""
    address: _Optional = ""


class _BrandEntry(_Entry):
    valid_from: date
    association: Line
    insurer: Line
    sender_name: Line
    sender_address: Line
    reply_to: Line
    colour: _Colour
    agency: _ContactEntry
    desk: _ContactEntry
    login_url: Line
    guide_url: Line
    allowed_domains: Annotated[list[_Domain], Field(min_length=1, max_length=20)]
    signatory: Line
    footer: _Optional = ""
    envelope: _Optional = ""


class _SchemeEntry(_Entry):
    scheme: SchemeKey
    name: Line
    group_no: Ident
    fees: Annotated[list[_FeeEntry], Field(max_length=100)] = []
    brands: Annotated[list[_BrandEntry], Field(min_length=1, max_length=100)]


def read_scheme(data: bytes) -> Scheme:
    """The scheme of a TOML file in UTF-8. Raises :class:`BadInput` with all that is wrong."""
    found = read_toml(data)
    try:
        entry = _SchemeEntry.model_validate(found)
    except ValidationError as problem:
        raise BadInput(first_of_each(translate(problem))) from None
    errors = [*_check_texts(found, ""), *_check_fees(entry.fees), *_check_brands(entry.brands)]
    if errors:
        raise BadInput(first_of_each(errors))
    return _scheme(entry)


def _check_texts(value: Any, path: str) -> Iterator[FieldError]:
    if isinstance(value, str):
        if not is_clean(value):
            yield FieldError(path, "control_character")
        elif has_card_number(value):
            yield FieldError(path, REFUSED)
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _check_texts(part, f"{path}.{name}".lstrip("."))


def _check_fees(fees: Sequence[_FeeEntry]) -> Iterator[FieldError]:
    for place, fee in enumerate(fees):
        end = fee.valid_to or date.max
        if end < fee.valid_from:
            yield FieldError(f"fees.{place}.valid_to", "bad_order", {"after": str(fee.valid_from)})
        for other in fees[:place]:
            both = (other.valid_from, other.valid_to or date.max)
            if other.kind is fee.kind and fee.valid_from <= both[1] and both[0] <= end:
                yield FieldError(f"fees.{place}.valid_from", "overlaps")


def _check_brands(brands: Sequence[_BrandEntry]) -> Iterator[FieldError]:
    for place, brand in enumerate(brands):
        path = f"brands.{place}"
        if any(other.valid_from == brand.valid_from for other in brands[:place]):
            yield FieldError(f"{path}.valid_from", "given_twice")
        if brand.envelope and brand.envelope not in ENVELOPES:
            known = {"allowed": ", ".join(sorted(ENVELOPES))}
            yield FieldError(f"{path}.envelope", "not_allowed", known)
        yield from _check_mailboxes(brand, path)
        yield from _check_hours(brand.agency, f"{path}.agency")
        yield from _check_hours(brand.desk, f"{path}.desk")
        for name in ("login_url", "guide_url"):
            yield from _check_url(getattr(brand, name), brand.allowed_domains, f"{path}.{name}")


def _check_mailboxes(brand: _BrandEntry, path: str) -> Iterator[FieldError]:
    given = {
        "sender_address": brand.sender_address,
        "reply_to": brand.reply_to,
        "agency.email": brand.agency.email,
        "desk.email": brand.desk.email,
    }
    for name, address in given.items():
        try:
            if address:
                parse_email(address, field=f"{path}.{name}")
        except BadInput as problem:
            yield from problem.errors


def _check_hours(contact: _ContactEntry, path: str) -> Iterator[FieldError]:
    if contact.hours and contact.open:
        yield FieldError(f"{path}.hours", "given_twice")
    try:
        if not _hours(contact):
            yield FieldError(f"{path}.hours", "missing")
    except ValueError:
        yield FieldError(f"{path}.open", "bad_format")


def _hours(contact: _ContactEntry) -> str:
    spans = [Open(o.days, _time(o.opens), _time(o.closes)) for o in contact.open]
    return contact.hours or japanese.hours(spans, contact.closed)


def _time(text: str) -> time:
    hour, _, minute = text.partition(":")
    return time(int(hour), int(minute))


def _contact(entry: _ContactEntry) -> Contact:
    given = entry.model_dump(exclude={"open", "closed"})
    return Contact(**given | {"phone": japanese.phone(entry.phone), "hours": _hours(entry)})


def _check_url(url: str, domains: Sequence[str], path: str) -> Iterator[FieldError]:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme != "https" or not host or parts.username or not url.isascii() or " " in url:
        yield FieldError(path, "bad_url")
    elif not any(host == d or host.endswith(f".{d}") for d in domains):
        yield FieldError(path, "domain_not_allowed", {"allowed": ", ".join(domains)})


def _scheme(entry: _SchemeEntry) -> Scheme:
    return Scheme(
        scheme=entry.scheme,
        name=entry.name,
        group_no=entry.group_no,
        fees=tuple(Fee(**fee.model_dump()) for fee in entry.fees),
        brands=tuple(_brand(brand) for brand in entry.brands),
    )


def _brand(entry: _BrandEntry) -> Brand:
    return Brand(
        **{
            **entry.model_dump(),
            "sender_address": parse_email(entry.sender_address),
            "reply_to": parse_email(entry.reply_to),
            "agency": _contact(entry.agency),
            "desk": _contact(entry.desk),
            "allowed_domains": tuple(entry.allowed_domains),
        }
    )
