"""Hearing of what changes: as an asynchronous iterator, and of the client's own state."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar, overload

from setpoint.changes import Change
from setpoint.content import Content
from setpoint.declarations import Declarations
from setpoint.detail import Detail, Reason, detail_of
from setpoint.kinds import kind_of
from setpoint.listeners import Dispatcher
from setpoint.mismatches import Mismatches
from setpoint.states import StateWatch
from setpoint.status import State
from setpoint.streams import ChangeStream
from setpoint.wakeups import Signal

__all__ = ["Following"]

FollowT = TypeVar("FollowT", bound=Callable[[State], object])


class Following(Declarations):
    """What a client says of its content and of itself; the client says how it is."""

    def __init__(self, content: Content) -> None:
        self._dispatcher = Dispatcher()
        super().__init__(content, Mismatches(self._dispatcher.note))
        self._signal = Signal()
        self._states = StateWatch(self._state, self._signal, self._dispatcher)
        self._closed = False

    @overload
    def detail(self, namespace: str, key: str, default: bool) -> Detail[bool]: ...
    @overload
    def detail(self, namespace: str, key: str, default: int) -> Detail[int]: ...
    @overload
    def detail(self, namespace: str, key: str, default: float) -> Detail[float]: ...
    @overload
    def detail(self, namespace: str, key: str, default: str) -> Detail[str]: ...
    @overload
    def detail(self, namespace: str, key: str, default: Any = None) -> Detail[Any]: ...

    def detail(self, namespace: str, key: str, default: Any = None) -> Detail[Any]:
        """Return a value with why it is that one; for telling people, not for hot paths.

        The default gives the type that is asked for, as in `setting`; with None any will do.
        """
        found = detail_of(self._content, namespace, key, default, self._reason())
        if found.error == "TYPE_MISMATCH":
            self._mismatches.record(self._content, namespace, key, kind_of(default) or "json")
        return found

    def changes(self, namespace: str, pattern: str = "*") -> AsyncIterator[Change]:
        """Return an asynchronous iterator over the changes of the keys that the shell pattern matches, from now on.

        It ends when the client is closed. Changes of a key that come while the loop's body runs are merged. Call it in
        the event loop that iterates: `async for change in config.changes("payments")`.
        """
        asyncio.get_running_loop()
        return ChangeStream(self._dispatcher, self._signal, self._is_closed, namespace=namespace, pattern=pattern)

    def on_state(self, listener: FollowT) -> FollowT:
        """Register a function that is called with the client's state, on the listeners' thread, when it has changed.

        It first hears of the state that there is, at the next sign of life. `stale` comes by the passing of time: it is
        told when the next poll fails.
        """
        self._states.add(listener)
        return listener

    def _is_closed(self) -> bool:
        return self._closed

    @abstractmethod
    def _state(self) -> State:
        """Return how the client is now."""

    @abstractmethod
    def _reason(self) -> Reason:
        """Return why the client's values are what they are."""
