"""DKIM: mails are signed last, over the exact bytes that leave (RFC 6376, RFC 8463).

Keys are read from files, made, and shown as the DNS record that others verify with.

Canonicalisation is ``relaxed/simple``. Headers are relaxed because relays fold and space them
anew. Bodies are simple because ours are base64 within MIME delimiters: they hold no white space
that a relay could change and leave the mail readable, and simple costs nothing but the hash.
There is no time stamp (``t=``): the signed Date says it, and the same mail stays the same bytes.
"""

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from notifier.logs import get_logger
from notifier.model.dkim import DkimKey, KeyType

log = get_logger(__name__)

_NEW_BITS: Final = 2048
_BITS: Final = range(1024, 4097)  # what every verifier must take, RFC 8301 3.2
_STRING: Final = 255  # bytes of one string of a TXT record, RFC 1035 3.3.14


class BadKey(Exception):
    """A key cannot be used; ``field`` is the setting at fault, of one :class:`DkimKey`."""

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"{field}: {message}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that was read."""

    domain: str
    selector: str
    type: KeyType
    sign: Callable[[bytes], bytes]  # over the canonical headers
    public: bytes  # as ``p=`` has it, before base64


@dataclass(frozen=True, slots=True)
class Record:
    """A TXT record."""

    name: str  # without the last dot
    text: str

    @property
    def zone_line(self) -> str:
        """As it stands in a zone file: in strings of at most 255 bytes."""
        starts = range(0, len(self.text), _STRING)
        strings = (f'"{self.text[at : at + _STRING]}"' for at in starts)
        return f"{self.name}. IN TXT {' '.join(strings)}"


def read_key(given: DkimKey) -> SigningKey:
    """The key of a setting. Raises :class:`BadKey`."""
    private = _private(given.file)
    if isinstance(private, Ed25519PrivateKey):
        kind, sign = KeyType.ED25519, _ed25519(private)
        encoding, form = serialization.Encoding.Raw, serialization.PublicFormat.Raw
    elif isinstance(private, RSAPrivateKey):
        if private.key_size not in _BITS:
            raise BadKey("file", f"{given.file}: RSA of {private.key_size} bits, not 1024 to 4096")
        kind, sign = KeyType.RSA, _rsa(private)
        encoding = serialization.Encoding.DER
        form = serialization.PublicFormat.SubjectPublicKeyInfo
    else:
        raise BadKey("file", f"{given.file}: neither an RSA nor an Ed25519 key")
    return SigningKey(
        domain=given.domain,
        selector=given.selector,
        type=kind,
        sign=sign,
        public=private.public_key().public_bytes(encoding, form),
    )


def _private(file: Path) -> object:
    try:
        return serialization.load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise BadKey("file", f"{file}: {error.strerror or error}") from None
    except TypeError:
        raise BadKey(
            "file", f"{file}: is encrypted; there is nobody to type its password"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("file", f"{file}: not a private key in PEM") from None


def _rsa(private: RSAPrivateKey) -> Callable[[bytes], bytes]:
    scheme, sha256 = PKCS1v15(), hashes.SHA256()
    return lambda data: private.sign(data, scheme, sha256)


def _ed25519(private: Ed25519PrivateKey) -> Callable[[bytes], bytes]:
    def sign(data: bytes) -> bytes:
        digest = hashes.Hash(hashes.SHA256())  # RFC 8463 3: it is the hash that is signed
        digest.update(data)
        return private.sign(digest.finalize())

    return sign


def dns_record(key: SigningKey) -> Record:
    """What must stand in the DNS before the key signs (RFC 6376 3.6.1)."""
    public = base64.b64encode(key.public).decode("ascii")
    name = f"{key.selector}._domainkey.{key.domain}"
    return Record(name, f"v=DKIM1; k={key.type}; h=sha256; p={public}")


def make_key(file: Path, kind: KeyType) -> None:
    """Make a key in a new file that only its owner may read. Raises OSError, also if it exists."""
    private: RSAPrivateKey | Ed25519PrivateKey
    if kind is KeyType.RSA:
        private = generate_private_key(public_exponent=65537, key_size=_NEW_BITS)
    else:
        private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as made:
        made.write(pem)


#: Headers of which a mail has at most one. They are named once more than they are there, so that
#: nobody can add another one for the reader to see (RFC 6376 8.15).
_ONCE: Final = (
    "from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type",
)  # fmt: skip
_SIGNED: Final = frozenset({*_ONCE, "auto-submitted", "content-language", "feedback-id"})
_LISTS: Final = "list-"  # List-Unsubscribe and the like: RFC 8058 4 wants them signed
_SPACE: Final = re.compile(rb"[ \t\r\n]+")
_WIDTH: Final = 72  # characters of a folded line
_Field = tuple[str, bytes]  # name in lower case, canonical line


class Signer:
    """Signs mails by the keys of the domain that they are from."""

    def __init__(self, keys: Iterable[SigningKey]) -> None:
        """All keys of one domain sign every mail of it: RSA for all, Ed25519 for who knows it."""
        ordered = sorted(keys, key=lambda key: key.domain)
        self._keys = {
            domain: tuple(found) for domain, found in groupby(ordered, key=lambda key: key.domain)
        }
        self._unsigned: set[str] = set()  # domains that we have warned of

    def sign(self, data: bytes) -> bytes:
        """The whole message, signature headers first."""
        return self.signature(data) + data

    def signature(self, data: bytes) -> bytes:
        """The headers to put before a message (CRLF lines, From with one mailbox).

        None for a mail from a domain for which there is no key (its own, or of one above it: what
        DMARC calls aligned), with one warning in the log for each domain: that the mail arrives
        matters more, and a signature of another domain would prove nothing to its reader.
        """
        head, _, body = data.partition(b"\r\n\r\n")
        fields = [*_fields(head)]
        keys = self._keys_for(_domain(fields))
        if not keys:
            return b""
        names, lines = _chosen(fields)
        body_hash = base64.b64encode(hashlib.sha256(_simple(body)).digest()).decode("ascii")
        return b"".join([_signature(key, names, lines, body_hash) for key in keys])

    def _keys_for(self, domain: str) -> tuple[SigningKey, ...]:
        """Of the domain itself, or of the nearest above it."""
        found = within = domain
        while within:
            if within in self._keys:
                return self._keys[within]
            within = within.partition(".")[2]
        if found not in self._unsigned:
            self._unsigned.add(found)
            log.warning("mail not signed: no key for its domain", domain=found)
        return ()


def _fields(head: bytes) -> Iterator[_Field]:
    """Every header in order, in relaxed form (RFC 6376 3.4.2)."""
    for field in re.split(rb"\r\n(?![ \t])", head):
        name, _, value = field.partition(b":")
        key = name.strip().lower()
        yield key.decode("ascii"), key + b":" + _relaxed(value)


def _relaxed(value: bytes) -> bytes:
    return _SPACE.sub(b" ", value).strip()


def _simple(body: bytes) -> bytes:
    """RFC 6376 3.4.3: one line end at the end, however many there were."""
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


def _domain(fields: list[_Field]) -> str:
    for name, line in fields:
        if name == "from":
            return line.rpartition(b"@")[2].rstrip(b"> ").decode("ascii", "replace").lower()
    return ""


def _chosen(fields: list[_Field]) -> tuple[list[str], list[bytes]]:
    """Names for ``h=``, and the lines that they mean: of equal ones the last first."""
    chosen = [
        (name, line)
        for name, line in reversed(fields)
        if name in _SIGNED or name.startswith(_LISTS)
    ]
    names = [name for name, _ in chosen]
    return [*names, *_ONCE], [line for _, line in chosen]


def _signature(key: SigningKey, names: list[str], lines: list[bytes], body_hash: str) -> bytes:
    """A complete header. Its own line is signed as well, with an empty ``b=``."""
    start = (
        f"DKIM-Signature: v=1; a={key.type}-sha256; c=relaxed/simple;\r\n"
        f" d={key.domain}; s={key.selector};\r\n"
        f" {_folded(names)};\r\n"
        f" bh={body_hash};\r\n"
        f" b="
    ).encode("ascii")
    name, _, value = start.partition(b":")
    own = name.lower() + b":" + _relaxed(value)
    made = base64.b64encode(key.sign(b"\r\n".join([*lines, own])))
    parts = [made[at : at + _WIDTH] for at in range(0, len(made), _WIDTH)]
    return start + b"\r\n ".join(parts) + b"\r\n"


def _folded(names: list[str]) -> str:
    """``h=`` on lines that are short enough; it may be folded around its colons."""
    lines, line = [], "h="
    for n, name in enumerate(names):
        word = name if n == len(names) - 1 else f"{name}:"
        if len(line) + len(word) > _WIDTH:
            lines.append(line)
            line = ""
        line += word
    return "\r\n ".join([*lines, line])
