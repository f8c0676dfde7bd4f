"""A key that is to be made: what is wrong with it before it is sent, and what the hub said to it."""

from dataclasses import dataclass
from typing import Any, Literal

from setpoint.errors import HubUnreachable, InvalidName, RequestFailed, SetpointError
from setpoint.protocol.names import check_key, check_namespace
from setpoint.protocol.values import VALUE_TYPES
from setpoint_tui.answers import Key, read_answer
from setpoint_tui.errors import AnswerLost
from setpoint_tui.feed import Feed

__all__ = ["Field", "KeyRefused", "NewKey", "create_key", "mistakes_of"]

Field = Literal["namespace", "key", "type", "description", "owner", "tags"]
_MOST_TAGS = 20
_LONGEST_TAG = 50


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as a person asks for it."""

    namespace: str
    key: str
    type: str
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()

    @property
    def params(self) -> dict[str, Any]:
        """The request."""
        return {
            "namespace": self.namespace,
            "key": self.key,
            "type": self.type,
            "description": self.description,
            "owner": self.owner,
            "tags": list(self.tags),
        }


class KeyRefused(SetpointError):
    """The key was not made; `field` is where to mend it."""

    def __init__(self, field: Field, reason: str) -> None:
        super().__init__(field, reason)
        self.field: Field = field
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


def mistakes_of(new: NewKey) -> dict[Field, str]:
    """Return what is wrong with each field, as a sentence; nothing when all may be sent."""
    found: dict[Field, str] = {}
    try:
        check_namespace(new.namespace)
    except InvalidName as error:
        found["namespace"] = str(error)
    try:
        check_key(new.key)
    except InvalidName as error:
        found["key"] = str(error)
    if new.type not in VALUE_TYPES:
        found["type"] = f"choose one of {', '.join(VALUE_TYPES)}"
    if len(new.tags) > _MOST_TAGS:
        found["tags"] = f"{len(new.tags)} tags; the most allowed is {_MOST_TAGS}"
    elif any(len(tag) > _LONGEST_TAG for tag in new.tags):
        found["tags"] = f"a tag has at most {_LONGEST_TAG} characters"
    return found


async def create_key(feed: Feed, new: NewKey) -> Key:
    """Make a key and put it into the model; it has no value yet.

    When the answer is lost, the hub is asked whether the key is there, and it is not made again. Raises
    KeyRefused, or HubUnreachable when the outcome is not known.
    """
    try:
        made = read_answer(Key, await feed.request("key.create", new.params))
    except AnswerLost:
        made = await _found_after_all(feed, new)
    except RequestFailed as error:
        raise KeyRefused(_field_of(error), str(error)) from error
    feed.model.put_facts(made)
    return made


async def _found_after_all(feed: Feed, new: NewKey) -> Key:
    try:
        found = await feed.request("key.get", {"namespace": new.namespace, "key": new.key})
    except RequestFailed as error:
        raise KeyRefused("key", "the answer was lost, and the hub has no such key: try again") from error
    except HubUnreachable as error:
        raise HubUnreachable(
            "the answer was lost, and the hub cannot be asked now: look for the key once the connection is back"
        ) from error
    return read_answer(Key, found)


def _field_of(error: RequestFailed) -> Field:
    """Guess the field that a refusal is about; one about none of them is shown at the key's name."""
    said = str(error).lower()
    for field in ("namespace", "owner", "description", "tags", "type"):
        if f"{field}:" in said or said.startswith(field):
            return field
    return "key"
