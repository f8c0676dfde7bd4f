"""Brings what the hub holds into the model, over one connection: listings, gaps in the log, new keys."""

import asyncio
from typing import Any

from setpoint.errors import RequestFailed
from setpoint_tui.answers import EnvironmentList, HubStatus, Key, KeyPage, NamespaceList, PastChangeSet, read_answer
from setpoint_tui.link import HubLink
from setpoint_tui.model.dirty import Topic
from setpoint_tui.model.keys import KeyId
from setpoint_tui.model.model import Model
from setpoint_tui.model.place import Loading

__all__ = ["Loader"]

_PAGE = 2_000
"""Keys of one request: a page is decoded in a few tens of milliseconds, between which the screen is served."""

_MOST_FETCHED = 200
"""Change sets that are fetched one by one after a gap; after a longer one the environment is loaded anew."""

_FETCHED_AT_ONCE = 8


class Loader:
    """Loads each environment at most once at a time."""

    def __init__(self, model: Model, link: HubLink) -> None:
        self._model = model
        self._link = link
        self._turns: dict[str, asyncio.Lock] = {}

    async def catch_up(self, positions: dict[str, int]) -> None:
        """After a connection: load what is wanted, and fill in what happened meanwhile."""
        if self._model.selection.env is not None:
            self._model.places[self._model.selection.env].wanted = True
        await self.look_for_new_keys()
        for env, place in list(self._model.places.items()):
            if place.loading is Loading.COMPLETE:
                await self.fill_gap(env, positions.get(env))
            elif place.wanted:
                await self.load(env)
        self._model.details.expire_all()
        self._model.dirty.mark(Topic.DETAIL)

    async def load(self, env: str) -> None:
        """Load an environment unless it is here."""
        async with self._turn(env):
            if self._model.places[env].loading is not Loading.COMPLETE:
                await self._list(env)

    async def reload_all(self) -> None:
        """Load anew whatever was loaded or asked for."""
        for env, place in list(self._model.places.items()):
            if place.wanted or place.loading is Loading.COMPLETE:
                async with self._turn(env):
                    await self._list(env)

    async def take(self, change_set: PastChangeSet) -> None:
        """Take a change set as it is announced, and fetch what lies between it and the last one."""
        place = self._model.places.get(change_set.env)
        if place is not None and place.loading is Loading.COMPLETE and change_set.revision > place.revision + 1:
            await self.fill_gap(change_set.env, change_set.revision - 1)
        await self._apply(change_set)

    async def fill_gap(self, env: str, revision: object) -> None:
        """Bring an environment up to a revision."""
        place = self._model.places.get(env)
        if place is None or not isinstance(revision, int) or revision <= place.revision:
            return
        if place.loading is not Loading.COMPLETE:
            place.revision = revision
        elif revision - place.revision > _MOST_FETCHED:
            async with self._turn(env):
                place.revision = revision
                await self._list(env)
            self._model.dirty.mark(Topic.ENVIRONMENTS)
        else:
            await self._fetch(env, range(place.revision + 1, revision + 1))

    async def compare_revisions(self, status: HubStatus) -> None:
        """Fill what the hub has and no notification told of."""
        for environment in status.environments:
            if environment.env not in self._model.places:
                await self.refresh_environments()
                return
            await self.fill_gap(environment.env, environment.revision)

    async def refresh_environments(self) -> None:
        """Read the list of environments anew."""
        found = read_answer(EnvironmentList, await self._link.request("environment.list", {}))
        self._model.set_environments(found.environments)

    async def look_for_new_keys(self) -> None:
        """Find keys that were made and never set: nothing tells of them."""
        env = self._model.selection.env
        if env is None or not self._model.facts_complete:
            return
        found = read_answer(NamespaceList, await self._link.request("namespace.list", {}))
        known = self._model.namespaces()
        for counted in found.namespaces:
            if counted.keys > known.get(counted.namespace, 0):
                await self._pages({"namespace": counted.namespace, "env": env}, env)

    async def _apply(self, change_set: PastChangeSet) -> None:
        unknown = self._model.apply(change_set)
        for namespace, key in unknown:
            try:
                found = await self._link.request("key.get", {"namespace": namespace, "key": key})
            except RequestFailed:
                continue
            self._model.put_facts(read_answer(Key, found))

    async def _fetch(self, env: str, revisions: range) -> None:
        allowed = asyncio.Semaphore(_FETCHED_AT_ONCE)

        async def get(revision: int) -> Any:
            async with allowed:
                return await self._link.request("change_set.get", {"env": env, "revision": revision})

        for raw in await asyncio.gather(*(get(revision) for revision in revisions)):
            await self._apply(read_answer(PastChangeSet, raw))

    async def _list(self, env: str) -> None:
        place = self._model.places[env]
        began_at = place.revision
        place.begin_loading()
        self._model.dirty.mark(Topic.KEYS)
        try:
            listed = await self._pages({"env": env}, env)
        except RequestFailed as error:
            place.loading, place.trouble = Loading.FAILED, str(error)
            self._model.dirty.mark(Topic.KEYS)
            return
        except BaseException:
            place.loading = Loading.NOT_ASKED
            raise
        self._model.finish_listing(env, listed, began_at)

    async def _pages(self, params: dict[str, Any], env: str) -> set[KeyId]:
        listed: set[KeyId] = set()
        after: tuple[str, str] | None = None
        while True:
            asked = {**params, "limit": _PAGE, **({} if after is None else {"after": list(after)})}
            page = read_answer(KeyPage, await self._link.request("key.list", asked, timeout=30))
            self._model.put_listed(env, page.keys)
            listed.update((key.namespace, key.key) for key in page.keys if key.version is not None)
            if page.next is None:
                return listed
            after = page.next

    def _turn(self, env: str) -> asyncio.Lock:
        return self._turns.setdefault(env, asyncio.Lock())
