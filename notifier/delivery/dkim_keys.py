"""DKIM keys: read from files, made, and shown as the DNS record that others verify with."""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from notifier.model.dkim import DkimKey, KeyType

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
