"""Brings what the hub holds into the model, over one connection: listings, gaps in the log, new keys."""

import asyncio
from typing import Any

from setpoint.errors import RequestFailed
from setpoint_tui.answers import EnvironmentList, HubStatus, Key, KeyPage, NamespaceList, PastChangeSet, read_answer
from setpoint_tui.fetching import Unfetched, each, fetch_change_sets
from setpoint_tui.link import HubLink
from setpoint_tui.model.dirty import Topic
from setpoint_tui.model.keys import KeyId
from setpoint_tui.model.model import Model
from setpoint_tui.model.place import Loading, Place

__all__ = ["Loader"]

_PAGE = 2_000
"""Keys of one request: a page is decoded in a few tens of milliseconds, between which the screen is served."""

_MOST_FETCHED = 200
"""Change sets that are fetched one by one after a gap; after a longer one the environment is loaded anew."""


class Loader:
    """Loads each environment at most once at a time, and never lets the log be applied with a gap in it."""

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
                await self.fill_gap(env, positions.get(env, 0))
            elif place.wanted:
                await self.load(env)
        self._model.details.expire_all()
        self._model.dirty.mark(Topic.DETAIL)

    async def load(self, env: str) -> None:
        """Load an environment unless it is here, or does not exist."""
        place = self._model.places.get(env)
        if place is None:
            return
        place.wanted = True
        async with self._turn(env):
            if place.loading is not Loading.COMPLETE:
                await self._list(place)

    async def reload_all(self) -> None:
        """Load anew whatever was loaded or asked for."""
        for env, place in list(self._model.places.items()):
            if place.wanted or place.loading is Loading.COMPLETE:
                async with self._turn(env):
                    await self._list(place)

    async def retry_failed(self) -> None:
        """Try again to load what the hub refused."""
        for env, place in list(self._model.places.items()):
            if place.wanted and place.loading is Loading.FAILED:
                await self.load(env)

    async def take(self, change_set: PastChangeSet) -> None:
        """Take a change set as it is announced, and fetch what lies between it and the last one."""
        if change_set.env not in self._model.environments:
            await self.refresh_environments()
        await self.fill_gap(change_set.env, change_set.revision - 1)
        await self._apply(change_set)

    async def fill_gap(self, env: str, revision: int) -> None:
        """Bring an environment up to a revision."""
        place = self._model.places.get(env)
        if place is None or revision <= place.revision:
            return
        # A listing that is under way reads pages at several revisions: what it may lack is fetched after it.
        async with self._turn(env):
            if revision <= place.revision:
                return
            if place.is_idle:
                place.revision = revision
            elif revision - place.revision > _MOST_FETCHED or not await self._fetch(place, revision):
                await self._list(place)
        self._model.dirty.mark(Topic.ENVIRONMENTS, Topic.ACTIVITY)

    async def compare_revisions(self, status: HubStatus) -> None:
        """Fill what the hub has and no notification told of."""
        if any(environment.env not in self._model.environments for environment in status.environments):
            await self.refresh_environments()
        for environment in status.environments:
            await self.fill_gap(environment.env, environment.revision)

    async def refresh_environments(self) -> None:
        """Read the list of environments anew."""
        self._model.set_environments((await self._environments()).environments)

    async def look_for_new_keys(self) -> None:
        """Find keys that were made and never set: nothing tells of them."""
        env = self._model.selection.env
        if env is None or not self._model.facts_complete:
            return
        try:
            found = read_answer(NamespaceList, await self._link.request("namespace.list", {}))
            known = self._model.namespaces()
            for counted in found.namespaces:
                if counted.keys > known.get(counted.namespace, 0):
                    await self._pages({"namespace": counted.namespace, "env": env}, env)
        except RequestFailed:
            # Looked for again soon; what is known stays.
            return

    async def _apply(self, change_set: PastChangeSet) -> None:
        unknown = self._model.apply(change_set)
        for facts in await each(self._facts, sorted(unknown)):
            if facts is not None:
                self._model.put_facts(facts)

    async def _facts(self, key: KeyId) -> Key | None:
        try:
            return read_answer(Key, await self._link.request("key.get", {"namespace": key[0], "key": key[1]}))
        except RequestFailed:
            return None

    async def _fetch(self, place: Place, revision: int) -> bool:
        """Fetch and apply what lies between; return whether all of it was given."""
        complete = True
        for found in await fetch_change_sets(self._link.request, place.env, range(place.revision + 1, revision + 1)):
            if isinstance(found, Unfetched):
                self._model.remember_unfetched(place.env, found.revision, found.reason)
                complete = False
            elif complete:
                await self._apply(found)
            else:
                self._model.remember(found)
        return complete

    async def _list(self, place: Place) -> None:
        place.begin_loading()
        self._model.dirty.mark(Topic.KEYS)
        try:
            heads = {found.env: found.revision for found in (await self._environments()).environments}
            place.begin_pages(heads.get(place.env, place.revision))
            listed = await self._pages({"env": place.env}, place.env)
        except RequestFailed as error:
            place.loading, place.trouble = Loading.FAILED, str(error)
            self._model.dirty.mark(Topic.KEYS)
            return
        except BaseException:
            place.loading = Loading.NOT_ASKED
            raise
        if self._model.places.get(place.env) is place:
            self._model.finish_listing(place.env, listed)

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

    async def _environments(self) -> EnvironmentList:
        return read_answer(EnvironmentList, await self._link.request("environment.list", {}))

    def _turn(self, env: str) -> asyncio.Lock:
        return self._turns.setdefault(env, asyncio.Lock())
