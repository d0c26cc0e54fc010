"""Signatures after Standard Webhooks."""

import base64
import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from notifier.model.webhook import SecretKind
from notifier.webhooks.signing import BadSecret, Secret, headers

BODY = '{"type":"test","name":"潮田"}'.encode()


def test_the_vector_of_the_standard() -> None:
    """Id, timestamp, body and signature as the standard's own libraries test them."""
    key = Secret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    given = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [key])
    assert given["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_both_kinds_verify() -> None:
    shared, pair = Secret.new(SecretKind.HMAC), Secret.new(SecretKind.ED25519)
    given = headers("msg_1", 1752627600, BODY, [shared, pair])
    content = b"msg_1.1752627600." + BODY
    first, second = given["webhook-signature"].split(" ")
    secret = base64.b64decode(shared.text.removeprefix("whsec_"))
    signed = hmac.digest(secret, content, hashlib.sha256)
    assert first == "v1," + base64.b64encode(signed).decode()
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(pair.text.removeprefix("whpk_")))
    public.verify(base64.b64decode(second.removeprefix("v1a,")), content)


def test_a_secret_is_not_shown_by_accident() -> None:
    assert "key" not in repr(Secret.new(SecretKind.HMAC))


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_~~~", "whsec_" + "QUJD" * 3, "sk_" + "QUJD" * 9, "QUJD" * 9]
)
def test_what_is_no_secret(text: str) -> None:
    with pytest.raises(BadSecret):
        Secret.parse(text)
