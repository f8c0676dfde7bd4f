"""The one module that knows both sides: it runs the feed, and tells the screens ten times a second what changed."""

import asyncio
import gc
import logging
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from setpoint.errors import SetpointError
from setpoint_tui.answers import History, PastChangeSet
from setpoint_tui.asking import fetch_change_set, fetch_comparison, fetch_story
from setpoint_tui.comparison_answers import Comparison
from setpoint_tui.connection import Connection
from setpoint_tui.expiring import follow_temporary
from setpoint_tui.feed import Feed
from setpoint_tui.formatting import counted
from setpoint_tui.intents import Intents
from setpoint_tui.kept_state import KeptState
from setpoint_tui.looking import fetch_detail, fetch_past, follow_fleet
from setpoint_tui.model.dirty import Topic
from setpoint_tui.model.keys import KeyId
from setpoint_tui.model.link_state import Live
from setpoint_tui.model.model import Model
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.own_writes import OwnWrite, WriteState
from setpoint_tui.model.place import Loading
from setpoint_tui.reviewing import fetch_review, follow_reviews

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console

__all__ = ["Bridge"]

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.1
_REST_SECONDS = 0.12
"""How long the cursor rests on a key before the hub is asked about it."""


class Bridge:
    """Owns the model, the feed and the writes of a running console."""

    def __init__(self, app: "Console", connection: Connection, kept: KeptState) -> None:
        self._app = app
        self.kept = kept
        self.model = Model()
        self.feed = Feed(self.model, connection)
        self.intents = Intents(self.model, self.feed, on_change=self.keep)
        self._was_live = False
        self._spared = (0, 0)
        self._looking: asyncio.Task[None] | None = None
        self._asked_for: tuple[str, KeyId] | None = None
        self.restored: dict[str, Any] = {}
        """What the last console left of each screen, by the screen's name."""
        self._restore()

    def start(self) -> None:
        """Begin; everything runs as workers of the app, and none of them can end it."""
        self._run(self.feed.run(), "feed")
        self._run(self.intents.follow_reach(), "reach")
        self._run(follow_fleet(self.feed), "fleet")
        self._run(follow_reviews(self.feed), "reviews")
        self._run(follow_temporary(self.feed), "temporary changes")
        self._app.set_interval(FLUSH_SECONDS, self._flush)

    def go_over(self, connection: Connection, kept: KeptState) -> None:
        """Switch to another hub."""
        self.keep()
        self.kept = kept
        for draft in self.model.drafts:
            self.model.drop_draft(draft.env, draft.id)
        self._restore()
        self.feed.use(connection)

    def say(self, text: str, severity: Severity = Severity.INFORMATION) -> None:
        """Add a line to what happened."""
        self.model.say(datetime.now(UTC).astimezone(), text, severity)

    def restored_of(self, name: str) -> dict[str, object]:
        """Return what the last console left of a screen; nothing when it left nothing that can be used."""
        return _object(self.restored.get(name))

    def go_to(self, env: str, namespace: str | None = None, key: KeyId | None = None) -> None:
        """Select an environment, and see to it that it is loaded."""
        self.model.select(env=env, namespace=namespace, key=key)
        self._run(self._load(env), "load")

    def resync(self) -> None:
        """Load everything on show anew."""
        self._run(self._resync(), "resync")

    def run_write(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what may write: never cancelled by another of its kind, and never able to end the console."""
        self._run(work, "acting")

    async def story(self, env: str, key: KeyId, *, before: int | None = None) -> History:
        """Return a page of a key's changes, newest first. Raises SetpointError."""
        return await fetch_story(self.feed, env, key, before=before)

    async def change_set(self, env: str, revision: int) -> PastChangeSet:
        """Return a change set of the log. Raises SetpointError."""
        return await fetch_change_set(self.feed, env, revision)

    async def past(self, env: str, revisions: Sequence[int]) -> None:
        """Fetch change sets of the past for the activity. Raises HubUnreachable."""
        await fetch_past(self.feed, env, revisions)

    async def comparison(self, source: str, target: str, namespace: str | None) -> Comparison:
        """Return what differs between two environments now. Raises SetpointError."""
        return await fetch_comparison(self.feed, source, target, namespace)

    async def review(self, number: int) -> None:
        """Fetch a review whole. Raises SetpointError."""
        await fetch_review(self.feed, number)

    def look_at(self, env: str, key: KeyId) -> None:
        """Fetch what belongs to a key, once the cursor has rested on it."""
        if self._looking is not None and not self._looking.done():
            if self._asked_for == (env, key):
                return
            self._looking.cancel()
        self._asked_for = (env, key)
        self._looking = asyncio.create_task(self._look(env, key))

    def keep(self) -> None:
        """Write down what the next console needs."""
        self.kept.write(
            {
                "version": 1,
                "hub": self.feed.connection.address.url,
                "selection": {
                    "env": self.model.selection.env,
                    "namespace": self.model.selection.namespace,
                    "key": list(self.model.selection.key) if self.model.selection.key else None,
                },
                "screens": self.restored | self._app.screens_to_keep(),
                "drafts": self.model.drafts.dump(),
                "unsettled": [_kept_write(one) for one in self.model.own if one.state in _OPEN],
            }
        )
        if self.kept.trouble:
            self.say(self.kept.trouble, Severity.WARNING)

    def _restore(self) -> None:
        found = self.kept.read()
        if self.kept.trouble:
            self.say(self.kept.trouble, Severity.WARNING)
        self.restored = _object(found.get("screens"))
        lost = self.model.drafts.load(found.get("drafts"))
        if lost:
            self.say(f"{lost} drafts could not be read and were left out", Severity.WARNING)
        for entry in _list(found.get("unsettled")):
            write = _read_write(entry)
            if write is not None:
                self.model.put_write(write)
        if len(self.model.drafts):
            self.say(f"{counted(len(self.model.drafts), 'draft')} of before: D opens them")
        if self.model.own.unsettled:
            self.say("the hub will be asked what became of your last write, whose answer never came", Severity.WARNING)
        _restore_selection(self.model, _object(found.get("selection")))

    def _flush(self) -> None:
        self._on_link()
        self._spare_what_is_loaded()
        dirty = self.model.take_dirty()
        if dirty:
            self._app.show(dirty)

    def _on_link(self) -> None:
        live = isinstance(self.model.link, Live)
        if live and not self._was_live:
            self._run(self._app.acting.settle(), "settle")
        self._was_live = live

    async def _load(self, env: str) -> None:
        try:
            await self.feed.load(env)
        except SetpointError as error:
            self.say(str(error), Severity.WARNING)

    async def _resync(self) -> None:
        try:
            await self.feed.resync()
            self.say("loaded anew", Severity.SUCCESS)
        except SetpointError as error:
            self.say(str(error), Severity.WARNING)

    def _spare_what_is_loaded(self) -> None:
        """Take what was loaded out of the garbage collector's sight: a look at 100,000 keys holds the screen 50 ms."""
        loaded = sum(place.loading is Loading.COMPLETE for place in self.model.places.values()), self.model.history
        if loaded != self._spared:
            self._spared = loaded
            gc.collect()
            gc.freeze()

    async def _look(self, env: str, key: KeyId) -> None:
        await asyncio.sleep(_REST_SECONDS)
        try:
            await fetch_detail(self.feed, env, key)
        except SetpointError:
            # Offline: what is known stays on show. Refused: the detail stays empty.
            self.model.dirty.mark(Topic.DETAIL)
        except Exception:
            log.exception("a key could not be looked at")

    def _run(self, work: Coroutine[Any, Any, None], group: str) -> None:
        self._app.run_worker(self._guarded(work, group), group=group, exit_on_error=False)

    async def _guarded(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except Exception as error:
            log.exception("%s failed", name)
            self.say(f"internal error in {name}: {error!r}; the console goes on", Severity.ERROR)


_OPEN = (WriteState.PENDING, WriteState.UNKNOWN)


def _object(found: object) -> dict[str, Any]:
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _list(found: object) -> list[Any]:
    return cast("list[Any]", found) if isinstance(found, list) else []


def _kept_write(write: OwnWrite) -> dict[str, Any]:
    keys = [list(key) for key in write.keys]
    return {"request_id": write.request_id, "env": write.env, "title": write.title, "keys": keys}


def _read_write(entry: Any) -> OwnWrite | None:
    try:
        texts = str(entry["request_id"]), str(entry["env"]), str(entry["title"])
        keys = tuple((str(namespace), str(key)) for namespace, key in entry.get("keys", ()))
        return OwnWrite(*texts, 0.0, WriteState.UNKNOWN, keys)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _restore_selection(model: Model, found: dict[str, Any]) -> None:
    env, namespace, key = found.get("env"), found.get("namespace"), found.get("key")
    if isinstance(env, str):
        model.selection.env = env
    model.selection.namespace = namespace if isinstance(namespace, str) else None
    match key:
        case [str() as in_namespace, str() as name]:
            model.selection.key = (in_namespace, name)
        case _:
            model.selection.key = None
