"""How readers are addressed, and that nothing of the register becomes a link."""

from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from notifier.model.honorific import addressed_as, written_with
from notifier.model.reasons import Reason
from notifier.model.states import State
from tests.delivery.rig import Rig

#: What the register says of a member → the line with which the mail begins.
ADDRESSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"name": "潮田 凪"}, "潮田 凪 様"),
    ({"name": "株式会社みほん"}, "株式会社みほん 御中"),
    ({"name": "なぎさ会", "organisation": True}, "なぎさ会 御中"),
    ({"name": "みほん工務店", "organisation": False}, "みほん工務店 様"),
    ({"name": "潮田 渚", "honorific": "先生"}, "潮田 渚 先生"),
)
#: Stored before the register refused them.
WIDE = "ｅｖｉｌ．ｅｘａｍｐｌｅ"
LINKS = (
    "evil.example/login",
    "見本 https://evil.example",
    "凪 nagi@evil.example",
    "ｅｖｉｌ．ｅｘａｍｐｌｅ",
)


async def test_mail_begins_with_the_honorific_of_the_register(rig: Rig) -> None:
    ids = [await rig.send(to=await rig.register(**given)) for given, _ in ADDRESSED]
    odd = [await rig.send(to=await rig.register(name=name)) for name in LINKS]
    async with rig.at_work():
        for message_id in ids:
            await rig.until(message_id, State.SENT)
        for message_id in odd:
            await rig.until(message_id, State.HELD)
    assert {await rig.state(n) for n in odd} == {("held", Reason.RENDER_FAILED)}
    lines = [line for received in rig.office.messages for line in _text(received.data)]
    assert sorted(set(lines) & {line for _, line in ADDRESSED}) == sorted(
        line for _, line in ADDRESSED
    )
    assert not [line for line in lines if "evil" in line]


def _text(data: bytes) -> list[str]:
    body = message_from_bytes(data, policy=default).get_body(("plain",))
    assert body is not None
    return str(body.get_content()).splitlines()


@pytest.mark.parametrize(
    ("name", "honorific"),
    [
        ("株式会社みほん", "御中"),
        ("株式会社 みほん", "御中"),
        ("みほん㈱", "御中"),
        ("みほん（有）", "御中"),
        ("一般社団法人見本協会", "御中"),
        ("医療法人社団 なぎさ会", "御中"),
        ("見本法律事務所", "御中"),
        ("なぎさ信用金庫", "御中"),
        ("Mihon Co., Ltd.", "御中"),
        ("潮田 凪", "様"),
        ("会田 学", "様"),
        ("大学 太郎", "様"),
        ("Nagi Ushioda", "様"),
        ("社 法子", "様"),
    ],
)
def test_a_name_that_only_an_organisation_bears(name: str, honorific: str) -> None:
    assert addressed_as(name, "", None) == honorific
    assert addressed_as(name, "", organisation=True) == "御中"
    assert addressed_as(name, "", organisation=False) == "様"


def test_honorifics_at_the_end_of_a_name() -> None:
    for name in ("潮田 凪 様", "潮田凪様", "株式会社みほん御中", "潮田凪殿", "渚先生", "会員各位"):
        assert written_with(name), name
    for name in ("潮田 凪", "鵜殿", "株式会社平安殿", "鵜殿 凪", "様田 凪"):
        assert not written_with(name), name
