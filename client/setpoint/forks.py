"""What a forked child does with the clients that it inherits: assignments only, nothing that waits or raises."""

import os
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from setpoint.protocol.values import Json

__all__ = ["Trap", "forked", "let_go", "watch_forks"]


T = TypeVar("T")


class Trap(dict[str, Mapping[str, Json]]):
    """A content's values that call `wake` when they are first read.

    A forked child has none of its parent's threads. Reads cannot ask for each time whether they run in a child, that
    would cost more than the read; so the child's values are put behind this until the first read.
    """

    __slots__ = ("_wake",)

    def __init__(self, values: Mapping[str, Mapping[str, Json]], wake: Callable[[], None]) -> None:
        super().__init__(values)
        self._wake = wake

    def get(self, key: str, default: Any = None, /) -> Any:
        """Wake, and do what a dict does."""
        self._wake()
        return super().get(key, default)

    def __getitem__(self, key: str) -> Mapping[str, Json]:
        self._wake()
        return super().__getitem__(key)


_watched: dict[int, Callable[[], None]] = {}
_let_go: list[object] = []
_generation = 0


def watch_forks(client: T, in_child: Callable[[T], None]) -> None:
    """Have the function called with the client in each forked child. Holds the client weakly."""
    number = id(client)
    reference = weakref.ref(client, lambda _: _watched.pop(number, None))

    def call() -> None:
        found = reference()
        if found is not None:
            in_child(found)

    _watched[number] = call


def forked() -> bool:
    """Say whether this process was forked, without an exec, from one that had this module."""
    return _generation > 0


def let_go(owner: object, descriptors: Iterable[int]) -> None:
    """Close the child's copies of the parent's descriptors, without a word to the other side.

    Each is replaced, not closed: the objects that hold it would close its number again one day, when it is another's.
    The owner is kept for ever: finalising its loop would take the parent's sockets out of the epoll set that both have.
    """
    _let_go.append(owner)
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for descriptor in descriptors:
        os.dup2(nothing, descriptor, inheritable=False)
    os.close(nothing)


def _in_child() -> None:
    global _generation  # noqa: PLW0603 a fact about the process
    _generation += 1
    for call in tuple(_watched.values()):
        call()


# Only this one: uvloop calls the two for the parent at each start of a subprocess.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
