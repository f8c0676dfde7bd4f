"""One instance in full: what it runs and should run, since when, and everything that it told of itself."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from setpoint.errors import SetpointError
from setpoint_tui.answers import Instance, PastChangeSet
from setpoint_tui.console.dialogs.dialog import Dialog
from setpoint_tui.console.widgets.bars import environment_badge
from setpoint_tui.console.widgets.fleet_rows import state_words
from setpoint_tui.formatting import counted, format_age, format_duration, format_milliseconds, format_revision
from setpoint_tui.model.activity_view import headline
from setpoint_tui.model.dirty import Dirty, Topic
from setpoint_tui.model.fleet_view import behind_by
from setpoint_tui.text_safety import safe_text

__all__ = ["InstanceDialog"]

_MOST = 100
"""Labels and namespaces that are listed."""


class InstanceDialog(Dialog[None]):
    """Stays current while it is open; an instance that is gone is shown as it was last."""

    CSS_PATH = "version.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,enter", "leave", "Close"),
        ("j", "scroll(1)", ""),
        ("k", "scroll(-1)", ""),
        ("y", "copy", "Copy"),
    ]

    def __init__(self, env: str, instance: Instance) -> None:
        super().__init__()
        self._env = env
        self._instance = instance
        self._gone = False
        self._targets: dict[int, PastChangeSet | str] = {}

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="version"):
            yield Static(id="version-text", markup=False)

    def action_leave(self) -> None:
        """Close."""
        self.close(None)

    def action_scroll(self, step: int) -> None:
        """Scroll by a line."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def action_copy(self) -> None:
        """Copy the instance's name."""
        self.console.copy(self._instance.client_id, self._instance.client_id)

    def show_body(self, dirty: Dirty) -> None:
        if not dirty.has(Topic.FLEET, Topic.LINK, Topic.ACTIVITY):
            return
        seen = self.model.fleet.get(self._env)
        found = [] if seen is None else [one for one in seen.instances if one.client_id == self._instance.client_id]
        self._gone = seen is not None and not found
        self._instance = found[0] if found else self._instance
        self._draw()
        self._ask_for_target()

    def _ask_for_target(self) -> None:
        target = self._instance.target
        if target > 0 and self._target() is None and self.model.is_live:
            self._targets[target] = "…"
            self.run_worker(self._fetch(target), group=f"target {target}", exit_on_error=False)

    async def _fetch(self, target: int) -> None:
        try:
            self._targets[target] = await self.console.bridge.change_set(self._env, target)
        except SetpointError as error:
            self._targets[target] = str(error)
        self._draw()

    def _target(self) -> PastChangeSet | str | None:
        target = self._instance.target
        return self.model.activity.get(self._env, target) or self._targets.get(target)

    def _draw(self) -> None:
        self.query_one("#version-text", Static).update(Content("\n").join(self._lines()))

    def _lines(self) -> Iterator[Content]:
        one, now = self._instance, datetime.now(UTC)
        yield Content.assemble(environment_badge(self.model, self._env), (f"  {safe_text(one.client_id)}", "bold"))
        if self._gone:
            yield Content.styled("gone: this is what it said last", "bold $text-warning")
        yield Content("")
        yield _fact("service", safe_text(one.service))
        yield _fact("state", state_words(one.model_copy(update={"error": None})))
        yield _fact("runs", format_revision(one.revision))
        yield from self._should_run(now)
        if one.applied_ms is not None:
            yield _fact("applied", f"{format_milliseconds(one.applied_ms)} after the commit")
        yield _fact("source", safe_text(f"{one.source}, {'connected' if one.connected else 'not connected'}"))
        yield _fact("last heard", f"{format_duration(one.last_seen_seconds)} ago")
        yield from _error(one)
        yield Content("")
        yield _fact("follows", safe_text(", ".join(one.namespaces[:_MOST])) or "nothing")
        for name, value in list(one.labels.items())[:_MOST]:
            yield _fact("label", f"{safe_text(name, limit=80)}={safe_text(value, limit=200)}")
        yield _fact("sdk", safe_text(one.sdk) or "(not told)")
        yield _fact("hub", safe_text(one.hub) or "(not told)")

    def _should_run(self, now: datetime) -> Iterator[Content]:
        one, target, behind = self._instance, self._target(), behind_by(self._instance)
        said = format_revision(one.target)
        if behind:
            said += f", {counted(behind, 'revision')} on"
        if behind is None:
            said += "; what it holds is of another history"
        if isinstance(target, PastChangeSet):
            said += f", since {target.at.astimezone():%H:%M:%S} ({format_age(target.at, now)} ago)"
        yield _fact("should run", said)
        match target:
            case PastChangeSet():
                yield _fact("", Content.styled(f"{safe_text(target.by.name)}: {headline(target)}", "$text-muted"))
            case str():
                yield _fact("", Content.styled(safe_text(target), "$text-muted"))
            case None:
                pass


def _error(one: Instance) -> Iterator[Content]:
    if one.error:
        yield Content("")
        yield Content.styled("── why it refused ──", "$text-error")
        for line in one.error.split("\n"):
            yield Content.styled(safe_text(line), "bold")


def _fact(name: str, said: str | Content) -> Content:
    return Content.assemble((f"{name:>10}  ", "$text-muted"), said)
