"""A letter that must not go is held with a reason of its own, and a task says so in Japanese."""

from dataclasses import replace

import pytest

from notifier.app.record_words import told
from notifier.model.reasons import Reason
from notifier.model.states import Channel
from notifier.store.db import loads
from tests.printing.letters import Letters
from tests.samples import ADDRESS


@pytest.mark.parametrize(
    ("wrong", "reason", "field", "said"),
    [
        (
            {"name": "潮田 😀"},
            Reason.GLYPH_MISSING,
            "recipient.name U+1F600",
            "フォントにない文字が含まれています",
        ),
        (
            {"address": replace(ADDRESS, street="長" * 300)},
            Reason.ADDRESS_DOES_NOT_FIT,
            "recipient.address",
            "宛名・住所が封筒の窓に収まりません",
        ),
        (
            {"address": replace(ADDRESS, postcode="0000000")},
            Reason.POSTCODE_UNKNOWN,
            "recipient.address.postcode",
            "郵便番号が実在しません",
        ),
        (
            {"address": replace(ADDRESS, prefecture="大阪府")},
            Reason.POSTCODE_DIFFERS,
            "recipient.address.postcode prefecture_differs",
            "郵便番号と住所が一致しません",
        ),
    ],
)
async def test_it_is_held_and_the_others_go(
    letters: Letters, wrong: dict[str, object], reason: Reason, field: str, said: str
) -> None:
    bad = await letters.send(channel=Channel.LETTER, to=await letters.register(**wrong))
    fine = await letters.send(channel=Channel.LETTER)
    await letters.collect()
    assert await letters.state(bad) == ("held", reason)
    assert (await letters.state(fine))[0] == "printed"
    [task] = await letters.rows("SELECT CAST(details AS text) AS details FROM tasks")
    details = loads(task["details"])
    assert details["field"] == field
    lines = list(told(details, "ja"))
    assert any(said in line for line in lines)
    assert not any("😀" in line or "大阪" in line for line in lines)
