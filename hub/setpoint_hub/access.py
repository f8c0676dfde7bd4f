"""Who asks, and what they may do. Pure but for the clock passed in."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

__all__ = ["TOKEN_PREFIX", "Access", "Principal", "bearer_token", "hash_token", "new_token"]

TOKEN_PREFIX: Final = "sp_"  # noqa: S105  # the start of every token is no secret
"""What every token starts with, so that one that leaks into a log or a repository can be found."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a token stands for. Role and scopes are kept with it; what they allow is decided in `Access`."""

    user_id: int
    name: str
    token_id: UUID
    role: str
    environments: tuple[str, ...]
    namespaces: tuple[str, ...]
    expires_at: datetime | None


class Access:
    """The valid tokens, in memory: checking one costs the database nothing."""

    def __init__(self) -> None:
        self._principals: Mapping[bytes, Principal] = {}
        self._token_ids: frozenset[UUID] = frozenset()
        self.loaded = False
        """Whether the tokens are known: until then no token can be called unknown."""

    def replace(self, principals: Mapping[bytes, Principal]) -> None:
        """Take a new set of valid tokens."""
        self._principals = principals
        self.loaded = True
        self._token_ids = frozenset(principal.token_id for principal in principals.values())

    def principal(self, token: str, *, now: datetime) -> Principal | None:
        """Return who the token stands for, or None when it is unknown, revoked or expired.

        The look-up is by the token's SHA-256, so the time that it takes tells nothing about a token.
        """
        found = self._principals.get(hash_token(token))
        if found is None or (found.expires_at is not None and found.expires_at <= now):
            return None
        return found

    def stands(self, principal: Principal, *, now: datetime) -> bool:
        """Say whether a token that was valid still is."""
        expired = principal.expires_at is not None and principal.expires_at <= now
        return not expired and principal.token_id in self._token_ids


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
