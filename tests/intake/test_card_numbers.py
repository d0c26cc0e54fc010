"""Card numbers: found however they are written, refused in texts, noted in identifiers, not kept.

The numbers are the ones that the brands publish for trials; no card has them.
"""

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from notifier.intake.card_numbers import (
    IDENTIFIERS,
    masked_payload,
    refuse_card_numbers,
)
from notifier.intake.closure_file import read_closures
from notifier.intake.cohort_file import read_cohort
from notifier.intake.envelope import parse_event
from notifier.intake.members_csv import read_members
from notifier.intake.press_file import read_acknowledgement
from notifier.intake.returned_file import read_returned
from notifier.intake.scheme_file import read_scheme
from notifier.intake.suppression_file import read_suppressions
from notifier.model.billing import Ident
from notifier.model.card_number import has_card_number, is_card_number, masked
from notifier.model.errors import BadInput, FieldError
from notifier.model.event import TYPES
from tests.samples import amounts, charge, cloud

VISA = "4111111111111111"
SPACED = "4111 1111 1111 1111"
NOW = datetime(2025, 7, 16, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "digits",
    [
        *(VISA, "4222222222222", "5555555555554444", "2223003122003222", "378282246310005"),
        *("3530111333300000", "30569309025904", "36227206271667", "6011111111111117"),
        *("6200000000000005", "6205500000000000004"),
    ],
)
def test_numbers_of_every_brand(digits: str) -> None:
    assert is_card_number(digits)
    wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    assert not is_card_number(wrong)


_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_GAPS = (
    " *＊#+=＝()（）[]-.‐‑‒–—―−ー－ｰ－・·_/,'\t\n\u00a0\u2009\u3000"
    "\u200b\u200d\u2060\ufeff\u00ad\ufe0f"
)


def test_however_it_is_written() -> None:
    ways = [VISA, VISA.translate(_WIDE), "カード" + VISA.translate(_WIDE) + "です", f"a{VISA}b"]
    ways += [gap.join(("4111", "1111", "1111", "1111")) for gap in _GAPS]
    ways += [gap.join(VISA) for gap in _GAPS]
    ways += ["4111\u200b\u00a0-\u3000-1111 - 1111 - 1111", f"12/27 {SPACED} 123"]
    ways += ["٤١١١ ١١١١ ١١١١ ١١١١", "④①①①①①①①①①①①①①①①", "4¹¹¹1111₁₁₁₁1111"]
    ways += ["".join(chr(0x1D7CE + int(d)) for d in VISA), "\ufe0f\u20e3".join(VISA)]
    for text in ways:
        assert has_card_number(text), text
        hidden = masked(text)
        assert not has_card_number(hidden), text
        assert len(hidden) == len(text)


def test_what_is_none() -> None:
    for text in (
        *("", "4111", "C-202507-M000101", "03-0000-0000、0120-000-000", "〒100-0001 千代田9-9-9"),
        *("4111111111111112", "41111111111111110", "1111111111111111", "9999999999999995"),
        *("4111|1111|1111|1111", "2025-07-15 2025-08-15 2025-08-18", "42G020000|G02|42G030000"),
        *(
            "4111円、1111円、1111円、1111円",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
    ):
        assert not has_card_number(text), text
        assert masked(text) == text


def _charge_failed(**more: Any) -> dict[str, Any]:
    data = charge(
        amounts=amounts(),
        gateway="gmo",
        codes=["G02"],
        deadline="2025-08-14",
        recharge_on="2025-08-15",
    )
    return cloud("billing.card.charge_failed", data | more)


def _refused(event: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(BadInput) as caught:
        parse_event(json.dumps(event).encode())
    said = str(caught.value.errors)
    assert VISA not in said
    assert SPACED not in said
    return [(e.field, e.code) for e in caught.value.errors]


def test_refused_in_every_text_of_an_event() -> None:
    for field, event in {
        "data.codes.1": _charge_failed(codes=["G02", VISA]),
        "data.codes.0": _charge_failed(codes=["\uff14111-1111\u00a01111\u200b1111"]),
        "data.codes": _charge_failed(codes=["G02", "4111", "1111", "1111", "1111"]),
        "data.gateway": _charge_failed(gateway=SPACED),
        "data.charge_id": _charge_failed(charge_id=SPACED),  # nobody writes identifiers so
        "data.amounts.lines.0.policy_no": _charge_failed(
            amounts={"lines": [{"kind": "premium", "amount": 1, "policy_no": SPACED}], "total": 1}
        ),
        "subject": _charge_failed() | {"subject": SPACED},
        "note": _charge_failed() | {"note": f"no. {VISA}"},
        "id": _charge_failed() | {"id": f"card {SPACED}"},
        "source": _charge_failed() | {"source": SPACED},
        "dataschema": _charge_failed() | {"dataschema": f"urn:{VISA}/v1"},
    }.items():
        assert _refused(event) == [(field, "card_number")]
    assert _refused(_charge_failed(codes=["4111|1111|1111|1111"])) == [
        ("data.codes", "card_number")
    ]
    assert parse_event(_charge_failed(codes=["4111|1111", "G02|1111|1111"])).notes == ()
    assert ("data.codes.0", "card_number") in _refused(_charge_failed(codes=[int(VISA)]))
    assert _refused(_charge_failed(**{VISA: "x"})) == [("data." + "*" * 16, "unknown_field")]
    assert _refused(_charge_failed() | {SPACED: "x"}) == [("**** **** **** ****", "unknown_field")]
    assert _refused(_charge_failed() | {"type": VISA}) == [("type", "card_number")]


def test_an_identifier_is_noted_and_taken() -> None:
    for field in ("member_no", "charge_id"):
        event = parse_event(_charge_failed(**{field: VISA}))
        assert event.notes == (FieldError(f"data.{field}", "looks_like_card_number"),)
    event = parse_event(_charge_failed() | {"id": VISA, "supersedes": "5555555555554444"})
    assert [n.field for n in event.notes] == ["id", "supersedes"]
    assert parse_event(_charge_failed()).notes == ()


def test_every_identifier_of_the_schemas_is_known_as_one() -> None:
    pattern = get_args(Ident)[1].pattern

    def idents(model: type[BaseModel]) -> set[str]:
        found = set()
        for name, field in model.model_fields.items():
            if pattern in repr((field.metadata, field.annotation)):
                found.add(name)
            for inner in (field.annotation, *get_args(field.annotation)):
                if isinstance(inner, type) and issubclass(inner, BaseModel):
                    found |= idents(inner)
        return found

    named = {n for versions in TYPES.values() for m in versions.values() for n in idents(m)}
    assert {"member_no", "charge_id", "policies"} <= named <= IDENTIFIERS


def test_refused_in_every_kind_of_file() -> None:
    rows = {
        "氏名": (read_members, f"会員番号,氏名\n\nM1,潮田 {SPACED}\n", {"x"}),
        "備考": (read_cohort, f"会員番号,備考\n\nM1,{VISA}\n", None),
        "name": (read_closures, f"first,name\n\n2025-08-13,{VISA.translate(_WIDE)}\n", {"x"}),
        "note": (read_suppressions, f"email,note\n\na@example.jp,{VISA}\n", NOW),
        "結果": (
            read_acknowledgement,
            f"通番,管理番号,差出日,結果\n\n1,A,2025-07-16,{VISA}\n",
            None,
        ),
        "理由": (read_returned, f"番号,理由\n\nM000000001,{VISA}\n", None),
    }
    for title, (read, text, more) in rows.items():
        for encoding in ("utf-8", "cp932"):
            with pytest.raises(BadInput) as caught:
                _call(read, text.encode(encoding), more)
            assert caught.value.errors == (FieldError(title, "card_number", line=3),)
            nul = text.replace(VISA, "a\0b").replace(SPACED, "a\0b")
            nul = nul.replace(VISA.translate(_WIDE), "a\0b")
            with pytest.raises(BadInput) as caught:
                _call(read, nul.encode(encoding), more)
            assert caught.value.errors == (FieldError(title, "control_character", line=3),)
    known = read_members(f"会員番号,氏名\n{VISA},潮田 凪\n".encode(), set())
    assert known.members[0].member_no == VISA
    with pytest.raises(BadInput):
        read_members(f"会員番号,{VISA}\nM1,x\n".encode(), set())


def _call(read: Any, data: bytes, more: Any) -> None:
    if isinstance(more, datetime):
        read(data, now=more)
    elif more is None:
        read(data)
    else:
        read(data, more)


def test_refused_in_tables_of_facts() -> None:
    facts = {
        "name": "x",
        "facts": {"items": ["a", {"b": SPACED}], VISA: 1, "n": int(VISA), "ok": 1},
        "nul": "a\0b",
    }
    with pytest.raises(BadInput) as caught:
        refuse_card_numbers("", facts)
    assert [(e.field, e.code) for e in caught.value.errors] == [
        ("facts.items.1.b", "card_number"),
        ("facts." + "*" * 16, "card_number"),
        ("facts.n", "card_number"),
        ("nul", "control_character"),
    ]
    refuse_card_numbers("facts", {"a": ["b", 3, 2.5, True, NOW]})
    with pytest.raises(BadInput) as caught:
        read_scheme(f'scheme = "x"\nname = "{SPACED}"\n'.encode())
    assert VISA not in str(caught.value.errors)


def test_what_is_kept_is_masked() -> None:
    event = _charge_failed(codes=[VISA, "G02"], charge_id="5555555555554444")
    kept = json.loads(masked_payload(json.dumps(event).encode()))
    assert kept["data"]["codes"] == ["*" * 16, "G02"]
    assert kept["data"]["charge_id"] == "5555555555554444"
    assert kept["data"]["amounts"] == event["data"]["amounts"]
    for raw in (
        *(f'{{"a": {VISA}}}', f'{{"a": {VISA}, "a": 1', f"\xff {SPACED}", f"[{VISA}.0, 1e400]"),
        *('["\\u0034' + VISA[1:] + '"]', '["\\u0034' + VISA[1:], f'{{"{VISA}": {{}}}}'),
    ):
        hidden = masked_payload(raw.encode("latin-1")).decode("latin-1")
        assert "*" in hidden, raw
        assert "111111" not in hidden, raw
    for raw in ('{"a":  "4111"}', "nope \\u0030", "\xff\x00", ""):
        assert masked_payload(raw.encode("latin-1")) == raw.encode("latin-1")
