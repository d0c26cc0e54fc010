"""The same mail for the peers: our own wording with placeholders, and whom it goes to."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from notifier.demo.members import generate
from notifier.model.correspondence import Correspondence, Recipient
from notifier.rendering.writer import Writer
from tests.bench import mailing
from tests.samples import BRAND, LOCALES, SCHEME, TEMPLATES

#: What stands in the mail in place of what differs from reader to reader.
_NUMBER: Final = "M999999999"
_NAME: Final = "見出 人名"
_MEMBER: Final = "B999999"
_POLICIES: Final = ("P-9999999-1", "P-9999999-2")
_PREMIUM: Final = 90_000_001
_FIELDS: Final = {
    _NUMBER: "number",
    _NAME: "name",
    _MEMBER: "member_no",
    "、".join(_POLICIES): "policies",
    f"{_PREMIUM:,}": "premium",
    f"{_PREMIUM + mailing.FEES[0]:,}": "wrong_total",
    f"{_PREMIUM + mailing.FEES[1]:,}": "correct_total",
}


def template() -> dict[str, str]:
    """``subject``, ``text`` and ``html`` with ``{{ field }}`` where readers differ.

    The HTML is broken into lines between its tags: a library that finds a line longer than SMTP
    allows turns to an encoding that costs it more.
    """
    written = Writer(TEMPLATES, LOCALES).mail(
        _correspondence(), token="bench", message_id="<bench@notifier.example.jp>"
    )
    html = written.html.replace("><", ">\n<")
    return {
        "subject": written.subject,
        "text": _with_places(written.text),
        "html": _with_places(html),
    }


def readers() -> Iterator[dict[str, str]]:
    """Readers without end, each with the values of its mail, formatted."""
    for n, member in enumerate(generate(20_000), start=1):
        premium = 1480 + n * 7919 % 700 * 10
        yield {
            "email": f"member{n:05d}@mail.example.jp",
            "number": f"M{n:09d}",
            "name": member.name,
            "member_no": member.member_no,
            "policies": "、".join(member.enrolments[0].policies),
            "premium": f"{premium:,}",
            "wrong_total": f"{premium + mailing.FEES[0]:,}",
            "correct_total": f"{premium + mailing.FEES[1]:,}",
        }


def write(folder: Path, count: int) -> tuple[Path, Path]:
    """``template.json`` and ``readers.json`` (a list of ``count``) for a peer's own program."""
    texts, people = folder / "template.json", folder / "readers.json"
    texts.write_text(json.dumps(template(), ensure_ascii=False))
    people.write_text(json.dumps([*islice(readers(), count)], ensure_ascii=False))
    return texts, people


def _with_places(text: str) -> str:
    for value, field in _FIELDS.items():
        if value not in text:
            raise ValueError(f"the mail does not show {field}")
        text = text.replace(value, "{{ " + field + " }}")
    return text


def _correspondence() -> Correspondence:
    facts: dict[str, Any] = {
        **mailing.COMMON,
        "wrong_premium": _PREMIUM,
        "wrong_total": _PREMIUM + mailing.FEES[0],
        "correct_premium": _PREMIUM,
        "correct_total": _PREMIUM + mailing.FEES[1],
    }
    return Correspondence(
        number=_NUMBER,
        notice=mailing.NOTICE,
        step=mailing.STEP,
        language="ja",
        written_at=datetime.now(UTC),
        recipient=Recipient(name=_NAME, member_no=_MEMBER, email="bench@mail.example.jp"),
        scheme_name=SCHEME.name,
        group_no=SCHEME.group_no,
        policies=_POLICIES,
        brand=BRAND,
        facts=facts,
    )
