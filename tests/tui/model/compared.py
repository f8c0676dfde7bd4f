"""Comparisons for tests, made of a few words."""

from datetime import UTC, datetime

from setpoint_tui.answers import Person
from setpoint_tui.comparison_answers import ComparedEnvironment, ComparedKey, ComparedValue, Comparison

__all__ = ["compared", "comparison"]


def compared(
    key: str,
    *,
    source: str | None = "",
    target: str | None = "",
    values: tuple[object, object] = (5, 3),
    newer: bool = False,
    problem: str | None = None,
) -> ComparedKey:
    """Return a row of `payments`; `source` and `target` are its versions, None where it has no value."""
    seen_source = None if source is None else _side(source or f"source of {key}", values[0])
    seen_target = None if target is None else _side(target or f"target of {key}", values[1])
    state = "only_target" if seen_source is None else "only_source" if seen_target is None else "changed"
    return ComparedKey(
        namespace="payments",
        key=key,
        type="int",
        state=state,
        source=seen_source,
        target=seen_target,
        newer_in_target=newer,
        valid=problem is None,
        problem=problem,
    )


def comparison(
    *rows: ComparedKey, source_revision: int = 43, target_revision: int = 17, different: int | None = None
) -> Comparison:
    """Return a comparison of staging with production."""
    return Comparison(
        source=ComparedEnvironment(env="staging", revision=source_revision),
        target=ComparedEnvironment(env="production", revision=target_revision),
        rows=rows,
        same=116,
        different=len(rows) if different is None else different,
    )


def _side(version: str, value: object) -> ComparedValue:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return ComparedValue(value=value, version=version, revision=1, by=Person(id=1, name="alice"), at=at)
