"""DKIM: what an independent verifier says of our mails, and of mails that were touched."""

import re
from collections.abc import Callable
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from notifier.delivery.connection import Envelope, SmtpConnection
from notifier.delivery.dkim import (
    BadKey,
    Record,
    Signer,
    SigningKey,
    dns_record,
    make_key,
    read_key,
)
from notifier.demo.post_office import PostOffice
from notifier.model.dkim import DkimKey, KeyType
from tests.delivery.rig import Rig, relay_of
from tests.samples import WRITER

BOTH = (KeyType.RSA, KeyType.ED25519)
STEPS = [(n.name, step) for n in WRITER.notices.values() for step in n.steps]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., SigningKey]:
    """Makes a key, once for each domain and type."""
    folder = tmp_path_factory.mktemp("keys")

    def make(kind: KeyType = KeyType.RSA, domain: str = "example.jp") -> SigningKey:
        file = folder / f"{domain}.{kind}.pem"
        if not file.exists():
            make_key(file, kind)
        return read_key(DkimKey(domain=domain, selector=f"{kind}.2025", file=file))

    return make


@pytest.fixture(scope="module")
def keys(made: Callable[..., SigningKey]) -> list[SigningKey]:
    return [made(kind) for kind in BOTH]


def sample(notice: str = "refund", step: str = "decided") -> bytes:
    c = WRITER.sample(notice, step)
    return WRITER.mail(c, token="abcdef234567", message_id="abc@notifier.example.jp").data


def verified(data: bytes, keys: list[SigningKey]) -> list[bool]:
    """What the verifier says of each signature, from the top."""
    records = {f"{r.name}.".encode(): r.text.encode() for r in map(dns_record, keys)}
    count = len(re.findall(rb"^DKIM-Signature:", data, re.MULTILINE))

    def txt(name: bytes, timeout: int) -> bytes | None:
        return records.get(name)

    def holds(n: int) -> bool:
        try:
            return bool(dkim.DKIM(data).verify(idx=n, dnsfunc=txt))
        except dkim.ValidationError:  # how it says that a body was changed
            return False

    return [holds(n) for n in range(count)]


@pytest.mark.parametrize(("notice", "step"), STEPS)
def test_every_notice_is_signed_twice(notice: str, step: str, keys: list[SigningKey]) -> None:
    data = sample(notice, step)
    signed = Signer(keys).sign(data)
    assert signed.endswith(data)
    assert verified(signed, keys) == [True, True]
    assert max(len(line) for line in signed.split(b"\r\n")) <= 78
    assert Signer(keys).sign(data) == signed


@given(
    st.lists(st.sampled_from([b"", b".", b"..", b" a", b"a \t", b".a", b"\t", b"x" * 70])),
    st.booleans(),
)
def test_any_body(keys: list[SigningKey], lines: list[bytes], ended: bool) -> None:
    body = b"\r\n".join(lines) + (b"\r\n" if ended else b"")
    signed = Signer(keys).sign(b"From: <a@example.jp>\r\nTo: b@example.jp\r\n\r\n" + body)
    assert verified(signed, keys) == [True, True]


def test_headers_may_be_folded_anew_on_the_way(keys: list[SigningKey]) -> None:
    signed = Signer(keys).sign(sample())
    head, _, body = signed.partition(b"\r\n\r\n")
    refolded = re.sub(rb"\r\n[ \t]+", b"\r\n\t  ", head).replace(b"Subject: ", b"SUBJECT:   ")
    assert refolded != head
    traced = b"Received: from here by there\r\n" + refolded
    assert verified(traced + b"\r\n\r\n" + body, keys) == [True, True]


def test_what_the_reader_sees_cannot_be_changed(keys: list[SigningKey]) -> None:
    signed = Signer(keys).sign(sample())
    head, _, body = signed.partition(b"\r\n\r\n")
    for name in (b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Reply-To", b"Content-Type"):
        changed = re.sub(rb"(?m)^(%s: ?)" % name, rb"\1x", head)
        assert changed != head, name
        assert verified(changed + b"\r\n\r\n" + body, keys) == [False, False], name
        second = head + b"\r\n" + name + b": x@example.jp"
        assert verified(second + b"\r\n\r\n" + body, keys) == [False, False], name
    for name in (b"Auto-Submitted", b"MIME-Version", b"Content-Language"):
        without = re.sub(rb"(?m)^%s:.*\r\n" % name, b"", head + b"\r\n").removesuffix(b"\r\n")
        assert without != head, name
        assert verified(without + b"\r\n\r\n" + body, keys) == [False, False], name
    assert verified(head + b"\r\n\r\n" + body[:-6] + b"x" + body[-5:], keys) == [False, False]
    assert verified(head + b"\r\n\r\n" + body + b"\r\n\r\n", keys) == [True, True]  # only lines


def test_lists_and_feedback_are_signed(keys: list[SigningKey]) -> None:
    more = b"Feedback-ID: a:b:c:notifier\r\nList-Unsubscribe: <mailto:u@example.jp>\r\n"
    signed = Signer(keys).sign(more + sample())
    assert verified(signed, keys) == [True, True]
    for name in (b"Feedback-ID", b"List-Unsubscribe"):
        assert verified(signed.replace(name + b": ", name + b": x"), keys) == [False, False]


def test_the_nearest_domain_signs(made: Callable[..., SigningKey]) -> None:
    above, below = made(), made(domain="hoken.example.jp")
    signer = Signer([above, below])
    for sender, signs in {
        b"a@example.jp": b"example.jp",
        b"a@EXAMPLE.jp": b"example.jp",
        b"a@hoken.example.jp": b"hoken.example.jp",
        b"a@x.hoken.example.jp": b"hoken.example.jp",
        b'"a@b"@y.example.jp': b"example.jp",
    }.items():
        signed = signer.sign(b"From: =?UTF-8?B?5L+d6Zm6?=\r\n <" + sender + b">\r\n\r\nbody\r\n")
        assert re.findall(rb" d=([^;]+);", signed) == [signs]
        assert verified(signed, [above, below]) == [True]


@pytest.mark.parametrize("sender", [b"a@example.com", b"a@notexample.jp", b"a@jp", b"a", b""])
def test_a_foreign_domain_is_not_signed_and_said_once(
    made: Callable[..., SigningKey], sender: bytes
) -> None:
    data = b"From: " + sender + b"\r\n\r\nbody\r\n"
    signer = Signer([made()])
    with capture_logs() as logs:
        assert signer.sign(data) == data
        assert signer.sign(data) == data
    assert len(logs) == 1
    assert logs[0]["log_level"] == "warning"


async def test_the_signature_survives_the_wire(
    post_office: PostOffice, keys: list[SigningKey]
) -> None:
    line = SmtpConnection(relay_of(post_office), helo="here.example.jp")
    dotted = b"From: <a@example.jp>\r\nSubject: x\r\n\r\n.\r\n..a\r\n.b\r\n\r\n\r\n"
    mails = [*(sample(*names) for names in STEPS), dotted]
    for data in mails:
        envelope = Envelope("b+x@bounce.example.jp", "m@example.jp", Signer(keys).sign(data))
        await line.transmit(envelope, lambda: True)
    await line.part()
    arrived = await post_office.wait_for(len(mails))
    assert [verified(one.data, keys) for one in arrived] == [[True, True]] * len(mails)


async def test_what_is_archived_is_what_was_signed(rig: Rig, keys: list[SigningKey]) -> None:
    rig.signer = Signer(keys)
    await rig.send()
    async with rig.at_work():
        [received] = await rig.office.wait_for(1)
    assert verified(received.data, keys) == [True, True]
    [kept] = await rig.rows(
        "SELECT a.sha256, a.size FROM attempts a JOIN documents USING (attempt_id)"
    )
    assert (kept["sha256"].hex(), kept["size"]) == (received.sha256, len(received.data))


def test_records(keys: list[SigningKey]) -> None:
    plain, short = map(dns_record, keys)
    assert plain.name == "rsa.2025._domainkey.example.jp"
    assert plain.text.startswith("v=DKIM1; k=rsa; h=sha256; p=MII")
    strings = re.findall(r'"([^"]*)"', plain.zone_line)
    assert "".join(strings) == plain.text
    assert [len(s) <= 255 for s in strings] == [True, True]
    assert len(short.text.partition("p=")[2]) == 44  # 32 bytes
    assert Record("a.b", "x").zone_line == 'a.b. IN TXT "x"'


def test_a_new_key_is_its_owners_and_takes_no_others_place(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    make_key(file, KeyType.ED25519)
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    with pytest.raises(FileExistsError):
        make_key(file, KeyType.ED25519)
    assert file.read_bytes() == before


BAD = {
    "gone": (None, "No such file"),
    "text": (b"no key\n", "not a private key"),
    "public": (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "not a private"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_key_that_cannot_be_used_is_named(tmp_path: Path, name: str) -> None:
    content, says = BAD[name]
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadKey, match=says) as caught:
        read_key(DkimKey(domain="example.jp", selector="s", file=file))
    assert caught.value.field == "file"
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("case", ["encrypted", "elliptic", "too long"])
def test_keys_of_other_kinds_are_refused(tmp_path: Path, case: str) -> None:
    cases: dict[str, tuple[PrivateKeyTypes, str]] = {
        "encrypted": (ed25519.Ed25519PrivateKey.generate(), "encrypted"),
        "elliptic": (ec.generate_private_key(ec.SECP256R1()), "neither an RSA nor"),
        "too long": (rsa.generate_private_key(65537, 4104), "4104 bits"),
    }
    private, says = cases[case]
    locked = serialization.BestAvailableEncryption(b"secret")
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        locked if case == "encrypted" else serialization.NoEncryption(),
    )
    file = tmp_path / "key.pem"
    file.write_bytes(pem)
    with pytest.raises(BadKey, match=says):
        read_key(DkimKey(domain="example.jp", selector="s", file=file))
