"""Mails that come back, for the reader: a report with fields, a mail of text alone."""

from typing import Final

TOKEN: Final = "abcdefghijklmnopqrstuvwxyz"
RETURNED: Final = """\
Return-Path: <b+abcdefghijklmnopqrstuvwxyz@bounce.example.jp>
Received: from relay.example.jp by mx.example.jp for <rei@kaisha.example.jp>; Thu, 3 Jul 2025
From: hoken@example.jp
To: rei@kaisha.example.jp
Subject: hoken
Message-ID: <m1@mail.example.jp>
"""


def report(fields: str, text: str = "It failed.\n", returned: str = RETURNED) -> bytes:
    """A report with these fields about the recipients."""
    return f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example.jp
To: b+{TOKEN}@bounce.example.jp
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=utf-8

{text}
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.jp
Original-Envelope-Id: {TOKEN}.2

{fields}
--b
Content-Type: message/rfc822

{returned}
--b--
""".encode()


def plain(subject: str, text: str, sender: str, more: str = "") -> bytes:
    """A mail of text alone."""
    return f"From: {sender}\nTo: toiawase@example.jp\nSubject: {subject}\n{more}\n{text}\n".encode()
