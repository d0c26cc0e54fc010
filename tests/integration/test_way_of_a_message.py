"""From an event by HTTP to a mail at the relay, with the processes of a real installation."""

import asyncio
import email
import email.policy
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Any

from notifier.demo.post_office import Rule, Stage, read_log
from notifier.model.states import State
from tests.integration.conftest import PEOPLE, Town
from tests.samples import amounts, charge, cloud

BATCH = {"Content-Type": "application/cloudevents-batch+json"}
_UNDER_WAY = {State.QUEUED, State.CLAIMED, State.SENDING}


def failed(number: str) -> dict[str, Any]:
    data = charge(number, amounts=amounts(), gateway="gmo", codes=["G02"])
    return cloud(
        "billing.card.charge_failed", data | {"deadline": "2025-08-14", "recharge_on": "2025-08-15"}
    )


async def _eventually(test: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not await test():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def test_event_becomes_a_mail_and_its_bytes_are_kept(town: Town) -> None:
    with town.process("up") as up, town.billing() as billing:
        event = failed("M0001")
        first, again = (billing.post("/v1/events", json=event) for _ in range(2))
        assert (first.status_code, again.json()) == (202, first.json())
        wrong = billing.post("/v1/events", json=event | {"subject": "another"})
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (409, "id")
        assert "index" not in wrong.json()["errors"][0]
        [received] = await town.office.wait_for(1)
        up.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(up.wait) == 0
    mail = email.message_from_bytes(received.data, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert received.recipients == ("m0001@member.example.jp",)
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        assert "3,230円" in body.get_content()
    [message] = await town.messages()
    assert (message["state"], message["attempts"]) == (State.SENT, 1)


async def test_a_killed_worker_and_a_killed_server_change_no_total(town: Town) -> None:
    town.office.rules.set(Rule(stage=Stage.END, delay=0.02))
    with town.process("serve") as serve, town.billing() as billing:
        events = [failed(f"M{n:04d}") for n in range(PEOPLE)]
        half = PEOPLE // 2
        assert billing.post("/v1/events", json=events[:half], headers=BATCH).status_code == 202
        serve.kill()
    kills = 2
    with town.process("serve"), town.billing() as billing:
        for kill in range(1, kills + 1):
            with town.process("work") as work:
                await town.office.wait_for(kill * PEOPLE // 8, seconds=60)
                work.kill()
        # All of them again: what is on record is not taken twice.
        assert billing.post("/v1/events", json=events, headers=BATCH).status_code == 202
        with town.process("work"):
            await _eventually(lambda: _nothing_under_way(town))
    found = await town.messages()
    copies = Counter(line["rcpt"][0] for line in read_log(town.office.log_path))
    assert len(found) == PEOPLE
    for m in found:
        at_receiver = copies.pop(f"{m['member_no'].lower()}@member.example.jp", 0)
        assert at_receiver in {State.SENT: {1}, State.UNCERTAIN: {0, 1}}[State(m["state"])]
    assert not copies
    uncertain = sum(m["state"] == State.UNCERTAIN for m in found)
    assert uncertain <= kills * town.settings.relays[0].connections
    assert {m["member_no"] for m in found} == {e["data"]["member_no"] for e in events}


async def _nothing_under_way(town: Town) -> bool:
    return not any(m["state"] in _UNDER_WAY for m in await town.messages())


async def test_a_batch_with_one_bad_event_leaves_no_trace(town: Town) -> None:
    with town.process("serve"), town.billing() as billing:
        bad = failed("M0002") | {"time": "2025-07-15T10:00:00"}
        unknown = failed("NOBODY")
        for events, field in (([failed("M0001"), bad], "time"), ([unknown], "data.member_no")):
            for language, word in (("ja", "誤り"), ("en", "not valid")):
                told = billing.post(
                    "/v1/events", json=events, headers={**BATCH, "Accept-Language": language}
                )
                assert told.status_code == 422
                assert word in told.json()["title"]
                assert told.json()["errors"][0]["field"] == field
                assert told.json()["errors"][0]["index"] == len(events) - 1
    assert not await town.messages()
