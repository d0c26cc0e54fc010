"""API keys: how they are made and compared. Only the hash is ever stored."""

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

_KEY = re.compile(r"nk_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")


class NewKey(NamedTuple):
    """A fresh key. ``secret_text`` is shown once, to whoever asked for it."""

    key_id: str
    secret_text: str
    hash: bytes


def new_key() -> NewKey:
    """A key with 256 random bits; its text names its id: ``nk_<id>_<secret>``."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    key_id = "".join(secrets.choice(alphabet) for _ in range(12))
    text = f"nk_{key_id}_{secrets.token_urlsafe(32)}"
    return NewKey(key_id, text, hash_of(text))


def key_id_of(secret_text: str) -> str | None:
    """The id that a key's text names, or None where it is no key of ours."""
    match = _KEY.fullmatch(secret_text)
    return match[1] if match else None


def hash_of(secret_text: str) -> bytes:
    """What is stored: SHA-256, since nobody can guess 256 random bits."""
    return hashlib.sha256(secret_text.encode("utf-8", "surrogatepass")).digest()


def matches(secret_text: str, stored: bytes) -> bool:
    """Whether a key's text belongs to a stored hash; takes the same time either way."""
    return hmac.compare_digest(hash_of(secret_text), stored)
