"""What goes on record beside the change sets: events, which hold names, versions and reasons, and never a value. Pure.

Whoever does something that belongs there makes an `Event` and hands it to `store.audit.append` as the last statement
of the transaction that does it, or to `store.audit.Audit.record` where there is no transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from setpoint.protocol.chain import ChainedEvent, Origin
from setpoint.protocol.strict_json import dumps
from setpoint_hub.origin import FROM_HUB

__all__ = ["BY_HUB", "About", "Actor", "Event", "chained_event"]

LONGEST_TEXT: Final = 500
"""Characters of one text of an event."""
MOST_ITEMS: Final = 20
"""Items of one list of an event."""
MOST_MEMBERS: Final = 20

About = str | int | float | bool | None | Sequence[str]
"""What a member of `about` may be."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: None where nobody is known, as behind a token that is none."""

    user_id: int | None
    token_id: UUID | None
    origin: Origin


BY_HUB: Final = Actor(None, None, FROM_HUB)
"""For what a hub does on nobody's account."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `kind` is a method's name or in the manner of one: `token.revoke`.

    `about` holds what else there is to say: texts, numbers and lists of texts. Longer ones are cut.
    """

    kind: str
    actor: Actor
    env: str | None = None
    namespace: str | None = None
    key: str | None = None
    about: Mapping[str, About] = field(default_factory=dict[str, About])


def chained_event(event: Event, sequence: int, at: datetime) -> ChainedEvent:
    """Return an event as its row and its link have it."""
    return ChainedEvent(
        sequence=sequence,
        kind=event.kind,
        at=at,
        user_id=event.actor.user_id,
        token_id=event.actor.token_id,
        origin=event.actor.origin,
        env=_name(event.env, 100),
        namespace=_name(event.namespace, 100),
        key=_name(event.key, 200),
        about=_about_text(event.about),
    )


def _about_text(about: Mapping[str, About]) -> str:
    members = list(about.items())[:MOST_MEMBERS]
    return dumps({name: _bounded(found) for name, found in members})


def _bounded(found: About) -> object:
    if isinstance(found, str):
        return _storable(found, LONGEST_TEXT)
    if isinstance(found, Sequence):
        shown = [_storable(item, 100) for item in found[:MOST_ITEMS]]
        return shown if len(found) <= MOST_ITEMS else [*shown, f"and {len(found) - MOST_ITEMS} more"]
    return found


def _name(text: str | None, longest: int) -> str | None:
    return None if text is None else _storable(text, longest)


def _storable(text: str, longest: int) -> str:
    """Return a text, which a stranger may have chosen, as PostgreSQL can hold it."""
    shown = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return shown.encode(errors="replace").decode().replace("\x00", "?")
