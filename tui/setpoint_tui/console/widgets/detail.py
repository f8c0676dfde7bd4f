"""The key under the cursor: what it is, what it holds here and elsewhere, who runs it, what happened to it last."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, cast

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from setpoint_tui.answers import ActiveValue, HistoryChange, Receipt
from setpoint_tui.console.widgets.expiring import expiring_line
from setpoint_tui.console.widgets.quiet import retitle
from setpoint_tui.console.widgets.reach import reach_bar
from setpoint_tui.formatting import NO_VALUE, format_age, format_change, format_revision, format_secret, format_value
from setpoint_tui.model.details import Detail
from setpoint_tui.model.keys import Facts, Held, KeyId
from setpoint_tui.model.model import Model
from setpoint_tui.text_safety import safe_text

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console

__all__ = ["DetailPane", "value_lines"]

_MOST_LINES = 60
_CELL = 60
_STRIP = 8
"""Lines up to which the pane is a strip below the keys."""


class DetailPane(VerticalScroll):
    """Shows the selected key. In a strip of few lines what matters most comes first."""

    def __init__(self) -> None:
        super().__init__(classes="pane")
        self._text = Static(markup=False)
        self._drawn: Content | None = None
        self._shown: tuple[str, object] | None = None

    def compose(self) -> Iterator[Static]:
        yield self._text

    def show(self, model: Model) -> None:
        """Draw the selected key."""
        env, key = model.selection.env, model.selection.key
        facts = model.facts.get(key) if key else None
        if env is None or key is None or facts is None:
            retitle(self, "no key")
            self._update(Content.styled("choose a key with j and k", "$text-muted"))
            return
        retitle(self, safe_text(facts.key))
        held, detail = model.held(env, key), model.details.get(env, key)
        width = max(self.size.width - 4, 20)
        if self.size.height <= _STRIP:
            lines = list(_strip(model, facts, held, detail, width))
        else:
            lines = [
                *_about(facts),
                *_value(model, env, key, held),
                *_elsewhere(model, env, facts, detail, width),
                *_reached(held, detail, width),
            ]
            lines += _changes(facts, detail)
        due = model.temporary.to_confirm(env, key) or model.temporary.of(env, key)
        if due is not None:
            lines.insert(0, expiring_line(due, time.monotonic(), cast("Console", self.app).key_of("keep_change")))
        draft = model.drafts.get(env, key)
        if draft is not None:
            lines.insert(0, Content.styled("a draft waits: e goes on with it", "bold $text-warning"))
        self._update(Content("\n").join(lines))
        if self._shown != (env, key):
            self._shown = (env, key)
            self.scroll_home(animate=False)

    def on_resize(self) -> None:
        self._drawn = None

    def _update(self, drawn: Content) -> None:
        if self._drawn is None or not drawn.is_same(self._drawn):
            self._drawn = drawn
            self._text.update(drawn)


def value_lines(value_type: str, value: object) -> list[str]:
    """Return a value as lines that are safe to show: JSON indented, text by its own lines."""
    if value_type == "json":
        text = json.dumps(value, indent=2, ensure_ascii=False)
    elif value_type == "string" and isinstance(value, str) and "\n" in value:
        text = value
    else:
        return [format_value(value_type, value)]
    lines = text.split("\n")
    shown = [safe_text(line, limit=400) for line in lines[:_MOST_LINES]]
    left = len(lines) - len(shown)
    return [*shown, f"… {left:,} more lines"] if left else shown


def _strip(model: Model, facts: Facts, held: Held | None, detail: Detail | None, width: int) -> Iterator[Content]:
    """Yield one line each: the value, what it is, the other environments, who runs it, the last change."""
    yield _in_short(model, facts, held).truncate(width, ellipsis=True)
    yield next(_about(facts)).append(f"  {safe_text(facts.description, limit=200)}").truncate(width, ellipsis=True)
    others = [] if detail is None else [_elsewhere_in_short(env, facts, detail) for env in model.environments]
    yield Content(" · ").join(others).truncate(width, ellipsis=True)
    if held is not None and detail is not None and detail.receipt is not None:
        yield from islice(reach_bar(detail.receipt, width), 1)
    if detail is not None and detail.changes:
        yield _change(facts, detail.changes[0], datetime.now(UTC)).truncate(width, ellipsis=True)


def _in_short(model: Model, facts: Facts, held: Held | None) -> Content:
    """Return the value on one line; of a secret that is on show, that."""
    env = model.selection.env
    if held is not None and held.secret and env is not None:
        revealed = list(revealed_lines(model, env, facts.id, held))
        if revealed:
            return Content(" ").join(revealed)
    return Content.styled(NO_VALUE if held is None else held.text, "bold")


def _elsewhere_in_short(env: str, facts: Facts, detail: Detail) -> Content:
    found = detail.values.get(env)
    value = NO_VALUE if found is None else _short(facts, found)
    return Content.assemble((f"{safe_text(env)} ", "$text-muted"), safe_text(value, limit=24))


def revealed_lines(model: Model, env: str, key: KeyId, held: Held) -> Iterator[Content]:
    """Yield a secret's value while it is on show, and for how long; else nothing."""
    left = model.revealed.left(env, key, held.version, time.monotonic())
    if left:
        yield from (Content.styled(line, "bold") for line in value_lines(held.type, model.revealed.value))
        yield Content.styled(f"masked again in {left:.0f}s", "bold $text-warning")


def _about(facts: Facts) -> Iterator[Content]:
    owner = f"   {safe_text(facts.owner, limit=40)}" if facts.owner else ""
    tags = "".join(f" #{safe_text(tag, limit=30)}" for tag in facts.tags[:6])
    yield Content.assemble(("type ", "$text-muted"), (facts.type, "bold"), (f"{owner}{tags}", "$text-muted"))
    if facts.description:
        yield Content(safe_text(facts.description, limit=400))


def _value(model: Model, env: str, key: KeyId, held: Held | None) -> Iterator[Content]:
    yield _rule("value")
    if held is None:
        yield Content.styled(f"{NO_VALUE}  not set here: e sets it", "$text-muted")
        return
    if held.secret:
        revealed = list(revealed_lines(model, env, key, held))
        yield from revealed or [Content.assemble((held.text, "bold"), ("  . reveals it, on record", "$text-muted"))]
        return
    for line in value_lines(held.type, held.value):
        yield Content.styled(line, "bold")


def _elsewhere(model: Model, env: str, facts: Facts, detail: Detail | None, room: int) -> Iterator[Content]:
    yield _rule("across environments")
    now = datetime.now(UTC)
    width = max((len(name) for name in model.environments), default=8)
    here = None if detail is None else detail.values.get(env)
    for name in model.environments:
        found = None if detail is None else detail.values.get(name)
        if found is None:
            said = "…" if detail is None else NO_VALUE
            yield Content.styled(f"{safe_text(name):<{width}} {said}", "$text-muted")
            continue
        differs = here is not None and found.value != here.value
        since = f" {format_revision(found.revision):>5} {format_age(found.at, now):>3}"
        value = Content(_short(facts, found))
        left = max(room - width - len(since) - 3, 6)
        yield Content.assemble(
            (f"{safe_text(name):<{width}} ", "bold" if name == env else ""),
            value.truncate(left, ellipsis=True).pad_right(max(left - value.cell_length, 0)),
            (since, "$text-muted"),
            (_sign(facts, same=not differs, here=name == env), "bold $text-warning"),
        )


def _sign(facts: Facts, *, same: bool, here: bool) -> str:
    """Tell what differs; of secrets also what is the same, since their values do not show it."""
    if not same:
        return " ≠"
    return " =" if facts.secret and not here else ""


def _short(facts: Facts, found: ActiveValue) -> str:
    if facts.secret:
        # There is little room, and the fingerprint is what one compares.
        return format_secret(found.value).removeprefix("secret ")
    kind = "string" if isinstance(found.value, str) else "json"
    return format_value(kind, found.value, limit=_CELL)


def _reached(held: Held | None, detail: Detail | None, width: int) -> Iterator[Content]:
    receipt: Receipt | None = None if detail is None else detail.receipt
    if held is None or receipt is None:
        return
    yield _rule(f"reached {format_revision(receipt.revision)}")
    yield from reach_bar(receipt, width)


def _changes(facts: Facts, detail: Detail | None) -> Iterator[Content]:
    yield _rule("last changes")
    if detail is None:
        yield Content.styled("…", "$text-muted")
        return
    now = datetime.now(UTC)
    for change in detail.changes:
        yield _change(facts, change, now)
    if not detail.changes:
        yield Content.styled("never set here", "$text-muted")


def _change(facts: Facts, change: HistoryChange, now: datetime) -> Content:
    kind = "string" if isinstance(change.value, str) or isinstance(change.previous_value, str) else "json"
    old, new = format_change(change, kind, secret=facts.secret)
    note = f"  {safe_text(change.note, limit=60)}" if change.note else ""
    how = "" if change.how == "set" else f" {safe_text(change.how, limit=40)}"
    return Content.assemble(
        (f"{format_revision(change.revision)} ", "bold"),
        f"{safe_text(change.by.name, limit=20)} ",
        (safe_text(old, limit=24), "$text-muted"),
        "→",
        safe_text(new, limit=24),
        (f"  {format_age(change.at, now)}{how}{note}", "$text-muted"),
    )


def _rule(title: str) -> Content:
    return Content.styled(f"── {title} ──", "$text-accent")
