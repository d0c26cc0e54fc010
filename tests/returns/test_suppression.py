"""Suppression: what sets it, what never does, what clears it, and what it stops."""

import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import RowMapping

from notifier.app.rule_context import RuleContext as House
from notifier.app.sweep import sweep
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.model.suppression import HARD, SOFT, SuppressionReason, normal
from notifier.model.tracking import BounceReason, DeliveredLevel, ReturnKind
from notifier.returns.effect import apply
from notifier.store import suppressions
from notifier.store.db import scalar
from notifier.store.suppressions import Suppression
from tests.delivery.rig import ACTOR
from tests.returns.desk import DAY, TRACK, Desk, about, bounce, delivered
from tests.samples import NOTICES, SCHEME

_NEVER = sorted(set(BounceReason) - SOFT)
_FULL = BounceReason.MAILBOX_FULL


async def again(desk: Desk, member_id: int, reason: BounceReason = _FULL) -> RowMapping:
    """A further mail to a member bounces for now, on a day of its own."""
    desk.time += DAY
    message_id = await desk.send(to=member_id)
    async with desk.at_work():
        message = await desk.until(message_id, State.SENT, State.SUPPRESSED)
    if message["state"] == State.SENT:
        await desk.apply(bounce(message["token"], reason=reason, hard=False))
    return message


async def set_by_hand(desk: Desk, address: str, until: timedelta | None = None) -> None:
    given = Suppression(
        address=normal(address),
        reason=SuppressionReason.BY_PERSON,
        since=desk.time,
        until=desk.time + until if until else None,
    )
    async with desk.engine.begin() as conn:
        await suppressions.set_all(conn, [given], actor=ACTOR, now=desk.time)


def test_what_is_said_about_the_mail_or_its_way_is_not_about_the_address() -> None:
    never = {"policy", "content", "rate", "authentication", "blocked", "spam", "relaying"}
    assert never <= set(_NEVER)
    assert HARD <= SOFT


@pytest.mark.parametrize("hard", [True, False])
async def test_policy_content_and_rate_never_count(desk: Desk, hard: bool) -> None:
    sent = await desk.sent(len(_NEVER))
    reports = [bounce(m["token"], reason=r, hard=hard) for m, r in zip(sent, _NEVER, strict=True)]
    await desk.apply(*reports)
    assert {(await desk.state(m["message_id"]))[0] for m in sent} == {"bounced"}
    assert await desk.suppressed() == []
    counted = await desk.rows("SELECT entry_id FROM tracking WHERE email_index IS NOT NULL")
    assert counted == []


async def test_five_soft_ones_on_different_days_suppress(desk: Desk) -> None:
    member = await desk.register()
    for _ in range(4):
        await again(desk, member)
    desk.time -= DAY  # a further one on the same day says nothing new
    await again(desk, member)
    assert await desk.suppressed() == []
    last = await again(desk, member)
    assert await desk.suppressed() == [(await desk.address(last), "soft_bounces", 1)]
    assert (await again(desk, member))["state"] == State.SUPPRESSED


async def test_a_delivery_between_soft_ones_begins_the_count_anew(desk: Desk) -> None:
    member = await desk.register()
    for n in range(8):
        message = await again(desk, member)
        if n == 3:
            desk.time += timedelta(hours=1)
            one = await desk.send(to=member)
            async with desk.at_work():
                message = await desk.until(one, State.SENT)
            await desk.apply(delivered(message["token"]))
    assert await desk.suppressed() == []
    await again(desk, member)
    assert len(await desk.suppressed()) == 1


async def test_what_a_direct_relay_took_begins_the_count_anew(desk: Desk) -> None:
    member = await desk.register()
    for _ in range(4):
        await again(desk, member)
    desk.time += timedelta(hours=1)
    taken = await desk.send(to=member)
    async with desk.at_work():
        await desk.until(taken, State.SENT)
    desk.time += DAY
    last = await desk.send(to=member)
    async with desk.at_work():
        message = await desk.until(last, State.SENT)
    report = bounce(message["token"], reason=_FULL, hard=False)
    async with desk.engine.begin() as conn:
        label = desk.relay.label
        await apply(conn, [report], actor=TRACK, now=desk.time, direct=[label])
    assert await desk.suppressed() == []


async def test_a_message_counts_once(desk: Desk) -> None:
    [message] = await desk.sent()
    await desk.apply(bounce(message["token"]), bounce(message["token"]))
    await desk.apply(bounce(message["token"]))
    assert [score for _, _, score in await desk.suppressed()] == [1]


async def test_what_waits_is_stopped_and_what_comes_is_born_so(desk: Desk) -> None:
    [message] = await desk.sent()
    waiting = await desk.send(to=message["member_id"])
    held = await desk.send(to=message["member_id"], state=State.HELD, reason=Reason.NO_BRAND)
    other = await desk.send()
    await desk.apply(bounce(message["token"]))
    assert await desk.state(waiting) == ("suppressed", Reason.ADDRESS_SUPPRESSED)
    assert await desk.moves(waiting) == [
        (None, "queued", "created"),
        ("queued", "suppressed", "address_suppressed"),
    ]
    assert (await desk.state(held))[0] == "held"
    assert (await desk.state(other))[0] == "queued"
    later = await desk.send(to=message["member_id"])
    assert await desk.state(later) == ("suppressed", Reason.ADDRESS_SUPPRESSED)
    assert await desk.moves(later) == [(None, "suppressed", "address_suppressed")]


async def test_it_is_the_address_that_is_suppressed(desk: Desk) -> None:
    shared = "Kazoku..A@docomo.example.jp"
    one = await desk.register(email=shared)
    two = await desk.register(email=shared.lower())
    [message] = await desk.sent(to=one)
    waiting = await desk.send(to=two)
    await desk.apply(bounce(message["token"], '"kazoku..a"@Docomo.example.jp'))
    assert await desk.suppressed() == [(shared.lower(), "hard_bounce", 1)]
    assert (await desk.state(waiting))[0] == "suppressed"
    moved = await desk.register(email="new@member.example.jp")
    assert (await desk.state(await desk.send(to=moved)))[0] == "queued"


async def test_without_an_address_told_only_one_that_has_not_changed(desk: Desk) -> None:
    [message] = await desk.sent()
    desk.time += DAY
    await desk.run(
        "UPDATE member_contacts SET email_since = :now WHERE member_id = :id",
        now=desk.time, id=message["member_id"],
    )  # fmt: skip
    await desk.apply(bounce(message["token"]))
    assert (await desk.state(message["message_id"]))[0] == "bounced"
    assert await desk.suppressed() == []


async def test_it_ends(desk: Desk) -> None:
    [message] = await desk.sent()
    await desk.apply(bounce(message["token"]))
    desk.time += timedelta(days=179)
    assert (await desk.state(await desk.send(to=message["member_id"])))[0] == "suppressed"
    desk.time += timedelta(days=2)
    assert await desk.suppressed() == []
    [second] = await desk.sent(to=message["member_id"])
    await desk.apply(bounce(second["token"]))
    assert [score for _, _, score in await desk.suppressed()] == [2]
    desk.time += timedelta(days=359)  # the second time lasts twice as long
    assert len(await desk.suppressed()) == 1
    desk.time += timedelta(days=2)
    assert await desk.suppressed() == []


async def test_a_success_clears_what_bounces_have_set(desk: Desk) -> None:
    [old, message] = await desk.sent(2)
    desk.time += timedelta(hours=1)
    await desk.apply(bounce(message["token"]))
    await desk.apply(delivered(old["token"]))
    assert len(await desk.suppressed()) == 1  # of another address
    desk.time += timedelta(hours=1)
    again = await desk.send(to=message["member_id"])
    await desk.move(again, State.QUEUED, reason=Reason.RELEASED)  # a person insists
    async with desk.at_work():
        tried = await desk.until(again, State.SENT)
    await desk.apply(delivered(tried["token"], DeliveredLevel.NEXT_ACCEPTED))
    assert await desk.suppressed() == []
    [lifted] = await desk.rows("SELECT lifted_by, lift_note FROM suppressions")
    assert (lifted["lifted_by"], lifted["lift_note"]) == ("system:track", "delivered")


async def test_a_success_does_not_clear_a_wish(desk: Desk) -> None:
    [message] = await desk.sent()
    await desk.apply(about(message["token"], ReturnKind.COMPLAINT))
    desk.time += DAY
    again = await desk.send(to=message["member_id"])
    await desk.move(again, State.QUEUED, reason=Reason.RELEASED)
    async with desk.at_work():
        tried = await desk.until(again, State.SENT)
    await desk.apply(delivered(tried["token"]))
    await desk.apply(bounce(message["token"]))
    address = await desk.address(message)
    assert await desk.suppressed() == [(address, "complaint", 2)]  # and for as long as before
    [found] = await desk.rows("SELECT until FROM suppressions")
    assert found["until"] is None


async def test_staff_are_never_suppressed(desk: Desk) -> None:
    await desk.run(
        """INSERT INTO staff (login, name, email, created_at)
           VALUES ('u', 'U', 'u@office.example.jp', now())"""
    )
    await desk.run(
        """INSERT INTO tasks (kind, key, state, owner, details, urgent, created_at,
               last_seen_at, opens_at, due_at, escalate_at)
           VALUES ('failed_message', 'k', 'open', 'staff', '{}', false, now(), now(), now(),
               now(), now())"""
    )
    more: dict[str, Any] = {"case_id": None, "task_id": 1, "member_id": None, "staff_id": 1}
    facts = {"title": "t", "kind": "k", "count": 1, "due": "d", "lines": [], "command": "c"}
    [message] = await desk.sent(notice="staff_alert", step="open", shown=[], facts=facts, **more)
    await desk.apply(bounce(message["token"]))
    assert (await desk.state(message["message_id"]))[0] == "bounced"
    assert await desk.suppressed() == []


async def test_whom_no_letter_reaches_a_person_must(desk: Desk) -> None:
    member = await desk.register(address=None)
    [message] = await desk.sent(to=member)
    await desk.apply(bounce(message["token"]))
    assert await desk.tasks() == [("suppressed_address", 1)]


@pytest.mark.parametrize(
    ("apart", "left"),
    [(False, ["unreached_member"]), (True, ["suppressed_address"])],  # nothing is left to be said
)
async def test_a_mail_that_reaches_nobody_is_one_task(
    desk: Desk, apart: bool, left: list[str]
) -> None:
    member = await desk.register(address=None)
    [message] = await desk.sent(to=member)
    await desk.apply(bounce(message["token"]))
    if apart:
        await desk.run("UPDATE messages SET stopped = 'superseded'")
    house = House(schemes={SCHEME.scheme: SCHEME}, notices=NOTICES)
    for _ in range(2):
        desk.time += timedelta(seconds=15)
        await sweep(desk.engine, house, now=desk.time)
    found = await desk.rows("SELECT kind, details FROM tasks WHERE state = 'open'")
    assert [r["kind"] for r in found] == left
    if not apart:
        assert found[0]["details"]["reason"] == "bounced_for_good"
        assert found[0]["details"]["fallback"] == "no_postal_address"


async def test_the_index_is_keyed_and_the_address_apart(desk: Desk) -> None:
    await set_by_hand(desk, "Nagisa@member.example.jp", until=DAY)
    async with desk.engine.connect() as conn:
        plain = await scalar(conn, "SELECT sha256('nagisa@member.example.jp')")
        [found] = await suppressions.of_address(conn, "nagisa@member.example.jp", now=desk.time)
    assert found.email_index != plain
    assert found.in_force
    await desk.run("DELETE FROM suppression_addresses")
    member = await desk.register(email="NAGISA@member.example.jp")
    assert (await desk.state(await desk.send(to=member)))[0] == "suppressed"


async def test_the_index_is_hmac_of_rfc_2104(desk: Desk) -> None:
    [pads] = await desk.rows("SELECT inner_pad, outer_pad FROM address_key")
    key = bytes(b ^ 0x36 for b in pads["inner_pad"])
    assert key == bytes(b ^ 0x5C for b in pads["outer_pad"])
    async with desk.engine.connect() as conn:
        index = await scalar(conn, "SELECT address_index('A@example.jp')")
    assert index == hmac.digest(key, b"a@example.jp", hashlib.sha256)
    assert len(set(key)) > 10
