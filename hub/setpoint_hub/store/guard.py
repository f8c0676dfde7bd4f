"""What every change set passes before it is written: the constraints of its keys, its size, the sealing of secrets."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from setpoint_hub.database import Connection
from setpoint_hub.errors import SecretUnreadable, invalid_value, too_large, unavailable
from setpoint_hub.judging import Judge
from setpoint_hub.plan import Active, Step
from setpoint_hub.sealing import Place
from setpoint_hub.store.keyrings import current_master_key
from setpoint_hub.store.keys import Key
from setpoint_hub.store.secrets import open_versions
from setpoint_hub.vault import NO_MASTER_KEY, Vault

__all__ = ["Guard", "Passed", "Warned"]

CHECKS_SECONDS: Final = 2.0
LONGEST_HOW: Final = 100
_HELD: Final = "SELECT count(*) AS keys FROM ConfigVersion WHERE env = $1 AND is_active"


@dataclass(frozen=True, slots=True)
class Warned:
    """A constraint that a new value breaks as the value before it did."""

    namespace: str
    key: str
    message: str

    @property
    def sentence(self) -> str:
        return f"{self.namespace}/{self.key}: {self.message}"


@dataclass(frozen=True, slots=True)
class Passed:
    """What a change set that may be written says besides: how large a part it was forced to change, and warnings."""

    forced: str
    """Such as `40 of 100 keys`; empty of a change that needed no force."""
    warnings: tuple[Warned, ...]

    @property
    def sentences(self) -> list[str]:
        """The warnings in words."""
        return [warned.sentence for warned in self.warnings]

    def describe(self, how: str) -> str:
        """Return `how` a change came to be, with what was forced about it."""
        return f"{how}, forced: {self.forced}"[:LONGEST_HOW] if self.forced else how[:LONGEST_HOW]


class Guard:
    """Checks and seals within the writing transaction, so that nothing moves between the check and the commit."""

    def __init__(self, vault: Vault, judge: Judge, *, largest_share: float, share_from: int) -> None:
        self._vault = vault
        self._judge = judge
        self._largest_share = largest_share
        self._share_from = share_from

    async def check(
        self, connection: Connection, env: str, steps: Sequence[Step], constraints: Mapping[UUID, str], *, force: bool
    ) -> Passed:
        """Let steps pass, with `constraints` by the ids of keys.

        Raises the answers `invalid_value` (a constraint that the value before did not break, or a secret to be rolled
        back to that does not open) and `too_large` (too large a share of the environment, unless forced).
        """
        forced = await self._share(connection, env, steps, force=force)
        clear = await self._clear(connection, env, steps)
        warnings: list[Warned] = []
        try:
            # The environment is locked meanwhile: others wait to write.
            async with asyncio.timeout(CHECKS_SECONDS):
                for step in steps:
                    if step.after is not None and step.key.id in constraints:
                        warnings += await self._warnings(step, constraints[step.key.id], clear)
        except TimeoutError as error:
            raise too_large(
                f"checking the constraints of this change took more than {CHECKS_SECONDS:g} s: "
                "change fewer keys at once, or make their constraints simpler"
            ) from error
        return Passed(forced, tuple(warnings))

    async def seal(self, connection: Connection, env: str, steps: Sequence[Step]) -> list[Step]:
        """Return the steps with the new values of secret keys sealed. Raises the answer `unavailable` without a key."""
        if not any(_is_to_be_sealed(step) for step in steps):
            return list(steps)
        master_key = await current_master_key(connection)
        if master_key is None:
            raise unavailable(NO_MASTER_KEY)
        return [self._sealed(env, step, master_key) if _is_to_be_sealed(step) else step for step in steps]

    def _sealed(self, env: str, step: Step, master_key: str) -> Step:
        """Seal a new value; one that waited sealed, as a review, is sealed anew if the master key is another now."""
        assert step.after is not None
        if step.after.wrapped is not None and step.after.wrapped.master_key == master_key:
            return step
        place = Place(env, step.key.id, step.after.version)
        sealed = self._vault.seal(self._waiting(place, step.after, step.key), place, master_key)
        return replace(step, after=Active(step.after.version, sealed.text, sealed.wrapped))

    def _waiting(self, place: Place, after: Active, key: Key) -> str:
        """Return a new value in the clear, also when it waited sealed. Raises `invalid_value` when it does not open."""
        if after.wrapped is None:
            return after.text
        try:
            return self._vault.open(after.text, place, after.wrapped)
        except SecretUnreadable as error:
            raise invalid_value(key.namespace, key.key, f"the value that waits does not open: {error}") from error

    async def _share(self, connection: Connection, env: str, steps: Sequence[Step], *, force: bool) -> str:
        """Return how large a part a change that needed force changes; raise `too_large` for one that lacks it."""
        # Values that are new take nothing from anybody: filling an environment is never too much.
        touched = sum(step.before is not None for step in steps)
        if touched <= self._largest_share * self._share_from:
            return ""
        row = await connection.row(_HELD, env)
        held = 0 if row is None else int(row["keys"])
        if held < self._share_from or touched <= self._largest_share * held:
            return ""
        if not force:
            raise too_large(
                f"this changes {touched} of the {held} values of {env}, more than {self._largest_share:.0%}: "
                'make smaller change sets, or give "force": true (--force), which the log then says'
            )
        return f"{touched} of {held} keys"

    async def _clear(self, connection: Connection, env: str, steps: Sequence[Step]) -> dict[UUID, str]:
        """Return the secrets among what the steps come from and go back to. Those gone back to have to open."""
        secret = [step for step in steps if step.key.secret]
        before = [step.before.version for step in secret if step.before is not None]
        revived = {step.after.version: step.key for step in secret if step.after is not None and not step.is_new}
        opened = await open_versions(connection, self._vault, env, [*before, *revived])
        for version, key in revived.items():
            text = opened.get(version)
            if isinstance(text, SecretUnreadable):
                raise invalid_value(key.namespace, key.key, f"that version cannot be active: {text}") from text
        for step in secret:
            if step.after is not None and step.is_new:
                place = Place(env, step.key.id, step.after.version)
                opened[step.after.version] = self._waiting(place, step.after, step.key)
        # A present value that does not open is there to be replaced; nothing of the new one is excused by it.
        return {version: text for version, text in opened.items() if isinstance(text, str)}

    async def _warnings(self, step: Step, constraints: str, clear: Mapping[UUID, str]) -> list[Warned]:
        assert step.after is not None
        before = None
        if step.before is not None:
            before = clear.get(step.before.version) if step.key.secret else step.before.text
        after = clear.get(step.after.version, step.after.text)
        judgement = await self._judge.judge(step.key, constraints, after, before)
        if judgement.problem is not None:
            raise invalid_value(step.key.namespace, step.key.key, judgement.problem)
        return [Warned(step.key.namespace, step.key.key, message) for message in judgement.warnings]


def _is_to_be_sealed(step: Step) -> bool:
    return step.key.secret and step.is_new and step.after is not None
