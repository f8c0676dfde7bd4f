"""One write, made once: when its answer is lost, the hub is asked what became of it."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from setpoint.errors import HubUnreachable, RequestFailed
from setpoint_tui.answers import RequestFate, read_answer
from setpoint_tui.errors import AnswerLost
from setpoint_tui.link import HubLink

__all__ = ["BecameReview", "NotWritten", "OutcomeUnknown", "Patience", "Written", "write"]

_MARGIN_SECONDS = 10.0
"""How much longer than the wait for the fleet an answer may take."""

_LONGEST_PAUSE = 1.0


class NotWritten(HubUnreachable):
    """The answer was lost and the hub has no record of the change: nothing was changed."""


class BecameReview(RequestFailed):
    """The answer was lost; the hub says that the change waits as a review."""

    def __init__(self, review: int) -> None:
        said = f"the answer was lost; the hub says that the change waits as review {review}"
        super().__init__(said, kind="review_required", data={"review": review})


class OutcomeUnknown(HubUnreachable):
    """The answer was lost and no hub could be asked what became of the change."""

    def __init__(self, request_id: str) -> None:
        super().__init__(request_id)
        self.request_id = request_id

    def __str__(self) -> str:
        return (
            "the answer was lost, and no hub can be asked now whether the change was made: "
            f"ask later with `setpoint status --request {self.request_id}`"
        )


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to look for a lost answer, in seconds."""

    reconnect: float = 10.0
    """For a hub that can be asked."""
    settle: float = 3.0
    """For a commit that may still be under way while a hub has no record of it yet."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did, in the form of the answer to `set`; `answer_lost` when it had to be asked for."""

    result: dict[str, Any]
    answer_lost: bool = False


async def write(
    link: HubLink,
    method: str,
    params: Mapping[str, Any],
    *,
    request_id: str,
    wait: float,
    patience: Patience | None = None,
) -> Written:
    """Send `set` or `rollback` and return what it did. `request_id` is a fresh UUID.

    Raises RequestFailed when it was refused, NotWritten or OutcomeUnknown when its answer was lost and
    the change cannot be shown to have been made.
    """
    request = {**params, "request_id": request_id}
    if wait > 0:
        request["wait"] = wait
    try:
        return Written(await link.request(method, request, timeout=wait + _MARGIN_SECONDS))
    except AnswerLost:
        return await _find_out(link, request_id, patience or Patience())
    except RequestFailed as refused:
        if refused.data.get("outcome") != "unknown":
            raise
        return await _find_out(link, request_id, patience or Patience())


async def _find_out(link: HubLink, request_id: str, patience: Patience) -> Written:
    deadline = time.monotonic() + patience.reconnect
    pause = 0.1
    while True:
        try:
            async with HubLink.open(link.connection) as asked:
                return await _fate(asked, request_id, patience)
        except (NotWritten, BecameReview):
            raise
        except (HubUnreachable, RequestFailed) as error:
            if time.monotonic() + pause > deadline:
                raise OutcomeUnknown(request_id) from error
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _fate(link: HubLink, request_id: str, patience: Patience) -> Written:
    deadline = time.monotonic() + patience.settle
    while True:
        found = await link.request("request.status", {"request_id": request_id})
        fate = read_answer(RequestFate, found)
        if fate.found:
            return await _what_it_did(link, fate)
        if fate.review is not None:
            raise BecameReview(fate.review)
        if time.monotonic() >= deadline:
            raise NotWritten(
                "the answer was lost, and the hub has no record of the change: nothing was changed, try again"
            )
        await asyncio.sleep(min(0.25, patience.settle))


async def _what_it_did(link: HubLink, fate: RequestFate) -> Written:
    position = {"env": fate.env, "revision": fate.revision}
    done, receipt = await asyncio.gather(link.request("change_set.get", position), link.request("receipt", position))
    return Written({**done, "repeated": False, "receipt": receipt}, answer_lost=True)
