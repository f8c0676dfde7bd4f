"""A new key: its name, its type for ever, and what people should know of it."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Static

from setpoint.errors import SetpointError
from setpoint.protocol.values import VALUE_TYPES
from setpoint_tui.answers import Key
from setpoint_tui.console.dialogs.dialog import Dialog
from setpoint_tui.console.widgets.plain_input import PlainInput
from setpoint_tui.creating import Field, KeyRefused, NewKey, create_key, mistakes_of
from setpoint_tui.model.link_state import writes_refused_because
from setpoint_tui.text_safety import safe_text

__all__ = ["CreateDialog"]

_FIELDS: tuple[tuple[Field, str], ...] = (
    ("namespace", "the service or team that it belongs to"),
    ("key", "retry.max"),
    ("type", "left and right choose"),
    ("description", "what it does, in a sentence"),
    ("owner", "who answers for it"),
    ("tags", "separated by commas"),
)


class CreateDialog(Dialog[Key | None]):
    """Gives back the key once the hub has made it, or None. What is wrong is said beside the field."""

    CSS_PATH = "create.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "Make the key"),
        Binding("escape,ctrl+d", "discard", "Back"),
    ]

    def __init__(self, namespace: str, namespaces: Sequence[str]) -> None:
        super().__init__()
        self._namespace = namespace
        self._namespaces = namespaces
        self._busy = False

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="create", can_focus=False):
            yield Static("New key · it exists in every environment, without a value yet", id="create-title")
            for name, hint in _FIELDS:
                with Horizontal(classes="row"):
                    yield Static(f"{name:<12}", classes="label")
                    yield self._entry(name, hint)
                yield Static(id=f"wrong-{name}", classes="wrong", markup=False)
            yield Static(id="create-state", markup=False)
            with Horizontal(id="create-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Make the key", id="make", compact=True)
                yield Static("ctrl+s makes it · esc back", id="create-hint")

    def on_mount(self) -> None:
        self.query_one("#new-key" if self._namespace else "#new-namespace").focus()

    # -- what the person does

    def action_submit(self) -> None:
        """Make the key, if nothing is wrong with it."""
        new = self._new
        mistakes = mistakes_of(new)
        self._show(mistakes)
        refused = writes_refused_because(self.model.link)
        if mistakes:
            self.query_one(f"#new-{next(iter(mistakes))}").focus()
        elif refused is not None:
            self._say(refused)
        elif not self._busy:
            self._busy = True
            self._say("")
            self.console.bridge.run_write(self._create(new))

    def action_discard(self) -> None:
        """Go back; nothing is made."""
        if not self._busy:
            self.close(None)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "make":
            self.action_submit()
        else:
            self.action_discard()

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was wrong with a field is no longer, or is said again when it is sent."""
        name = (event.input.id or "").removeprefix("new-")
        self.query_one(f"#wrong-{name}", Static).remove_class("-said")

    def on_input_submitted(self) -> None:
        """`enter` goes to the next field; it makes nothing."""
        self.focus_next()

    # -- making

    async def _create(self, new: NewKey) -> None:
        try:
            made = await create_key(self.console.bridge.feed, new)
        except KeyRefused as error:
            self._show({error.field: error.reason})
            self.query_one(f"#new-{error.field}").focus()
        except SetpointError as error:
            self._say(str(error))
        else:
            self.close(made)
        finally:
            self._busy = False

    # -- what is shown

    def _entry(self, name: Field, hint: str) -> Input:
        entry = f"new-{name}"
        match name:
            case "namespace":
                suggested = SuggestFromList(self._namespaces)
                return PlainInput(self._namespace, placeholder=hint, id=entry, compact=True, suggester=suggested)
            case "type":
                return _TypeInput("string", placeholder=hint, id=entry, compact=True)
            case _:
                return PlainInput(placeholder=hint, id=entry, compact=True)

    @property
    def _new(self) -> NewKey:
        texts = {name: self.query_one(f"#new-{name}", Input).value.strip() for name, _ in _FIELDS}
        tags = tuple(tag.strip() for tag in texts.pop("tags").split(",") if tag.strip())
        return NewKey(**texts, tags=tags)

    def _show(self, mistakes: dict[Field, str]) -> None:
        for name, _ in _FIELDS:
            wrong = mistakes.get(name)
            line = self.query_one(f"#wrong-{name}", Static).set_class(wrong is not None, "-said")
            line.update(Content.styled(f"✗ {safe_text(wrong or '', limit=300)}", "$text-error"))

    def _say(self, text: str) -> None:
        line = self.query_one("#create-state", Static).set_class(bool(text), "-said")
        line.update(Content.styled(f"✗ {safe_text(text)}", "bold $text-error"))


class _TypeInput(PlainInput):
    """One of the types: typed, or chosen by left and right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", show=False),
        Binding("right", "turn(1)", show=False),
    ]

    def action_turn(self, step: int) -> None:
        """Choose the type beside this one."""
        place = VALUE_TYPES.index(self.value) if self.value in VALUE_TYPES else -step
        self.value = VALUE_TYPES[(place + step) % len(VALUE_TYPES)]
        self.cursor_position = len(self.value)
