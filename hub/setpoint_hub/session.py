"""One WebSocket connection: reads its frames, has them answered, and never waits for its reader."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from setpoint.errors import InvalidRequest, NotJson, NotJsonRpc, ProtocolError, RequestFailed
from setpoint.protocol.chain import Origin
from setpoint.protocol.close_codes import CloseCode
from setpoint.protocol.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    Call,
    RequestId,
    Response,
    encode_error,
    encode_result,
    read_frame,
)
from setpoint_hub.access import Principal
from setpoint_hub.errors import DatabaseUnavailable, rate_limited, unavailable
from setpoint_hub.fanout import Watcher
from setpoint_hub.instance import Instance
from setpoint_hub.metrics import REQUESTS
from setpoint_hub.outlet import Outlet
from setpoint_hub.rate_limit import RateLimit, Verdict
from setpoint_hub.settings import HubSettings

__all__ = ["Answerer", "Session"]

log = logging.getLogger(__name__)

MOST_REQUESTS: Final = 32
"""Requests of one connection that are under way at once."""


class Answerer(Protocol):
    """What a session asks to answer its calls."""

    async def answer(self, session: "Session", call: Call) -> object:
        """Return a request's result, or raise RequestFailed."""
        ...

    def watch(self, session: "Session", call: Call) -> None:
        """Begin a watch: write its answer and join, in one step of the loop; or raise RequestFailed."""
        ...

    def notify(self, session: "Session", call: Call) -> None:
        """Take a notification; one that is not understood is ignored."""
        ...


class Session:
    """A connection with its principal and its origin. `watcher` and `instance` are set while it watches."""

    def __init__(
        self, connection: ServerConnection, principal: Principal, *, origin: Origin, settings: HubSettings
    ) -> None:
        self.connection = connection
        self.principal = principal
        self.origin = origin
        self.outlet = Outlet(connection, limit=settings.buffer_bytes)
        self.watcher: Watcher | None = None
        self.instance: Instance | None = None
        self.gone = asyncio.Event()
        self._requests: set[asyncio.Task[None]] = set()
        self._clock = asyncio.get_running_loop().time
        self._rate = RateLimit(settings.messages_per_second, now=self._clock())

    @property
    def said_goodbye(self) -> bool:
        """Whether the other side ended the connection on purpose; who was sent away by us did not."""
        return bool(self.connection.protocol.close_rcvd_then_sent)

    async def run(self, answerer: Answerer) -> None:
        """Serve the connection until it ends. Requests under way are finished first: they may be writes."""
        try:
            async for frame in self.connection:
                # Who asks on without taking the answers is not read from: it would fill our memory.
                await self.outlet.room()
                verdict = self._rate.take(self._clock())
                if verdict is Verdict.ENDED:
                    await self.outlet.close(CloseCode.TOO_MANY, "over the limit of messages for too long")
                    return
                if not await self._take(frame, answerer, verdict):
                    return
        except (ConnectionClosed, OSError):
            pass
        finally:
            self.gone.set()
            if self._requests:
                await asyncio.wait(self._requests)

    async def _take(self, frame: str | bytes, answerer: Answerer, verdict: Verdict) -> bool:
        """Take one frame; return False when the connection was closed because of it."""
        if isinstance(frame, bytes):
            await self.outlet.close(CloseCode.PROTOCOL_ERROR, "binary frames are not taken: send JSON as text")
            return False
        try:
            message = read_frame(frame)
        except InvalidRequest as error:
            self._refuse(error.request_id, INVALID_REQUEST, error)
            return True
        except NotJson as error:
            self._refuse(None, PARSE_ERROR, error)
            await self.outlet.close(CloseCode.NOT_JSON, "the frame is not JSON")
            return False
        except NotJsonRpc as error:
            self._refuse(None, INVALID_REQUEST, error)
            await self.outlet.close(CloseCode.PROTOCOL_ERROR, "the frame is not a JSON-RPC 2.0 object")
            return False
        if isinstance(message, Response):
            return True  # The hub asks nothing, so there is nothing that this could answer.
        if verdict is Verdict.TAKEN:
            self._dispatch(message, answerer)
        elif message.id is not None:
            self._turn_away(message.id, "too many messages on one connection: slow down, ask again")
        return True

    def _dispatch(self, call: Call, answerer: Answerer) -> None:
        if call.id is None:
            answerer.notify(self, call)
        elif call.method == "watch":
            self._answer_now(call.id, call, answerer.watch)
        elif len(self._requests) >= MOST_REQUESTS:
            self._turn_away(call.id, f"more than {MOST_REQUESTS} requests at once: wait for an answer first")
        else:
            task = asyncio.create_task(self._answer(call.id, call, answerer.answer))
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)

    def _answer_now(self, request_id: RequestId, call: Call, answer: Callable[["Session", Call], None]) -> None:
        try:
            answer(self, call)
        except RequestFailed as error:
            self._fail(request_id, call, error)

    async def _answer(
        self, request_id: RequestId, call: Call, answer: Callable[["Session", Call], Awaitable[object]]
    ) -> None:
        try:
            result = encode_result(request_id, await answer(self, call))
        except RequestFailed as error:
            self._fail(request_id, call, error)
        except DatabaseUnavailable as error:
            self._fail(request_id, call, unavailable(f"the database cannot be reached ({error}): try again"))
        except Exception:  # The root of a task: one bad request must not harm the others.
            error_id = secrets.token_hex(4)
            log.exception("request failed", extra={"method": call.method, "error_id": error_id})
            message = f"the hub failed inside; its log has error id {error_id}"
            self._fail(request_id, call, RequestFailed(message, kind="protocol", code=INTERNAL_ERROR))
        else:
            REQUESTS.labels(call.method, "ok").inc()
            self.outlet.write(result)

    def _fail(self, request_id: RequestId, call: Call, error: RequestFailed) -> None:
        if error.kind == "forbidden":
            principal = self.principal
            said = "refused %s to %s (token %s): %r"
            log.info(said, call.method, principal.name, principal.token_id, error.message)
        outcome = error.kind if error.code == -32000 else str(error.code)
        REQUESTS.labels("unknown" if error.code == -32601 else call.method, outcome).inc()
        self.outlet.write(encode_error(request_id, error))

    def _turn_away(self, request_id: RequestId, why: str) -> None:
        # Nobody looked whether there is such a method: what a stranger calls it would stay in the metrics for good.
        REQUESTS.labels("unread", "rate_limited").inc()
        self.outlet.write(encode_error(request_id, rate_limited(why)))

    def _refuse(self, request_id: RequestId | None, code: int, error: ProtocolError) -> None:
        REQUESTS.labels("malformed", str(code)).inc()
        refusal = RequestFailed(str(error), kind="protocol", code=code)
        self.outlet.write(encode_error(request_id, refusal))
