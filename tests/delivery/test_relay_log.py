"""Uncertain mails settled by the relay's log: a real Postfix behind a wire that is cut."""

import gzip
from datetime import timedelta
from pathlib import Path

import pytest

from notifier.delivery.resolve import RESEND_WAIT
from notifier.model.reasons import Reason
from notifier.model.states import IllegalMove, State
from notifier.returns.postfix_log import Evidence, read_lines
from notifier.returns.relay_log import Resolved, resolve_by_log
from notifier.store.uncertain import Resolution, resolve_uncertain
from tests.delivery.proxy import Cut, Proxy
from tests.delivery.rig import ACTOR, Rig
from tests.postfix import Postfix, eventually

BOUNCES = "bounce.example.jp"
A, B = "a" * 26, "b" * 26


async def broken(rig: Rig, postfix: Postfix, cut: Cut) -> tuple[int, str]:
    """A message whose transmission was cut off: its id and token."""
    message_id = await rig.send(to=await rig.register(email="hanako@waiting.example.jp"))
    async with Proxy(postfix.port, cut).open() as proxy:
        rig.relay = postfix.relay(port=proxy.port)
        async with rig.at_work():
            found = await rig.until(message_id, State.UNCERTAIN)
    return message_id, found["token"]


async def by_log(rig: Rig, *paths: Path, complete: bool = False) -> Resolved:
    return await resolve_by_log(
        rig.engine, paths, bounce_domain=BOUNCES, complete=complete, actor=ACTOR, now=rig.time
    )


def evidence(postfix: Postfix, token: str) -> list[Evidence]:
    lines = postfix.log.read_text().splitlines()
    return [x.evidence for x in read_lines(lines, bounce_domain=BOUNCES) if x.token == token]


async def test_what_the_relay_took_is_sent(rig: Rig, postfix: Postfix) -> None:
    message_id, token = await broken(rig, postfix, Cut.REPLY)
    assert await rig.tasks() == [("uncertain_message", 1)]
    postfix.logged(f"from=<b+{token}@", "(queue active)")
    assert await by_log(rig, postfix.log) == Resolved(sent=(message_id,), queued=(), left=())
    assert await rig.state(message_id) == ("sent", Reason.RELAY_LOG)
    assert (await rig.moves(message_id))[-1] == ("uncertain", "sent", "relay_log")
    assert await by_log(rig, postfix.log) == Resolved(sent=(), queued=(), left=())
    assert len([one for one in postfix.queue() if token in one["sender"]]) == 1


async def test_what_the_relay_never_had_is_sent_again_once_the_log_is_complete(
    rig: Rig, postfix: Postfix
) -> None:
    message_id, token = await broken(rig, postfix, Cut.BODY)
    nothing = Resolved(sent=(), queued=(), left=(message_id,))
    assert await by_log(rig, postfix.log) == nothing
    assert await by_log(rig, postfix.log, complete=True) == nothing  # it may still be on its way
    assert (await rig.state(message_id))[0] == "uncertain"
    rig.time += RESEND_WAIT
    assert await by_log(rig, postfix.log, complete=True) == Resolved(
        sent=(), queued=(message_id,), left=()
    )
    assert await rig.state(message_id) == ("queued", Reason.RELAY_LOG)
    rig.relay = postfix.relay()
    async with rig.at_work():
        await rig.until(message_id, State.SENT)
    waiting = postfix.queued(sender=f"b+{token}@{BOUNCES}")
    assert [one for one in postfix.queue() if token in one["sender"]] == [waiting]
    envelope = postfix.envelope(waiting["queue_id"])
    assert f"named_attribute: envelope_id={token}.2" in envelope


async def test_headers_alone_settle_nothing(rig: Rig, postfix: Postfix) -> None:
    message_id, token = await broken(rig, postfix, Cut.HALF)
    postfix.logged(f"message-id=<{token}@")
    assert evidence(postfix, token) == [Evidence.BEGUN]
    rig.time += RESEND_WAIT
    for complete in (False, True):
        assert (await by_log(rig, postfix.log, complete=complete)).left == (message_id,)
    assert not [one for one in postfix.queue() if token in one["sender"]]


async def test_rotated_logs_are_read_together(rig: Rig, postfix: Postfix, tmp_path: Path) -> None:
    message_id, token = await broken(rig, postfix, Cut.REPLY)
    postfix.logged(f"from=<b+{token}@")
    old, new = tmp_path / "mail.log.1.gz", tmp_path / "mail.log"
    old.write_bytes(gzip.compress(postfix.log.read_bytes()))
    new.write_text("")
    rig.time += RESEND_WAIT
    assert (await by_log(rig, new, old, complete=True)).sent == (message_id,)


async def test_a_bounce_that_was_asked_for_settles_nothing_here(rig: Rig, postfix: Postfix) -> None:
    """The log shows what came of it; the report itself goes to the return path."""
    message_id, token = await broken(rig, postfix, Cut.REPLY)
    kinds = [Evidence.BEGUN, Evidence.ACCEPTED, Evidence.DEFERRED]  # deferred again each second
    eventually(lambda: evidence(postfix, token)[:3] == kinds)
    assert (await by_log(rig, postfix.log)).sent == (message_id,)


PLAIN = f"""\
Nov 24 22:25:18 relay postfix/smtpd[1]: 4jYy725: client=unknown[127.0.0.1]
Nov 24 22:25:18 relay postfix/cleanup[2]: 4jYy725: message-id=<{A}@notifier.example.jp>
Nov 24 22:25:18 relay postfix/qmgr[3]: 4jYy725: from=<b+{A}@bounce.example.jp> (queue active)
Nov 24 22:25:18 relay postfix/smtp[4]: 4jYy725: to=<h@example.jp>, dsn=4.4.1, status=deferred (x)
Nov 24 22:25:18 relay postfix/smtp[4]: 4jYy725: to=<h@example.jp>, dsn=2.0.0, status=sent (250 ok)
Nov 24 22:25:18 relay postfix/qmgr[3]: 4jYy725: removed
"""
TAKEN = [Evidence.BEGUN, Evidence.ACCEPTED, Evidence.DEFERRED, Evidence.SENT]
CASES = {
    "plain": (PLAIN, TAKEN),
    "another instance and clock": (
        PLAIN.replace("postfix/", "postfix-out/relay/").replace(
            "Nov 24 22:25:18", "2026-11-24T22:25:18.123456+09:00"
        ),
        TAKEN,
    ),
    "the domain in capitals": (PLAIN.replace("@bounce.example.jp", "@Bounce.Example.JP"), TAKEN),
    "given up": (
        PLAIN.replace("status=sent (250 ok)", "status=bounced (550 no)"),
        [*TAKEN[:3], Evidence.BOUNCED],
    ),
    "expired": (
        PLAIN.replace("removed", f"from=<b+{A}@bounce.example.jp>, status=expired, returned to x"),
        [*TAKEN, Evidence.BOUNCED],
    ),
    "a rewritten return path": (
        PLAIN.replace("b+", "prvs=").replace("@bounce.", "@other."),
        [Evidence.BEGUN, Evidence.ACCEPTED],
    ),
    "another house": (PLAIN.replace("@bounce.", "@other.").replace(f"<{A}", "<x"), []),
    "no queue manager": ("".join(x for x in PLAIN.splitlines(True) if "qmgr" not in x), TAKEN[:1]),
    "words of others": (
        PLAIN.splitlines()[2].replace("qmgr[3]: ", "smtpd[1]: NOQUEUE: reject: helo=<qmgr[3]: ")
        + "\n"
        + PLAIN.splitlines()[2].replace("qmgr[3]: ", "smtpd[1]: connect from qmgr[3]: "),
        [],
    ),
    "a queue id used again": (
        PLAIN.replace("removed", "note")
        + "x relay postfix/smtpd[1]: 4jYy725: client=a\n"
        + "x relay postfix/smtp[4]: 4jYy725: to=<h@example.jp>, dsn=5.0.0, status=bounced (x)\n",
        TAKEN,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_lines_say(name: str) -> None:
    text, said = CASES[name]
    found = [*read_lines(text.splitlines(), bounce_domain=BOUNCES)]
    assert [line.evidence for line in found] == said
    assert all(line.token == A and line.queue_id == "4jYy725" for line in found)
    assert all(line.text in text for line in found)


async def test_uncertain_mails_are_resolved_by_token_and_attempt(
    rig: Rig, postfix: Postfix
) -> None:
    message_id, token = await broken(rig, postfix, Cut.REPLY)

    async def found(after: State, *, of: str = token, number: int | None = None) -> list[int]:
        resolution = Resolution(token=of, after=after, number=number)
        async with rig.engine.begin() as conn:
            return await resolve_uncertain(
                conn, [resolution], reason=Reason.RELAY_LOG, actor=ACTOR, now=rig.time
            )

    assert await found(State.BOUNCED, of=B) == []
    assert await found(State.BOUNCED, number=2) == []  # of an attempt that was not made
    with pytest.raises(IllegalMove):
        await found(State.CANCELLED)
    assert (await rig.state(message_id))[0] == "uncertain"
    assert await found(State.BOUNCED, number=1) == [message_id]
    assert await rig.state(message_id) == ("bounced", Reason.RELAY_LOG)
    assert await found(State.SENT) == []  # it is uncertain no more
    assert (await rig.state(message_id))[0] == "bounced"


async def test_what_is_queued_again_is_due_at_once(rig: Rig, postfix: Postfix) -> None:
    _, token = await broken(rig, postfix, Cut.BODY)
    rig.time += timedelta(hours=1)
    async with rig.engine.begin() as conn:
        resolution = Resolution(token=token, after=State.QUEUED)
        await resolve_uncertain(
            conn, [resolution], reason=Reason.RELAY_LOG, actor=ACTOR, now=rig.time
        )
    [found] = await rig.rows("SELECT next_attempt_at, token FROM messages")
    assert (found["next_attempt_at"], found["token"]) == (rig.time, token)
