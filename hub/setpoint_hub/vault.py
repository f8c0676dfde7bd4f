"""The vault: the master keys that a hub was given, and what it seals and opens with them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from setpoint_hub.errors import MasterKeyMissing, SealBroken, StartRefused, unavailable
from setpoint_hub.sealing import (
    MasterKey,
    Place,
    Sealed,
    Wrapped,
    keyed_digest,
    open_value,
    read_master_key,
    rewrap,
    seal_value,
    unwrap_bytes,
    wrap_bytes,
)
from setpoint_hub.settings import HubSettings

__all__ = ["NO_MASTER_KEY", "Keyring", "Vault", "master_keys"]

NO_MASTER_KEY: Final = (
    "this hub has no master key, so it keeps no secrets: give it SETPOINT_MASTER_KEY_FILE "
    "(`setpoint secrets key new` prints a key) and start it again"
)
_FINGERPRINTS: Final = "fingerprint key"


@dataclass(frozen=True, slots=True)
class Keyring:
    """What the database says: which master key wraps new secrets, and the key of fingerprints wrapped under it."""

    master_key: str
    fingerprint_key: bytes = field(repr=False)


class Vault:
    """Seals and opens. The first of the master keys is the newest, the one that a rotation moves to.

    Which one wraps now is the database's word: hubs get a new key one after the other, and all go on with the
    one that all have until `setpoint secrets rotate`.
    """

    def __init__(self, keys: Iterable[MasterKey]) -> None:
        self._keys = {key.id: key for key in keys}
        self._fingerprint_key: bytes | None = None

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the master keys."""
        return frozenset(self._keys)

    @property
    def newest(self) -> MasterKey:
        """The first master key. Raises the answer `unavailable` when there is none."""
        for key in self._keys.values():
            return key
        raise unavailable(NO_MASTER_KEY)

    def require(self) -> None:
        """Raise the answer `unavailable` unless secrets can be sealed here."""
        self._digests()

    def new_keyring(self) -> Keyring:
        """Return a keyring with a fresh key of fingerprints, under the newest master key."""
        return Keyring(self.newest.id, wrap_bytes(os.urandom(32), _FINGERPRINTS, self.newest))

    def unlock(self, keyring: Keyring) -> None:
        """Take the keyring in. Raises MasterKeyMissing and SealBroken."""
        self._fingerprint_key = unwrap_bytes(keyring.fingerprint_key, _FINGERPRINTS, self._key(keyring.master_key))

    def rotated(self, keyring: Keyring) -> Keyring:
        """Return the keyring under the newest master key. Raises MasterKeyMissing and SealBroken."""
        fingerprints = unwrap_bytes(keyring.fingerprint_key, _FINGERPRINTS, self._key(keyring.master_key))
        return Keyring(self.newest.id, wrap_bytes(fingerprints, _FINGERPRINTS, self.newest))

    def seal(self, clear: str, place: Place, master_key: str) -> Sealed:
        """Seal a value under the master key of that id. Raises the answer `unavailable` when it is not here."""
        digests = self._digests()
        try:
            return seal_value(clear, place, self._key(master_key), digests)
        except MasterKeyMissing as error:
            raise unavailable(str(error)) from error

    def open(self, text: str, place: Place, wrapped: Wrapped | None) -> str:
        """Return a sealed value in the clear. Raises MasterKeyMissing and SealBroken."""
        if wrapped is None:
            raise SealBroken
        return open_value(text, place, wrapped, self._key(wrapped.master_key))

    def rewrap(self, wrapped: Wrapped, place: Place) -> Wrapped:
        """Return a value's key wrapped under the newest master key. Raises MasterKeyMissing and SealBroken."""
        return rewrap(wrapped, place, self._key(wrapped.master_key), self.newest)

    def digest(self, key_id: UUID, clear: str) -> str:
        """Return what stands for a secret's value where only sameness matters, as in a request's fingerprint."""
        return keyed_digest(self._digests(), "request", key_id, clear)

    def _digests(self) -> bytes:
        if self._fingerprint_key is None:
            raise unavailable(NO_MASTER_KEY)
        return self._fingerprint_key

    def _key(self, master_key: str) -> MasterKey:
        found = self._keys.get(master_key)
        if found is None:
            raise MasterKeyMissing(master_key)
        return found


def master_keys(settings: HubSettings) -> list[MasterKey]:
    """Return the master keys of the settings, the newest first. Raises StartRefused, which repeats none of them."""
    if settings.master_key is not None and settings.master_key_file is not None:
        raise StartRefused("SETPOINT_MASTER_KEY and SETPOINT_MASTER_KEY_FILE are both set: leave one of them out")
    if settings.master_key is not None:
        return _read(settings.master_key.get_secret_value().replace(",", "\n"), "SETPOINT_MASTER_KEY")
    if settings.master_key_file is not None:
        return _read(_text(settings.master_key_file), f"the master key file {settings.master_key_file}")
    return []


def _read(text: str, where: str) -> list[MasterKey]:
    lines = [line.strip() for line in text.splitlines()]
    try:
        keys = [read_master_key(line) for line in lines if line and not line.startswith("#")]
    except ValueError as error:
        raise StartRefused(f"{where} is not usable: {error}") from error
    if not keys:
        raise StartRefused(f"{where} holds no master key: `setpoint secrets key new` prints one")
    return keys


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise StartRefused(f"the master key file {file} cannot be read: {reason}") from error
