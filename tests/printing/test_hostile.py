"""What clerks, members and attackers may write into a register, against letters.

Each letter is printed exactly, or held for a reason of its own; whatever it is, the others of the
batch are bound.
"""

import re
import unicodedata
from dataclasses import replace

from notifier.model.member import PostalAddress
from notifier.model.message import message_number, public_number
from notifier.model.reasons import Reason
from notifier.model.states import Channel
from tests.delivery.rig import REFUND
from tests.printing.letters import Letters, listed
from tests.rendering.sheets import words
from tests.samples import ADDRESS


def at(building: str = "", **more: str) -> dict[str, object]:
    return {"address": replace(ADDRESS, building=building, **more)}


GLYPH, FIT, FAILED = Reason.GLYPH_MISSING, Reason.ADDRESS_DOES_NOT_FIT, Reason.RENDER_FAILED
#: What is on record of a member, and why the letter is held; None: it is printed as it is.
HOSTILE: list[tuple[dict[str, object], Reason | None]] = [
    ({"name": "M123456789"}, None),  # reads like the number of a letter
    ({"name": "M000000001"}, None),  # and is that of another letter
    ({"name": "文書番号 M000000002"}, None),  # with the words that stand before it
    (at("M123456789"), None),
    (at("M000000001ビル 101"), None),
    (at(street="千代田9-9-M123456789"), None),
    ({"name": '#panic("x")'}, None),  # Typst
    ({"name": '#import "@preview/a:0.1.0": *'}, None),
    ({"name": "$ x^2 $ `raw` *b* _i_"}, None),
    ({"name": '"); #let x = ("'}, None),
    ({"name": "\\u{41} \\ \\# \\n"}, None),
    ({"name": "/* a */ <b> @c // d"}, None),
    ({"name": "= 見出し"}, None),
    (at("#heading(level: 1, bookmarked: true)[M000000001]"), None),
    (at('#pagebreak() #read("/etc/passwd")'), None),
    (at("#metadata(none) #label(begin-0)"), None),
    ({"name": "{{ 7 * 7 }}{% raw %}"}, None),  # Jinja
    ({"name": "--- ... ~ 'a' \"b\""}, None),
    ({"name": "=1+1,@SUM(A1)"}, None),  # for the lists
    ({"name": "𠮷野 葛\U000e0100子"}, None),
    ({"name": "御中 様 殿"}, None),
    (at("か\u3099き\u3099ハイツ"), None),  # decomposed
    ({"name": "e\u0301\u0323 Nguyễn"}, GLYPH),
    ({"name": "Z\u0351\u0489\u0323algo"}, GLYPH),
    ({"name": "潮田 😀"}, GLYPH),
    ({"name": "潮田\u202e凪"}, FAILED),  # turns the direction
    ({"name": "潮田\u200b凪"}, FAILED),
    ({"name": "\ufeff潮田"}, FAILED),
    (at("\ue000ビル"), FAILED),  # for private use
    (at("A\U000e0041棟"), FAILED),  # tags
    (at("A棟\x07101"), FAILED),
    (at("A棟\n101"), FAILED),
    (at("A棟\r\n101"), FAILED),
    (at("A棟\t101"), FAILED),
    (at("A棟\u2028101"), FAILED),
    ({"name": "潮" * 300}, FIT),
    ({"name": "a" * 300}, FIT),
    (at("１" * 300), FIT),
    (at(" " * 2000), None),
    ({"name": " 　 "}, FAILED),  # nobody is written to
    ({"name": ""}, FAILED),
    (at("https://evil.example/login"), FAILED),
    (at("www.evil.example"), FAILED),
    (at("\u3031\u3032|¦Ọg"), None),  # hangs below its line
    ({"reason": "evil M000000001"}, FAILED),  # a fact that the words do not know
    ({"reason": "理由" * 4000}, FAILED),
    ({"method": '#panic("x") #read("a") $1$ M000000001'}, FAILED),
]


async def test_one_hostile_letter_is_one_letter(letters: Letters) -> None:
    first = await letters.post(2)
    ids = []
    for wrong, _ in HOSTILE:
        facts = {name: wrong[name] for name in wrong.keys() & {"reason", "method"}}
        to = await letters.register(**{n: v for n, v in wrong.items() if n not in facts})
        more = {"facts": {**REFUND, **facts}}
        ids.append(await letters.send(channel=Channel.LETTER, to=to, **more))
    last = await letters.post(2)
    batch = await letters.collect()
    expected = {i: reason for i, (_, reason) in zip(ids, HOSTILE, strict=True)}
    found = {}
    for i in ids:
        state, reason = await letters.state(i)
        found[i] = None if state == "printed" else Reason(reason)
    odd = [(HOSTILE[n], found[i]) for n, i in enumerate(ids) if found[i] != expected[i]]
    assert odd == []
    printed = [*first, *(i for i in ids if expected[i] is None), *last]
    rows = listed(batch.folder)
    assert sorted(row["番号"] for row in rows) == sorted(map(public_number, printed))
    assert batch.held == sum(reason is not None for reason in expected.values())
    # Each one that is held is counted by a task.
    tasks = await letters.rows(
        "SELECT count, CAST(details AS text) AS details FROM tasks WHERE kind = 'held_message'"
    )
    assert sum(t["count"] for t in tasks) == batch.held
    assert not any("evil" in str(t["details"]) for t in tasks)
    pages = words((batch.folder / "B000001-001.pdf").read_bytes())
    for row in rows:
        i = message_number(row["番号"])
        shown = bare("".join(w.text for w in pages[int(row["先頭ページ"]) - 1]))
        assert row["番号"] in shown
        if i in ids:
            place = HOSTILE[ids.index(i)][0]
            address = place.get("address", ADDRESS)
            assert isinstance(address, PostalAddress)
            for text in (place.get("name", "潮田 凪"), *address.lines):
                assert bare(str(text)) in shown, text


def bare(text: str) -> str:
    """Without what a reader of PDFs does not tell apart: spaces, selectors, compositions."""
    return re.sub(r"[\s\U000e0100-\U000e01ef]", "", unicodedata.normalize("NFKC", text))
