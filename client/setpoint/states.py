"""Tells whoever asked when a client's state changes, on the listeners' thread."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from setpoint.listeners import Dispatcher
from setpoint.status import State
from setpoint.wakeups import Signal

__all__ = ["StateWatch"]


class StateWatch:
    """Compares at each sign of life. A state that is entered by the passing of time is seen at the next poll."""

    def __init__(self, state: Callable[[], State], signal: Signal, dispatcher: Dispatcher) -> None:
        self._state = state
        self._dispatcher = dispatcher
        self._listeners: list[_Listener] = []
        signal.follow(self._look)

    def add(self, listener: Callable[[State], object]) -> None:
        """Register a listener; it hears of the state at the next sign of life, and of each change from then on."""
        self._listeners.append(_Listener(listener))

    def _look(self) -> bool:
        for listener in self._listeners:
            state = self._state()
            if state != listener.last:
                listener.last = state
                self._dispatcher.post(partial(listener.call, state))
        return True


@dataclass(slots=True, eq=False)
class _Listener:
    call: Callable[[State], object]
    last: State | None = None
