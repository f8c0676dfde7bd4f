"""Editing a value over a real hub: a control for each type, what others do meanwhile, drafts."""

from pathlib import Path

import pytest
from textual.widgets import Input, Switch, TextArea

from setpoint_tui.console.dialogs.confirm import ConfirmDialog
from setpoint_tui.console.dialogs.drafts import DraftsDialog
from setpoint_tui.console.dialogs.edit import EditDialog
from setpoint_tui.console.widgets.conflict_panel import ConflictPanel
from setpoint_tui.console.widgets.value_control import ValueControl
from support.hubs import Hubs, RunningHub, issue_token
from support.waiting import eventually
from support.wire import Wire
from tui.console.running import Running, connection_to, running_console, sample_keys
from tui.console.steps import ENV, closed, notes_of, opened, said, select, value_of


async def begin(console: Running, key: str, *, namespace: str = "payments", env: str = ENV) -> EditDialog:
    """Open the editor of a key."""
    await select(console, key, namespace=namespace, env=env)
    await console.press("e")
    return await opened(console, EditDialog)


async def write(console: Running) -> None:
    """Go through the diff and write."""
    await console.press("ctrl+s")
    await opened(console, ConfirmDialog)
    await console.press("y")


async def test_a_number_is_stepped_shown_as_a_diff_written_by_y_and_taken_back_by_u(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await begin(console, "max_retries")
        await console.press("up", "up")
        await console.press("ctrl+s")
        await opened(console, ConfirmDialog)
        await console.shows("3 → 5")
        assert await value_of(wire, "max_retries") == 3
        await console.press("y")
        await closed(console)
        assert await value_of(wire, "max_retries") == 5
        await console.press("u")
        await said(console, "take back r2")
        assert await value_of(wire, "max_retries") == 3
        await console.press("u")
        await said(console, "there is no change of yours to take back")


@pytest.mark.parametrize(
    ("key", "namespace", "keys", "value"),
    [
        ("enabled", "payments", ("space",), False),
        ("ratio", "search", ("up",), 0.6),
        ("max_retries", "payments", ("end", "0"), 30),
        ("retry.backoff", "payments", ("ctrl+end", "end", "!", "enter", "x"), "linear!\nx"),
    ],
)
async def test_each_type_has_a_control(
    hub: RunningHub, tmp_path: Path, key: str, namespace: str, keys: tuple[str, ...], value: object
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await begin(console, key, namespace=namespace)
        await console.press(*keys)
        await write(console)
        await closed(console)
        assert await value_of(wire, key, namespace=namespace) == value


async def test_what_is_wrong_is_said_as_one_types_and_cannot_be_written(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await begin(console, "max_retries")
        await console.press("end", "x")
        await console.shows("✗ '3x' is not of type int")
        await console.press("ctrl+s")
        await console.pilot.pause()
        assert isinstance(console.app.screen, EditDialog)
        await console.press("ctrl+d")
        await closed(console)
        assert await value_of(wire, "max_retries") == 3


async def test_a_mistake_in_json_is_told_by_line_and_column_and_marked(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        dialog = await begin(console, "limits")
        area = dialog.query_one(TextArea)
        area.text = '{\n  "rps": 50,\n  "burst": [1,, 2]\n}'
        await console.shows("✗ line 3, column 15")
        marked = area.get_line(2)
        assert [span.start for span in marked.spans if "reverse" in str(span.style)] == [14]
        await console.press("ctrl+s")
        await eventually(lambda: area.cursor_location == (2, 14))
        area.text = '{"rps": 60}'
        await console.shows("✓ valid")
        await write(console)
        await closed(console)
        assert await value_of(wire, "limits") == {"rps": 60}


async def test_a_value_of_a_key_that_has_none_is_set_on_top_of_none(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await begin(console, "enabled", env="staging")
        await console.shows("no value yet")
        await write(console)
        await closed(console)
        assert await value_of(wire, "enabled", env="staging") is False


async def test_the_reason_is_on_record(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        dialog = await begin(console, "max_retries")
        await console.press("up")
        dialog.query_one("#note", Input).focus()
        await console.type("load test")
        await console.press("ctrl+s")
        await opened(console, ConfirmDialog)
        await console.shows("load test")
        await console.press("y")
        await closed(console)
        assert (await notes_of(wire, "max_retries"))[0] == "load test"


# -- somebody else


async def change_meanwhile(wire: Wire, value: object, key: str = "limits") -> None:
    await wire.set(value, key, env=ENV, note="more of it")


async def test_a_change_of_others_is_said_at_once_and_both_are_merged(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        dialog = await begin(console, "limits")
        dialog.query_one(TextArea).text = '{"rps": 60, "burst": [1, 2]}'
        await change_meanwhile(wire, {"rps": 50, "burst": [1, 2], "queue": 9})
        await console.shows("admin changed it 0s ago (r2): more of it")
        await console.shows("+ queue  9")
        await console.press("ctrl+s")
        await console.shows("decide first")
        await console.press("g")
        await write(console)
        await closed(console)
        assert await value_of(wire, "limits") == {"rps": 60, "burst": [1, 2], "queue": 9}


async def test_keep_mine_is_written_on_top_of_theirs_and_typing_decides_nothing(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        dialog = await begin(console, "retry.backoff")
        await change_meanwhile(wire, "exponential", "retry.backoff")
        await console.shows("changed it")
        await console.press("m", "t")
        assert dialog.query_one(TextArea).text == "mtlinear"
        assert dialog.query_one(ConflictPanel).is_open
        await console.press("ctrl+s", "m")
        await eventually(lambda: not dialog.query_one(ConflictPanel).is_open)
        await console.press("ctrl+s")
        await opened(console, ConfirmDialog)
        await console.shows("exponential → mtlinear")
        await console.press("y")
        await closed(console)
        assert await value_of(wire, "retry.backoff") == "mtlinear"


async def test_take_theirs_leaves_nothing_to_write(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        dialog = await begin(console, "max_retries")
        await console.press("up")
        await change_meanwhile(wire, 8, "max_retries")
        await console.shows("you both changed the whole value")
        await console.press("ctrl+s", "t")
        await eventually(lambda: dialog.query_one(ValueControl).edited.text == "8")
        await console.press("ctrl+s")
        await console.shows("nothing is changed yet")
        await console.press("escape")
        await closed(console)
        assert await value_of(wire, "max_retries") == 8


async def test_a_deletion_by_others_is_a_conflict_too(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await begin(console, "max_retries")
        await console.press("up")
        await wire.delete(env=ENV)
        await console.shows("admin deleted it")
        await console.press("ctrl+s", "m")
        await write(console)
        await closed(console)
        assert await value_of(wire, "max_retries") == 4


async def test_a_change_while_the_diff_is_open_is_warned_of_and_refused_by_the_hub(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await begin(console, "max_retries")
        await console.press("up", "ctrl+s")
        await opened(console, ConfirmDialog)
        await change_meanwhile(wire, 8, "max_retries")
        await console.shows("changed just now")
        await console.press("y")
        await console.shows("you both changed the whole value")
        assert isinstance(console.app.screen, EditDialog)
        assert await value_of(wire, "max_retries") == 8


# -- drafts


async def test_esc_keeps_a_draft_that_outlives_the_console_and_the_change_of_its_base(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
        async with running_console(connection_to(hub), tmp_path) as console:
            await begin(console, "max_retries")
            await console.press("up", "escape")
            await closed(console)
            await console.shows("✎")
        await change_meanwhile(wire, 9, "max_retries")
        async with running_console(connection_to(hub), tmp_path) as console:
            await said(console, "1 draft of before: D opens them")
            await console.press("D")
            await opened(console, DraftsDialog)
            await console.press("enter")
            dialog = await opened(console, EditDialog)
            assert dialog.query_one(ValueControl).edited.text == "4"
            text = await console.shows("changed it")
            assert "3 → 9" in text
            await console.press("ctrl+s", "m")
            await write(console)
            await closed(console)
            assert await value_of(wire, "max_retries") == 4
            assert len(console.app.bridge.model.drafts) == 0


async def test_what_is_typed_is_kept_a_moment_after_typing_stops(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await begin(console, "max_retries")
        await console.press("up")
        await eventually(lambda: any('"4"' in file.read_text() for file in tmp_path.glob("*.json")))
        await console.press("down")
        await eventually(lambda: not any('"text"' in file.read_text() for file in tmp_path.glob("*.json")))


async def test_a_draft_is_thrown_away_by_x_pressed_twice(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await begin(console, "max_retries")
        await console.press("up", "escape")
        await closed(console)
        await console.press("D")
        await opened(console, DraftsDialog)
        await console.press("x")
        assert len(console.app.bridge.model.drafts) == 1
        await console.press("x")
        await console.shows("no drafts")
        assert len(console.app.bridge.model.drafts) == 0


async def test_offline_an_edit_becomes_a_draft_and_says_so(hubs: Hubs, tmp_path: Path) -> None:
    hub = await hubs.start()
    async with hub.connect() as wire:
        await sample_keys(wire)
    async with running_console(connection_to(hub), tmp_path) as console:
        await select(console, "max_retries")
        await hubs.stop()
        await console.shows("✗ offline")
        await console.press("e")
        await opened(console, EditDialog)
        await console.press("up")
        await console.shows("there is no connection to the hub; ctrl+s keeps a draft")
        await console.press("ctrl+s")
        await closed(console)
        await said(console, "kept as a draft")
        assert len(console.app.bridge.model.drafts) == 1


async def test_a_reader_is_told_which_role_it_takes(hub: RunningHub, hubs: Hubs, tmp_path: Path) -> None:
    token, _ = await issue_token(hubs.database_url, name="rita", role="reader")
    async with hub.connect() as wire:
        await sample_keys(wire)
    async with hub.connect_once_known(token):
        pass
    async with running_console(connection_to(hub, token), tmp_path) as console:
        await select(console, "max_retries")
        await console.press("e")
        await said(console, "takes the role editor")
        assert console.app.screen is console.app.front


# -- hostile values


HOSTILE = [
    "\x1b]52;c;aGk=\x07",
    "[/]",
    "[@click=app.quit]x[/]",
    "a\r\nb\x0bc\x85d\u2028e",
    "\u202eabc",
    "tab\there\n",
    "\n",
    "x" * 3_000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u0301 漢字",
    "\ufeffbom \u200b\xad\x7f\x9b31m",
    '"quoted" \\ \\n \\u001b',
]


async def test_any_text_survives_editing_and_is_shown_safely(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        for text in HOSTILE:
            await wire.set(text, "retry.backoff", env=ENV, note=text[:2_000])
            await holds(console, text)
            dialog = await begin(console, "retry.backoff")
            control = dialog.query_one(ValueControl)
            await console.press("ctrl+s")
            await console.shows("nothing is changed yet")
            area = control.query_one(TextArea)
            area.move_cursor(area.document.end)
            await console.press(*(("left", "z", "right") if control.edited.escaped else ("z",)))
            assert_harmless(console)
            await write(console)
            await closed(console)
            await holds(console, f"{text}z")
            await console.pilot.pause()
            assert_harmless(console)


async def test_what_is_pasted_reaches_no_terminal(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        dialog = await begin(console, "retry.backoff")
        dialog.query_one(TextArea).insert("\x1b[31m\u202e")
        dialog.query_one("#note", Input).insert_text_at_cursor("\x1b]0;x\x07why")
        await console.pilot.pause()
        assert_harmless(console)
        assert dialog.query_one("#note", Input).value == "]0;xwhy"


async def holds(console: Running, text: str) -> None:
    def is_held() -> bool:
        found = console.app.bridge.model.held(ENV, ("payments", "retry.backoff"))
        return found is not None and found.value == text

    await eventually(is_held)


def assert_harmless(console: Running) -> None:
    for line in console.text.split("\n"):
        assert all(one.isprintable() or one in "\u200c\u200d" for one in line), ascii(line)


async def test_the_switch_says_its_value_in_words(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        dialog = await begin(console, "enabled")
        assert dialog.query_one(Switch).value is True
        await console.shows("true · space turns it")
        await console.press("space")
        await console.shows("false · space turns it")
