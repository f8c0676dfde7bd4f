"""One version of a key in full, and everything else that came with it in the same change set."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from setpoint.errors import SetpointError
from setpoint_tui.answers import Change, HistoryChange, PastChangeSet
from setpoint_tui.console.widgets.bars import environment_badge
from setpoint_tui.console.widgets.change_lines import change_lines
from setpoint_tui.formatting import NO_VALUE, copied_value, counted, format_revision
from setpoint_tui.model.keys import KeyId, key_path
from setpoint_tui.text_safety import safe_text

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console

__all__ = ["VersionDialog"]


class VersionDialog(ModalScreen[None]):
    """The value first: the change set is fetched, and what cannot be fetched is said."""

    CSS_PATH = "version.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,enter", "dismiss", "Close"),
        ("j", "scroll(1)", ""),
        ("k", "scroll(-1)", ""),
        ("y", "copy", "Copy"),
    ]

    def __init__(self, env: str, key: KeyId, value_type: str, change: HistoryChange) -> None:
        super().__init__()
        self._env = env
        self._key = key
        self._type = value_type
        self._change = change
        self._found: PastChangeSet | str | None = None

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="version"):
            yield Static(id="version-text", markup=False)

    def on_mount(self) -> None:
        self._show()
        self.run_worker(self._fetch(), exit_on_error=False)

    @property
    def console(self) -> "Console":
        """The app that this dialog is of."""
        return cast("Console", self.app)

    def action_scroll(self, step: int) -> None:
        """Scroll by a line."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def action_copy(self) -> None:
        """Copy the value."""
        if self._change.version is not None:
            what = f"{key_path(self._key)} as of {format_revision(self._change.revision)}"
            self.console.copy(copied_value(self._type, self._change.value), what)

    async def _fetch(self) -> None:
        try:
            self._found = await self.console.bridge.change_set(self._env, self._change.revision)
        except SetpointError as error:
            self._found = str(error)
        self._show()

    def _show(self) -> None:
        self.query_one("#version-text", Static).update(Content("\n").join([*self._value(), *self._change_set()]))

    def _value(self) -> Iterator[Content]:
        yield Content.assemble(
            environment_badge(self.console.bridge.model, self._env),
            (f"  {safe_text(key_path(self._key))}", "bold"),
            f" as of {format_revision(self._change.revision)}  ",
            (self._type, "$text-muted"),
        )
        yield Content("")
        if self._change.version is None:
            yield Content.styled(f"{NO_VALUE}  this change took the value away", "$text-muted")
            return
        for line in copied_value(self._type, self._change.value).split("\n"):
            yield Content.styled(safe_text(line, limit=None), "bold")

    def _change_set(self) -> Iterator[Content]:
        change, found = self._change, self._found
        yield Content("")
        yield Content.styled("── change set ──", "$text-accent")
        yield _fact("made by", f"{change.by.name}, {change.at.astimezone():%Y-%m-%d %H:%M:%S}")
        yield _fact("how", change.how)
        yield _fact("reason", change.note or "(none given)")
        match found:
            case None:
                yield Content.styled("what else it changed is being fetched…", "$text-muted")
            case str():
                yield Content.styled(safe_text(found), "$text-error")
            case PastChangeSet():
                yield _fact("id", found.change_set)
                yield _fact("hash", found.hash or "(not told)")
                yield from self._changes(found.changes)

    def _changes(self, changes: tuple[Change, ...]) -> Iterator[Content]:
        yield Content("")
        yield Content.styled(f"── {counted(len(changes), 'key')} ──", "$text-accent")
        yield from change_lines(changes, self._key)


def _fact(name: str, value: str) -> Content:
    return Content.assemble((f"{name:<8} ", "$text-muted"), safe_text(value))
