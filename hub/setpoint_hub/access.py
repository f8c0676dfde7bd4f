"""Who asks, and what they may do. Pure but for the clock passed in."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from setpoint_hub.roles import Role
from setpoint_hub.scopes import Scope

__all__ = ["TOKEN_PREFIX", "Access", "Principal", "bearer_token", "hash_token", "new_token"]

TOKEN_PREFIX: Final = "sp_"  # noqa: S105  # the start of every token is no secret
"""What every token starts with, so that one that leaks into a log or a repository can be found."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a token stands for, in which role, and the environments and namespaces that it reaches."""

    user_id: int
    name: str
    token_id: UUID
    role: Role
    environments: Scope
    namespaces: Scope
    expires_at: datetime | None


class Access:
    """The valid tokens, in memory: checking one costs the database nothing."""

    def __init__(self) -> None:
        self._by_hash: Mapping[bytes, tuple[bytes, Principal]] = {}
        self._by_id: Mapping[UUID, Principal] = {}
        self.loaded = False
        """Whether the tokens are known: until then no token can be called unknown."""

    def replace(self, principals: Mapping[bytes, Principal]) -> None:
        """Take a new set of valid tokens, by the hash of each."""
        self._by_hash = {stored: (stored, principal) for stored, principal in principals.items()}
        self._by_id = {principal.token_id: principal for principal in principals.values()}
        self.loaded = True

    def principal(self, token: str, *, now: datetime) -> Principal | None:
        """Return who the token stands for, or None when it is unknown, revoked or expired.

        The look-up is by the token's SHA-256, so the time that it takes tells nothing about a token.
        """
        shown = hash_token(token)
        stored, principal = self._by_hash.get(shown, (b"", None))
        if principal is None or not hmac.compare_digest(stored, shown):
            return None
        return None if _expired(principal, now) else principal

    def stands(self, principal: Principal, *, now: datetime) -> bool:
        """Say whether a token that was valid still is, in the same role and with the same reach."""
        return not _expired(principal, now) and self._by_id.get(principal.token_id) == principal


def _expired(principal: Principal, now: datetime) -> bool:
    return principal.expires_at is not None and principal.expires_at <= now


def bearer_token(header: str | None) -> str | None:
    """Return the token of an Authorization header, or None when there is none or it is malformed."""
    scheme, _, token = (header or "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token.startswith(TOKEN_PREFIX) and token.isascii() else None


def new_token() -> str:
    """Return a fresh token: 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """Return what the database keeps of a token."""
    return hashlib.sha256(token.encode()).digest()
