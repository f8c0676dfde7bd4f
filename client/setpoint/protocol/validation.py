"""Saying what pydantic found wrong, in one sentence and without repeating what was given."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["explain"]


def explain(error: "ValidationError") -> str:
    """Say in one sentence what is wrong with a message, without repeating what it held."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    first = found[0]
    place = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{place}: {reason}{more}" if place else f"{reason}{more}"
