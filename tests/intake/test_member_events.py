"""``member.updated``: what no member may be called, and how organisations are told."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.intake.envelope import parse_event
from notifier.model.actor import system
from notifier.model.errors import BadInput
from notifier.store import members
from tests.cases.conftest import Hand
from tests.samples import NOTICES, NOW, cloud, event, member

ADDRESS = {
    "postcode": "1000001",
    "prefecture": "東京都",
    "city": "千代田区",
    "street": "千代田9-9-9",
}

#: Data of an event → field and code.
WRONG: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"name": "潮田 凪 様"}, "data.name", "honorific_in_name"),
    ({"name": "株式会社みほん御中"}, "data.name", "honorific_in_name"),
    ({"name": "\u3000"}, "data.name", "too_short"),
    ({"name": "\ufe0f \U000e0101"}, "data.name", "too_short"),
    ({"name": "\u3099"}, "data.name", "too_short"),
    ({"address": {**ADDRESS, "city": " "}}, "data.address.city", "too_short"),
    ({"name": "evil.example/login"}, "data.name", "looks_like_link"),
    ({"name": "潮田 https://evil.example"}, "data.name", "looks_like_link"),
    ({"name": "nagi@evil.example"}, "data.name", "looks_like_link"),
    ({"name": "潮田\ufeff凪"}, "data.name", "control_character"),
    ({"name": "潮田\u200b凪"}, "data.name", "control_character"),
    ({"name": "潮田\u200f凪"}, "data.name", "control_character"),
    ({"name": "潮田\U000e0041凪"}, "data.name", "control_character"),
    ({"name": "\u3164"}, "data.name", "control_character"),
    ({"kana": "evil.example"}, "data.kana", "looks_like_link"),
    (
        {"address": {**ADDRESS, "building": "www.evil.example"}},
        "data.address.building",
        "looks_like_link",
    ),
    ({"address": {**ADDRESS, "street": "evil.example"}}, "data.address.street", "looks_like_link"),
    ({"member_no": "evil.example/login"}, "data.member_no", "looks_like_link"),
    (
        {"enrolments": [{"scheme": "group-liability", "policies": ["evil.example"]}]},
        "data.enrolments.0.policies.0",
        "looks_like_link",
    ),
    ({"honorific": "さん"}, "data.honorific", "not_allowed"),
    ({"organisation": True, "honorific": "様"}, "data.honorific", "honorific_contradicts"),
    ({"organisation": False, "honorific": "御中"}, "data.honorific", "honorific_contradicts"),
    ({"organisation": "yes"}, "data.organisation", "wrong_type"),
)


@pytest.mark.parametrize(("data", "field", "code"), WRONG)
def test_refused(data: dict[str, Any], field: str, code: str) -> None:
    told = {"member_no": "M1", "name": "潮田 凪", **data}
    with pytest.raises(BadInput) as caught:
        parse_event(cloud("member.updated", told))
    assert [(e.field, e.code) for e in caught.value.errors] == [(field, code)]


@pytest.mark.parametrize(
    "name", ["葛\U000e0100西 凪", "J.R. Ushioda", "みほん 3.5", "鵜殿", "Mihon Co., Ltd."]
)
def test_taken(name: str) -> None:
    assert event("member.updated", {"member_no": "M1", "name": name}).member_no == "M1"


async def test_a_sender_of_before_takes_no_mark_away(engine: AsyncEngine) -> None:
    async with engine.begin() as conn:
        marked = member("M1", name="なぎさ会", organisation=True, enrolments=())
        await members.save(conn, [(marked, NOW.replace(day=1))], now=NOW.replace(day=1))
    acceptor = Acceptor(engine, NOTICES, Hand(), Hand())
    data: dict[str, Any] = {"member_no": "M1", "name": "なぎさ会"}
    for more, addressed in (
        ({}, "御中"),
        ({"organisation": None}, "様"),
        ({"organisation": True}, "御中"),
        ({"organisation": None, "honorific": "先生"}, "先生"),
    ):
        await acceptor.accept([event("member.updated", {**data, **more})], system("billing"))
        async with engine.connect() as conn:
            assert (await members.by_number(conn, ["M1"]))["M1"].addressed_as == addressed
