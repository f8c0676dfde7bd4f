"""Whether a value may become active for a key: its constraints, and what of them the value before broke already."""

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from setpoint.protocol.values import decode_value
from setpoint_hub.checker import Checker
from setpoint_hub.comparison import Difference, Side
from setpoint_hub.constraints import UnusableConstraints, Violation, introduced
from setpoint_hub.errors import CheckFailed, SecretUnreadable
from setpoint_hub.sealing import Place
from setpoint_hub.store.keys import Key
from setpoint_hub.vault import Vault

__all__ = ["Judge", "Judgement"]

_MOST_TOLD: Final = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a new value breaks. Nothing in it repeats the value of a secret."""

    problem: str | None
    """Why the value may not become active; None when it may."""
    warnings: tuple[str, ...] = ()
    """What it breaks as the value before did."""


class Judge:
    """Judges values in the clear. `Guard` asks it of every write; others may ask it beforehand."""

    def __init__(self, vault: Vault, checker: Checker) -> None:
        self._vault = vault
        self._checker = checker

    async def judge(self, key: Key, constraints: str, after: str, before: str | None) -> Judgement:
        """Judge a value by constraints, all as canonical text; `before` is the active value, None without one."""
        try:
            now = await self._checker.violations(constraints, decode_value(after))
            known = await self._checker.violations(constraints, decode_value(before)) if now and before else []
        except (CheckFailed, UnusableConstraints) as error:
            return Judgement(f"{error}, so the value is not taken: make the constraints simpler (key.update)")
        new = introduced(now, known)
        if new:
            return Judgement(_sentences(new, secret=key.secret))
        return Judgement(None, tuple(broken.sentence(secret=key.secret) + ", as before" for broken in now))

    async def judged(self, difference: Difference, source_env: str, target_env: str) -> Difference:
        """Return a difference with its source in the clear, if that is a secret, and with what keeps it out."""
        key, side = difference.key, difference.source
        if side is None or side.text is None or (difference.constraints is None and not key.secret):
            return difference
        try:
            after = self._text(key, source_env, side)
        except SecretUnreadable as error:
            return replace(difference, broken=str(error))
        clear = replace(difference, source=replace(side, clear=after)) if key.secret else difference
        if difference.constraints is None:
            return clear
        judgement = await self.judge(key, difference.constraints, after, self._before(difference, target_env))
        return replace(clear, broken=judgement.problem)

    def _before(self, difference: Difference, env: str) -> str | None:
        side = difference.target
        if side is None or side.text is None:
            return None
        try:
            return self._text(difference.key, env, side)
        except SecretUnreadable:
            return None

    def _text(self, key: Key, env: str, side: Side) -> str:
        assert side.text is not None
        if not key.secret:
            return side.text
        version = side.version
        assert isinstance(version, UUID)
        return self._vault.open(side.text, Place(env, key.id, version), side.wrapped)


def _sentences(found: list[Violation], *, secret: bool) -> str:
    told = "; ".join(violation.sentence(secret=secret) for violation in found[:_MOST_TOLD])
    return told + (f", and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else "")
