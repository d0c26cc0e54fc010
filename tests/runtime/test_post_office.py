"""The post office: what it keeps, and how it misbehaves."""

import asyncio
import hashlib
import ssl
import sys
from pathlib import Path

import aiosmtplib
import pytest

from notifier.demo.misbehaviour import write_rules
from notifier.demo.post_office import PostOffice, Rule, Stage, read_log

BODY = b"Message-ID: <1@notifier.example.jp>\r\nSubject: x\r\n\r\n.one\r\n..two\r\nthree\r\n"
SENDER = "b+token@bounce.example.jp"
MEMBER = "hanako@example.jp"


def client(office: PostOffice, timeout: float = 10) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(hostname=office.host, port=office.port, start_tls=False, timeout=timeout)


async def send(office: PostOffice, to: str = MEMBER) -> str:
    async with client(office) as smtp:
        _, answer = await smtp.sendmail(SENDER, [to], BODY)
        return answer


async def test_a_message_is_kept_byte_for_byte_and_logged(post_office: PostOffice) -> None:
    answer = await send(post_office)
    (received,) = post_office.messages
    assert answer == f"2.0.0 Ok: queued as {received.queue_id}"
    assert (received.data, received.sender) == (BODY, SENDER)
    assert (post_office.folder / f"{received.queue_id}.eml").read_bytes() == BODY
    (line,) = read_log(post_office.log_path)
    assert line.pop("taken_at") > 0
    assert line == {
        "queue_id": received.queue_id,
        "message_id": "<1@notifier.example.jp>",
        "from": SENDER,
        "rcpt": [MEMBER],
        "sha256": hashlib.sha256(BODY).hexdigest(),
        "size": len(BODY),
    }


@pytest.mark.parametrize(
    "address",
    [
        '"a..b."@docomo.example.jp',
        r'"a\"b"@docomo.example.jp',
        "taro.yamada@mail.example.jp",
        "taro+x_y-z@example.jp",
    ],
)
async def test_odd_addresses_are_taken_as_written(post_office: PostOffice, address: str) -> None:
    async with client(post_office) as smtp:
        await smtp.ehlo()
        for command in (f"MAIL FROM:<{SENDER}> BODY=8BITMIME", f"RCPT TO:<{address}>"):
            answer = await smtp.execute_command(command.encode())
            assert answer.code == 250
        await smtp.data(BODY)
    assert post_office.messages[0].recipients == (address,)


@pytest.mark.parametrize("address", ["a..b.@docomo.example.jp", ".a@example.jp", "a@b@example.jp"])
async def test_what_should_be_quoted_is_refused(post_office: PostOffice, address: str) -> None:
    async with client(post_office) as smtp:
        await smtp.ehlo()
        await smtp.mail(SENDER)
        answer = await smtp.execute_command(f"RCPT TO:<{address}>".encode())
        assert answer.code == 553


async def test_eight_bits_and_utf8_addresses_are_taken(post_office: PostOffice) -> None:
    body = "Subject: お知らせ\r\n\r\n𠮷田様\r\n".encode()
    async with client(post_office) as smtp:
        options = ["BODY=8BITMIME", "SMTPUTF8"]
        await smtp.sendmail(SENDER, ["花子@example.jp"], body, mail_options=options)
    (received,) = post_office.messages
    assert received.data == body
    assert received.options[-2:] == ("BODY=8BITMIME", "SMTPUTF8")
    assert received.recipients == ("花子@example.jp",)


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.END])
async def test_refusals(post_office: PostOffice, stage: Stage) -> None:
    post_office.rules.set(Rule(stage=stage, reply="451 4.7.1 not now", times=1))
    with pytest.raises(aiosmtplib.SMTPException) as caught:
        await send(post_office)
    assert "451" in repr(caught.value)
    assert "not now" in repr(caught.value)
    assert post_office.messages == []
    await send(post_office)  # the rule is spent
    assert len(post_office.messages) == 1


async def test_a_refusal_in_place_of_the_greeting(post_office: PostOffice) -> None:
    post_office.rules.set(Rule(stage=Stage.CONNECT, reply="421 4.3.2 closed"))
    with pytest.raises(aiosmtplib.SMTPConnectResponseError) as caught:
        await send(post_office)
    assert caught.value.code == 421


@pytest.mark.parametrize("stage", list(Stage))
async def test_a_dropped_connection(post_office: PostOffice, stage: Stage) -> None:
    post_office.rules.set(Rule(stage=stage, drop=True))
    if stage is Stage.AFTER:
        async with client(post_office) as smtp:
            await smtp.sendmail(SENDER, [MEMBER], BODY)
            with pytest.raises(aiosmtplib.SMTPServerDisconnected):
                await smtp.sendmail(SENDER, [MEMBER], BODY)
    else:
        with pytest.raises(aiosmtplib.SMTPException):
            await send(post_office)
    assert len(post_office.messages) == (1 if stage is Stage.AFTER else 0)


async def test_taken_and_dropped_without_an_answer(post_office: PostOffice) -> None:
    post_office.rules.set(Rule(stage=Stage.END, drop=True, keep=True))
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(post_office)
    assert len(read_log(post_office.log_path)) == 1


async def test_a_rule_for_one_recipient_leaves_the_others_alone(post_office: PostOffice) -> None:
    post_office.rules.add(
        Rule(stage=Stage.RCPT, address="*@closed.example.jp", reply="550 5.1.1 x")
    )
    await send(post_office)
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await send(post_office, "a@closed.example.jp")
    post_office.rules.clear()
    await send(post_office, "a@closed.example.jp")
    assert len(post_office.messages) == 2


async def test_a_delay_holds_back_the_answer(post_office: PostOffice) -> None:
    post_office.rules.set(Rule(stage=Stage.END, delay=30))
    with pytest.raises(aiosmtplib.SMTPTimeoutError):
        async with client(post_office, timeout=0.2) as smtp:
            await smtp.sendmail(SENDER, [MEMBER], BODY)
    assert post_office.messages == []


async def test_starttls_and_login(tls_post_office: PostOffice) -> None:
    trust = ssl.create_default_context(cadata=tls_post_office.certificate.decode())
    async with client(tls_post_office) as smtp:
        await smtp.starttls(tls_context=trust)
        await smtp.login("notifier", "open sesame")
        await smtp.sendmail(SENDER, [MEMBER], BODY)
        (received,) = tls_post_office.messages
        assert (received.tls, received.user) == (True, "notifier")
    async with client(tls_post_office) as smtp:
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await smtp.login("notifier", "wrong")


async def test_a_process_of_its_own_reads_its_rules_again(tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    command = ["-m", "notifier.demo.post_office", "--dir", str(tmp_path), "--rules", str(rules)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = int((await process.stdout.readline()).rsplit(b":", 1)[1])
    there = PostOffice(tmp_path, port=port)  # its address only; it is not opened here
    await send(there)
    write_rules(rules, [Rule(stage=Stage.RCPT, reply="452 4.2.2 full")])
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await send(there)
    write_rules(rules, [])
    await send(there)
    process.terminate()
    assert await process.wait() == 0
    assert [line["queue_id"] for line in read_log(tmp_path / "relay.log")] == [
        "00000001",
        "00000002",
    ]
