"""What providers tell, in our words. Their events here are made up after their public forms."""

import base64
import json
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from notifier.model.errors import BadInput
from notifier.model.returns import Return
from notifier.model.tracking import BounceReason, DeliveredLevel, ReturnKind
from notifier.returns import providers
from notifier.returns.judge import tokens_of
from notifier.returns.providers import postmark, sendgrid, ses
from notifier.returns.providers.table import table

TOKEN = "abcdefghijklmnopqrstuvwx23"
OURS = f"<{TOKEN}@notifier.example.jp>"
AT = "2025-07-16T01:02:03.000Z"
WHO = "nagi@member.example.jp"


def ses_event(event: str, details: dict[str, Any], key: str = "notificationType") -> str:
    mail = {
        "timestamp": AT,
        "source": f"b+{TOKEN}@bounce.example.jp",
        "messageId": "0106019812345678-00000000-0000-0000-0000-000000000000-000000",
        "destination": [WHO],
        "headers": [{"name": "Message-ID", "value": OURS}, {"name": "Subject", "value": "x"}],
    }
    name = {"DeliveryDelay": "deliveryDelay", "Rendering Failure": "failure"}.get(event)
    return json.dumps({key: event, "mail": mail, name or event.lower(): details})


def one(returns: list[Return]) -> tuple[Any, ...]:
    """Kind, reason, hard, status, level and recipient of the only finding of the only return."""
    [told] = returns
    [f] = told.reading.findings
    assert f.kind is told.reading.kind
    return (f.kind, f.reason, f.hard, f.status, f.level, f.recipient)


def of_ses(event: str, details: dict[str, Any], key: str = "notificationType") -> list[Return]:
    return ses.returns(ses_event(event, details, key), "sns-1", b"raw")


_B, _R = ReturnKind.BOUNCED, BounceReason


@pytest.mark.parametrize("key", ["notificationType", "eventType"])
def test_ses_bounces(key: str) -> None:
    def bounced(kind: str, sub: str, **more: str) -> tuple[Any, ...]:
        people = [{"emailAddress": WHO, **more}]
        details = {
            "bounceType": kind, "bounceSubType": sub, "bouncedRecipients": people, "timestamp": AT,
        }  # fmt: skip
        return one(of_ses("Bounce", details, key))

    said = "smtp; 550 5.1.1 <nagi@member.example.jp>: user unknown"
    known = bounced("Permanent", "General", status="5.1.1", diagnosticCode=said)
    assert known == (_B, _R.USER_UNKNOWN, True, "5.1.1", None, WHO)
    assert bounced("Permanent", "NoEmail")[:3] == (_B, _R.USER_UNKNOWN, True)
    assert bounced("Permanent", "OnAccountSuppressionList")[:3] == (_B, _R.POLICY, False)
    assert bounced("Transient", "MailboxFull")[:3] == (_B, _R.MAILBOX_FULL, False)
    full = "smtp; 552 5.2.2 mailbox is full"
    assert bounced("Transient", "General", diagnosticCode=full)[:4] == (
        _B, _R.MAILBOX_FULL, False, "5.2.2",
    )  # fmt: skip
    assert bounced("Undetermined", "Undetermined")[:3] == (_B, _R.UNDEFINED, False)
    assert bounced("Brandnew", "Kind")[:2] == (_B, _R.UNDEFINED)


def test_other_words_of_ses() -> None:
    delivery = {"timestamp": AT, "recipients": [WHO], "smtpResponse": "250 2.6.0 taken"}
    [told] = of_ses("Delivery", delivery)
    level = DeliveredLevel.NEXT_ACCEPTED
    assert one([told]) == (ReturnKind.DELIVERED, None, None, "2.6.0", level, WHO)
    assert told.delivered_from is level
    assert told.at is not None
    assert told.at.isoformat() == "2025-07-16T01:02:03+00:00"
    complaint = {"complainedRecipients": [{"emailAddress": WHO}], "timestamp": AT}
    assert one(of_ses("Complaint", complaint))[0] is ReturnKind.COMPLAINT
    delay = {"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": WHO}]}
    assert one(of_ses("DeliveryDelay", delay, "eventType"))[:2] == (
        ReturnKind.DELAYED, _R.MAILBOX_FULL,
    )  # fmt: skip
    assert one(of_ses("Reject", {"reason": "Bad content"}))[:3] == (_B, _R.VIRUS, False)
    for quiet in ("Send", "Open", "Click"):
        assert of_ses(quiet, {}) == []
    assert one(of_ses("Teleport", {}))[0] is ReturnKind.UNKNOWN
    assert ses.returns("Successfully validated SNS topic.", "sns-1", b"raw") == []


def test_ses_names_a_mail_by_its_return_path_and_message_id() -> None:
    [told] = of_ses("Delivery", {"recipients": [WHO]})
    assert told.reading.tokens == (TOKEN,)
    assert told.reading.message_ids == (OURS,)
    assert tokens_of(told) == (TOKEN,)
    assert (told.source, told.external_id, told.raw) == ("ses", "sns-1", b"raw")


def sg(event: str, **more: Any) -> dict[str, Any]:
    known = {
        "event": event,
        "email": WHO,
        "timestamp": 1752627600,
        "smtp-id": OURS,
        "sg_event_id": f"id-{event}",
        "sg_message_id": "sg.1",
    }
    return known | more


def of_sendgrid(*events: dict[str, Any]) -> list[Return]:
    return sendgrid.returns(orjson.dumps(events), 1_000_000)


def test_words_of_sendgrid() -> None:
    bounce = sg(
        "bounce", type="bounce", bounce_classification="Invalid Address", status="5.1.1",
        reason="550 5.1.1 The email account does not exist",
    )  # fmt: skip
    assert one(of_sendgrid(bounce)) == (_B, _R.USER_UNKNOWN, True, "5.1.1", None, WHO)
    blocked = sg("bounce", type="blocked", reason="550 5.7.1 listed at a blocklist: spam source")
    assert one(of_sendgrid(blocked))[2] is False
    unclassified = sg("bounce", type="bounce", reason="552 5.2.2 Over quota")
    assert one(of_sendgrid(unclassified))[1] is _R.MAILBOX_FULL
    assert one(of_sendgrid(sg("dropped", reason="Bounced Address")))[:3] == (_B, _R.POLICY, False)
    [told] = of_sendgrid(sg("delivered", response="250 OK"))
    assert one([told])[0] is ReturnKind.DELIVERED
    assert told.at is not None
    assert tokens_of(told) == (TOKEN,)
    assert one(of_sendgrid(sg("deferred", response="451 4.7.1 greylisted")))[0] is (
        ReturnKind.DELAYED
    )
    assert one(of_sendgrid(sg("spamreport")))[0] is ReturnKind.COMPLAINT
    assert of_sendgrid(sg("open"), sg("processed"), sg("click")) == []
    two = of_sendgrid(sg("delivered"), sg("bounce"))
    assert [r.external_id for r in two] == ["id-delivered", "id-bounce"]


def of_postmark(**event: Any) -> list[Return]:
    known = {"MessageID": "00000000-0000-0000-0000-000000000000", "Metadata": {"token": TOKEN}}
    return postmark.returns(orjson.dumps(known | event), 1_000_000)


def test_words_of_postmark() -> None:
    hard = {
        "RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1, "ID": 42, "Email": WHO,
        "Details": "smtp;550 5.1.1 no such user", "BouncedAt": AT,
    }  # fmt: skip
    [told] = of_postmark(**hard)
    assert one([told]) == (_B, _R.USER_UNKNOWN, True, "5.1.1", None, WHO)
    assert (told.external_id, tokens_of(told)) == ("Bounce:42", (TOKEN,))
    soft = hard | {"Type": "SoftBounce", "Details": "smtp;552 5.2.2 mailbox full"}
    assert one(of_postmark(**soft))[:3] == (_B, _R.MAILBOX_FULL, False)
    delayed = one(of_postmark(**hard | {"Type": "Transient"}))
    assert delayed[0] is ReturnKind.DELAYED
    assert one(of_postmark(**hard | {"Type": "AutoResponder"}))[0] is ReturnKind.AUTO_REPLY
    delivery = {"RecordType": "Delivery", "Recipient": WHO, "DeliveredAt": AT}
    [taken] = of_postmark(**delivery)
    assert one([taken])[4:] == (DeliveredLevel.NEXT_ACCEPTED, WHO)
    assert taken.external_id.startswith("Delivery:0000")
    spam = {"RecordType": "SpamComplaint", "ID": 7, "Email": WHO}
    assert one(of_postmark(**spam))[0] is ReturnKind.COMPLAINT
    assert of_postmark(RecordType="Open") == []
    assert one(of_postmark(RecordType="Telegram"))[0] is ReturnKind.UNKNOWN


@pytest.mark.parametrize("provider", providers.names())
def test_tables_hold_together(provider: str) -> None:
    words = table(provider)
    assert not words.ignored & words.events.keys()
    kinds = set(words.events.values())
    assert {ReturnKind.DELIVERED, ReturnKind.DELAYED, _B, ReturnKind.COMPLAINT} <= kinds


_RSA = rsa.generate_private_key(65537, 2048).public_key()
_DER = _RSA.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("key", ["", "~", "AAAA", base64.b64encode(_DER).decode()])
def test_a_key_that_can_verify_nothing_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(ValidationError, match="as SendGrid shows it"):
        sendgrid.Settings(keys=(key,))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=10,
)
_NAMES = st.sampled_from(
    [
        "event", "email", "type", "reason", "response", "status", "timestamp", "smtp-id",
        "RecordType", "Type", "ID", "Metadata", "Email", "Details", "MessageID", "BouncedAt",
        "notificationType", "eventType", "mail", "bounce", "delivery", "bouncedRecipients",
        "recipients", "headers", "commonHeaders", "source", "bounceType", "sg_event_id",
    ]
)  # fmt: skip
_WORDS = st.sampled_from(["bounce", "Bounce", "delivered", "Delivery", "HardBounce", "dropped"])


@given(st.dictionaries(_NAMES, _JSON | _WORDS | st.dictionaries(_NAMES, _JSON | _WORDS)))
def test_nothing_that_is_sent_breaks_the_reading(event: dict[str, Any]) -> None:
    raw = json.dumps(event).encode()
    told = [
        *ses.returns(raw.decode(), "id", raw),
        *sendgrid.returns(b"[" + raw + b"]", 1_000_000),
        *postmark.returns(raw, 1_000_000),
    ]
    for r in told:
        assert r.external_id.isprintable()
        assert len(r.external_id) <= 300


@pytest.mark.parametrize("body", [b"", b"{", b"1", b'{"a":1,"a":2}', b"\xff"])
def test_bodies_that_are_refused(body: bytes) -> None:
    with pytest.raises(BadInput):
        sendgrid.returns(body, 1_000)
    with pytest.raises(BadInput):
        postmark.returns(body, 1_000)
