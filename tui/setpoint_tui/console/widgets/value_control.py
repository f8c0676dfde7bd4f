"""The control that a value is edited in: a switch, a number, a text, or JSON with the place of its mistake."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static, Switch, TextArea

from setpoint_tui.console.widgets.plain_input import PlainInput
from setpoint_tui.model.editing import EditedText, Mistake, stepped
from setpoint_tui.text_safety import safe_text

__all__ = ["ValueControl"]

_UNSHOWN = "\N{REPLACEMENT CHARACTER}"


class ValueControl(Vertical):
    """Holds the text of a value; a switch's text is `true` or `false`. Posts Changed when it changes."""

    DEFAULT_CSS = """
    ValueControl { height: auto; }
    ValueControl TextArea { height: 1fr; border: tall $panel-lighten-2; padding: 0; }
    ValueControl TextArea:focus { border: tall $accent; }
    ValueControl.-tall-value { height: 1fr; min-height: 4; }
    ValueControl Switch, ValueControl Switch:focus { border: none; height: 1; padding: 0; }
    ValueControl Input { background: $panel; }
    ValueControl #control-remark { height: 1; color: $text-muted; }
    """

    class Changed(Message):
        """The text is another one."""

    def __init__(self, value_type: str, edited: EditedText) -> None:
        super().__init__()
        self._type = value_type
        self._edited = edited
        self.set_class(value_type in ("string", "json"), "-tall-value")

    def compose(self) -> ComposeResult:
        text = self._edited.text
        match self._type:
            case "bool":
                yield Switch(text == "true", animate=False)
            case "int" | "float":
                yield _NumberInput(self._type, text)
            case _:
                as_json = self._type == "json" or self._edited.escaped
                yield _ValueArea(text, show_line_numbers=as_json, soft_wrap=True)
        remark = Static(self._remark, id="control-remark", markup=False)
        remark.display = bool(self._remark)
        yield remark

    def focus_control(self) -> None:
        """Put the focus into the control."""
        self._control.focus()

    @property
    def edited(self) -> EditedText:
        """What stands in it."""
        control = self._control
        match control:
            case Switch():
                return EditedText("true" if control.value else "false")
            case Input():
                return EditedText(control.value)
            case _:
                return EditedText(control.text, self._edited.escaped)

    def put(self, edited: EditedText) -> None:
        """Replace what stands in it."""
        self._edited = edited
        control = self._control
        match control:
            case Switch():
                control.value = edited.text.strip() == "true"
            case Input():
                control.value = edited.text
            case _:
                control.text = edited.text
                control.show_line_numbers = self._type == "json" or edited.escaped
        self._show_remark()

    def mark(self, mistake: Mistake | None) -> None:
        """Mark the place of a mistake in JSON, or none."""
        control = self._control
        if isinstance(control, _ValueArea):
            control.mark(mistake)

    def go_to_mistake(self, mistake: Mistake) -> None:
        """Put the cursor where the mistake is."""
        control = self._control
        if isinstance(control, TextArea) and mistake.line is not None and mistake.column is not None:
            control.move_cursor((mistake.line - 1, mistake.column - 1))
        control.focus()

    def on_switch_changed(self) -> None:
        self._show_remark()
        self.post_message(self.Changed())

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()

    def on_text_area_changed(self) -> None:
        self.post_message(self.Changed())

    def _show_remark(self) -> None:
        remark = self.query_one("#control-remark", Static)
        remark.update(self._remark)
        remark.display = bool(self._remark)

    @property
    def _control(self) -> "Switch | _NumberInput | _ValueArea":
        found = self.children[0]
        assert isinstance(found, Switch | _NumberInput | _ValueArea)
        return found

    @property
    def _remark(self) -> str:
        match self._type:
            case "bool":
                on = self.edited.text if self.children else self._edited.text
                return f"{on} · space turns it"
            case "int" | "float":
                return "up and down step it"
            case "string" if self._edited.escaped:
                return "written as a JSON string: it holds characters that cannot be shown"
            case _:
                return ""


class _NumberInput(PlainInput):
    """A number; the arrows step it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(1)", show=False),
        Binding("down", "step(-1)", show=False),
    ]

    def __init__(self, value_type: str, text: str) -> None:
        super().__init__(text, compact=True, select_on_focus=False)
        self._value_type = value_type

    def action_step(self, by: int) -> None:
        """Step the number."""
        if self._value_type in ("int", "float"):
            self.value = stepped("int" if self._value_type == "int" else "float", self.value, by)
            self.cursor_position = len(self.value)


class _ValueArea(TextArea):
    """Text of several lines that shows nothing a terminal would act on, and the place of a mistake."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+d", "screen.discard", show=False)]

    def __init__(self, text: str, *, show_line_numbers: bool, soft_wrap: bool) -> None:
        super().__init__(text, show_line_numbers=show_line_numbers, soft_wrap=soft_wrap)
        self._mistake: Mistake | None = None

    def mark(self, mistake: Mistake | None) -> None:
        """Mark the place of a mistake, or none."""
        if mistake != self._mistake:
            self._mistake = mistake
            self._line_cache.clear()
            self.refresh()

    def get_line(self, line_index: int) -> Text:
        """Return a line as it is drawn: as many characters as it has, none of which a terminal acts on."""
        written = self.document.get_line(line_index)
        if not written.isprintable():
            written = "".join(one if safe_text(one, keep="\t") == one else _UNSHOWN for one in written)
        line = Text(written, end="", no_wrap=True)
        mistake = self._mistake
        if mistake is not None and mistake.line == line_index + 1:
            line.stylize("underline")
            place = min((mistake.column or 1) - 1, max(len(written) - 1, 0))
            line.stylize("bold reverse red", place, place + 1)
        return line
