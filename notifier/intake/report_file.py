"""A formal letter to an organisation as a TOML file: name, scheme, ``[to]`` and ``[facts]``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from notifier.model.correspondence import Recipient
from notifier.model.errors import BadInput, FieldError
from notifier.model.lines import lines_of
from notifier.model.member import PostalAddress
from notifier.rendering.fact_errors import text_errors

from .mailing_file import facts_errors, name_errors
from .toml_file import plain, read_toml, wrong_keys

_KEYS: Final = ("name", "scheme", "to", "facts")
_NEEDED: Final = ("organisation", "postcode", "prefecture", "city", "street")
_MORE: Final = ("name", "role", "honorific", "building")
_POSTCODE: Final = re.compile(r"[0-9]{3}-?[0-9]{4}")
_MOST: Final = 80
#: 御中 follows from there being no person.
_HONORIFICS: Final = ("様", "殿", "先生")
_OF_ORGANISATIONS: Final = "御中"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLetter:
    """What is reported, and to whom. Its name makes it one: the same name is sent once."""

    name: str
    scheme: str
    recipient: Recipient
    facts: dict[str, Any]


def read_report(data: bytes) -> ReportLetter:
    """The letter of a file. Raises :class:`BadInput` with all that is wrong with its form.

    ``[to]`` names the organisation (御中), or in it a person (``name``, with ``role`` and
    ``honorific``), and an address. Whether the facts are those of the notice is looked at where
    the letter is made.
    """
    table = read_toml(data)
    errors = list(wrong_keys(table, _KEYS))
    for name in ("name", "scheme"):
        if name in table:
            errors += name_errors(name, table[name])
    errors += facts_errors(table)
    errors += _recipient_errors(table.get("to", {}))
    if errors:
        raise BadInput(errors)
    return ReportLetter(
        name=table["name"],
        scheme=table["scheme"],
        recipient=_recipient(table["to"]),
        facts=plain(table["facts"]),
    )


def _recipient_errors(to: Any) -> Iterator[FieldError]:
    if not isinstance(to, dict):
        yield FieldError("to", "wrong_type", {"expected": "object"})
        return
    if to:
        yield from wrong_keys(to, _NEEDED, _MORE, "to.")
    texts = [name for name in (*_NEEDED, *_MORE) if name in to]
    wrong: set[str] = set()
    for name in texts:
        found = list(_line(f"to.{name}", to[name]))
        wrong |= {name} if found else set()
        yield from found
    fine = {name: to[name] for name in texts if name not in wrong}
    if not _POSTCODE.fullmatch(fine.get("postcode", "100-0001")):
        yield FieldError("to.postcode", "bad_postcode")
    yield from _salutation(fine, to)


def _line(path: str, value: Any) -> Iterator[FieldError]:
    yield from (found := list(text_errors(path, value, _MOST)))
    if not found and len(lines_of(value)) > 1:
        yield FieldError(path, "control_character")


def _salutation(fine: dict[str, str], to: dict[str, Any]) -> Iterator[FieldError]:
    """A person has a name; how a reader is addressed is not part of it."""
    for name in ("role", "honorific"):
        if name in fine and "name" not in to:
            yield FieldError("to.name", "missing")
            break
    if fine.get("honorific", "様") not in _HONORIFICS:
        yield FieldError("to.honorific", "not_one_of", {"allowed": ", ".join(_HONORIFICS)})
    for name in ("organisation", "name"):
        if fine.get(name, "").rstrip().endswith((*_HONORIFICS, _OF_ORGANISATIONS)):
            yield FieldError(f"to.{name}", "has_honorific")


def _recipient(to: dict[str, str]) -> Recipient:
    given = {name: value.strip() for name, value in to.items()}
    address = PostalAddress(
        postcode=given["postcode"].replace("-", ""),
        prefecture=given["prefecture"],
        city=given["city"],
        street=given["street"],
        building=given.get("building", ""),
    )
    if "name" not in given:
        name = given["organisation"]
        return Recipient(name=name, honorific=_OF_ORGANISATIONS, address=address)
    return Recipient(
        name=given["name"],
        honorific=given.get("honorific", "様"),
        organisation=given["organisation"],
        role=given.get("role", ""),
        address=address,
    )
