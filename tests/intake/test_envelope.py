"""Events: everything that is wrong is named, nothing wrong gets in."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.intake.envelope import (
    MAX_BATCH,
    MAX_BODY,
    MAX_ERRORS,
    parse_any,
    parse_batch,
    parse_event,
    refused,
)
from notifier.model.errors import BadInput, FieldError
from notifier.model.event import TYPES, Event

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples" / "events.jsonl"
LINES = EXAMPLES.read_bytes().splitlines()
FAILED: dict[str, Any] = json.loads(LINES[0])
Json = dict[str, Any]


def text(event: Any) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()


def with_data(**more: Any) -> Json:
    return {**FAILED, "data": {**FAILED["data"], **more}}


def errors_of(raw: Any) -> tuple[FieldError, ...]:
    with pytest.raises(BadInput) as caught:
        parse_event(raw if isinstance(raw, bytes) else text(raw))
    return caught.value.errors


def told(raw: Any) -> list[tuple[str, str]]:
    return [(e.field, e.code) for e in errors_of(raw)]


@pytest.mark.parametrize("line", LINES)
def test_the_published_examples_are_accepted(line: bytes) -> None:
    event = parse_event(line)
    assert event.version == 1
    assert event.member_no.startswith("M0001")
    assert parse_event(event.raw) == event


def test_there_is_an_example_of_every_type() -> None:
    assert {json.loads(line)["type"] for line in LINES} == set(TYPES)


def test_the_digest_is_of_the_content_not_of_its_form() -> None:
    turned = dict(reversed(FAILED.items()))
    spaced = json.dumps(turned, indent=4).encode()
    assert parse_event(spaced).digest == parse_event(text(FAILED)).digest
    assert parse_event(text(with_data(codes=["G03"]))).digest != parse_event(text(FAILED)).digest


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "time", "data"])
def test_required_attributes(name: str) -> None:
    assert told({k: v for k, v in FAILED.items() if k != name}) == [(name, "missing")]
    assert told({**FAILED, name: None}) == [(name, "missing")]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("specversion", "0.3", "not_allowed"),
        ("specversion", 1.0, "wrong_type"),
        ("id", "", "too_short"),
        ("id", 7, "wrong_type"),
        ("id", "a\r\nb", "control_character"),
        ("id", "x" * 256, "too_long"),
        ("source", "a\u202eb", "control_character"),
        ("type", "billing.card.charge_exploded", "unknown_type"),
        ("time", "2025-07-16", "bad_time"),
        ("time", "2025-07-16T09:00:00", "bad_time"),
        ("time", "2025-02-30T09:00:00Z", "bad_time"),
        ("time", "2025-07-16T24:00:00Z", "bad_time"),
        ("time", "0001-01-01T00:00:00+09:00", "bad_time"),
        ("time", "２０２５-07-16T09:00:00Z", "bad_time"),
        ("datacontenttype", "application/xml", "not_allowed"),
        ("dataschema", "https://example.jp/schema/v2", "unknown_version"),
        ("dataschema", "https://example.jp/schema", "unknown_version"),
        ("data", [], "wrong_type"),
        ("data", "text", "wrong_type"),
        ("data_base64", "AAAA", "unknown_field"),
        ("Member", "x", "unknown_field"),
        ("ext", {"a": 1}, "wrong_type"),
        ("ext", 1.5, "wrong_type"),
        ("supersedes", FAILED["id"], "supersedes_itself"),
        ("supersedes", "", "too_short"),
    ],
)
def test_attributes(name: str, value: object, code: str) -> None:
    assert told({**FAILED, name: value}) == [(name, code)]


@pytest.mark.parametrize(
    "time", ["2025-07-16T09:00:00Z", "2025-07-16t09:00:00.123456789z", "2025-07-16T09:00:00-11:30"]
)
def test_times(time: str) -> None:
    assert parse_event(text({**FAILED, "time": time})).time.utcoffset() is not None


def test_lawful_extensions_are_kept() -> None:
    event = parse_event(text({**FAILED, "traceparent": "00-ab", "sequence": 7, "subject": "x"}))
    assert json.loads(event.raw)["sequence"] == 7


def test_the_version_is_read_from_the_schema() -> None:
    assert parse_event(text({**FAILED, "dataschema": "https://example.jp/s/v1"})).version == 1


def total(value: object) -> Json:
    return with_data(amounts={**FAILED["data"]["amounts"], "total": value})


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("3230", "wrong_type"),
        (3230.0, "wrong_type"),
        (True, "wrong_type"),
        (None, "wrong_type"),
        (-1, "negative"),
        (100_000_000, "too_big"),
        (2**70, "bad_number"),
    ],
)
def test_amounts_are_whole_yen(value: object, code: str) -> None:
    assert ("data.amounts.total", code) in told(total(value))


def test_a_sum_that_is_wrong_is_for_the_guard() -> None:
    assert isinstance(parse_event(text(total(9999))), Event)


@pytest.mark.parametrize(
    "value", ["2025-7-5", "20250814", "1755129600", "2025-08-14T00:00:00", 1755129600, "9999-12-31"]
)
def test_dates(value: object) -> None:
    [(field, code)] = told(with_data(recharge_on=value))
    assert (field, code in ("bad_date", "wrong_type")) == ("data.recharge_on", True)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"member_no": "M 1"}, "data.member_no", "bad_format"),
        ({"member_no": "M1\n"}, "data.member_no", "control_character"),
        ({"gateway": "g\nmo"}, "data.gateway", "control_character"),
        ({"gateway": "g" * 41}, "data.gateway", "too_long"),
        ({"codes": []}, "data.codes", "too_few"),
        ({"codes": ["G02\u0000"]}, "data.codes.0", "control_character"),
        ({"codes": "G02"}, "data.codes", "wrong_type"),
        ({"extra": 1}, "data.extra", "unknown_field"),
        ({"deadline": "2025-07-15"}, "data.deadline", "deadline_past"),
        ({"recharge_on": "2025-08-14"}, "data.recharge_on", "bad_order"),
        ({"card_expiry": "2025-13"}, "data.card_expiry", "bad_format"),
        ({"card_expiry": "２０２５-01"}, "data.card_expiry", "bad_format"),
    ],
)
def test_fields(change: Json, field: str, code: str) -> None:
    assert told(with_data(**change)) == [(field, code)]


def test_the_event_counts_its_own_day_in_japan() -> None:
    late = {**with_data(deadline="2025-07-16"), "time": "2025-07-16T14:59:59Z"}
    assert parse_event(text(late)).id
    later = {**late, "time": "2025-07-16T15:00:00Z"}
    assert told(later) == [("data.deadline", "deadline_past")]


def test_a_wrong_line_is_named_alone() -> None:
    lines = [{"kind": "premium", "amount": "x"}, {"kind": "tip", "amount": 1}]
    assert told(with_data(amounts={"lines": lines, "total": 1})) == [
        ("data.amounts.lines.0.amount", "wrong_type"),
        ("data.amounts.lines.1.kind", "not_allowed"),
    ]


def test_all_errors_come_at_once() -> None:
    bad = {**with_data(gateway=1, codes=[]), "id": "", "time": "noon"}
    assert {field for field, _ in told(bad)} == {"id", "time", "data.gateway", "data.codes"}


def example(kind: str) -> Json:
    return next(e for e in map(json.loads, LINES) if e["type"] == kind)


def test_a_charged_amount_needs_a_remedy() -> None:
    event = example("billing.charge.overcharged")
    del event["data"]["remedy"]
    assert told(event) == [("data.remedy", "missing")]
    event["data"]["exposure"] = "displayed"
    assert parse_event(text(event)).id


def test_explanations_may_have_lines_but_no_controls() -> None:
    event = example("billing.charge.overcharged")
    event["data"]["explanation"]["cause"] = "一行目\n二行目"
    assert parse_event(text(event)).id
    event["data"]["explanation"]["cause"] = "一行目\r\n二行目"
    assert told(event) == [("data.explanation.cause", "control_character")]


def test_members() -> None:
    event = example("member.updated")
    event["data"]["email"] = '"a..b."@Docomo.Example.JP'
    found = parse_event(text(event))
    assert getattr(found.data, "email", "") == "a..b.@docomo.example.jp"
    event["data"] |= {"email": "nobody", "name": "山田\r\nBcc: x"}
    event["data"]["enrolments"] *= 2
    assert told(event) == [("data.name", "control_character")]
    event["data"]["name"] = "葛\U000e0100西 𠮷"
    assert told(event) == [
        ("data.email", "bad_email"),
        ("data.enrolments.1.scheme", "given_twice"),
    ]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "not_json"),
        (b"nope", "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b'{"a": "\\ud800"}', "not_json"),
        (b"\xff\xfe{", "not_utf8"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b"[" * 40 + b"]" * 40, "too_deep"),
        (b"[" * 5000, "too_deep"),
        (b"[" * 1000 + b"]" * 1000, "too_deep"),
        (b"[]", "wrong_type"),
        (b"null", "wrong_type"),
        (b" " * (MAX_BODY + 1), "too_big"),
        (b"x" * 10_000_000, "too_big"),
    ],
)
def test_bodies(raw: bytes, code: str) -> None:
    assert told(raw) == [("body", code)]


def test_a_name_that_comes_twice_among_very_many() -> None:
    """Anybody may send this to the webhooks of providers: it must not take hours to refuse."""
    names = b",".join(b'"%d":0' % n for n in range(300_000))
    assert told(b"{" + names + b',"299999":0}') == [("body", "duplicate_key")]


def test_one_event_is_at_most_256_kib() -> None:
    big = with_data() | {f"x{n}": "あ" * 200 for n in range(500)}
    assert told(big) == [("body", "too_big")]


def test_a_batch_names_every_bad_event_by_its_place() -> None:
    batch = [FAILED, {**FAILED, "id": ""}, 7, {**FAILED, "id": "b"}, total("1")]
    found = parse_batch(text(batch))
    assert [(e.index, e.field) for e in found.errors] == [
        (1, "id"),
        (2, "body"),
        (4, "data.amounts.total"),
    ]
    assert [(place, e.id) for place, e in zip(found.places, found.events, strict=True)] == [
        (0, FAILED["id"]),
        (3, "b"),
    ]


def test_a_batch_keeps_its_order() -> None:
    batch = [{**FAILED, "id": f"e{n}"} for n in range(20)]
    assert [e.id for e in parse_batch(text(batch)).events] == [f"e{n}" for n in range(20)]
    assert parse_batch(b"[]").events == ()
    assert [e.id for e in parse_any(text(FAILED)).events] == [FAILED["id"]]


def test_limits_of_a_batch() -> None:
    with pytest.raises(BadInput) as caught:
        parse_batch(text([{}] * (MAX_BATCH + 1)))
    assert [e.code for e in caught.value.errors] == ["too_many"]
    with pytest.raises(BadInput) as caught:
        parse_batch(text(FAILED))
    assert [e.code for e in caught.value.errors] == ["wrong_type"]
    told_once = refused(parse_batch(text([{}] * MAX_BATCH)).errors).errors
    assert len(told_once) == MAX_ERRORS + 1
    assert told_once[-1].code == "more_errors"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["2025-07-15", "M000101", "gmo", "premium"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def either(raw: bytes | Json) -> None:
    try:
        event = parse_event(raw)
    except BadInput:
        return
    assert parse_event(event.raw) == event


@given(st.binary(max_size=200))
def test_bytes_give_an_event_or_bad_input(raw: bytes) -> None:
    either(raw)


@given(st.sampled_from(LINES), st.data())
def test_a_changed_example_gives_an_event_or_bad_input(line: bytes, data: st.DataObject) -> None:
    event = json.loads(line)
    part = data.draw(st.sampled_from([event, event["data"]]))
    part[data.draw(st.sampled_from(sorted(part)) | st.text(max_size=8))] = data.draw(VALUES)
    either(json.dumps(event).encode())


@given(st.sampled_from(LINES), st.integers(0, 400), st.binary(max_size=3))
def test_damaged_text_gives_an_event_or_bad_input(line: bytes, at: int, put: bytes) -> None:
    either(line[:at] + put + line[at + len(put) :])


@given(st.dictionaries(st.text(max_size=12), VALUES))
def test_a_decoded_object_gives_an_event_or_bad_input(value: Json) -> None:
    for candidate in (value, {**FAILED, **value}, {**FAILED, "data": value}):
        either(candidate)
