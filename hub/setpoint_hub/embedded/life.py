"""The life of an embedded server: started on entering, stopped on leaving, never left half started."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class EmbeddedServer(ABC):
    """A server that `start` starts and `stop` stops."""

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @abstractmethod
    async def start(self) -> None:
        """Start the server and return when it answers. Pair with `stop`."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop the server; harmless when it does not run."""
