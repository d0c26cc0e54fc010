"""Sample messages from ``sample.json``, for previews and tests. All names are fictional."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from notifier.model.correspondence import Correspondence, Recipient
from notifier.model.member import PostalAddress
from notifier.model.scheme import Brand, Contact
from notifier.rendering.errors import BadTemplate, WriteError
from notifier.rendering.facts import typed
from notifier.rendering.folder import BASE, Folder

_FILE: Final = "sample.json"


#: The name of a step's sample without any variant.
PLAIN: Final = "plain"


def read_sample(folder: Folder, step: str) -> Correspondence:
    """The plain sample of a step. Raises :class:`BadTemplate` naming file and key."""
    return read_samples(folder, step)[PLAIN]


def read_samples(folder: Folder, step: str) -> dict[str, Correspondence]:
    """All samples of a step by name, ``plain`` first.

    Over ``_base/sample.json`` goes the notice's own, ``{"steps": {step: {facts}}}`` and whatever
    else differs from the base (``recipient``, ``brand``, ``policies``, ``written_at`` …); over both
    go the ``variants`` by name, of the same form: a variant is there for the steps that it names,
    and a variant of the same name in the base lends it what all notices have in common. Objects
    are merged, everything else is replaced. Raises :class:`BadTemplate` naming file and key.
    """
    base = _table(folder, f"{BASE}/{_FILE}")
    name = folder.named(_FILE, step)
    own = _table(folder, name)
    if own.get("steps", {}).get(step) is None:
        raise BadTemplate(name, f"steps.{step}", "is missing")
    plain = _merged(base, own)
    variants = {
        key: _merged(_merged(plain, base.get("variants", {}).get(key, {})), table)
        for key, table in own.get("variants", {}).items()
        if step in table.get("steps", {})
    }
    found = {}
    for key, table in {PLAIN: plain, **variants}.items():
        place = f"steps.{step}" if key == PLAIN else f"variants.{key}"
        try:
            found[key] = _correspondence(folder, step, table, table["steps"][step])
        except (KeyError, TypeError, ValueError) as error:
            raise BadTemplate(name, place, f"{type(error).__name__}: {error}") from None
    return found


def check_samples(folder: Folder) -> None:
    """Raise :class:`BadTemplate` where a sample lacks a field: it would hide that one is used."""
    for step in folder.notice.steps:
        for key, sample in read_samples(folder, step).items():
            try:
                typed(folder.notice, step, sample.facts)
            except WriteError as error:
                place = "" if key == PLAIN else f"variants.{key}."
                where = f"{place}steps.{step}.{error.field}"
                raise BadTemplate(folder.named(_FILE, step), where, error.message) from None


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(below[key], value)
        for key, value in above.items()
        if isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
    }
    return {**below, **above, **both}


def _correspondence(
    folder: Folder, step: str, given: Mapping[str, Any], facts: Mapping[str, Any]
) -> Correspondence:
    brand = given["brand"]
    recipient = dict(given["recipient"])
    address = recipient.pop("address", None)
    return Correspondence(
        number=given["number"],
        notice=folder.notice.name,
        step=step,
        language=folder.language,
        written_at=datetime.fromisoformat(given["written_at"]),
        recipient=Recipient(**recipient, address=PostalAddress(**address) if address else None),
        scheme_name=given["scheme_name"],
        group_no=given["group_no"],
        policies=tuple(given["policies"]),
        brand=Brand(
            **{
                **brand,
                "valid_from": date.fromisoformat(brand["valid_from"]),
                "agency": Contact(**brand["agency"]),
                "desk": Contact(**brand["desk"]),
                "allowed_domains": tuple(brand["allowed_domains"]),
            }
        ),
        facts=facts,
    )


def _table(folder: Folder, name: str) -> dict[str, Any]:
    try:
        table = json.loads(folder.files[name])
    except KeyError:
        raise BadTemplate(name, "", "is missing") from None
    except (ValueError, RecursionError) as error:
        raise BadTemplate(name, "", str(error)) from None
    if not isinstance(table, dict):
        raise BadTemplate(name, "", "is not an object")
    return table
