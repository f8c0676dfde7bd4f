"""Methods over two environments: what differs between them, and taking over from one to the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from setpoint_hub.chain import request_fingerprint
from setpoint_hub.comparison import Difference, Position, Side
from setpoint_hub.database import Connection
from setpoint_hub.errors import invalid_params, not_found, too_large
from setpoint_hub.judging import Judge
from setpoint_hub.plan import Active, Step
from setpoint_hub.promotion import LARGEST_PROMOTION, Selection, plan_promotion, select
from setpoint_hub.roles import Operation
from setpoint_hub.rpc import present, reaches
from setpoint_hub.rpc.committing import MOST_CHANGES, AfterCommit, answer_of, gate_of, intent_of, stated
from setpoint_hub.rpc.params import CompareParams, PromoteParams
from setpoint_hub.rpc.registry import Method
from setpoint_hub.session import Session
from setpoint_hub.store.comparing import Comparison, Comparisons, Reach, Scope
from setpoint_hub.store.keys import Key, Keys
from setpoint_hub.store.writer import Writer, active_versions

__all__ = ["PromotingMethods"]

LARGEST_PAGE: Final = 2 * 1024 * 1024
"""Bytes of values in one answer; a single key may hold more."""

_PLENTY: Final = 4 * LARGEST_PROMOTION


class PromotingMethods:
    """Compares two environments, and promotes what was seen in a comparison."""

    def __init__(
        self, keys: Keys, comparisons: Comparisons, judge: Judge, writer: Writer, after_commit: AfterCommit
    ) -> None:
        self._keys = keys
        self._comparisons = comparisons
        self._judge = judge
        self._writer = writer
        self._after_commit = after_commit

    def methods(self) -> list[Method[Any]]:
        """Return the methods of this group."""
        return [
            Method("compare", Operation.READ, CompareParams, self._compare, reach=reaches.compared),
            Method("promote", Operation.WRITE, PromoteParams, self._promote, reach=reaches.promoted),
        ]

    async def _compare(self, session: Session, asked: CompareParams) -> object:
        _check_two(asked.source, asked.target)
        await self._check_namespaces(asked.namespaces)
        named = await self._named(asked)
        after = (asked.after[0], asked.after[1]) if asked.after else ("", "")
        reach = Reach(limit=asked.limit, bytes=LARGEST_PAGE, after=after, all=asked.all)
        (found,) = await self._comparisons.read(_scope(session, asked, named, asked.namespaces), reach)
        last = found.differences[-1].key if found.rest else None
        return {
            "source": {"env": found.source.env, "revision": found.source.revision},
            "target": _target(found.target),
            "rows": [_row(difference) for difference in await self._judged(found)],
            "same": found.same,
            "different": found.different,
            "next": None if last is None else [last.namespace, last.key],
        }

    async def _promote(self, session: Session, asked: PromoteParams) -> object:
        _check_two(asked.source, asked.target)
        named = await self._named(asked)
        found = await self._read(session, asked, named)
        differences = [difference for part in found for difference in await self._judged(part)]
        selection = select(found[0].source, found[0].target, differences, named=named or (), deletions=asked.deletions)
        promotion = _Promotion(found[0].source, found[0].target, selection, is_whole=not found[0].rest)
        how = f"promotion from {asked.source} r{found[0].source.revision}"
        committed = await self._writer.write(
            intent_of(session, asked.target, how, _fingerprint(session, asked), asked),
            promotion.key_ids,
            promotion.plan,
            gate_of(session, asked),
            look=promotion.look,
        )
        answer = await answer_of(committed, session, self._after_commit, wait=asked.wait)
        return {**answer, "left_out": [_left_out(one.key, one.reason) for one in selection.left_out]}

    async def _judged(self, found: Comparison) -> list[Difference]:
        """Return the differences with what of their constraints keeps a value out of the target."""
        return [await self._judge.judged(one, found.source.env, found.target.env) for one in found.differences]

    async def _read(self, session: Session, asked: PromoteParams, named: list[Key] | None) -> list[Comparison]:
        scope = _scope(session, asked, named, None)
        if named is not None:
            return await self._comparisons.read(scope, Reach(limit=MOST_CHANGES, bytes=_PLENTY, all=True))
        return await self._comparisons.read(
            scope,
            Reach(limit=MOST_CHANGES, bytes=_PLENTY, where="source"),
            # What is left out for sure, as far as an answer can name it.
            Reach(limit=MOST_CHANGES, bytes=LARGEST_PAGE, where="target"),
        )

    async def _named(self, asked: CompareParams | PromoteParams) -> list[Key] | None:
        if asked.keys is None:
            return None
        if len(asked.keys) > MOST_CHANGES:
            raise too_large(
                f"{len(asked.keys):,} keys by name; the most allowed is {MOST_CHANGES:,}: "
                "take over one namespace after the other"
            )
        names = list(dict.fromkeys((key.namespace, key.key) for key in asked.keys))
        found = await self._keys.find(names)
        return [found[name] for name in names]

    async def _check_namespaces(self, asked: list[str] | None) -> None:
        if asked is not None:
            missing = await self._keys.missing_namespaces(asked)
            if missing:
                raise not_found(f"there is no namespace {missing[0]}: it comes to be with its first key")


@dataclass
class _Promotion:
    """One promotion under way: it looks at the source in the transaction that writes the target."""

    source: Position
    target: Position
    selection: Selection
    is_whole: bool
    """Whether all that differs was read."""
    source_now: dict[UUID, Active] = field(default_factory=dict[UUID, Active])

    @property
    def key_ids(self) -> list[UUID]:
        """The keys that are promoted."""
        return [difference.key.id for difference in self.selection.chosen]

    async def look(self, connection: Connection) -> None:
        """Read what the source holds now."""
        self.source_now = await active_versions(connection, self.source.env, self.key_ids)

    def plan(self, target_now: Mapping[UUID, Active]) -> list[Step]:
        """Plan the steps. Raises `too_large`, and as `plan_promotion` does."""
        texts = (one.source.text for one in self.selection.chosen if one.source is not None)
        if not self.is_whole or sum(len(text.encode()) for text in texts if text is not None) > LARGEST_PROMOTION:
            raise too_large(
                f"more than {MOST_CHANGES:,} keys, or {LARGEST_PROMOTION:,} bytes of values, in one promotion: "
                "name the keys, and promote in parts"
            )
        return plan_promotion(self.source, self.target, self.selection, self.source_now, target_now)


def _check_two(source: str, target: str) -> None:
    if source == target:
        raise invalid_params(f"source and target are both {source[:40]}: name two environments")


def _scope(
    session: Session, asked: CompareParams | PromoteParams, named: list[Key] | None, namespaces: list[str] | None
) -> Scope:
    return Scope(
        asked.source,
        asked.target,
        session.principal.namespaces,
        asked.source_revision,
        asked.target_revision,
        key_ids=None if named is None else [key.id for key in named],
        namespaces=namespaces,
    )


def _fingerprint(session: Session, asked: PromoteParams) -> bytes:
    reached = session.principal.namespaces
    # "All that differs" is another request for a token that reaches another part: its answer shows values.
    part = [reached.patterns] if asked.keys is None and not reached.everything else []
    keys = None if asked.keys is None else sorted({(key.namespace, key.key) for key in asked.keys})
    sides = [asked.source, asked.source_revision, asked.target, asked.target_revision]
    return request_fingerprint("promote", *sides, keys, asked.deletions, asked.note, *part, *stated(asked))


def _target(position: Position) -> dict[str, Any]:
    return {
        "env": position.env,
        "revision": position.revision,
        "protected": position.protected,
        "required_approvals": position.required_approvals,
    }


def _row(difference: Difference) -> dict[str, Any]:
    problem = difference.problem
    return {
        "namespace": difference.key.namespace,
        "key": difference.key.key,
        "type": difference.key.type,
        "state": difference.state,
        **({"secret": True} if difference.key.secret else {}),
        "source": _side(difference.source, secret=difference.key.secret),
        "target": _side(difference.target, secret=difference.key.secret),
        "newer_in_target": difference.newer_in_target,
        "valid": problem is None,
        "problem": problem,
    }


def _side(side: Side | None, *, secret: bool) -> dict[str, Any] | None:
    if side is None or side.text is None:
        return None
    return {
        "value": present.optional_value(side.text, secret=secret),
        "version": str(side.version),
        "revision": side.revision,
        "by": present.person(side.by_id, side.by_name),
        "at": present.time_text(side.at),
        "note": side.note,
    }


def _left_out(key: Key, reason: str) -> dict[str, Any]:
    return {"namespace": key.namespace, "key": key.key, "reason": reason}
