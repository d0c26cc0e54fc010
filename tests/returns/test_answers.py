"""What a mail is: a report, an automatic answer, a person's."""

import pytest

from notifier.model.tracking import BounceReason, ReturnKind
from notifier.returns.reading import read
from tests.returns.mails import RETURNED, plain


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
    reading = read(plain(subject, text, "rei@provider.example.jp", more))
    assert reading.kind is kind
    assert reading.sender == "rei@provider.example.jp"


@pytest.mark.parametrize("ours", ["年末年始休業のお知らせ", "Automatic reply settings"])
def test_our_own_subject_makes_no_report_an_answer(ours: str) -> None:
    text = "Delivery has failed to these recipients:\n\nrei@kaisha.example.jp\nmailbox full\n"
    reading = read(plain(f"Undeliverable: {ours}", text, "postmaster@kaisha.example.jp"))
    assert reading.kind is ReturnKind.BOUNCED
    assert reading.findings[0].reason is BounceReason.MAILBOX_FULL


def test_our_own_subject_makes_no_bounce_a_delay() -> None:
    text = "<rei@kaisha.example.jp>: user unknown\n\n--- Original message\n\n"
    data = plain("Returned: 発送遅延のお知らせ", text, "postmaster@kaisha.example.jp")
    returned = RETURNED.replace("Subject: hoken", "Subject: 発送遅延のお知らせ")
    assert read(data.rstrip() + b"\n\n" + returned.encode()).kind is ReturnKind.BOUNCED
