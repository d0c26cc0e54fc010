"""``POST /v1/webhooks/…``: signed by keys of the test's own, over a real house."""

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.api.app import create_app
from notifier.app.access import latest_refusals
from notifier.demo.certificate import server_context
from notifier.demo.post_office import PostOffice
from notifier.model.webhook import Outside
from notifier.returns.providers import read_settings
from notifier.returns.providers.sns import SnsSettings
from notifier.runtime.clock import turn
from notifier.runtime.parts import Parts
from notifier.runtime.services import HouseServices
from notifier.runtime.settings import Settings
from notifier.store.db import rows
from tests.api.amazon import TOPIC, Amazon
from tests.api.test_events import problem_of
from tests.returns.desk import Desk
from tests.samples import NOW
from tests.webhooks.receiver import receiving, status

PASSWORD = "a password of ours"
_P256 = ec.generate_private_key(ec.SECP256R1())
_PUBLIC = _P256.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
async def amazon(tmp_path: Path) -> AsyncIterator[Amazon]:
    context, certificate = server_context()
    (tmp_path / "ca.pem").write_bytes(certificate)
    async with receiving(context) as server:
        yield Amazon(server)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, amazon: Amazon) -> Settings:
    """A house that listens to all providers, on the day of the samples."""
    turn(tmp_path / "clock", NOW - datetime.now(UTC))
    fetch = Outside(
        allow=(ip_network("127.0.0.0/8"),), ca_file=tmp_path / "ca.pem", plain_http=True
    )
    ses = SnsSettings(topics=(TOPIC,), hosts=(f"localhost:{amazon.server.port}",), fetch=fetch)
    given = read_settings(
        {
            "ses": ses,
            "sendgrid": {"keys": (base64.b64encode(_PUBLIC).decode(),)},
            "postmark": {"password": PASSWORD},
        }
    )
    return settings.model_copy(update={"providers": given, "clock_file": tmp_path / "clock"})


@dataclass
class House:
    """The house at its door for providers."""

    client: httpx.AsyncClient
    desk: Desk

    async def post(self, provider: str, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(f"/v1/webhooks/{provider}", content=content, headers=named)

    async def sendgrid(self, events: list[Any]) -> httpx.Response:
        return await self.sendgrid_bytes(json.dumps(events).encode())

    async def sendgrid_bytes(self, body: bytes) -> httpx.Response:
        stamp = "1752627600"
        signed = _P256.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return await self.post(
            "sendgrid",
            body,
            x_twilio_email_event_webhook_signature=base64.b64encode(signed).decode(),
            x_twilio_email_event_webhook_timestamp=stamp,
        )

    async def postmark(self, event: Any, password: str = PASSWORD) -> httpx.Response:
        brought = base64.b64encode(f"postmark:{password}".encode()).decode()
        return await self.post("postmark", event, authorization=f"Basic {brought}")

    async def returns(self) -> list[tuple[str, str, str, int]]:
        async with self.desk.engine.connect() as conn:
            found = await rows(conn, "SELECT * FROM returns ORDER BY return_id")
        return [(r["source"], r["kind"], r["standing"], r["times"]) for r in found]


@pytest.fixture
async def house(
    parts: Parts, engine: AsyncEngine, post_office: PostOffice, tmp_path: Path
) -> AsyncIterator[House]:
    services = HouseServices(parts)
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://n.example.jp") as client:
        yield House(client, Desk(engine, post_office, tmp_path / "rig"))
    await services.close()


def bounce(token: str) -> str:
    """SES about a mail to nobody."""
    return json.dumps(
        {
            "notificationType": "Bounce",
            "mail": {"source": f"b+{token}@bounce.example.jp", "headers": []},
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "NoEmail",
                "timestamp": "2025-07-16T01:10:00.000Z",
                "bouncedRecipients": [{"emailAddress": "", "status": "5.1.1"}],
            },
        }
    )


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_bounce_that_ses_tells(house: House, amazon: Amazon, version: str) -> None:
    [message] = await house.desk.sent()
    told = amazon.message(bounce(message["token"]), version)
    assert (await house.post("ses", told)).status_code == 204
    assert await house.desk.state(message["message_id"]) == ("bounced", "bounced_for_good")
    assert (await house.post("ses", told)).status_code == 204
    assert await house.returns() == [("ses", "bounced", "applied", 2)]
    assert len(amazon.server.got) == 1  # the certificate is kept


async def test_events_that_sendgrid_tells(house: House) -> None:
    one, two = await house.desk.sent(2)
    events = [
        {"event": e, "smtp-id": f"<{m['token']}@notifier.example.jp>", "sg_event_id": e, **more}
        for e, m, more in (
            ("delivered", one, {"response": "250 OK"}),
            ("bounce", two, {"type": "bounce", "bounce_classification": "Invalid Address"}),
        )
    ]
    assert (await house.sendgrid(events)).status_code == 204
    assert await house.desk.state(one["message_id"]) == ("delivered", "taken_by_next")
    assert (await house.desk.state(two["message_id"]))[0] == "bounced"
    assert (await house.sendgrid([*events, {"event": "open"}])).status_code == 204
    assert [times for *_, times in await house.returns()] == [2, 2]


async def test_an_event_that_postmark_tells(house: House) -> None:
    [message] = await house.desk.sent()
    event = {
        "RecordType": "Bounce", "Type": "HardBounce", "ID": 1,
        "Details": "550 5.1.1 user unknown", "Metadata": {"token": message["token"]},
    }  # fmt: skip
    assert (await house.postmark(event)).status_code == 204
    assert (await house.desk.state(message["message_id"]))[0] == "bounced"
    assert await house.returns() == [("postmark", "bounced", "applied", 1)]


async def test_what_is_genuine_and_cannot_be_read_is_for_a_person(
    house: House, amazon: Amazon
) -> None:
    """Refused, it would be told again for a while, and then be lost."""
    [message] = await house.desk.sent()
    twice = '{"eventType": "Bounce", "eventType": "Delivery"}'
    assert (await house.post("ses", amazon.message(twice))).status_code == 204
    plain = amazon.message("Successfully validated SNS topic for event publishing.")
    assert (await house.post("ses", plain)).status_code == 204
    assert (await house.sendgrid_bytes(f"[{twice}]".encode())).status_code == 204
    assert (await house.postmark([])).status_code == 204
    unread = [(p, "unknown", "person", 1) for p in ("ses", "sendgrid", "postmark")]
    assert await house.returns() == unread
    name = f"<{message['token']}@notifier.example.jp>"
    good = {"event": "delivered", "smtp-id": name, "sg_event_id": "good", "number": 10**30}
    assert (await house.sendgrid([None, good, 7])).status_code == 204
    assert await house.desk.state(message["message_id"]) == ("delivered", "taken_by_next")
    assert len(await house.returns()) == 6


async def test_the_same_events_from_all_sides_at_once(house: House) -> None:
    """In any order, and overlapping: nobody waits in a circle, each counts once."""
    sent = await house.desk.sent(40)
    kind = {"type": "bounce", "bounce_classification": "Invalid Address"}
    events = [
        {"event": word, "smtp-id": f"<{m['token']}@notifier.example.jp>", **kind,
         "sg_event_id": f"{word}-{m['token']}"}
        for m in sent for word in ("delivered", "bounce", "deferred", "spamreport")
    ]  # fmt: skip
    chance = random.Random(2)
    told = [chance.sample(events, 50) for _ in range(24)]
    answers = await asyncio.gather(*(house.sendgrid(some) for some in told))
    assert {a.status_code for a in answers} == {204}
    assert sum(times for *_, times in await house.returns()) == 24 * 50


async def test_a_forged_token_changes_nothing(house: House) -> None:
    [message] = await house.desk.sent()
    event = {"RecordType": "Bounce", "Type": "HardBounce", "Metadata": {"token": "a" * 26}}
    assert (await house.postmark(event)).status_code == 204
    assert (await house.desk.state(message["message_id"]))[0] == "sent"
    assert await house.returns() == [("postmark", "bounced", "ignored", 1)]


async def test_what_was_not_signed_is_refused(house: House, amazon: Amazon) -> None:
    [message] = await house.desk.sent()
    told = amazon.message(bounce(message["token"]))
    forged = [
        {**told, "Message": told["Message"].replace("NoEmail", "General")},
        {**told, "MessageId": "another"},
        {**told, "Subject": "added"},
        {**told, "Signature": "AAAA"},
        {**told, "Signature": "~"},
        {**told, "SignatureVersion": "1"},
        {**told, "SignatureVersion": "3"},
        amazon.message(bounce(message["token"]), TopicArn=TOPIC.replace("mails", "other")),
    ]
    for one in forged:
        problem_of(await house.post("ses", one), 403)
    body = b'[{"event":"bounce"}]'
    problem_of(await house.post("sendgrid", body), 403)
    sig = base64.b64encode(_P256.sign(b"1" + body, ec.ECDSA(hashes.SHA256()))).decode()
    for stamp, signature in (("2", sig), ("1", "AAAA"), ("1", "~")):
        told_ = {
            "x_twilio_email_event_webhook_signature": signature,
            "x_twilio_email_event_webhook_timestamp": stamp,
        }
        problem_of(await house.post("sendgrid", body, **told_), 403)
    refused = await house.postmark({"RecordType": "Bounce"}, password="another password")
    problem_of(refused, 401)
    assert refused.headers["www-authenticate"].startswith("Basic")
    problem_of(await house.post("postmark", {}), 401)
    refusals = await latest_refusals(house.desk.engine, 10)
    assert sorted((r.interface, r.address, r.reason) for r in refusals) == [
        (f"webhooks/{name}", "127.0.0.1", "wrong_credentials")
        for name in ("postmark", "sendgrid", "ses")
    ]
    assert await house.returns() == []
    assert (await house.desk.state(message["message_id"]))[0] == "sent"


async def test_certificates_of_others_are_not_fetched(house: House, amazon: Amazon) -> None:
    port = amazon.server.port
    for url in (
        "https://sns.us-east-1.amazonaws.com.evil.example.com/a.pem",
        f"https://localhost:{port}@evil.example.com/a.pem",
        f"https://127.0.0.1:{port}/a.pem",
        f"http://localhost:{port}/a.pem",
        f"https://localhost:{port}/a.pem",
        f"https://localhost:{port}/a/SimpleNotificationService-1.pem",
        f"https://localhost:{port}/SimpleNotificationService-1.pem?Action=GetTopicAttributes",
        f"https://localhost:{port}/SimpleNotificationService-1#.pem",
        "file:///etc/passwd.pem",
        "",
    ):
        problem_of(await house.post("ses", amazon.message("{}", SigningCertURL=url)), 403)
    assert amazon.server.got == []


async def test_few_certificates_are_fetched_at_a_time(house: House, amazon: Amazon) -> None:
    """Anybody may name some in our topic's name: we are not to call Amazon for each of them."""
    never = asyncio.Event()
    amazon.server.usual = never
    urls = [f"{amazon.origin}/SimpleNotificationService-{n}.pem" for n in range(20)]
    told = [
        asyncio.create_task(house.post("ses", amazon.message("{}", SigningCertURL=url)))
        for url in urls
    ]
    await amazon.server.wait_for(lambda: len(amazon.server.got) >= 8)
    never.set()
    for response in await asyncio.gather(*told):
        problem_of(response, 503)
    assert len(amazon.server.got) == 8
    amazon.serve(amazon.certificate())
    assert (await house.post("ses", amazon.message("{}"))).status_code == 204


async def test_certificates_that_prove_nothing(house: House, amazon: Amazon) -> None:
    for wrong in (
        amazon.certificate("sns.example.com"),
        amazon.certificate(days=-1),
        amazon.certificate(days=40),
        amazon.certificate() + Amazon(amazon.server).certificate("Another CA"),
        b"no certificate",
        b"",
    ):
        amazon.serve(wrong)
        problem_of(await house.post("ses", amazon.message("{}")), 403)
    amazon.server.usual = status(404)
    problem_of(await house.post("ses", amazon.message("{}")), 503)  # to be told again
    amazon.server.usual = status(302, f"Location: {amazon.origin}/other.pem")
    problem_of(await house.post("ses", amazon.message("{}")), 503)
    amazon.serve(amazon.certificate())
    assert (await house.post("ses", amazon.message("{}"))).status_code == 204


async def test_a_subscription_to_our_topic_is_confirmed(house: House, amazon: Amazon) -> None:
    assert (await house.post("ses", amazon.confirmation())).status_code == 204
    assert [g.path.partition("?")[0] for g in amazon.server.got] == [
        "/SimpleNotificationService-1.pem", "/",
    ]  # fmt: skip
    visited = len(amazon.server.got)
    for url in (
        f"{amazon.origin}/?Action=ConfirmSubscription&TopicArn=arn:other&Token=t",
        f"{amazon.origin}/?Action=DeleteTopic&TopicArn={TOPIC}",
        f"https://evil.example.com/?Action=ConfirmSubscription&TopicArn={TOPIC}",
    ):
        problem_of(await house.post("ses", amazon.confirmation(SubscribeURL=url)), 403)
    other = TOPIC.replace("mails", "other")
    problem_of(await house.post("ses", amazon.confirmation(TopicArn=other)), 403)
    assert len(amazon.server.got) == visited
    assert await house.returns() == []


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"", 422), (b"[]", 422), (b"{}", 422), (b'{"Type": "Other"}', 422), (b"x" * 5_000_000, 413)],
)
async def test_bodies_that_say_nothing(house: House, body: bytes, code: int) -> None:
    problem_of(await house.post("ses", body), code)


async def test_providers_that_nobody_named(parts: Parts) -> None:
    bare = parts.settings.model_copy(update={"providers": {}})
    services = HouseServices(Parts(bare, parts.urls, parts.engine, parts.supervisor))
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://n.example.jp") as client:
        for name in ("ses", "sendgrid", "postmark", "other"):
            problem_of(await client.post(f"/v1/webhooks/{name}", content=b"{}"), 404)
