"""A notice is a folder: this is all that docs/adding-a-notice.md asks for, and it is sent."""

import json
import shutil
from datetime import date
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest

from notifier.delivery.editions import Editions
from notifier.demo.post_office import PostOffice
from notifier.model.actor import system
from notifier.model.decision import CaseKind
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.rendering.lint import lint
from notifier.rendering.writer import Writer
from notifier.store import cases
from tests.delivery.rig import Rig
from tests.samples import LOCALES, SCHEME, TEMPLATES, settled

from .conftest import Office

_TOML = """\
title = "施設利用料のお知らせ"
lane = "standard"
channels = ["email"]
steps = ["before_5"]
expires_after = "3d"
uncertain = "resend"
retention_years = 10
{more}
[plans.hall]
before = {{ before_5 = 5 }}

[fields]
hall = "text"
guests = "number"
opens_on = "date"
"""
_WORDS = """\
{% set heading = "施設ご利用のお知らせ" %}
{% set lead %}
{{ opens_on | date }}のご利用について、お知らせいたします。
{% endset %}
{% set sections = [
  {"title": "ご利用の内容", "rows": [["施設", hall], ["人数", guests | number]]},
  numbers,
] %}
{% set closing %}
ご不明な点がありましたら、下記までお尋ねください。
{% endset %}
"""
_FACTS = {"hall": "見本会館", "guests": 12, "opens_on": "2025-08-20"}


def _folder(tmp_path: Path, more: str = "") -> Writer:
    """A writer of templates among which there is one more folder."""
    templates = tmp_path / "templates"
    shutil.copytree(TEMPLATES, templates)
    folder = templates / "ja" / "hall"
    folder.mkdir()
    for name, text in (
        ("notice.toml", _TOML.format(more=more)),
        ("words.txt", _WORDS),
        ("subject.txt", "【{{ scheme_name }}】{{ heading }}\n"),
        ("body.txt", '{% include "_base/layout.txt" %}\n'),
        ("body.mjml", '<mj-include path="_base/layout.mjml" />\n'),
        ("sample.json", json.dumps({"steps": {"before_5": _FACTS}})),
    ):
        (folder / name).write_text(text)
    return Writer(templates, LOCALES)


async def _case(office: Office) -> None:
    """A case that has the plan of the notice, and facts of kinds that no other plan has."""
    [member] = await office.rows("SELECT member_id FROM members WHERE member_no = 'M0001'")
    given = {
        "kind": CaseKind.CHARGE,
        "source": "billing.example.jp",
        "matter": "C-M0001",
        "member_id": member["member_id"],
        "scheme": SCHEME.scheme,
        "state": "open",
        "generation": 1,
        "occurred_at": office.hand.time,
        "deadline": date(2025, 8, 20),
        "facts": _FACTS,
        "plan": "hall",
        "next_due_at": office.hand.time,
        "reason": Reason.OPENED,
    }
    async with office.engine.begin() as conn:
        await cases.save(conn, [given], actor=system("test"), now=office.hand.time)


def test_its_wording_passes_the_checks(tmp_path: Path) -> None:
    assert lint(_folder(tmp_path).folders["ja", "hall"]) == []


async def test_it_is_sent_by_its_plan(
    office: Office, post_office: PostOffice, tmp_path: Path
) -> None:
    writer = _folder(tmp_path)
    office.open(writer.notices)
    await _case(office)
    await office.sweep_at(2025, 8, 15, 1)
    rig = Rig(office.engine, post_office, tmp_path / "var")
    rig.time, rig.editions = office.hand.time, Editions(office.engine, writer)
    [made] = await rig.rows("SELECT message_id FROM messages")
    async with rig.at_work():
        await rig.until(made["message_id"], State.SENT)
    body = message_from_bytes(post_office.messages[0].data, policy=SMTP).get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert all(words in text for words in ("見本会館", "12", "2025年8月20日"))


@pytest.mark.parametrize(
    ("more", "state"), [("asks_for_payment = true\n", "cancelled"), ("", "queued")]
)
async def test_one_that_asks_for_payment_stops_with_its_matter(
    office: Office, tmp_path: Path, more: str, state: str
) -> None:
    office.open(_folder(tmp_path, more).notices)
    await _case(office)
    await office.sweep_at(2025, 8, 15, 1)
    await office.accept(settled())
    assert [m[3] for m in await office.messages()] == [state]


async def test_without_a_fact_that_it_needs_its_case_is_put_off(
    office: Office, tmp_path: Path
) -> None:
    office.open(_folder(tmp_path).notices)
    await _case(office)
    await office.change("UPDATE cases SET facts = facts - 'guests'")
    await office.sweep_at(2025, 8, 15, 1)
    assert await office.messages() == []
    assert ("item_put_off", 1, "open") in await office.tasks()
