"""The engine at a real Postfix: what it has in its queue, in its log, and what it returns."""

import asyncio
from email import message_from_bytes, policy
from email.message import Message
from pathlib import Path

import dkim
import pytest
from sqlalchemy import RowMapping

from notifier.archive.packing import document_of
from notifier.delivery.dkim import Signer, dns_record, make_key, read_key
from notifier.delivery.smtp import attempt_of
from notifier.demo.post_office import PostOffice, Rule, Stage
from notifier.model.dkim import DkimKey, KeyType
from notifier.model.relay import Dsn, Tls
from notifier.model.states import State
from tests.delivery.rig import Rig
from tests.postfix import ONWARD, REFUSED, TAKEN, Postfix

WAITING = "hanako@waiting.example.jp"


async def sent(rig: Rig, to: str) -> tuple[RowMapping, RowMapping]:
    """A message that was delivered to Postfix, and its attempt."""
    message_id = await rig.send(to=await rig.register(email=to))
    async with rig.at_work():
        found = await rig.until(message_id, State.SENT, State.FAILED)
    [attempt] = await rig.attempts(message_id)
    return found, attempt


def sender(message: RowMapping) -> str:
    return f"b+{message['token']}@bounce.example.jp"


async def archived(rig: Rig, attempt: RowMapping) -> bytes:
    async with rig.engine.connect() as conn:
        body = await document_of(conn, attempt["attempt_id"])
    assert body is not None
    return body


async def reply(rig: Rig, attempt: RowMapping) -> str:
    [found] = await rig.rows(
        "SELECT convert_from(reply, 'UTF8') AS reply FROM attempt_replies WHERE attempt_id = :id",
        id=attempt["attempt_id"],
    )
    return str(found["reply"])


@pytest.fixture
def rig(rig: Rig, postfix: Postfix) -> Rig:
    rig.relay = postfix.relay()
    return rig


async def test_a_mail_that_waits_at_the_relay_is_sent(rig: Rig, postfix: Postfix) -> None:
    message, attempt = await sent(rig, WAITING)
    assert (message["state"], attempt["code"], attempt["enhanced"]) == ("sent", 250, "2.0.0")
    waiting = postfix.queued(sender=sender(message))
    [recipient] = waiting["recipients"]
    assert recipient["address"] == WAITING
    assert "refused" in recipient["delay_reason"]
    assert await reply(rig, attempt) == f"2.0.0 Ok: queued as {waiting['queue_id']}"


@pytest.mark.parametrize(
    "address", [WAITING, "a..b.@waiting.example.jp", "a+b=c@waiting.example.jp"]
)
async def test_what_stands_in_the_queue_file(rig: Rig, postfix: Postfix, address: str) -> None:
    message, attempt = await sent(rig, address)
    waiting = postfix.queued(sender=sender(message))
    envelope = postfix.envelope(waiting["queue_id"])
    local, _, domain = address.partition("@")
    quoted = f'"{local}"@{domain}' if ".." in local else address
    assert f"sender: {sender(message)}" in envelope
    assert f"named_attribute: envelope_id={message['token']}.1" in envelope
    assert "named_attribute: ret_flags=2" in envelope  # headers only
    assert "named_attribute: notify_flags=12" in envelope  # 4 failure, 8 delay
    assert f"named_attribute: dsn_orig_rcpt=rfc822;{quoted}" in envelope
    assert f"recipient: {address}" in envelope
    content = postfix.content(waiting["queue_id"])
    traced, _, data = content.partition(b"\r\nFrom: ")
    assert traced.startswith(b"Received: ")
    assert b"From: " + data == await archived(rig, attempt)


@pytest.mark.parametrize(("asked", "flags"), [(Dsn.SUCCESS, "14"), (Dsn.OFF, None)])
async def test_what_is_asked_for_is_set(
    rig: Rig, postfix: Postfix, asked: Dsn, flags: str | None
) -> None:
    rig.relay = postfix.relay(dsn=asked)
    message, _ = await sent(rig, WAITING)
    envelope = postfix.envelope(postfix.queued(sender=sender(message))["queue_id"])
    found = [line.partition("=")[2] for line in envelope if "notify_flags" in line]
    assert found == ([flags] if flags else [])


async def test_a_refused_recipient_has_failed(rig: Rig, postfix: Postfix) -> None:
    message, attempt = await sent(rig, REFUSED)
    assert message["state"] == "failed"
    assert (attempt["command"], attempt["code"], attempt["enhanced"]) == ("RCPT", 550, "5.1.1")
    assert "no such mailbox" in await reply(rig, attempt)
    assert not [one for one in postfix.queue() if one["sender"] == sender(message)]
    assert await rig.tasks() == [("failed_message", 1)]


async def test_tls_with_a_certificate_of_our_own_authority(rig: Rig, postfix: Postfix) -> None:
    rig.relay = postfix.relay(tls=Tls.STARTTLS, ca_file=postfix.certificate)
    message, attempt = await sent(rig, f"hanako@{TAKEN}")
    assert message["state"] == "sent"
    assert attempt["tls"].startswith("TLSv1.3 ")


async def test_a_certificate_that_nobody_vouches_for_gets_nothing(
    rig: Rig, postfix: Postfix
) -> None:
    rig.relay = postfix.relay(tls=Tls.STARTTLS)
    message_id = await rig.send(to=await rig.register(email=f"hanako@{TAKEN}"))
    async with rig.at_work():
        await asyncio.to_thread(postfix.logged, "SSL_accept error")
    assert (await rig.state(message_id))[0] == "queued"
    assert await rig.attempts(message_id) == []


async def test_signatures_and_bytes_survive_two_servers(
    rig: Rig, postfix: Postfix, tmp_path: Path
) -> None:
    keys = []
    for kind in KeyType:
        make_key(tmp_path / kind, kind)
        keys.append(read_key(DkimKey(domain="example.jp", selector=kind, file=tmp_path / kind)))
    records = {f"{r.name}.".encode(): r.text.encode() for r in map(dns_record, keys)}
    rig.signer = Signer(keys)
    async with PostOffice(tmp_path / "next", port=postfix.next_hop) as office:
        _, attempt = await sent(rig, f"a..b.@{ONWARD}")
        [arrived] = await office.wait_for(1)
    data = await archived(rig, attempt)
    assert arrived.data.endswith(data)
    assert arrived.recipients == (f'"a..b."@{ONWARD}',)
    for n in range(2):
        assert dkim.DKIM(arrived.data).verify(idx=n, dnsfunc=lambda name, timeout: records[name])


async def test_a_bounce_names_the_attempt(rig: Rig, postfix: Postfix, tmp_path: Path) -> None:
    async with PostOffice(tmp_path / "next", port=postfix.next_hop) as office:
        office.rules.set(Rule(stage=Stage.RCPT, address=f"*@{ONWARD}", reply="550 5.1.1 gone"))
        message, _ = await sent(rig, f"hanako@{ONWARD}")
        returned = await asyncio.to_thread(postfix.queued, to=sender(message))
    assert message["state"] == "sent"  # the relay has taken it; what comes back is another matter
    data = postfix.content(returned["queue_id"])
    report = message_from_bytes(data, policy=policy.default)
    kinds = {part.get_content_type(): part for part in report.walk()}
    [whole, recipient] = _blocks(kinds["message/delivery-status"])
    assert attempt_of(whole["Original-Envelope-Id"]) == (message["token"], 1)
    assert recipient["Original-Recipient"] == f"rfc822;hanako@{ONWARD}"
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.1.1")
    assert "text/rfc822-headers" in kinds  # as we asked; else Postfix returns it all
    assert "message/rfc822" not in kinds


def _blocks(status: Message) -> list[Message]:
    blocks = status.get_payload()
    assert isinstance(blocks, list)
    return [one for one in blocks if isinstance(one, Message) and one.keys()]
