"""How the story of a key is drawn: its changes, and what is said above and below them."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from textual.content import Content

from setpoint_tui.answers import HistoryChange
from setpoint_tui.formatting import counted, format_age, format_change, format_revision
from setpoint_tui.model.keys import key_path
from setpoint_tui.model.link_state import LinkState, not_there_because
from setpoint_tui.model.story import Story
from setpoint_tui.text_safety import safe_text

__all__ = ["about_line", "change_cells", "change_glyph", "change_head", "status_line", "why_empty"]

_SIDE = 40
"""Characters of each side of a change in the list; the diff shows all of it."""


def change_cells(story: Story, revision: int) -> list[str | Content]:
    """Return the cells of one change. Raises KeyError when it is gone."""
    change = story.get(revision)
    if change is None:
        raise KeyError(revision)
    old, new = format_change(change, story.type)
    return [
        format_revision(revision),
        format_age(change.at, datetime.now(UTC)),
        change.by.name,
        change.how,
        Content.assemble((safe_text(old, limit=_SIDE), "$text-muted"), " → ", safe_text(new, limit=_SIDE)),
        change.note,
    ]


def change_glyph(story: Story, revision: int, fresh: Collection[int]) -> str:
    """Return the one cell that tells the version that holds, what came just now, and the same version elsewhere."""
    change = story.get(revision)
    if change is None:
        return ""
    if change is story.present:
        return "◆"
    if revision in fresh:
        return "Δ"
    return "=" if change.version is not None and story.is_present_again(change) else ""


def change_head(change: HistoryChange) -> Iterator[Content]:
    """Yield who made a change, when and why."""
    how, by = safe_text(change.how, limit=60), safe_text(change.by.name, limit=40)
    age = format_age(change.at, datetime.now(UTC))
    yield Content.assemble(
        (format_revision(change.revision), "bold"), f" {how} by {by}", (f", {age} ago", "$text-muted")
    )
    if change.note:
        yield Content.styled(f"“{safe_text(change.note, limit=400)}”", "italic")
    yield Content("")


def about_line(story: Story) -> Content:
    """Name the key and its type."""
    kind = f"  {story.type}" if story.is_known else ""
    return Content.assemble((safe_text(key_path(story.key)), "bold"), (kind, "$text-muted"))


def status_line(story: Story, marked: HistoryChange | None, trouble: str | None) -> Content:
    """Say how many changes are listed, what the glyphs mean, and what is marked."""
    words: list[str | tuple[str, str]] = []
    if story.is_known:
        more = " and more" if story.older is not None else ""
        words.append((f"{counted(len(story.order), 'change')}{more} · ◆ holds now · = the same version", "$text-muted"))
    if marked is not None:
        words.append((f" · {format_revision(marked.revision)} marked: d compares it", "$text-accent"))
    if trouble is not None and story.order:
        words.append((f" · {safe_text(trouble)}", "$text-error"))
    return Content.assemble(*words)


def why_empty(story: Story, trouble: str | None, link: LinkState) -> Content:
    """Say why no change is listed, and what to do about it."""
    if trouble is not None:
        return Content(safe_text(trouble))
    if not story.is_known:
        return Content(not_there_because(link))
    return Content(f"never set in {safe_text(story.env)} · esc goes back, e on the key sets it")
