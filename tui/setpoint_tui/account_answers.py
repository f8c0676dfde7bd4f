"""What a hub answers about users and tokens."""

from datetime import datetime

from setpoint_tui.answers import Answer, Person

__all__ = [
    "Token",
    "TokenList",
    "User",
    "UserList",
]


class User(Person):
    """Somebody whom tokens are given to."""

    created_at: datetime


class UserList(Answer):
    """All users, by name."""

    users: tuple[User, ...]


class Token(Answer):
    """A token as an admin sees it: never the token itself."""

    id: str
    user: Person
    role: str
    environments: tuple[str, ...]
    namespaces: tuple[str, ...]
    created_at: datetime
    created_by: Person | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class TokenList(Answer):
    """Tokens, newest first."""

    tokens: tuple[Token, ...]
