"""Sample messages from ``sample.json``, for previews and tests. All names are fictional."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from notifier.model.correspondence import Correspondence, Recipient
from notifier.model.member import PostalAddress
from notifier.model.scheme import Brand, Contact
from notifier.write.errors import BadTemplate
from notifier.write.folder import BASE, Folder

_FILE: Final = "sample.json"


def read_sample(folder: Folder, step: str) -> Correspondence:
    """The sample of a step: ``_base/sample.json``, over it the notice's own.

    The notice's file holds ``{"steps": {step: {facts}}}`` and, where it differs from the base,
    ``recipient``, ``scheme_name``, ``group_no``, ``policies``, ``written_at``. Raises
    :class:`BadTemplate` naming file and key.
    """
    base = _table(folder, f"{BASE}/{_FILE}")
    name = folder.named(_FILE, step)
    own = _table(folder, name)
    facts = own.get("steps", {}).get(step)
    if facts is None:
        raise BadTemplate(name, f"steps.{step}", "is missing")
    merged = {**base, **{k: v for k, v in own.items() if k != "steps"}}
    try:
        return _correspondence(folder, step, merged, facts)
    except (KeyError, TypeError, ValueError) as error:
        raise BadTemplate(name, f"steps.{step}", f"{type(error).__name__}: {error}") from None


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
    except ValueError as error:
        raise BadTemplate(name, "", str(error)) from None
    if not isinstance(table, dict):
        raise BadTemplate(name, "", "is not an object")
    return table
