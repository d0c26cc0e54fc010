"""The reader: forms of reports one by one, and what must not be taken for something else."""

import json
import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from notifier.model.tracking import BounceReason, DeliveredLevel, ReturnKind
from notifier.returns.reading import read
from tests.returns.mails import RETURNED, TOKEN, plain, report

_FORMS: Final = Path(__file__).parent / "forms"
_TRUTH: Final = tomllib.loads((_FORMS / "forms.toml").read_text())


@pytest.mark.parametrize("name", sorted(_TRUTH))
def test_form(name: str) -> None:
    truth = _TRUTH[name]
    reading = read((_FORMS / f"{name}.eml").read_bytes())
    assert [one.recipient for one in reading.findings] == [truth["recipient"]]
    assert (reading.kind, reading.findings[0].reason) == (truth["kind"], truth["reason"])
    assert reading.tokens == (TOKEN,)


def test_fields_of_a_report() -> None:
    fields = """\
Original-Recipient: rfc822;rei@kaisha.example.jp
Final-Recipient: rfc822; <tenso@provider.example.jp>
Action: failed
Status: 5.0.0
Remote-MTA: dns; mx.provider.example.jp
Diagnostic-Code: smtp; 550 5.1.1 <tenso@provider.example.jp>:
    Recipient address rejected: User unknown
"""
    reading = read(report(fields))
    [one] = reading.findings
    assert one.recipient == "rei@kaisha.example.jp"
    assert one.final_recipient == "tenso@provider.example.jp"
    assert (one.reason, one.hard) == (BounceReason.USER_UNKNOWN, True)
    assert (one.status, one.code) == ("5.1.1", 550)
    assert one.reply.endswith("Recipient address rejected: User unknown")
    assert reading.envelope_ids == (f"{TOKEN}.2",)
    assert reading.message_ids == ("<m1@mail.example.jp>",)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end(end: str) -> None:
    fields = "Final-Recipient: rfc822; rei@kaisha.example.jp\nAction: failed\nStatus: 5.2.2\n"
    [one] = read(report(fields).replace(b"\n", end.encode())).findings
    assert (one.recipient, one.reason) == ("rei@kaisha.example.jp", BounceReason.MAILBOX_FULL)


def test_blank_lines_within_and_missing_between() -> None:
    fields = """\
Final-Recipient: rfc822; a@kaisha.example.jp

Action: failed
Status: 5.1.1

Diagnostic-Code: smtp; 550 5.1.1 user unknown
Final-Recipient: rfc822; b@kaisha.example.jp
Action: delayed
Status: 4.4.1
"""
    found = {one.recipient: one.kind for one in read(report(fields)).findings}
    assert found == {
        "a@kaisha.example.jp": ReturnKind.BOUNCED,
        "b@kaisha.example.jp": ReturnKind.DELAYED,
    }


def test_a_report_within_the_returned_mail_adds_nobody() -> None:
    fields = "Final-Recipient: rfc822; rei@kaisha.example.jp\nAction: failed\nStatus: 5.1.1\n"
    inner = fields.replace("rei@", "dareka@")
    returned = RETURNED + "\n" + report(inner).decode().replace('"b"', '"c"').replace("--b", "--c")
    [one] = read(report(fields, returned=returned)).findings
    assert one.recipient == "rei@kaisha.example.jp"


def test_fields_that_slipped_into_the_headers_of_their_part() -> None:
    data = report(
        "Final-Recipient: rfc822; rei@kaisha.example.jp\nAction: failed\nStatus: 5.1.1\n"
        "Final-Recipient: rfc822; ao@kaisha.example.jp\nAction: failed\nStatus: 5.2.2\n"
    ).replace(b"delivery-status\n\n", b"delivery-status\n")
    data = data.replace(f"{TOKEN}.2\n\n".encode(), f"{TOKEN}.2\n".encode())
    assert [(one.recipient, one.reason) for one in read(data).findings] == [
        ("rei@kaisha.example.jp", BounceReason.USER_UNKNOWN),
        ("ao@kaisha.example.jp", BounceReason.MAILBOX_FULL),
    ]


@pytest.mark.parametrize("lost", ["Content-Type: multipart/report; [^\n]*\n", 'boundary="b"'])
def test_a_boundary_that_no_header_names(lost: str) -> None:
    fields = "Final-Recipient: rfc822; rei@kaisha.example.jp\nAction: failed\nStatus: 5.2.2\n"
    data = re.sub(lost.encode(), b"", report(fields), count=1)
    [one] = read(data).findings
    assert (one.recipient, one.reason) == ("rei@kaisha.example.jp", BounceReason.MAILBOX_FULL)


@pytest.mark.parametrize(
    ("host", "said", "reason"),
    [
        ("mx.cox.net", "554 rejected AUP#CXBL", BounceReason.BLOCKED),
        ("mx.charter.net", "421 AUP#In-1310", BounceReason.RATE),
        ("mx.kaisha.example.jp", "421 AUP#In-1310", BounceReason.NETWORK),
        ("smtp.laposte.net", "550 Service refuse LPN005_510", BounceReason.BLOCKED),
    ],
)
def test_codes_of_a_provider_hold_at_it(host: str, said: str, reason: BounceReason) -> None:
    fields = f"""\
Final-Recipient: rfc822; rei@kaisha.example.jp
Action: failed
Status: 5.0.0
Remote-MTA: dns; {host}
Diagnostic-Code: smtp; {said}
"""
    [one] = read(report(fields)).findings
    assert one.reason is reason


@pytest.mark.parametrize(
    ("command", "reason"),
    [("RCPT TO", BounceReason.USER_UNKNOWN), ("end of DATA", BounceReason.FILTERED)],
)
def test_the_command_tells_what_unknown_means(command: str, reason: BounceReason) -> None:
    fields = """\
Final-Recipient: rfc822; rei@docomo.ne.jp
Action: failed
Status: 5.0.0
Remote-MTA: dns; mfsmax.docomo.ne.jp
Diagnostic-Code: smtp; 550 Unknown user rei@docomo.ne.jp
"""
    text = f"""\
<rei@docomo.ne.jp>: host mfsmax.docomo.ne.jp[192.0.2.1] said: 550 Unknown user
    rei@docomo.ne.jp (in reply to {command} command)
"""
    [one] = read(report(fields, text)).findings
    assert one.reason is reason


def test_an_address_of_old_mobiles() -> None:
    fields = 'Final-Recipient: rfc822; "re..i."@docomo.ne.jp\nAction: failed\nStatus: 5.1.1\n'
    [one] = read(report(fields)).findings
    assert one.recipient == '"re..i."@docomo.ne.jp'


@pytest.mark.parametrize(
    ("action", "level"),
    [
        ("delivered", DeliveredLevel.MAILBOX),
        ("relayed", DeliveredLevel.NEXT_ACCEPTED),
        ("expanded", DeliveredLevel.RELAY_ACCEPTED),
    ],
)
def test_how_much_a_delivery_proves(action: str, level: DeliveredLevel) -> None:
    fields = f"Final-Recipient: rfc822; rei@kaisha.example.jp\nAction: {action}\nStatus: 2.0.0\n"
    reading = read(report(fields))
    assert (reading.kind, reading.findings[0].level) == (ReturnKind.DELIVERED, level)


def test_a_complaint_names_its_recipient_and_our_token() -> None:
    data = f"""\
From: fbl@provider.example.jp
To: fbl@example.jp
Subject: FW: hoken
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b

This is an email abuse report.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
Original-Mail-From: <b+{TOKEN}@bounce.example.jp>
Original-Rcpt-To: <rei@provider.example.jp>
--b
Content-Type: message/rfc822

{RETURNED}
--b--
""".encode()
    reading = read(data)
    assert reading.kind is ReturnKind.COMPLAINT
    assert [one.recipient for one in reading.findings] == ["rei@provider.example.jp"]
    assert reading.tokens == (TOKEN,)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_notification_of_ses_that_comes_as_a_mail(wrapped: bool) -> None:
    people = [{"emailAddress": "rei@kaisha.example.jp", "status": "5.2.2", "diagnosticCode": "x"}]
    told = json.dumps(
        {
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": "Transient",
                "bounceSubType": "MailboxFull",
                "bouncedRecipients": people,
            },
        }
    )
    text = json.dumps({"Type": "Notification", "Message": told}) if wrapped else told
    reading = read(plain("AWS Notification Message", text, "no-reply@sns.example.com"))
    [one] = reading.findings
    assert (one.recipient, one.reason, one.hard) == (
        "rei@kaisha.example.jp",
        BounceReason.MAILBOX_FULL,
        False,
    )
