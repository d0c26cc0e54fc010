"""Reports as mail servers write them, of our own making."""


def report(
    token: str,
    recipient: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    said: str = "550 5.1.1 no such user here",
) -> bytes:
    """A report after RFC 3464 about a mail of ours."""
    return f"""From: MAILER-DAEMON@mx.member.example.jp
To: b+{token}@bounce.example.jp
Subject: Undelivered Mail Returned to Sender
Date: Wed, 16 Jul 2025 10:00:00 +0900
Message-ID: <{token}.report@mx.member.example.jp>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=-="

--=-=
Content-Type: text/plain

This is the mail system at mx.member.example.jp.

--=-=
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.member.example.jp
Original-Envelope-Id: {token}.1

Original-Recipient: rfc822;{recipient}
Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {said}

--=-=
Content-Type: text/rfc822-headers

From: hoken@example.jp
To: {recipient}
Subject: notice
Message-ID: <{token}@notifier.example.jp>

--=-=--
""".replace("\n", "\r\n").encode()
