"""How a key of the list is drawn, and what the lines around the list say. Pure but for the clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from textual.content import Content

from setpoint_tui.console.widgets.big_table import Column
from setpoint_tui.console.widgets.expiring import GLYPH
from setpoint_tui.formatting import NO_VALUE, format_age, format_revision
from setpoint_tui.model.key_list import KeyList
from setpoint_tui.model.keys import KeyId, key_path
from setpoint_tui.model.link_state import not_there_because
from setpoint_tui.model.model import Model
from setpoint_tui.model.place import Loading
from setpoint_tui.text_safety import safe_text

__all__ = ["COLUMNS", "SORT_COLUMNS", "cells", "empty_words", "glyph", "status_words", "title"]

COLUMNS = (
    Column("KEY", None, priority=10, share=3, least=24),
    Column("TYPE", 5, priority=3),
    Column("VALUE", None, priority=9, share=2),
    Column("REV", 6, align="right", priority=2),
    Column("AGE", 4, align="right", priority=4),
)

SORT_COLUMNS = {"key": "KEY", "type": "TYPE", "value": "VALUE", "rev": "REV", "age": "AGE"}

_FRESH = timedelta(seconds=10)
"""How long a value that changed is marked with Δ."""


def cells(model: Model, key: KeyId) -> Sequence[str | Content]:
    """Return the cells of one key in the selected environment. Raises KeyError for a key that has just gone."""
    facts = model.facts[key]
    name = facts.key if model.selection.namespace is not None else key_path(key)
    held = model.held(model.selection.env or "", key)
    kind = "str" if facts.type == "string" else facts.type
    if held is None:
        return (name, kind, Content.styled(NO_VALUE, "$text-muted"), "", "")
    age = "" if held.at is None else format_age(held.at, datetime.now(UTC))
    return (name, kind, held.text, format_revision(held.revision), age)


def glyph(model: Model, key: KeyId) -> str:
    """Return the sign before a key: a draft waits, it takes itself back, or it has just changed."""
    env = model.selection.env or ""
    if model.drafts.get(env, key) is not None:
        return "✎"
    if model.temporary.of(env, key) is not None:
        return GLYPH
    held = model.held(env, key)
    is_fresh = held is not None and held.at is not None and datetime.now(UTC) - held.at < _FRESH
    return "Δ" if is_fresh else ""


def empty_words(model: Model, listed: KeyList) -> Content:
    """Say why no key is listed, and what to press."""
    place = model.places.get(model.selection.env or "")
    if place is None or (place.loading is not Loading.COMPLETE and not model.facts_complete):
        trouble = place.trouble if place is not None else None
        return Content(safe_text(trouble)) if trouble else Content(not_there_because(model.link))
    if listed.filter_text:
        return Content.assemble("nothing matches ", (safe_text(listed.filter_text), "bold"), " · esc clears")
    if listed.which != "all":
        return Content("no such keys here · X shows all")
    return Content("no keys yet · n makes the first")


def title(model: Model, listed: KeyList) -> str:
    """Return what stands in the border: the scope and how many keys it has."""
    scope = model.selection.namespace or "all namespaces"
    shown = f"  {len(listed.order):,} match" if listed.filter_text else ""
    return f"{safe_text(scope)}  {listed.in_scope:,} keys{shown}"


def status_words(model: Model, listed: KeyList, marked: int) -> Content:
    """Return the line below the list: filter, counts, marks, order."""
    words = [f"/ {safe_text(listed.filter_text)}  esc clears"] if listed.filter_text else []
    words += [f"{len(listed.order):,} of {listed.in_scope:,}"]
    words += [f"{marked} marked"] if marked else []
    words += {"all": [], "set": ["with a value here"], "unset": ["without a value here"]}[listed.which]
    words += ["order frozen: f lets it go"] if listed.frozen else []
    words += [f"sort {listed.sort} {'↓' if listed.descending else '↑'}", safe_text(model.selection.env or "")]
    return Content.styled(" · ".join(words), "$text-muted")
