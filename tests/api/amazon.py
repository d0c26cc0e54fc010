"""SNS as it signs: a key and a certificate of the test's own, served over TLS on loopback."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.webhooks.receiver import Receiver, status

TOPIC = "arn:aws:sns:ap-northeast-1:000000000000:mails"
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip


class Amazon:
    """Signs messages."""

    def __init__(self, server: Receiver) -> None:
        self.server = server
        self._key = generate_private_key(public_exponent=65537, key_size=2048)
        self.serve(self.certificate())

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.server.port}"

    def serve(self, certificate: bytes) -> None:
        self.server.usual = status(200, body=certificate)

    def certificate(self, name: str = "sns.amazonaws.com", days: int = 7) -> bytes:
        """A certificate of the signing key, valid up to so many days from now."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        end = datetime.now(UTC) + timedelta(days=days)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - timedelta(days=30))
            .not_valid_after(end)
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(Encoding.PEM)

    def message(self, text: str, version: str = "2", **more: Any) -> dict[str, Any]:
        """A signed message; what is given beside the text stands in it before it is signed."""
        body = {
            "Type": "Notification",
            "MessageId": f"m-{abs(hash(text)):x}",
            "TopicArn": TOPIC,
            "Message": text,
            "Timestamp": "2025-07-16T01:02:03.000Z",
            "SignatureVersion": version,
            "SigningCertURL": f"{self.origin}/SimpleNotificationService-1.pem",
            **more,
        }
        names = [n for n in _SIGNED.get(body["Type"], ()) if n in body]
        content = "".join(f"{n}\n{body[n]}\n" for n in names).encode()
        algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
        signed = self._key.sign(content, PKCS1v15(), algorithm)
        return {**body, "Signature": base64.b64encode(signed).decode()}

    def confirmation(self, **more: Any) -> dict[str, Any]:
        """What SNS sends when somebody subscribes us to a topic."""
        url = f"{self.origin}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t"
        given = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": url}
        return self.message("You have chosen to subscribe …", **(given | more))


def text_of(event: dict[str, Any]) -> str:
    """What SES puts into a message."""
    return json.dumps(event)
