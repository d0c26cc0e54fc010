"""Addresses as they stand in reports: in brackets, quoted, with dots that no standard allows."""

import re
from collections.abc import Iterable
from typing import Final

_LOCAL: Final = r"[\w.!#$%&'*+/=?^`{|}~-]{1,128}"
_DOMAIN: Final = r"[A-Za-z0-9\u0080-\U0010ffff](?:[\w-]{0,62})(?:\.[\w-]{1,63}){0,10}"
#: An address anywhere in a line; its domain has a dot.
ADDRESS: Final = re.compile(
    rf"(?:\"[^\"\n]{{1,64}}\"|(?<![\w.!#$%&'*+/=?^`{{|}}~-]){_LOCAL})"
    r"@[A-Za-z0-9\u0080-\U0010ffff][\w-]{0,62}(?:\.[\w-]{1,63}){1,10}"
)
_BRACKETED: Final = re.compile(r"<\s*([^<>\n]{1,320}?)\s*>")
_ANY: Final = re.compile(rf"((?:\"[^\"\n]{{1,64}}\"|{_LOCAL})@{_DOMAIN})")
_TYPED: Final = re.compile(
    r"^\s*(?:rfc ?-?822|utf-?8|smtp|x-[\w-]+|unknown|dns|local|x400)\s*;\s*", re.IGNORECASE
)
_PREFIX: Final = re.compile(r"^(?:smtp|mailto|rfc822|addr|to|for|rcpt)[=:]", re.IGNORECASE)
_MAILTO: Final = re.compile(r"^mailto:", re.IGNORECASE)
_TOKEN: Final = re.compile(r"\bb\+([a-z0-9]{26})@", re.IGNORECASE)
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,300}>")
_XTEXT: Final = re.compile(r"\+([0-9A-F]{2})")


def of_field(value: str) -> str | None:
    """The address in a recipient field of RFC 3464, ``rfc822; a@example.jp``; None: there is none.

    A name without a domain comes back as it is.
    """
    bare = _TYPED.sub("", _TYPED.sub("", value[:400])).strip()
    if "+40" in bare and "@" not in bare:
        bare = _XTEXT.sub(lambda found: chr(int(found[1], 16)), bare)
    if found := first(bare):
        return found
    bare = bare.strip("<>\"' \t,;:.").split()[0] if bare.strip("<>\"' \t,;:.") else ""
    return bare or None


def first(text: str) -> str | None:
    """The first address in a text, one in angle brackets before others."""
    if "@" not in text:
        return None
    for found in _BRACKETED.finditer(text[:4000]):
        if "@" in found[1] and (inner := _ANY.search(_MAILTO.sub("", found[1]))):
            return tidy(inner[1])
    found_any = _ANY.search(text[:4000])
    return tidy(found_any[1]) if found_any else None


def every(values: Iterable[str]) -> list[str]:
    """All addresses in headers such as To and Cc."""
    found: list[str] = []
    for value in values:
        if "@" in value:
            found += [tidy(one[0]) for one in ADDRESS.finditer(value[:4000])]
    return found


def tidy(address: str) -> str:
    """Without marks of the text around it."""
    found = address.strip("<>()[]{}\"'`,;: \t") if not address.startswith('"') else address
    local, at, domain = found.rpartition("@")
    local = _PREFIX.sub("", local)
    return f"{local}{at}{domain.strip('.-_')}"


def key(address: str) -> str:
    """What two writings of an address have in common."""
    local, _, domain = address.rpartition("@")
    return f"{local.strip(chr(34)).lower()}@{domain.lower()}"


def tokens(values: Iterable[str]) -> tuple[str, ...]:
    """Tokens of return paths of ours in headers of the envelope, without doubles."""
    found = (one[1].lower() for value in values for one in _TOKEN.finditer(value))
    return tuple(dict.fromkeys(found))


def message_ids(values: Iterable[str]) -> tuple[str, ...]:
    """Message-IDs with their angle brackets, without doubles."""
    found = (one for value in values for one in _MESSAGE_ID.findall(value))
    return tuple(dict.fromkeys(found))[:50]
