"""A case on one timeline: what was said on both channels, tried, came back, asked and told."""

from datetime import timedelta

from notifier.app.rule_context import RuleContext as House
from notifier.app.sweep import sweep
from notifier.app.timeline import timeline_of
from notifier.store import members
from tests.returns.desk import Desk, bounce
from tests.samples import NOTICES, SCHEME, member

HOUSE = House(schemes={SCHEME.scheme: SCHEME}, notices=NOTICES)


async def _later(desk: Desk) -> None:
    desk.time += timedelta(minutes=1)
    await sweep(desk.engine, HOUSE, now=desk.time)


async def _told(desk: Desk, case_id: int, kind: str) -> list[str]:
    async with desk.engine.connect() as conn:
        entries = await timeline_of(conn, case_id, "en")
    assert [e.at for e in entries] == sorted(e.at for e in entries)
    return [e.text for e in entries if e.kind == kind]


async def test_a_mail_that_came_back_and_its_letter(desk: Desk) -> None:
    [mail] = await desk.sent()
    await desk.apply(bounce(mail["token"]))
    await _later(desk)
    case = mail["case_id"]
    assert await _told(desk, case, "attempt") == ["M000000001 #1 accepted BODY 250 2.0.0"]
    assert await _told(desk, case, "return") == ["M000000001 bounced no such user 550 5.1.1"]
    told = await _told(desk, case, "message")
    assert told[0] == "M000000001 refund decided (email) queued: created"
    assert "M000000001 refund decided (email) bounced: bounced for good" in told
    letter, taken = told[-2:]
    assert letter.startswith("M000000002 refund decided (letter) ← M000000001 queued")
    assert taken.startswith("M000000001 refund decided (email) a letter takes over")


async def test_whoever_is_not_reached_is_asked_about_on_the_timeline(desk: Desk) -> None:
    to = await desk.register()
    [mail] = await desk.sent(to=to)
    async with desk.engine.begin() as conn:
        there = await members.by_id(conn, [to])
        gone = member(there[to].member_no, address=None)
        await members.save(conn, [(gone, desk.time)], now=desk.time)
    await desk.apply(bounce(mail["token"]))
    await _later(desk)
    await _later(desk)
    assert await _told(desk, mail["case_id"], "task") == [
        "1 a member whom neither mail nor letter reaches",
        "2 member not reached",
    ]
    assert await _told(desk, mail["case_id"], "note") == [
        "1 a member whom neither mail nor letter reaches closed"
    ]
