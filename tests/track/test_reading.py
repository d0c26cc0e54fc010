"""The reader: forms of reports one by one, and what must not be taken for something else."""

import json
import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from notifier.model.tracking import BounceReason, DeliveredLevel, ReturnKind
from notifier.track.reading import read

_FORMS: Final = Path(__file__).parent / "forms"
_TRUTH: Final = tomllib.loads((_FORMS / "forms.toml").read_text())
_TOKEN: Final = "abcdefghijklmnopqrstuvwxyz"
_RETURNED: Final = """\
Return-Path: <b+abcdefghijklmnopqrstuvwxyz@bounce.example.jp>
Received: from relay.example.jp by mx.example.jp for <rei@kaisha.example.jp>; Thu, 3 Jul 2025
From: hoken@example.jp
To: rei@kaisha.example.jp
Subject: hoken
Message-ID: <m1@mail.example.jp>
"""


def _report(fields: str, text: str = "It failed.\n", returned: str = _RETURNED) -> bytes:
    return f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example.jp
To: b+{_TOKEN}@bounce.example.jp
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=utf-8

{text}
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.jp
Original-Envelope-Id: {_TOKEN}.2

{fields}
--b
Content-Type: message/rfc822

{returned}
--b--
""".encode()


def _plain(subject: str, text: str, sender: str, more: str = "") -> bytes:
    return f"From: {sender}\nTo: toiawase@example.jp\nSubject: {subject}\n{more}\n{text}\n".encode()


@pytest.mark.parametrize("name", sorted(_TRUTH))
def test_form(name: str) -> None:
    truth = _TRUTH[name]
    reading = read((_FORMS / f"{name}.eml").read_bytes())
    assert [one.recipient for one in reading.findings] == [truth["recipient"]]
    assert (reading.kind, reading.findings[0].reason) == (truth["kind"], truth["reason"])
    assert reading.tokens == (_TOKEN,)


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
    reading = read(_report(fields))
    [one] = reading.findings
    assert one.recipient == "rei@kaisha.example.jp"
    assert one.final_recipient == "tenso@provider.example.jp"
    assert (one.reason, one.hard) == (BounceReason.USER_UNKNOWN, True)
    assert (one.status, one.code) == ("5.1.1", 550)
    assert one.reply.endswith("Recipient address rejected: User unknown")
    assert reading.envelope_ids == (f"{_TOKEN}.2",)
    assert reading.message_ids == ("<m1@mail.example.jp>",)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end(end: str) -> None:
    fields = "Final-Recipient: rfc822; rei@kaisha.example.jp\nAction: failed\nStatus: 5.2.2\n"
    [one] = read(_report(fields).replace(b"\n", end.encode())).findings
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
    found = {one.recipient: one.kind for one in read(_report(fields)).findings}
    assert found == {
        "a@kaisha.example.jp": ReturnKind.BOUNCED,
        "b@kaisha.example.jp": ReturnKind.DELAYED,
    }


def test_a_report_within_the_returned_mail_adds_nobody() -> None:
    fields = "Final-Recipient: rfc822; rei@kaisha.example.jp\nAction: failed\nStatus: 5.1.1\n"
    inner = fields.replace("rei@", "dareka@")
    returned = (
        _RETURNED + "\n" + _report(inner).decode().replace('"b"', '"c"').replace("--b", "--c")
    )
    [one] = read(_report(fields, returned=returned)).findings
    assert one.recipient == "rei@kaisha.example.jp"


def test_an_origin_belongs_to_its_own_entry() -> None:
    text = (
        """\
   ----- The following addresses had permanent fatal errors -----
<a@nowhere.example.jp>
b@kaisha.example.jp
    (expanded from: <rei@kaisha.example.jp>)

   ----- Transcript of session follows -----
550 <a@nowhere.example.jp>... Host unknown (Name server: nowhere.example.jp: host not found)
550 b@kaisha.example.jp... User unknown

   ----- Original message follows -----

"""
        + _RETURNED
    )
    reading = read(_plain("Returned mail: User unknown", text, "MAILER-DAEMON@mx.example.jp"))
    assert {one.recipient: one.reason for one in reading.findings} == {
        "a@nowhere.example.jp": BounceReason.HOST_UNKNOWN,
        "rei@kaisha.example.jp": BounceReason.USER_UNKNOWN,
    }


def test_no_service_for_a_host_without_a_name_is_about_us() -> None:
    text = """\
This message was created automatically by mail delivery software.

rei@kaisha.example.jp:
554 mx.kaisha.example.jp ESMTP Service not available
No SMTP service
Bad DNS PTR resource record.
"""
    [one] = read(_plain("Mail delivery failed", text, "MAILER-DAEMON@mx.example.jp")).findings
    assert (one.recipient, one.reason, one.hard) == (
        "rei@kaisha.example.jp",
        BounceReason.BLOCKED,
        False,
    )


def test_fields_that_slipped_into_the_headers_of_their_part() -> None:
    data = _report(
        "Final-Recipient: rfc822; rei@kaisha.example.jp\nAction: failed\nStatus: 5.1.1\n"
        "Final-Recipient: rfc822; ao@kaisha.example.jp\nAction: failed\nStatus: 5.2.2\n"
    ).replace(b"delivery-status\n\n", b"delivery-status\n")
    data = data.replace(f"{_TOKEN}.2\n\n".encode(), f"{_TOKEN}.2\n".encode())
    assert [(one.recipient, one.reason) for one in read(data).findings] == [
        ("rei@kaisha.example.jp", BounceReason.USER_UNKNOWN),
        ("ao@kaisha.example.jp", BounceReason.MAILBOX_FULL),
    ]


def test_entries_without_an_address_have_their_origin() -> None:
    text = """\
This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  pipe to |/usr/local/bin/uketsuke
    generated by uketsuke@kaisha.example.jp
    local delivery failed
  an undisclosed address
    (generated from rei@kaisha.example.jp)
    552 5.2.2 mailbox full
"""
    reading = read(_plain("Mail delivery failed", text, "Mailer-Daemon@mx.example.jp"))
    assert [(one.recipient, one.reason, one.status) for one in reading.findings] == [
        ("uketsuke@kaisha.example.jp", BounceReason.MAILER_ERROR, None),
        ("rei@kaisha.example.jp", BounceReason.MAILBOX_FULL, "5.2.2"),
    ]


def test_several_in_one_line_each_with_its_words() -> None:
    text = (
        "Not delivered to: a@kaisha.example.jp (user unknown), b@kaisha.example.jp (mailbox full)\n"
    )
    reading = read(_plain("failure notice", text, "MAILER-DAEMON@mx.example.jp"))
    assert [(one.recipient, one.reason) for one in reading.findings] == [
        ("a@kaisha.example.jp", BounceReason.USER_UNKNOWN),
        ("b@kaisha.example.jp", BounceReason.MAILBOX_FULL),
    ]


@pytest.mark.parametrize("lost", ["Content-Type: multipart/report; [^\n]*\n", 'boundary="b"'])
def test_a_boundary_that_no_header_names(lost: str) -> None:
    fields = "Final-Recipient: rfc822; rei@kaisha.example.jp\nAction: failed\nStatus: 5.2.2\n"
    data = re.sub(lost.encode(), b"", _report(fields), count=1)
    [one] = read(data).findings
    assert (one.recipient, one.reason) == ("rei@kaisha.example.jp", BounceReason.MAILBOX_FULL)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Connected to 192.0.2.1 but my name was rejected.", BounceReason.BLOCKED),
        ("Connected to 192.0.2.1 but sender was rejected.", BounceReason.REJECTED),
    ],
)
def test_what_is_unknown_before_a_recipient_is_named_is_ours(
    said: str, reason: BounceReason
) -> None:
    text = f"<rei@kaisha.example.jp>:\n{said}\nRemote host said: 501 5.0.0 Invalid domain name\n"
    [one] = read(_plain("failure notice", text, "MAILER-DAEMON@mx.example.jp")).findings
    assert (one.reason, one.hard) == (reason, False)


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
    [one] = read(_report(fields)).findings
    assert one.reason is reason


def test_several_in_free_text_with_reasons_of_their_own() -> None:
    text = """\
Hi. This is the qmail-send program at mail.example.jp.

<a@kaisha.example.jp>:
Sorry, no mailbox here by that name. (#5.1.1)

<b@provider.example.jp>:
192.0.2.1 does not like recipient.
Remote host said: 552 5.2.2 mailbox full
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

""" + _RETURNED.replace("rei@", "dareka@")
    reading = read(_plain("failure notice", text, "MAILER-DAEMON@mail.example.jp"))
    assert [(one.recipient, one.reason) for one in reading.findings] == [
        ("a@kaisha.example.jp", BounceReason.USER_UNKNOWN),
        ("b@provider.example.jp", BounceReason.MAILBOX_FULL),
    ]


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
    [one] = read(_report(fields, text)).findings
    assert one.reason is reason


def test_an_address_of_old_mobiles() -> None:
    fields = 'Final-Recipient: rfc822; "re..i."@docomo.ne.jp\nAction: failed\nStatus: 5.1.1\n'
    [one] = read(_report(fields)).findings
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
    reading = read(_report(fields))
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
Original-Mail-From: <b+{_TOKEN}@bounce.example.jp>
Original-Rcpt-To: <rei@provider.example.jp>
--b
Content-Type: message/rfc822

{_RETURNED}
--b--
""".encode()
    reading = read(data)
    assert reading.kind is ReturnKind.COMPLAINT
    assert [one.recipient for one in reading.findings] == ["rei@provider.example.jp"]
    assert reading.tokens == (_TOKEN,)


@pytest.mark.parametrize(
    ("subject", "text", "more", "kind"),
    [
        ("Re: hoken", "いつ届きますか。", "In-Reply-To: <m1@x>\n", ReturnKind.REPLY),
        ("Re: hoken", "自動返信ではなく、人の返事をください。", "", ReturnKind.REPLY),
        ("不在のお知らせ", "8月18日まで休みます。", "", ReturnKind.AUTO_REPLY),
        ("Re: hoken", "このメールは自動返信です。", "", ReturnKind.AUTO_REPLY),
        ("hoken", "x", "Auto-Submitted: auto-replied\n", ReturnKind.AUTO_REPLY),
        ("hoken", "x", "Precedence: auto_reply\n", ReturnKind.AUTO_REPLY),
        ("oshirase", "x", "X-MLServer: fml [fml 4.0]\n", ReturnKind.AUTO_REPLY),
        ("oshirase", "To release your message, answer.", "", ReturnKind.AUTO_REPLY),
        ("安いお知らせ", "x", "Precedence: bulk\n", ReturnKind.UNKNOWN),
        ("メールが届きません", "User unknown と出ます", "References: <m1@x>\n", ReturnKind.REPLY),
    ],
)
def test_answers(subject: str, text: str, more: str, kind: ReturnKind) -> None:
    reading = read(_plain(subject, text, "rei@provider.example.jp", more))
    assert reading.kind is kind
    assert reading.sender == "rei@provider.example.jp"


@pytest.mark.parametrize("ours", ["年末年始休業のお知らせ", "Automatic reply settings"])
def test_our_own_subject_makes_no_report_an_answer(ours: str) -> None:
    text = "Delivery has failed to these recipients:\n\nrei@kaisha.example.jp\nmailbox full\n"
    reading = read(_plain(f"Undeliverable: {ours}", text, "postmaster@kaisha.example.jp"))
    assert reading.kind is ReturnKind.BOUNCED
    assert reading.findings[0].reason is BounceReason.MAILBOX_FULL


def test_our_own_subject_makes_no_bounce_a_delay() -> None:
    text = "<rei@kaisha.example.jp>: user unknown\n\n--- Original message\n\n"
    data = _plain("Returned: 発送遅延のお知らせ", text, "postmaster@kaisha.example.jp")
    returned = _RETURNED.replace("Subject: hoken", "Subject: 発送遅延のお知らせ")
    assert read(data.rstrip() + b"\n\n" + returned.encode()).kind is ReturnKind.BOUNCED


@pytest.mark.parametrize("charset", ["iso-2022-jp", "shift_jis", "euc-jp", "utf-8"])
@pytest.mark.parametrize("declared", [True, False])
def test_japanese_in_any_charset(charset: str, declared: bool) -> None:
    head = f"Content-Type: text/plain; charset={charset}\n" if declared else ""
    text = "次の宛先に配信できません。\n\n<rei@kaisha.example.jp>\nメールボックスの容量超過\n"
    data = _plain("X", "", "postmaster@mx.example.jp", head).rstrip() + b"\n\n"
    [one] = read(data + text.encode(charset)).findings
    assert (one.recipient, one.reason) == ("rei@kaisha.example.jp", BounceReason.MAILBOX_FULL)


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
    reading = read(_plain("AWS Notification Message", text, "no-reply@sns.example.com"))
    [one] = reading.findings
    assert (one.recipient, one.reason, one.hard) == (
        "rei@kaisha.example.jp",
        BounceReason.MAILBOX_FULL,
        False,
    )
