"""Mailboxes: how an address is written down for SMTP.

Inside the house an address is ``local@domain`` with the local part as people write it, never
quoted. Old mobile carriers gave out local parts such as ``a..b.`` that SMTP knows only quoted.
"""

import re
from functools import lru_cache

_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_UNSAFE = re.compile(r"[^\x20-\x7e]")


def split(address: str) -> tuple[str, str]:
    """Local part (unquoted) and domain of an address; the domain is empty if there is none."""
    local, at, domain = address.rpartition("@")
    if not at:
        return address, ""
    return _unquoted(local), domain


@lru_cache(maxsize=1024)
def smtp_form(address: str) -> str:
    """The address as it stands in an SMTP command or a header (RFC 5321 4.1.2).

    The local part is quoted where it is not a dot-atom: ``a..b.@example.jp`` becomes
    ``"a..b."@example.jp``. An address already in this form stays as it is. Raises ValueError on
    what no ASCII envelope can carry: control characters, other scripts, no domain.
    """
    local, domain = split(address)
    if not local or not domain or _UNSAFE.search(local) or not domain.isascii():
        raise ValueError("not an address that SMTP can carry")
    if re.search(r"[^A-Za-z0-9.:\[\]-]", domain):
        raise ValueError("not a domain that SMTP can carry")
    if _DOT_ATOM.fullmatch(local):
        return f"{local}@{domain}"
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"@{domain}'


def _unquoted(local: str) -> str:
    if len(local) >= 2 and local[0] == local[-1] == '"':
        return re.sub(r"\\(.)", r"\1", local[1:-1])
    return local
