"""How results look on the wire. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from setpoint.protocol.values import Json, decode_value
from setpoint_hub.database import Row
from setpoint_hub.replica import ChangeSet, KeyChange
from setpoint_hub.sealing import masked_text

__all__ = ["change_set_header", "changes", "environment", "key", "optional_value", "person", "shown_value", "time_text"]


def time_text(moment: datetime) -> str:
    """Return a time in ISO 8601, UTC."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def person(user_id: int, name: str) -> dict[str, Any]:
    """Return who did something."""
    return {"id": user_id, "name": name}


def shown_value(text: str, *, secret: bool) -> Json:
    """Return the value of a stored text; of a secret the mark that stands for it."""
    return decode_value(masked_text(text) if secret else text)


def optional_value(text: str | None, *, secret: bool) -> Json:
    """Return as `shown_value`; None for no text, which its version tells from a null."""
    return None if text is None else shown_value(text, secret=secret)


def environment(row: Row) -> dict[str, Any]:
    """Return an environment object."""
    return {
        "env": row["env"],
        "revision": row["revision"],
        "protected": row["protected"],
        "required_approvals": row["required_approvals"],
        "position": row["position"],
        "keys": row["keys"],
        "created_at": time_text(row["created_at"]),
    }


def key(row: Row) -> dict[str, Any]:
    """Return a key object."""
    return {
        "key_id": str(row["key_id"]),
        "namespace": row["namespace"],
        "key": row["key"],
        "type": row["value_type"],
        "description": row["description"],
        "owner": row["owner"],
        "tags": list(row["tags"]),
        "constraints": None if row["constraints"] is None else decode_value(row["constraints"]),
        "secret": row["secret"],
        "created_at": time_text(row["created_at"]),
    }


def change_set_header(change_set: ChangeSet) -> dict[str, Any]:
    """Return who, when, why and how of a change set."""
    return {
        "revision": change_set.revision,
        "change_set": str(change_set.id),
        "how": change_set.how,
        "by": person(change_set.by_id, change_set.by_name),
        "note": change_set.note,
        "at": time_text(change_set.at),
    }


def changes(found: Iterable[KeyChange]) -> list[dict[str, Any]]:
    """Return a change set's changes: `old` and `new` are absent where there is no value."""
    return [_change(change) for change in found]


def _change(change: KeyChange) -> dict[str, Any]:
    shown: dict[str, Any] = {"namespace": change.namespace, "key": change.key, "type": change.type}
    if change.secret:
        shown["secret"] = True
    if change.previous_text is not None:
        shown["old"] = shown_value(change.previous_text, secret=change.secret)
    if change.text is not None:
        shown["new"] = shown_value(change.text, secret=change.secret)
    shown["version"] = _id(change.version)
    shown["previous_version"] = _id(change.previous_version)
    return shown


def _id(version: UUID | None) -> str | None:
    return None if version is None else str(version)
