"""What templates and letters may see of a message."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from notifier.model.correspondence import MAILED_ON, Correspondence, Recipient
from notifier.model.linking import links_in
from notifier.model.notice import Notice
from notifier.model.scheme import Brand
from notifier.model.states import Channel
from notifier.rendering.errors import WriteError
from notifier.rendering.facts import check_line, day_of, typed
from notifier.rendering.text import japanese
from notifier.rendering.text.forms import forms_of
from notifier.rendering.text.links import check_url

JAPAN: Final = ZoneInfo("Asia/Tokyo")
#: Names that templates find in every message; no field of a notice may take one.
RESERVED: Final = frozenset(
    {
        "channel",
        "step",
        "number",
        "issued_on",
        MAILED_ON,
        "recipient",
        "scheme_name",
        "group_no",
        "policies",
        "brand",
    }
)
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
#: The luminance on which white and black are equally easy to read: √(1.05 × 0.05) − 0.05.
_MIDDLE: Final = 0.1791


def values(c: Correspondence, notice: Notice, channel: Channel) -> dict[str, Any]:
    """The values for the templates of one message, each checked.

    Raises :class:`WriteError` naming what is missing or wrong.
    """
    if c.step not in notice.steps:
        raise WriteError("step", f"{notice.name} has no such step")
    if channel not in notice.channels:
        raise WriteError("channel", f"{notice.name} is not written as {channel}")
    if channel is Channel.EMAIL:
        _check_linkless(c)
    return {
        **typed(notice, c.step, c.facts),
        "channel": str(channel),
        "step": c.step,
        "number": check_line("number", c.number),
        "issued_on": issued_on(c.written_at),
        MAILED_ON: _mailed_on(c),
        "recipient": _recipient(c.recipient),
        "scheme_name": check_line("scheme_name", c.scheme_name),
        "group_no": check_line("group_no", c.group_no),
        "policies": [check_line("policies", policy) for policy in c.policies],
        "brand": _brand(c.brand),
    }


def _check_linkless(c: Correspondence) -> None:
    """What the register says of a reader must not become a link of the reader's mail program."""
    for name in ("name", "organisation", "role", "member_no"):
        if links_in(getattr(c.recipient, name)):
            raise WriteError(f"recipient.{name}", "would become a link")
    if any(map(links_in, c.policies)):
        raise WriteError("policies", "would become a link")


def issued_on(written_at: datetime) -> date:
    """The day in Japan."""
    if written_at.tzinfo is None:
        raise WriteError("written_at", "has no time zone")
    return written_at.astimezone(JAPAN).date()


def _mailed_on(c: Correspondence) -> date | None:
    given = c.facts.get(MAILED_ON)
    return None if given is None else day_of(MAILED_ON, given)


def sheet(language: str, step: str, day: date, brand: Brand) -> dict[str, Any]:
    """What letters of a brand and day have in common, as JSON values, without their words."""
    return {
        "language": language,
        "step": step,
        "date": forms_of(language).plain_date(day),
        "brand": _brand(brand),
    }


def postcode(c: Correspondence) -> str:
    """The postcode as it stands on a letter, after a look at the whole address."""
    r = c.recipient
    if r.address is None:
        raise WriteError("recipient.address", "is missing")
    for line in r.address.lines:
        check_line("recipient.address", line)
    check_line("recipient.organisation", r.organisation)
    check_line("recipient.role", r.role)
    try:
        return japanese.postcode(r.address.postcode)
    except ValueError as error:
        raise WriteError("recipient.address.postcode", str(error)) from None


def _recipient(recipient: Recipient) -> dict[str, str]:
    if not recipient.name.strip():
        raise WriteError("recipient.name", "is missing")
    return {
        "name": check_line("recipient.name", recipient.name),
        "honorific": check_line("recipient.honorific", recipient.honorific),
        "member_no": check_line("recipient.member_no", recipient.member_no),
        "organisation": check_line("recipient.organisation", recipient.organisation),
        "role": check_line("recipient.role", recipient.role),
    }


def _brand(brand: Brand) -> dict[str, Any]:
    return {**_seen_brand(brand)}


@lru_cache(maxsize=64)
def _seen_brand(brand: Brand) -> dict[str, Any]:
    if not _COLOUR.fullmatch(brand.colour):
        raise WriteError("brand.colour", "is not of the form #rrggbb")
    seen: dict[str, Any] = asdict(brand)
    del seen["valid_from"], seen["allowed_domains"], seen["envelope"]
    _check_lines("brand", seen)
    for name in ("login_url", "guide_url"):
        if seen[name]:
            check_url(f"brand.{name}", seen[name], brand.allowed_domains)
    return {**seen, "ink": _ink(brand.colour)}


def _check_lines(path: str, seen: Mapping[str, Any]) -> None:
    for name, value in seen.items():
        if isinstance(value, Mapping):
            _check_lines(f"{path}.{name}", value)
        else:
            check_line(f"{path}.{name}", value)


def _ink(colour: str) -> str:
    """White or black, whichever is easier to read on ``colour``: at least 4.58:1 on any.

    Source: WCAG 2.2, relative luminance and contrast ratio. Near-black would not do: some colours
    in the middle give neither it nor white 4.5:1.
    """
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if luminance < _MIDDLE else "#000000"
