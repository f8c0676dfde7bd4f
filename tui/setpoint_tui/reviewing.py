"""Fetches reviews, keeps the list of them current, and tells the hub what is decided about them."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from setpoint.errors import ProtocolError, RequestFailed, SetpointError
from setpoint_tui.answers import read_answer
from setpoint_tui.feed import Feed
from setpoint_tui.model.model import Model
from setpoint_tui.model.review_news import review_news
from setpoint_tui.model.reviews import WAITING
from setpoint_tui.review_answers import Review, ReviewList

__all__ = ["decide", "fetch_review", "fetch_reviews", "follow_reviews"]

_MOST_WAITING = 200
"""Of each state: who has more that wait looks at them with `setpoint review list`."""
_LATEST = 100
_TICK_SECONDS = 0.1
_REST_SECONDS = 0.5
_REST_FACTOR = 4.0
"""Rest for at least this many times what a look took."""
_REFUSED_SECONDS = 10.0


async def fetch_reviews(feed: Feed) -> None:
    """Fetch those that wait, and the latest of all. Raises SetpointError."""
    model, history = feed.model, feed.model.history
    model.reviews.is_behind = False
    asked: list[dict[str, Any]] = [{"state": state, "limit": _MOST_WAITING} for state in WAITING]
    pages = await asyncio.gather(*(_page(feed, params) for params in [*asked, {"limit": _LATEST}]))
    if model.history == history:
        # The last page was asked for last: where two name the same review, its word is the later one.
        model.put_reviews([review for page in pages for review in page.reviews])
        _say_news(model)


def _say_news(model: Model) -> None:
    """Say what others did since the list was read before; of the first list nothing is news."""
    reviews = model.reviews
    before, reviews.told = reviews.told, {number: review.state for number, review in reviews.known.items()}
    if before is not None:
        me = None if model.whoami is None else model.whoami.user.id
        for text, severity in review_news(before, reviews.known.values(), me):
            model.say(datetime.now(UTC).astimezone(), text, severity)


async def fetch_review(feed: Feed, number: int) -> None:
    """Fetch one review whole. Raises SetpointError."""
    feed.model.put_review(read_answer(Review, await feed.request("review.get", {"review": number})))


async def decide(feed: Feed, action: str, params: dict[str, Any]) -> Review:
    """Tell the hub what is decided; return the review as it stands then. Raises SetpointError."""
    review = read_answer(Review, await feed.request(f"review.{action}", params))
    feed.model.put_review(review)
    return review


async def follow_reviews(feed: Feed) -> None:
    """Keep the list current. Runs until cancelled."""
    rest_until = 0.0
    while True:
        now = time.monotonic()
        if feed.model.is_live and feed.model.reviews.is_behind and now >= rest_until:
            rest = await _look(feed)
            rest_until = time.monotonic() + max(rest, _REST_FACTOR * (time.monotonic() - now))
        await asyncio.sleep(_TICK_SECONDS)


async def _look(feed: Feed) -> float:
    """Read the list; return for how many seconds to rest."""
    try:
        await fetch_reviews(feed)
    except (RequestFailed, ProtocolError) as error:
        feed.model.put_reviews_trouble(str(error))
        return _REFUSED_SECONDS
    except SetpointError:
        # The feed says what is wrong with the connection.
        feed.model.reviews.is_behind = True
    return _REST_SECONDS


async def _page(feed: Feed, params: dict[str, Any]) -> ReviewList:
    return read_answer(ReviewList, await feed.request("review.list", params))
