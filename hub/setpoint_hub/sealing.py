"""Sealing the values of secret keys: each under a key of its own (AES-256-GCM), which a master key wraps. Pure."""

import base64
import hashlib
import hmac
import os
import re
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from setpoint_hub.errors import SealBroken

__all__ = [
    "LARGEST_SECRET",
    "MASTER_KEY_PREFIX",
    "MasterKey",
    "Place",
    "Sealed",
    "Wrapped",
    "fingerprint_of",
    "is_mark",
    "keyed_digest",
    "masked_text",
    "new_master_key",
    "open_value",
    "read_master_key",
    "rewrap",
    "seal_value",
    "unwrap_bytes",
    "wrap_bytes",
]

LARGEST_SECRET: Final = 32 * 1024
"""Bytes of the canonical text: sealed, it grows by a third, and what is stored may take 64 KiB."""
MASTER_KEY_PREFIX: Final = "spk_"
"""What every master key starts with, so that one that leaks into a log or a repository can be found."""

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_MARK: Final = re.compile(r'\{"secret":true,"fingerprint":"[0-9a-f]*"\}')
_SEALED: Final = re.compile(r'\{"ciphertext":"([A-Za-z0-9+/]+={0,2})","fingerprint":"([0-9a-f]{8})"\}')


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A key that wraps others. Its id tells which one it is and nothing of it."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value belongs; moved to any other place it does not open."""

    env: str
    key_id: UUID
    version: UUID

    def bound(self, purpose: str) -> bytes:
        """Return the associated data. No part of it can hold a line break."""
        return f"setpoint {purpose} 1\n{self.env}\n{self.key_id}\n{self.version}".encode()


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A value's own key, wrapped under the master key of that id."""

    master_key: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is stored of a secret's value."""

    text: str
    wrapped: Wrapped


def new_master_key() -> str:
    """Return a fresh master key, as it stands in a file: 256 random bits."""
    return MASTER_KEY_PREFIX + base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).rstrip(b"=").decode()


def read_master_key(text: str) -> MasterKey:
    """Read a master key. Raises ValueError, which does not repeat it."""
    encoded = text.removeprefix(MASTER_KEY_PREFIX)
    if encoded == text or re.fullmatch(r"[A-Za-z0-9_-]{43}", encoded) is None:
        raise ValueError("a master key is spk_ and 43 characters: `setpoint secrets key new` prints one")
    secret = base64.urlsafe_b64decode(encoded + "=")
    return MasterKey(hashlib.sha256(b"setpoint master key\n" + secret).hexdigest()[:16], secret)


def seal_value(clear: str, place: Place, master_key: MasterKey, fingerprint_key: bytes) -> Sealed:
    """Encrypt a value for its place under a fresh key, and wrap that."""
    data_key = os.urandom(_KEY_BYTES)
    ciphertext = base64.b64encode(_encrypt(data_key, clear.encode(), place.bound("secret"))).decode()
    fingerprint = keyed_digest(fingerprint_key, "fingerprint", place.key_id, clear)[:8]
    text = f'{{"ciphertext":"{ciphertext}","fingerprint":"{fingerprint}"}}'
    return Sealed(text, Wrapped(master_key.id, _encrypt(master_key.secret, data_key, place.bound("data key"))))


def open_value(text: str, place: Place, wrapped: Wrapped, master_key: MasterKey) -> str:
    """Decrypt a value. Raises SealBroken when it was sealed for another place, or altered."""
    found = _SEALED.fullmatch(text)
    if found is None:
        raise SealBroken
    data_key = _decrypt(master_key.secret, wrapped.key, place.bound("data key"))
    return _decrypt(data_key, base64.b64decode(found[1]), place.bound("secret")).decode()


def rewrap(wrapped: Wrapped, place: Place, old: MasterKey, new: MasterKey) -> Wrapped:
    """Wrap a value's key under another master key. Raises SealBroken."""
    data_key = _decrypt(old.secret, wrapped.key, place.bound("data key"))
    return Wrapped(new.id, _encrypt(new.secret, data_key, place.bound("data key")))


def wrap_bytes(secret: bytes, purpose: str, master_key: MasterKey) -> bytes:
    """Wrap a key of the installation's under a master key."""
    return _encrypt(master_key.secret, secret, f"setpoint {purpose} 1".encode())


def unwrap_bytes(wrapped: bytes, purpose: str, master_key: MasterKey) -> bytes:
    """Undo `wrap_bytes`. Raises SealBroken."""
    return _decrypt(master_key.secret, wrapped, f"setpoint {purpose} 1".encode())


def keyed_digest(key: bytes, purpose: str, key_id: UUID, clear: str) -> str:
    """Return what tells equal values of one key from different ones, to nobody who lacks the key of digests."""
    return hmac.new(key, f"{purpose}\n{key_id}\n{clear}".encode(), hashlib.sha256).hexdigest()


def fingerprint_of(text: str) -> str:
    """Return the fingerprint of a sealed value; empty for a text that is none."""
    found = _SEALED.fullmatch(text)
    return "" if found is None else found[2]


def masked_text(text: str) -> str:
    """Return the JSON text that stands for a sealed value wherever people look."""
    return f'{{"secret":true,"fingerprint":"{fingerprint_of(text)}"}}'


def is_mark(text: str) -> bool:
    """Say whether a canonical text is such a mark, as comes back from whoever edits what was shown."""
    return _MARK.fullmatch(text) is not None


def _encrypt(key: bytes, content: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, bound)


def _decrypt(key: bytes, content: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], bound)
    except (InvalidTag, ValueError) as error:
        raise SealBroken from error
