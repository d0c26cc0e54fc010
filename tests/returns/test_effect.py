"""What comes back takes effect on its message, once, and on nothing else."""

import asyncio
from datetime import timedelta

import pytest

from notifier.demo.post_office import Rule, Stage
from notifier.model.reasons import Reason
from notifier.model.returns import ReturnReason, Standing
from notifier.model.states import Channel, State
from notifier.model.tracking import BounceReason, DeliveredLevel, Finding, Reading, ReturnKind
from notifier.returns.judge import REPORTED_WITHIN
from tests.returns.desk import DAY, Desk, about, bounce, delivered, given

_UNKNOWN = "a" * 26


async def test_a_bounce_moves_its_message_and_is_told_apart(desk: Desk) -> None:
    good, now = await desk.sent(2)
    full = BounceReason.MAILBOX_FULL
    done = await desk.apply(bounce(good["token"]), bounce(now["token"], reason=full, hard=False))
    assert [(o.standing, o.message_id) for o in done] == [
        (Standing.APPLIED, good["message_id"]),
        (Standing.APPLIED, now["message_id"]),
    ]
    assert await desk.state(good["message_id"]) == ("bounced", Reason.BOUNCED_FOR_GOOD)
    assert await desk.state(now["message_id"]) == ("bounced", Reason.BOUNCED_FOR_NOW)
    assert await desk.entries(good["message_id"]) == [("bounced", "user_unknown")]
    assert await desk.suppressed() == [(await desk.address(good), "hard_bounce", 1)]


async def test_every_name_of_ours_leads_to_the_message(desk: Desk) -> None:
    first, second, third, fourth = await desk.sent(4)
    kind, full = ReturnKind.BOUNCED, Finding(recipient=None, kind=ReturnKind.BOUNCED)
    reports = [
        given(Reading(kind=kind), recipients=(f"B+{first['token'].upper()}@bounce.example.jp",)),
        given(Reading(kind=kind, findings=(full,), envelope_ids=(f"{second['token']}.1",))),
        given(Reading(kind=kind, message_ids=(f"<{third['token']}@notifier.example.jp>",))),
        given(
            Reading(
                kind=ReturnKind.REPLY,
                in_reply_to=("<1@example.jp>", f"<{fourth['token']}@notifier.example.jp>"),
            )
        ),
    ]
    done = await desk.apply(*reports)
    named = [m["message_id"] for m in (first, second, third, fourth)]
    assert [o.message_id for o in done] == named
    assert [(await desk.state(one))[0] for one in named] == ["bounced"] * 3 + ["sent"]
    assert await desk.tasks() == [("member_reply", 1)]


async def test_the_same_again_changes_nothing(desk: Desk) -> None:
    [message] = await desk.sent()
    report = bounce(message["token"])
    renamed = bounce(message["token"], external_id="other", raw=report.raw)
    other = bounce(message["token"], external_id=report.external_id)
    done = await desk.apply(report, report, renamed)
    done += await desk.apply(report, renamed, other)
    assert [o.standing for o in done] == [Standing.APPLIED] + [Standing.KNOWN] * 5
    assert {o.return_id for o in done} == {done[0].return_id}
    assert {o.message_id for o in done} == {message["message_id"]}
    assert len(await desk.entries(message["message_id"])) == 1
    [kept] = await desk.rows("SELECT times FROM returns")
    assert kept["times"] == 6
    assert [score for _, _, score in await desk.suppressed()] == [1]


async def test_two_who_bring_the_same_at_once(desk: Desk) -> None:
    [message] = await desk.sent()
    report = bounce(message["token"])
    done = await asyncio.gather(*(desk.apply(report) for _ in range(6)))
    assert sorted(o.standing for [o] in done) == ["applied"] + ["known"] * 5
    assert len(await desk.entries(message["message_id"])) == 1


async def test_a_forged_bounce_changes_nothing_and_is_counted(desk: Desk) -> None:
    message, other = await desk.sent(2)
    waiting = await desk.send()
    [unsent] = await desk.rows("SELECT token FROM messages WHERE message_id = :id", id=waiting)
    address = await desk.address(message)
    done = await desk.apply(
        bounce(_UNKNOWN, address),
        bounce(unsent["token"], address),
        bounce(None, address),
        bounce(message["token"], await desk.address(other)),
        given(Reading(kind=ReturnKind.BOUNCED, tokens=(message["token"], other["token"]))),
    )
    person = {ReturnReason.NO_PROOF, ReturnReason.OTHER_MEMBER, ReturnReason.CONTRADICTORY}
    reasons = [ReturnReason.UNKNOWN_MAIL, ReturnReason.NEVER_SENT, ReturnReason.NO_PROOF]
    reasons += [ReturnReason.OTHER_MEMBER, ReturnReason.CONTRADICTORY]
    assert [(o.reason, o.standing) for o in done] == [
        (r, Standing.PERSON if r in person else Standing.IGNORED) for r in reasons
    ]
    desk.time += REPORTED_WITHIN + DAY
    [late] = await desk.apply(bounce(message["token"]))
    assert (late.standing, late.reason) == (Standing.IGNORED, ReturnReason.TOO_LATE)
    for one in (message, other):
        assert await desk.state(one["message_id"]) == ("sent", "accepted")
        assert await desk.entries(one["message_id"]) == []
    assert (await desk.state(waiting))[0] == "queued"
    assert await desk.suppressed() == []
    assert await desk.tasks() == [("unread_return", 3)]


async def test_a_bounce_of_another_address_moves_but_does_not_suppress(desk: Desk) -> None:
    [message] = await desk.sent()
    await desk.apply(bounce(message["token"], "nagisa@forward.example.jp"))
    assert (await desk.state(message["message_id"]))[0] == "bounced"
    assert await desk.suppressed() == []


async def test_of_several_recipients_the_own_one_counts(desk: Desk) -> None:
    [message] = await desk.sent()
    own = (await desk.address(message)).upper()
    found = (
        Finding(recipient="a@other.example.jp", kind=ReturnKind.BOUNCED, hard=True),
        Finding(recipient=own, kind=ReturnKind.DELIVERED, level=DeliveredLevel.MAILBOX),
    )
    await desk.apply(about(message["token"], ReturnKind.BOUNCED, *found))
    assert await desk.state(message["message_id"]) == ("delivered", Reason.REPORTED_DELIVERED)


async def test_delivered_has_its_level(desk: Desk) -> None:
    mailbox, relayed, logged = await desk.sent(3)
    next_ = DeliveredLevel.NEXT_ACCEPTED
    await desk.apply(
        delivered(mailbox["token"]),
        delivered(relayed["token"], next_),
        delivered(logged["token"], next_, delivered_from=next_),
    )
    assert await desk.state(mailbox["message_id"]) == ("delivered", Reason.REPORTED_DELIVERED)
    assert await desk.state(relayed["message_id"]) == ("sent", "accepted")
    assert await desk.state(logged["message_id"]) == ("delivered", Reason.TAKEN_BY_NEXT)
    assert await desk.entries(relayed["message_id"]) == [("delivered", None)]


async def test_a_late_bounce_counts_and_a_late_delivery_does_not(desk: Desk) -> None:
    [message] = await desk.sent()
    number = message["message_id"]
    await desk.apply(delivered(message["token"]))
    await desk.apply(bounce(message["token"]))
    await desk.apply(delivered(message["token"]))
    assert [after for _, after, _ in await desk.moves(number)][-2:] == ["delivered", "bounced"]
    assert [kind for kind, _ in await desk.entries(number)] == ["delivered", "bounced", "delivered"]
    assert len(await desk.suppressed()) == 1


@pytest.mark.parametrize("bounced_first", [True, False])
async def test_of_two_reports_at_once_the_bounce_wins(desk: Desk, bounced_first: bool) -> None:
    [message] = await desk.sent()
    reports = [bounce(message["token"]), delivered(message["token"])]
    await desk.apply(*(reports if bounced_first else reversed(reports)))
    assert (await desk.state(message["message_id"]))[0] == "bounced"


async def test_a_delay_is_an_entry_only(desk: Desk) -> None:
    [message] = await desk.sent()
    found = Finding(recipient=None, kind=ReturnKind.DELAYED, reason=BounceReason.NETWORK)
    await desk.apply(about(message["token"], ReturnKind.DELAYED, found))
    assert await desk.state(message["message_id"]) == ("sent", "accepted")
    assert await desk.entries(message["message_id"]) == [("delayed", "network")]


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        (ReturnKind.BOUNCED, "bounced"),
        (ReturnKind.DELIVERED, "delivered"),
        (ReturnKind.DELAYED, "sent"),
        (ReturnKind.AUTO_REPLY, "sent"),
        (ReturnKind.UNKNOWN, "uncertain"),
    ],
)
async def test_a_report_settles_what_was_uncertain(
    desk: Desk, kind: ReturnKind, after: str
) -> None:
    desk.office.rules.set(Rule(stage=Stage.END, drop=True))
    message_id = await desk.send()
    async with desk.at_work():
        message = await desk.until(message_id, State.UNCERTAIN)
    level = DeliveredLevel.MAILBOX if kind is ReturnKind.DELIVERED else None
    found = Finding(recipient=None, kind=kind, level=level)
    await desk.apply(about(message["token"], kind, found))
    assert (await desk.state(message_id))[0] == after


async def test_what_comes_before_its_record_waits(desk: Desk) -> None:
    [message] = await desk.sent()
    number = message["message_id"]
    await desk.run("UPDATE messages SET state = 'sending' WHERE message_id = :id", id=number)
    [outcome] = await desk.apply(bounce(message["token"]))
    assert outcome.standing is Standing.WAITING
    assert await desk.entries(number) == []


async def test_complaints_and_answers(desk: Desk) -> None:
    first, second, third, fourth = await desk.sent(4)
    await desk.apply(
        about(first["token"], ReturnKind.COMPLAINT),
        about(second["token"], ReturnKind.AUTO_REPLY),
        about(third["token"], ReturnKind.REPLY),
        about(fourth["token"], ReturnKind.UNKNOWN),
    )
    assert await desk.suppressed() == [(await desk.address(first), "complaint", 1)]
    assert sorted(await desk.tasks()) == [
        ("complaint", 1),
        ("member_reply", 1),
        ("unread_return", 1),
    ]
    for one in (first, second, third, fourth):
        assert (await desk.state(one["message_id"]))[0] == "sent"
        assert len(await desk.entries(one["message_id"])) == 1
    desk.time += timedelta(days=400)
    [late] = await desk.apply(about(second["token"], ReturnKind.REPLY))
    assert late.standing is Standing.APPLIED  # people write whenever they like


async def test_a_failed_signature_is_no_complaint_of_a_member(desk: Desk) -> None:
    [message] = await desk.sent()
    why = BounceReason.AUTHENTICATION
    found = Finding(recipient=None, kind=ReturnKind.COMPLAINT, reason=why, reply="dkim=fail")
    [outcome] = await desk.apply(about(message["token"], ReturnKind.COMPLAINT, found))
    assert outcome.standing is Standing.APPLIED
    assert await desk.entries(message["message_id"]) == [("complaint", "authentication")]
    assert await desk.suppressed() == []
    assert await desk.tasks() == []


async def test_a_token_of_a_letter_is_none(desk: Desk) -> None:
    letter = await desk.send(channel=Channel.LETTER)
    [found] = await desk.rows("SELECT token FROM messages WHERE message_id = :id", id=letter)
    [outcome] = await desk.apply(bounce(found["token"]))
    assert outcome.reason is ReturnReason.UNKNOWN_MAIL


async def test_hostile_values_go_on_record(desk: Desk) -> None:
    [message] = await desk.sent()
    found = Finding(
        recipient="a\x00\ud800@b",
        kind=ReturnKind.BOUNCED,
        hard=True,
        status="5.1.1\x00",
        code=10**12,
        reply="\x00\ud800" + "x" * 5000,
    )
    [outcome] = await desk.apply(about(message["token"], ReturnKind.BOUNCED, found))
    assert outcome.standing is Standing.APPLIED
