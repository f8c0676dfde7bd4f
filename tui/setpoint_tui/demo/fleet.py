"""The fleet of the demo: one process per service, each with several instances."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from setpoint.protocol.strict_json import loads
from setpoint_tui.demo.children import Child, running_child
from setpoint_tui.demo.sample import Service
from setpoint_tui.demo.stack import clean_environment

__all__ = ["DemoFleet", "running_fleet"]

_READ_SECONDS = 10.0


class DemoFleet:
    """The services' processes."""

    def __init__(self, children: dict[Service, Child]) -> None:
        self._children = children

    async def read(self, namespace: str, key: str) -> dict[str, Any]:
        """Return what each instance that follows the namespace reads from its memory at this moment."""
        asked = [child for service, child in self._children.items() if namespace in service.namespaces]
        answers = await asyncio.gather(*(self._ask(child, f"{namespace} {key}") for child in asked))
        return {name: value for answer in answers for name, value in answer.items()}

    async def _ask(self, child: Child, question: str) -> dict[str, Any]:
        await child.say(question)
        async with asyncio.timeout(_READ_SECONDS):
            async for line in child.lines():
                return dict(loads(line))
        raise await child.ended()


@asynccontextmanager
async def running_fleet(
    url: str, env: str, tokens: Mapping[Service, str], ready: Callable[[str], None]
) -> AsyncGenerator[DemoFleet]:
    """Start the services, each with its token, and wait until every instance runs; `ready` is told each one's name.

    Raises ChildEnded.
    """
    async with AsyncExitStack() as stack:
        children: dict[Service, Child] = {}
        for service, token in tokens.items():
            environ = clean_environment(SETPOINT_URL=url, SETPOINT_TOKEN=token)
            started = running_child(service.name, _command(service, env), environ)
            children[service] = await _enter(stack, started)
        try:
            await asyncio.gather(*(_ready(child, service, ready) for service, child in children.items()))
            yield DemoFleet(children)
        finally:
            # At the same time, rather than one after the other.
            await asyncio.gather(*(child.stop() for child in children.values()))


async def _enter(stack: AsyncExitStack, opened: Any) -> Child:
    child: Child = await stack.enter_async_context(opened)
    return child


def _command(service: Service, env: str) -> list[str]:
    module = "setpoint_tui.demo.service"
    return [sys.executable, "-m", module, service.name, env, str(service.instances), *service.namespaces]


async def _ready(child: Child, service: Service, ready: Callable[[str], None]) -> None:
    waiting = service.instances
    async for line in child.lines():
        ready(line.removeprefix("ready "))
        waiting -= 1
        if waiting == 0:
            return
    raise await child.ended()
