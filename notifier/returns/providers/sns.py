"""Amazon SNS: whether a message is genuine, and the confirmation of a subscription.

Anybody can have SNS sign a message for a topic of their own: a genuine signature counts only
together with a topic that is ours.
"""

import asyncio
import base64
import binascii
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID
from pydantic import BaseModel, ConfigDict, Field

from notifier.intake.strict_json import decode, refusal
from notifier.logs import get_logger
from notifier.model.webhook import CallOutcome
from notifier.model.webhook import Outside as OutsideSettings
from notifier.webhooks.outside import Outside, Unreachable, url_problem

from .base import NotGenuine

log = get_logger(__name__)
_LIMIT: Final = 1_048_576  # bytes: SNS carries 256 KB, which JSON may escape
_KEPT: Final = 16  # certificates
_FETCHED: Final = 8  # certificates at a time
_SIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
    "UnsubscribeConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "1": hashes.SHA1(),  # noqa: S303 (what topics sign with unless they are told otherwise)
    "2": hashes.SHA256(),
}
#: Elsewhere on its hosts SNS answers with what others have told it, a certificate of theirs too.
_CERTIFICATES: Final = re.compile(r"/SimpleNotificationService-[0-9a-f]{1,64}\.pem")
_SUBJECTS: Final = re.compile(r"sns(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?")


class SnsSettings(BaseModel):
    """Amazon SES, which tells through topics of Amazon SNS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    topics: Annotated[tuple[str, ...], Field(min_length=1)]  # ARNs; anybody may have others
    #: Whose certificates and confirmations count; ``*`` is one label, a port may follow.
    hosts: tuple[str, ...] = ("sns.*.amazonaws.com", "sns.*.amazonaws.com.cn")
    fetch: OutsideSettings = OutsideSettings()  # how they are reached


@dataclass(frozen=True, slots=True)
class Envelope:
    """A genuine message."""

    kind: str
    message_id: str
    message: str
    fields: Mapping[str, str]


class Sns:
    """Opens what SNS sends. Certificates are fetched once, and kept until they run out."""

    def __init__(self, given: SnsSettings, outside: Outside, now: Callable[[], datetime]) -> None:
        """``now``: the real time, for certificates run by it."""
        self._given, self._outside, self._now = given, outside, now
        self._hosts = [_pattern(host) for host in given.hosts]
        self._certificates: OrderedDict[str, x509.Certificate] = OrderedDict()
        self._fetching = asyncio.Semaphore(_FETCHED)

    async def open(self, body: bytes) -> Envelope:
        """The message in a request's body.

        Raises ``BadInput`` on what is no message, :class:`NotGenuine`, and ``Unreachable`` where
        the certificate cannot be had now.
        """
        fields = _fields(decode(body, limit=_LIMIT))
        if fields["TopicArn"] not in self._given.topics:
            raise NotGenuine("topic")
        algorithm = _HASHES.get(fields["SignatureVersion"])
        if algorithm is None:
            raise NotGenuine("signature version")
        certificate = await self._certificate(fields["SigningCertURL"])
        _verify(certificate, fields, algorithm)
        return Envelope(fields["Type"], fields["MessageId"], fields["Message"], fields)

    async def confirm(self, envelope: Envelope) -> None:
        """Confirm the subscription to a topic of ours. Raises as :meth:`open`."""
        url, topic = envelope.fields["SubscribeURL"], envelope.fields["TopicArn"]
        self._check_url(url)
        asked = parse_qs(urlsplit(url).query)
        if asked.get("Action") != ["ConfirmSubscription"] or asked.get("TopicArn") != [topic]:
            raise NotGenuine("subscribe url")
        answer = await self._outside.call("GET", url)
        log.info("sns.confirmed", topic=topic, status=answer.status)
        if answer.status != 200:
            raise Unreachable(CallOutcome.REFUSED)

    async def _certificate(self, url: str) -> x509.Certificate:
        self._check_url(url)
        parts = urlsplit(url)
        if parts.query or not _CERTIFICATES.fullmatch(parts.path):
            raise NotGenuine("certificate url")
        found = self._certificates.get(url)
        if found is None:
            found = await self._fetched(url)
            self._certificates[url] = found
            if len(self._certificates) > _KEPT:
                self._certificates.popitem(last=False)
        if not found.not_valid_before_utc <= self._now() <= found.not_valid_after_utc:
            del self._certificates[url]
            raise NotGenuine("certificate out of date")
        return found

    async def _fetched(self, url: str) -> x509.Certificate:
        if self._fetching.locked():  # whoever knows a topic can name any number of certificates
            raise Unreachable(CallOutcome.REFUSED)
        async with self._fetching:
            answer = await self._outside.call("GET", url)
        if answer.status != 200:
            raise Unreachable(CallOutcome.REFUSED)
        try:
            first, *others = x509.load_pem_x509_certificates(answer.body)
        except ValueError:
            raise NotGenuine("certificate") from None
        for certificate, issuer in zip([first, *others], others, strict=False):
            _check_issued(certificate, issuer)
        names = first.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if not any(_SUBJECTS.fullmatch(str(name.value)) for name in names):
            raise NotGenuine("certificate of another")
        return first

    def _check_url(self, url: str) -> None:
        problem = url_problem(url, self._outside.rules)
        parts = urlsplit(url) if problem is None else None
        if parts is None or parts.scheme != "https":
            raise NotGenuine("url")
        if not any(pattern.fullmatch(parts.netloc) for pattern in self._hosts):
            raise NotGenuine("host")


def _pattern(host: str) -> re.Pattern[str]:
    return re.compile(re.escape(host.lower()).replace(r"\*", "[a-z0-9-]+"), re.ASCII)


def _fields(found: Any) -> dict[str, str]:
    if not isinstance(found, dict):
        raise refusal("wrong_type", expected="object")
    kind = found.get("Type")
    if not isinstance(kind, str) or kind not in _SIGNED:
        raise refusal("unknown_type", value=str(kind)[:100])
    wanted = {*_SIGNED[kind], "SignatureVersion", "Signature", "SigningCertURL"} - {"Subject"}
    if any(not isinstance(found.get(name), str) for name in wanted):
        raise refusal("invalid")
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _verify(
    certificate: x509.Certificate, fields: Mapping[str, str], algorithm: hashes.HashAlgorithm
) -> None:
    names = [name for name in _SIGNED[fields["Type"]] if name in fields]
    content = "".join(f"{name}\n{fields[name]}\n" for name in names).encode("utf-8", "replace")
    public = certificate.public_key()
    if not isinstance(public, RSAPublicKey):
        raise NotGenuine("key")
    try:
        signature = base64.b64decode(fields["Signature"], validate=True)
        public.verify(signature, content, PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error, ValueError):
        raise NotGenuine("signature") from None


def _check_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        raise NotGenuine("chain") from None
