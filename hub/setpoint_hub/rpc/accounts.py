"""Methods about who may do what: whoami, users and tokens."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from setpoint_hub.access import Principal, hash_token, new_token
from setpoint_hub.database import Row
from setpoint_hub.refusals import actor_of
from setpoint_hub.roles import Operation, Role
from setpoint_hub.rpc import present, reaches
from setpoint_hub.rpc.account_params import CreateTokenParams, CreateUserParams, ListTokensParams, RevokeTokenParams
from setpoint_hub.rpc.params import NoParams
from setpoint_hub.rpc.registry import Method
from setpoint_hub.session import Session
from setpoint_hub.store.accounts import Accounts, NewToken

__all__ = ["AccountMethods"]

Describe = Callable[[Principal], dict[str, Any]]


class AccountMethods:
    """Tells callers who they are, and lets admins give and take tokens, within what they reach themselves."""

    def __init__(self, accounts: Accounts, *, whoami: Describe, after_change: Callable[[], Awaitable[None]]) -> None:
        self._accounts = accounts
        self._whoami = whoami
        self._after_change = after_change

    def methods(self) -> list[Method[Any]]:
        """Return the methods of this group."""
        administer = Operation.ADMINISTER
        return [
            Method("whoami", Operation.READ, NoParams, self._answer_whoami, reach=reaches.nowhere),
            Method("user.create", administer, CreateUserParams, self._create_user, reach=reaches.nowhere),
            Method("user.list", administer, NoParams, self._list_users, reach=reaches.nowhere),
            Method("token.create", administer, CreateTokenParams, self._create_token, reach=reaches.new_token),
            Method("token.list", administer, ListTokensParams, self._list_tokens, reach=reaches.nowhere),
            Method("token.revoke", administer, RevokeTokenParams, self._revoke_token, reach=reaches.nowhere),
        ]

    async def _answer_whoami(self, session: Session, _: NoParams) -> object:
        return self._whoami(session.principal)

    async def _create_user(self, session: Session, asked: CreateUserParams) -> object:
        return _user(await self._accounts.create_user(asked.name, actor=actor_of(session)))

    async def _list_users(self, _: Session, __: NoParams) -> object:
        return {"users": [_user(row) for row in await self._accounts.users()]}

    async def _create_token(self, session: Session, asked: CreateTokenParams) -> object:
        token = new_token()
        new = NewToken(
            user=asked.user,
            token_hash=hash_token(token),
            role=Role(asked.role),
            environments=sorted(set(asked.environments)),
            namespaces=sorted(set(asked.namespaces)),
            expires_in=None if asked.expires_in is None else timedelta(seconds=asked.expires_in),
        )
        row = await self._accounts.create_token(new, actor=actor_of(session), create_user=asked.create_user)
        await self._after_change()
        return {"token": token, **_token(row)}

    async def _list_tokens(self, session: Session, asked: ListTokensParams) -> object:
        rows = await self._accounts.tokens(asked.user, past=asked.all)
        return {"tokens": [_token(row) for row in rows if _reaches_token(session.principal, row)]}

    async def _revoke_token(self, session: Session, asked: RevokeTokenParams) -> object:
        row = await self._accounts.revoke(
            asked.id, actor=actor_of(session), reached=lambda found: _reaches_token(session.principal, found)
        )
        await self._after_change()
        return _token(row)


def _reaches_token(principal: Principal, row: Row) -> bool:
    """Say whether a token reaches nothing that the admin does not: others are none of their business."""
    return all(map(principal.environments.includes, row["environments"])) and all(
        map(principal.namespaces.includes, row["namespaces"])
    )


def _user(row: Row) -> dict[str, Any]:
    return {**present.person(row["user_id"], row["name"]), "created_at": present.time_text(row["created_at"])}


def _token(row: Row) -> dict[str, Any]:
    by = row["created_by"]
    return {
        "id": str(row["token_id"]),
        "user": present.person(row["user_id"], row["name"]),
        "role": row["role"],
        "environments": list(row["environments"]),
        "namespaces": list(row["namespaces"]),
        "created_at": present.time_text(row["created_at"]),
        "created_by": None if by is None else present.person(by, row["created_by_name"]),
        "expires_at": _optional_time(row["expires_at"]),
        "last_used_at": _optional_time(row["last_used_at"]),
        "revoked_at": _optional_time(row["revoked_at"]),
    }


def _optional_time(moment: datetime | None) -> str | None:
    return None if moment is None else present.time_text(moment)
