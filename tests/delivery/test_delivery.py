"""A lane at work, at a relay that behaves and one that does not."""

import asyncio
import hashlib
import shutil
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import RowMapping

from notifier.archive.packing import Packers, document_of, unpack
from notifier.demo.post_office import Rule, Stage, read_log
from notifier.model.notice import Lane, UncertainPolicy
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.rendering.writer import Writer
from notifier.rules.calendar import japan_date
from notifier.store import messages, staff
from notifier.store.attempts import of_message
from notifier.store.compose import load
from notifier.store.documents import Codec
from notifier.store.messages import Move
from tests.delivery.rig import ACTOR, Rig, eventually, renderer
from tests.samples import LOCALES, TEMPLATES


async def test_accepted_mail_is_on_record_as_it_went_out(rig: Rig) -> None:
    message_id = await rig.send()
    async with rig.at_work():
        found = await rig.until(message_id, State.SENT)
    [received] = rig.office.messages
    assert received.sender == f"b+{found['token']}@bounce.example.jp"
    assert received.message_id == f"<{found['token']}@notifier.example.jp>"
    async with rig.engine.connect() as conn:
        [attempt] = await of_message(conn, message_id)
        assert await document_of(conn, attempt.attempt_id) == received.data
    [line] = read_log(rig.office.log_path)
    assert attempt.sha256.hex() == line["sha256"] == hashlib.sha256(received.data).hexdigest()
    assert (attempt.outcome, attempt.command, attempt.code) == ("accepted", "BODY", 250)
    assert (attempt.enhanced, attempt.relay, attempt.tls) == ("2.0.0", "post-office", None)
    assert (attempt.reply or "").endswith(f"queued as {received.queue_id}")
    assert found["template_digest"] == attempt.template_digest
    [version] = await rig.rows("SELECT notice FROM template_versions")
    assert version["notice"] == "refund"
    [shown] = await rig.rows("SELECT amounts FROM shown")
    assert shown["amounts"] == [{"role": "refund", "name": "total", "yen": 200}]
    assert await rig.moves(message_id) == [
        (None, "queued", "created"),
        ("queued", "claimed", "claimed"),
        ("claimed", "sending", "permit"),
        ("sending", "sent", "accepted"),
    ]
    assert await rig.tasks() == []


async def test_every_message_of_many_goes_out_once(rig: Rig) -> None:
    member_id = await rig.register()
    ids = [await rig.send(to=member_id) for _ in range(60)]
    async with rig.at_work():
        for message_id in ids:
            await rig.until(message_id, State.SENT)
    assert len({r.message_id for r in rig.office.messages}) == len(rig.office.messages) == 60
    assert rig.office.connections <= rig.relay.connections
    assert not [*rig.journals.iterdir()]  # an orderly stop leaves nothing to settle


async def test_a_temporary_refusal_is_tried_again_later(rig: Rig) -> None:
    reply = "451 4.3.0 come back later"
    rig.office.rules.set(Rule(stage=Stage.RCPT, reply=reply, times=1))
    message_id = await rig.send()
    async with rig.at_work():
        found = await rig.until(message_id, State.QUEUED)
        found = await eventually(lambda: _attempted(rig, message_id, 1))
        assert (found["reason"], found["attempts"]) == (Reason.TEMPORARY_REFUSAL, 1)
        wait = found["next_attempt_at"] - rig.time
        assert timedelta(seconds=48) <= wait <= timedelta(seconds=72)
        rig.time += wait
        rig.bells[Lane.STANDARD].set()
        await rig.until(message_id, State.SENT)
    first, second = await rig.attempts(message_id)
    assert (first["outcome"], first["command"], first["code"]) == ("temporary", "RCPT", 451)
    assert (first["enhanced"], second["number"]) == ("4.3.0", 2)
    assert len(rig.office.messages) == 1


async def _attempted(rig: Rig, message_id: int, number: int) -> RowMapping | None:
    found = await rig.until(message_id, State.QUEUED)
    return found if found["attempts"] == number else None


async def test_a_retry_that_would_come_too_late_fails_with_a_task(rig: Rig) -> None:
    rig.office.rules.set(Rule(stage=Stage.END, reply="450 4.2.1 busy"))
    message_id = await rig.send(expires_at=rig.time + timedelta(seconds=30))
    async with rig.at_work():
        await rig.until(message_id, State.FAILED)
    assert await rig.state(message_id) == ("failed", Reason.ATTEMPTS_EXHAUSTED)
    assert await rig.tasks() == [("failed_message", 1)]


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.END])
async def test_a_permanent_refusal_fails_with_its_code_and_a_task(rig: Rig, stage: Stage) -> None:
    rig.office.rules.set(Rule(stage=stage, reply="550 5.1.1 no such user", times=1))
    refused, other = await rig.send(), await rig.send()
    async with rig.at_work():
        await rig.until(refused, State.FAILED)
        await rig.until(other, State.SENT)
    [attempt] = await rig.attempts(refused)
    assert (attempt["outcome"], attempt["code"], attempt["enhanced"]) == ("permanent", 550, "5.1.1")
    assert await rig.tasks() == [("failed_message", 1)]
    assert len(rig.office.messages) == 1


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA])
async def test_a_break_before_the_body_is_safe_to_repeat(rig: Rig, stage: Stage) -> None:
    rig.office.rules.set(Rule(stage=stage, drop=True, times=1))
    message_id = await rig.send()
    async with rig.at_work():
        found = await eventually(lambda: _attempted(rig, message_id, 1))
        assert found["reason"] == Reason.CONNECTION_FAILED
        rig.time = found["next_attempt_at"]
        rig.bells[Lane.STANDARD].set()
        await rig.until(message_id, State.SENT)
    first, _ = await rig.attempts(message_id)
    assert (first["outcome"], first["code"]) == ("before_data", None)
    assert len(rig.office.messages) == 1


@pytest.mark.parametrize("kept", [True, False])
async def test_a_break_after_the_body_is_uncertain_and_asks_a_person(rig: Rig, kept: bool) -> None:
    rig.office.rules.set(Rule(stage=Stage.END, drop=True, keep=kept))
    message_id = await rig.send()
    async with rig.at_work():
        await rig.until(message_id, State.UNCERTAIN)
    await rig.sweep(after=timedelta(hours=1))
    assert await rig.state(message_id) == ("uncertain", Reason.BROKEN_AFTER_DATA)
    assert await rig.tasks() == [("uncertain_message", 1)]
    assert len(rig.office.messages) == kept


async def test_the_resend_policy_sends_twice_more_then_asks(rig: Rig) -> None:
    rig.office.rules.set(Rule(stage=Stage.END, drop=True, keep=True))
    message_id = await rig.send(uncertain_policy=UncertainPolicy.RESEND)
    async with rig.at_work():
        for number in (1, 2, 3):
            await rig.until(message_id, State.UNCERTAIN)
            await rig.sweep(after=timedelta(minutes=14))
            assert len(await rig.attempts(message_id)) == number
            assert await rig.tasks() == ([] if number < 3 else [("uncertain_message", 1)])
            await rig.sweep(after=timedelta(minutes=2))
            rig.bells[Lane.STANDARD].set()
            if number < 3:
                await eventually(lambda: _count(rig, message_id, number + 1))  # noqa: B023
    assert len({r.message_id for r in rig.office.messages}) == 1
    assert len(rig.office.messages) == 3


async def _count(rig: Rig, message_id: int, wanted: int) -> bool:
    return len(await rig.attempts(message_id)) == wanted


async def test_a_connection_closed_while_idle_costs_no_attempt(rig: Rig) -> None:
    rig.office.rules.set(Rule(stage=Stage.AFTER, drop=True))
    async with rig.at_work(Lane.STANDARD):
        for _ in range(3):
            message_id = await rig.send()
            rig.bells[Lane.STANDARD].set()
            found = await rig.until(message_id, State.SENT, State.UNCERTAIN)
            assert (found["state"], found["attempts"]) == ("sent", 1)
    assert len(rig.office.messages) == 3


async def test_421_on_a_kept_connection_costs_no_attempt(rig: Rig) -> None:
    async with rig.at_work(Lane.STANDARD):
        await rig.until(await rig.send(), State.SENT)
        rig.office.rules.set(Rule(stage=Stage.MAIL, reply="421 4.4.2 idle for too long", times=1))
        message_id = await rig.send()
        found = await rig.until(message_id, State.SENT)
    assert found["attempts"] == 1


async def test_a_relay_that_is_away_costs_no_attempt(rig: Rig) -> None:
    rig.office.rules.set(Rule(stage=Stage.CONNECT, reply="421 4.3.2 going down"))
    message_id = await rig.send()
    async with rig.at_work(Lane.STANDARD):
        await eventually(lambda: _given_back(rig, message_id))
        assert (await rig.attempts(message_id)) == []
        rig.office.rules.clear()
        found = await rig.until(message_id, State.SENT)
    assert found["attempts"] == 1


async def _given_back(rig: Rig, message_id: int) -> bool:
    return ("claimed", "queued", Reason.CONNECTION_FAILED) in await rig.moves(message_id)


async def test_what_is_cancelled_while_it_waits_is_not_sent(rig: Rig) -> None:
    """One line is busy; what waits behind it is claimed and cancelled."""
    rig.relay = rig.relay.model_copy(update={"connections": 1})
    rig.office.rules.set(Rule(stage=Stage.END, delay=1.0, times=1))
    first, second = await rig.send(), await rig.send()
    async with rig.at_work(Lane.STANDARD):
        await rig.until(first, State.SENDING)
        await rig.until(second, State.CLAIMED)
        async with rig.engine.begin() as conn:
            asked = [Move(message_id=second, after=State.CANCELLED, reason=Reason.BY_PERSON)]
            assert await messages.move(conn, asked, actor=ACTOR, now=rig.time) == [second]
        await rig.until(first, State.SENT)
        third = await rig.send()
        await rig.until(third, State.SENT)
    assert await rig.state(second) == ("cancelled", Reason.BY_PERSON)
    assert len(rig.office.messages) == 2


async def test_an_orderly_stop_finishes_what_flies_and_hands_back_the_rest(rig: Rig) -> None:
    rig.relay = rig.relay.model_copy(update={"connections": 1})
    rig.office.rules.set(Rule(stage=Stage.END, delay=1.0))
    first, second = await rig.send(), await rig.send()
    async with rig.at_work(Lane.STANDARD):
        await rig.until(first, State.SENDING)
        await rig.until(second, State.CLAIMED)
    assert await rig.state(first) == ("sent", Reason.ACCEPTED)
    assert await rig.state(second) == ("queued", Reason.HANDED_BACK)
    [worker] = await rig.rows("SELECT stopped_at FROM workers")
    assert worker["stopped_at"] is not None


async def test_without_an_address_or_words_it_is_held_and_the_others_go_on(rig: Rig) -> None:
    homeless = await rig.send(to=await rig.register(email=""))
    wordless = await rig.send(facts={"amount": "?"})
    fine = await rig.send()
    async with rig.at_work():
        await rig.until(fine, State.SENT)
        await rig.until(homeless, State.HELD)
        await rig.until(wordless, State.HELD)
    assert await rig.state(homeless) == ("held", Reason.NO_ADDRESS)
    assert await rig.state(wordless) == ("held", Reason.RENDER_FAILED)
    assert await rig.tasks() == [("held_message", 1), ("held_message", 1)]


async def test_a_sample_that_the_brand_does_not_allow_holds_up_no_mail(
    rig: Rig, tmp_path: Path
) -> None:
    copy = shutil.copytree(TEMPLATES, tmp_path / "templates")
    sample = copy / "ja" / "refund" / "sample.json"
    sample.write_text(sample.read_text().replace("CH-2025-07-0007", "https://elsewhere.example/"))
    message_id = await rig.send()
    async with rig.engine.connect() as conn:
        found = (await load(conn, [message_id], today=japan_date(rig.time)))[message_id]
    made = replace(renderer(), writer=Writer(copy, LOCALES), _packers=Packers()).mail(
        found, now=rig.time
    )
    assert unpack(made.packed, Codec.MAIL, made.dictionary.content) == made.envelope.data


async def test_what_the_record_will_not_permit_is_held_and_the_others_go_on(rig: Rig) -> None:
    ids = [await rig.send() for _ in range(5)]
    await rig.run("UPDATE message_facts SET shown = '{}' WHERE message_id = :id", id=ids[2])
    async with rig.at_work(Lane.STANDARD):
        await rig.until(ids[2], State.HELD)
        for message_id in (*ids[:2], *ids[3:]):
            await rig.until(message_id, State.SENT)
    assert len(rig.office.messages) == 4
    assert len(await rig.tasks()) == 1


async def test_without_a_brand_in_force_it_is_held(rig: Rig) -> None:
    message_id = await rig.send()
    await rig.run("UPDATE scheme_brands SET valid_from = '2099-01-01'")
    async with rig.at_work():
        await rig.until(message_id, State.HELD)
    assert await rig.state(message_id) == ("held", Reason.NO_BRAND)


async def test_an_old_carrier_address_is_quoted_on_the_wire(rig: Rig) -> None:
    message_id = await rig.send(to=await rig.register(email="a..b.@docomo.example.jp"))
    async with rig.at_work():
        await rig.until(message_id, State.SENT)
    [received] = rig.office.messages
    assert received.recipients == ('"a..b."@docomo.example.jp',)


async def test_staff_mail_goes_out_under_the_house_brand(rig: Rig) -> None:
    async with rig.engine.begin() as conn:
        await staff.save(conn, "umi", "海野 渚", "umi@staff.example.jp", now=rig.time)
    [person] = await rig.rows("SELECT staff_id FROM staff")
    await rig.run(
        """INSERT INTO tasks (kind, key, state, owner, details, urgent, created_at, last_seen_at,
               opens_at, due_at, escalate_at)
           VALUES ('held_message', 'k', 'open', 'staff', '{}', true, :now, :now, :now, :now, :now)
        """,
        now=rig.time,
    )
    [task] = await rig.rows("SELECT task_id FROM tasks")
    facts = {
        "title": "保留",
        "kind": "held_message",
        "count": 3,
        "due": "2025-07-16 14:00",
        "lines": ["件数: 3"],
        "command": "notifier tasks show 1",
    }
    message_id = await rig.send(
        case_id=None,
        member_id=None,
        task_id=task["task_id"],
        staff_id=person["staff_id"],
        notice="staff_alert",
        step="open",
        scheme=None,
        lane=int(Lane.URGENT),
        facts=facts,
        shown=[],
    )
    async with rig.at_work(Lane.URGENT):
        await rig.until(message_id, State.SENT)
    [received] = rig.office.messages
    mail = message_from_bytes(received.data, policy=default)
    assert received.recipients == ("umi@staff.example.jp",)
    assert "hoken@example.jp" in mail["From"]


async def test_a_letter_is_left_to_the_press_and_other_lanes_to_others(rig: Rig) -> None:
    letter = await rig.send(channel=Channel.LETTER)
    bulk = await rig.send(lane=int(Lane.BULK))
    fine = await rig.send()
    async with rig.at_work(Lane.STANDARD):
        await rig.until(fine, State.SENT)
        await asyncio.sleep(0)
    assert await rig.state(letter) == await rig.state(bulk) == ("queued", Reason.CREATED)


async def test_what_has_expired_is_ended_with_a_task(rig: Rig) -> None:
    ids = [await rig.send(expires_at=rig.time) for _ in range(2)]
    async with rig.at_work():
        await rig.sweep()
    assert [await rig.state(m) for m in ids] == [("expired", Reason.EXPIRED)] * 2
    assert await rig.tasks() == [("failed_message", 2)]
    assert rig.office.messages == []
