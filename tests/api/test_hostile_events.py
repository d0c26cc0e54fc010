"""What a sender can get wrong, or do on purpose: one table, the same answer by every way in."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import RowMapping

from notifier.cli.events import read_events
from notifier.model.errors import BadInput
from notifier.runtime.event_stream import GROUP, Stream, StreamReader
from notifier.runtime.parts import Parts
from notifier.store.db import loads, rows
from tests.samples import NOW, SOURCE, amounts, charge, cloud

Json = dict[str, Any]
Told = list[tuple[str, str]]
CARD: Final = "4111111111111111"
_FULL: Final = CARD.translate({ord("0") + n: ord("０") + n for n in range(10)})


def failed(**more: Any) -> Json:
    """A card that was refused, with other data."""
    data = charge(
        amounts=amounts(),
        gateway="gmo",
        codes=["G02"],
        deadline="2025-08-14",
        recharge_on="2025-08-15",
    )
    return cloud("billing.card.charge_failed", data | more)


def yen(amount: Any) -> Json:
    return failed(amounts={"lines": [{"kind": "premium", "amount": amount}], "total": 1})


def lines(count: int, amount: int = 1) -> Json:
    line = {"kind": "premium", "amount": amount}
    return failed(amounts={"lines": [line] * count, "total": 99_999_999})


def updated(**more: Any) -> Json:
    return cloud("member.updated", {"member_no": "M0001", "name": "潮田 凪", **more})


def plain(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def swapped(old: str, new: str) -> bytes:
    """The usual event with another piece of text in it."""
    text = json.dumps(failed(codes=["CODE"]), ensure_ascii=False)
    assert old in text
    return text.replace(old, new).encode("utf-8", "surrogatepass")


def deep(levels: int) -> bytes:
    return b'{"data":' * levels + b"{}" + b"}" * levels


_SCHEME: Final = "group-liability"
_LINE: Final = "data.amounts.lines.0.amount"
#: A name → what is sent, and what it is told: field and code of each error.
TABLE: Final[Mapping[str, tuple[bytes, Told]]] = {
    # the text
    "nothing": (b" \n ", [("body", "empty")]),
    "no json": (b"{nope}", [("body", "not_json")]),
    "two events without an array": (plain(failed()) * 2, [("body", "not_json")]),
    "a number": (b"7", [("body", "wrong_type")]),
    "null": (b"null", [("body", "wrong_type")]),
    "text in CP932": (swapped("CODE", "x").replace(b"x", b"\x82\xa0"), [("body", "not_utf8")]),
    "UTF-16": (plain(failed()).decode().encode("utf-16"), [("body", "not_utf8")]),
    "byte order mark": (b"\xef\xbb\xbf" + plain(failed()), [("body", "not_json")]),
    "half a character": (swapped("CODE", "\\ud800"), [("body", "not_json")]),
    "half a character, raw": (swapped("CODE", "\ud800"), [("body", "not_utf8")]),
    "raw control character": (swapped("CODE", "a\x01b"), [("body", "not_json")]),
    "no number": (swapped("3030", "NaN"), [("body", "not_json")]),
    "infinity": (swapped("3030", "-Infinity"), [("body", "not_json")]),
    "a field twice": (
        swapped('"gateway": "gmo"', '"gateway": "gmo", "gateway": "gmo"'),
        [("body", "duplicate_key")],
    ),
    "an attribute twice": (swapped('"id":', '"id": "x", "id":'), [("body", "duplicate_key")]),
    "33 levels": (deep(33), [("body", "too_deep")]),
    "50,000 levels": (deep(50_000), [("body", "too_deep")]),
    "an event of 300 kB": (
        plain(failed() | {f"x{n}": "あ" * 200 for n in range(500)}),
        [("body", "too_big")],
    ),
    # the envelope
    "an old version": (plain(failed() | {"specversion": "0.3"}), [("specversion", "not_allowed")]),
    "an id of 10 kB": (plain(failed() | {"id": "x" * 10_240}), [("id", "too_long")]),
    "an empty id": (plain(failed() | {"id": ""}), [("id", "too_short")]),
    "a number as id": (plain(failed() | {"id": 7}), [("id", "wrong_type")]),
    "NUL in the id": (plain(failed() | {"id": "a\0b"}), [("id", "control_character")]),
    "a new line in the id": (plain(failed() | {"id": "a\nb"}), [("id", "control_character")]),
    "a turned id": (plain(failed() | {"id": "a\u202eb"}), [("id", "control_character")]),
    "a subject of 10 kB": (plain(failed() | {"subject": "あ" * 9000}), [("subject", "too_long")]),
    "NUL in an extension": (plain(failed() | {"note": "a\0"}), [("note", "control_character")]),
    "a list as extension": (plain(failed() | {"note": []}), [("note", "wrong_type")]),
    "a huge extension": (plain(failed() | {"note": 2**40}), [("note", "wrong_type")]),
    "an extension in capitals": (plain(failed() | {"Note": "x"}), [("Note", "unknown_field")]),
    "binary data": (plain(failed() | {"data_base64": "eA=="}), [("data_base64", "unknown_field")]),
    "an unknown type": (plain(failed() | {"type": "billing.nothing"}), [("type", "unknown_type")]),
    "a type of 10 kB": (plain(failed() | {"type": "x" * 10_240}), [("type", "too_long")]),
    "an unknown version": (
        plain(failed() | {"dataschema": "urn:x/v9"}),
        [("dataschema", "unknown_version")],
    ),
    "XML inside": (
        plain(failed() | {"datacontenttype": "text/xml"}),
        [("datacontenttype", "not_allowed")],
    ),
    "a time without zone": (
        plain(failed() | {"time": "2025-07-15T10:00:00"}),
        [("time", "bad_time")],
    ),
    "a zone of 25 hours": (
        plain(failed() | {"time": "2025-07-15T10:00:00+25:00"}),
        [("time", "bad_time")],
    ),
    "a time in seconds": (plain(failed() | {"time": 1752541200}), [("time", "wrong_type")]),
    "30 February": (plain(failed() | {"time": "2025-02-30T10:00:00Z"}), [("time", "bad_time")]),
    "years ahead": (plain(failed() | {"time": "2099-07-15T10:00:00Z"}), [("time", "time_ahead")]),
    "an event against itself": (
        plain(failed() | {"id": "x", "supersedes": "x"}),
        [("supersedes", "supersedes_itself")],
    ),
    # the data
    "no data": (plain(failed() | {"data": None}), [("data", "missing")]),
    "a list as data": (plain(failed() | {"data": []}), [("data", "wrong_type")]),
    "an unknown field": (plain(failed(colour="red")), [("data.colour", "unknown_field")]),
    "NUL in a field's name": (plain(failed(**{"a\0b": 1})), [("data.a\ufffdb", "unknown_field")]),
    "NUL in a code": (plain(failed(codes=["a\0"])), [("data.codes.0", "control_character")]),
    "NUL in a name": (plain(updated(name="潮\0田")), [("data.name", "control_character")]),
    "a header in an address": (
        plain(updated(email="a@example.jp\r\nBcc: b@example.jp")),
        [("data.email", "control_character")],
    ),
    "a fraction of a yen": (plain(yen(3030.5)), [(_LINE, "wrong_type")]),
    "yen as a fraction": (plain(yen(3030.0)), [(_LINE, "wrong_type")]),
    "yen as text": (plain(yen("3030")), [(_LINE, "wrong_type")]),
    "true yen": (plain(yen(True)), [(_LINE, "wrong_type")]),
    "negative yen": (plain(yen(-1)), [(_LINE, "negative")]),
    "too many yen": (plain(yen(100_000_000)), [(_LINE, "too_big")]),
    "yen beyond 64 bits": (plain(yen(10**30)), [(_LINE, "bad_number")]),
    "yen beyond all": (swapped("3030", "1e400"), [("body", "not_json")]),
    "more yen than the record holds": (
        plain(lines(50, 99_999_999)),
        [("data.amounts.lines", "too_big")],
    ),
    "51 lines": (plain(lines(51)), [("data.amounts.lines", "too_many")]),
    "no lines": (
        plain(failed(amounts={"lines": [], "total": 0})),
        [("data.amounts.lines", "too_few")],
    ),
    "21 codes": (plain(failed(codes=["G02"] * 21)), [("data.codes", "too_many")]),
    "codes as text": (plain(failed(codes="G02")), [("data.codes", "wrong_type")]),
    "a day that is none": (
        plain(failed(charged_on="2025-02-30")),
        [("data.charged_on", "bad_date")],
    ),
    "a day in seconds": (
        plain(failed(charged_on="1752537600")),
        [("data.charged_on", "bad_date")],
    ),
    "a day of the year 1": (
        plain(failed(charged_on="0001-01-01")),
        [("data.charged_on", "bad_date")],
    ),
    "charged next year": (
        plain(failed(charged_on="2026-07-15")),
        [("data.charged_on", "date_ahead")],
    ),
    "paid in the year 2099": (
        plain(
            cloud(
                "billing.charge.settled",
                {
                    "member_no": "M0001",
                    "charge_id": "C-1",
                    "settled_on": "2099-01-01",
                    "amount": 1,
                },
            )
        ),
        [("data.settled_on", "date_ahead")],
    ),
    "a deadline gone by": (
        plain(failed(deadline="2025-07-14")),
        [("data.deadline", "deadline_past")],
    ),
    "charged again before the deadline": (
        plain(failed(recharge_on="2025-08-14")),
        [("data.recharge_on", "bad_order")],
    ),
    "a member number with spaces": (
        plain(failed(member_no="M 1")),
        [("data.member_no", "bad_format")],
    ),
    "a scheme with a command in it": (
        plain(failed(scheme="a'; DROP TABLE events;--")),
        [("data.scheme", "bad_format")],
    ),
    "a scheme twice": (
        plain(updated(enrolments=[{"scheme": _SCHEME, "policies": ["P"]}] * 2)),
        [("data.enrolments.1.scheme", "given_twice")],
    ),
    "a lone at": (plain(updated(email="a@@example.jp")), [("data.email", "bad_email")]),
    # card numbers
    "a card number as code": (
        plain(failed(codes=["G02", CARD])),
        [("data.codes.1", "card_number")],
    ),
    "in full width": (plain(failed(codes=[_FULL])), [("data.codes.0", "card_number")]),
    "with full-width hyphens": (
        plain(failed(codes=["４１１１－１１１１－1111ー1111"])),
        [("data.codes.0", "card_number")],
    ),
    "with what nobody sees": (
        plain(failed(codes=["\u200b".join(CARD)])),
        [("data.codes.0", "card_number")],
    ),
    "with hard spaces, in a sentence": (
        plain(failed() | {"subject": "カード 4111\u00a01111\u00a01111\u00a01111 の件"}),
        [("subject", "card_number")],
    ),
    "with dots, in a policy number": (
        plain(
            failed(
                amounts={
                    "lines": [{"kind": "premium", "amount": 1, "policy_no": "4111 1111.1111.1111"}],
                    "total": 1,
                }
            )
        ),
        [("data.amounts.lines.0.policy_no", "card_number")],
    ),
    "escaped": (
        swapped("CODE", "\\u0034" + CARD[1:]),
        [("data.codes.0", "card_number")],
    ),
    "as a number": (plain(failed(codes=[int(CARD)])), [("data.codes.0", "card_number")]),
    "as an amount": (plain(yen(int(CARD))), [(_LINE, "card_number")]),
    "in a name": (plain(updated(name=f"潮田 {CARD}")), [("data.name", "card_number")]),
    "as a field's name": (plain(failed(**{CARD: 1})), [("data." + "*" * 16, "unknown_field")]),
}
#: What only the record can tell.
RECORD: Final[Mapping[str, tuple[Json, Told]]] = {
    "an unknown member": (failed(member_no="M9999"), [("data.member_no", "unknown_member")]),
    "an unknown scheme": (failed(scheme="no-such"), [("data.scheme", "unknown_scheme")]),
    "a correction of nothing": (
        failed() | {"supersedes": "never-sent"},
        [("supersedes", "unknown_event")],
    ),
    "an enrolment in nothing": (
        updated(enrolments=[{"scheme": "no-such", "policies": ["P"]}]),
        [("data.enrolments.0.scheme", "unknown_scheme")],
    ),
    "a refund that nobody decided": (
        cloud(
            "billing.refund.completed",
            {
                "member_no": "M0001",
                "refund_id": "R-1",
                "amount": 200,
                "completed_on": "2025-07-15",
            },
        ),
        [("data.refund_id", "unknown_refund")],
    ),
    "too much at once": (
        failed(member_no="M9999", scheme="no-such"),
        [("data.member_no", "unknown_member"), ("data.scheme", "unknown_scheme")],
    ),
}
ALL: Final = {**TABLE, **{name: (plain(event), told) for name, (event, told) in RECORD.items()}}


def test_the_table_is_long_enough() -> None:
    assert len(ALL) >= 55


async def test_by_http(client: httpx.AsyncClient, parts: Parts) -> None:
    for name, (raw, told) in ALL.items():
        response = await client.post(
            "/v1/events", content=raw, headers={"Content-Type": "application/cloudevents+json"}
        )
        body = response.json()
        assert response.status_code == (413 if told == [("body", "too_big")] else 422), name
        assert [(e["field"], e["code"]) for e in body["errors"]] == told, name
        said = response.text.replace(body["request_id"], "")  # which may hold any digits
        assert "error." not in said, name  # every code has its words
        assert "1111" not in said, name
    async with parts.engine.connect() as conn:
        assert await rows(conn, "SELECT id FROM events") == []


async def test_by_http_in_one_batch(client: httpx.AsyncClient, parts: Parts) -> None:
    readable = {n: case for n, case in ALL.items() if case[1][0][0] != "body"}
    body = b"[" + b",".join(raw for raw, _ in readable.values()) + b"]"
    response = await client.post(
        "/v1/events", content=body, headers={"Content-Type": "application/cloudevents-batch+json"}
    )
    assert response.status_code == 422
    expected = [
        (place, *error) for place, (_, told) in enumerate(readable.values()) for error in told
    ]
    found = [(e["index"], e["field"], e["code"]) for e in response.json()["errors"]]
    assert found == expected
    async with parts.engine.connect() as conn:
        assert await rows(conn, "SELECT id FROM events") == []


async def test_by_file(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    for name, (raw, told) in TABLE.items():
        if name in ("nothing", "UTF-16"):  # no line at all, and several
            continue
        file.write_bytes(b"\n" + raw + b"\n")
        with pytest.raises(BadInput) as caught:
            read_events(str(file), NOW)
        assert [(e.line, e.field, e.code) for e in caught.value.errors] == [
            (2, field, code) for field, code in told
        ], name


@pytest.fixture
async def stream(parts: Parts, intake_redis_url: str) -> AsyncIterator[tuple[Redis, StreamReader]]:
    place = Stream(url=intake_redis_url, name="events", source=SOURCE)
    reader = StreamReader(place, parts.acceptor, parts.engine, parts.clock, "a")
    redis: Redis = Redis.from_url(intake_redis_url)
    yield redis, reader
    await reader.close()
    await redis.aclose()


async def test_by_stream(stream: tuple[Redis, StreamReader], parts: Parts) -> None:
    redis, reader = stream
    for raw, _ in ALL.values():
        await redis.xadd("events", {"event": raw})
    for _ in range(3):
        await reader.step()
    async with parts.engine.connect() as conn:
        found: list[RowMapping] = list(await rows(conn, "SELECT * FROM rejected_entries"))
        assert await rows(conn, "SELECT id FROM events") == []
    found.sort(key=_entry)
    assert len(found) == len(ALL)
    for r, (name, (_, told)) in zip(found, ALL.items(), strict=True):
        assert [(e["field"], e["code"]) for e in loads(r["errors"])] == told, name
        assert b"11111111" not in bytes(r["payload"]), name
    assert (await redis.xpending("events", GROUP))["pending"] == 0


_entry: Final[Callable[[RowMapping], tuple[int, ...]]] = lambda r: tuple(  # noqa: E731
    int(part) for part in r["origin_id"].split("-")
)
