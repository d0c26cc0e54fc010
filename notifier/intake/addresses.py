"""Email addresses as people and old mobile carriers write them."""

import re
from typing import Final

import idna

from notifier.model.characters import is_clean
from notifier.model.errors import BadInput, FieldError
from notifier.model.mailbox import smtp_form, split

MAX_ADDRESS: Final = 254  # RFC 5321 4.5.3.1.3, without the angle brackets
MAX_LOCAL: Final = 64

# Dots may stand anywhere: carriers gave out ``a..b.`` before the rules were kept.
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def parse_email(text: str, *, field: str = "email") -> str:
    """An address as the house keeps it: local part as given and unquoted, domain in lower case.

    A domain in other scripts becomes its ASCII form (IDNA 2008). Raises :class:`BadInput` with
    ``control_character``, ``too_long`` or ``bad_email``.
    """
    if not is_clean(text):
        raise BadInput([FieldError(field, "control_character")])
    local, domain = split(text)
    ascii_domain = _ascii(domain)
    if not _LOCAL.fullmatch(local) or not _is_domain(ascii_domain):
        raise BadInput([FieldError(field, "bad_email")])
    address = f"{local}@{ascii_domain}"
    if len(local) > MAX_LOCAL or len(smtp_form(address)) > MAX_ADDRESS:
        raise BadInput([FieldError(field, "too_long", {"limit": MAX_ADDRESS})])
    return address


def quote_local(address: str) -> str:
    """The form for SMTP: ``a..b.@example.jp`` becomes ``"a..b."@example.jp``."""
    return smtp_form(address)


def _ascii(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except UnicodeError:
        return ""


def _is_domain(domain: str) -> bool:
    labels = domain.split(".")
    well_formed = len(labels) > 1 and all(map(_LABEL.fullmatch, labels))
    return well_formed and not labels[-1].isdigit()
