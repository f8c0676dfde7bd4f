"""Everything else that writes: deleting, making keys, taking back, proposals of other screens, and the ladder."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input

from setpoint_tui.console.dialogs.confirm import ConfirmDialog
from setpoint_tui.console.dialogs.create import CreateDialog
from setpoint_tui.console.dialogs.edit import EditDialog
from setpoint_tui.console.dialogs.tell import TellDialog
from setpoint_tui.intents import Conflicted, Done, Outcome
from setpoint_tui.model.diff_lines import ABSENT
from setpoint_tui.model.intent import Intent
from setpoint_tui.model.proposals import Proposal, ProposedChange
from support.hubs import RunningHub
from support.waiting import eventually
from tui.console.running import Running, connection_to, running_console, sample_keys
from tui.console.steps import ENV, closed, keys_table, notes_of, opened, said, select, value_of


async def test_a_delete_asks_with_the_focus_on_cancel_and_enter_there_deletes_nothing(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries")
        await console.press("x")
        dialog = await opened(console, ConfirmDialog)
        text = await console.shows("Delete 1 value")
        assert "- 3" in text
        assert dialog.focused is dialog.query_one("#cancel")
        await console.press("y")
        assert console.app.screen is dialog
        await console.press("enter")
        await closed(console)
        assert await value_of(wire, "max_retries") == 3


async def test_a_delete_is_made_by_the_button_and_taken_back_by_u(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries")
        await console.press("x")
        await opened(console, ConfirmDialog)
        await console.press("tab", "enter")
        await closed(console)
        await said(console, "delete payments/max_retries")
        assert await value_of(wire, "max_retries") is None
        await console.press("u")
        await said(console, "take back r2")
        assert await value_of(wire, "max_retries") == 3


async def test_marked_keys_are_deleted_together_and_the_count_and_what_is_left_out_are_shown(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
        await wire.create_key("unset")
        async with running_console(connection_to(hub), tmp_path) as console:
            for key in ("max_retries", "enabled", "unset"):
                await select(console, key)
                await console.press("space")
            await console.press("x")
            await opened(console, ConfirmDialog)
            text = await console.shows("Delete 2 values")
            assert "2 keys in 1 namespace" in text
            assert "payments/unset has no value in development" in text
            console.app.screen.query_one("#reason", Input).focus()
            await console.type("not used")
            await console.press("enter", "enter")
            await closed(console)
            assert await value_of(wire, "max_retries") is None
            assert await value_of(wire, "enabled") is None
            assert await value_of(wire, "ratio", namespace="search") == 0.5
            assert (await notes_of(wire, "enabled"))[0] == "not used"
            await eventually(lambda: keys_table(console).marked == frozenset())


async def test_a_key_without_a_value_has_nothing_to_delete(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries", env="staging")
        await console.press("x")
        await said(console, "there is no value in staging to delete")
        assert console.app.screen is console.app.front


# -- protected


async def test_a_protected_environment_asks_for_a_reason_and_its_name(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire, "production")
        await wire.ask("environment.protect", env="production", protected=True, required_approvals=0)
        async with running_console(connection_to(hub), tmp_path) as console:
            await select(console, "max_retries", env="production")
            await console.press("e")
            await opened(console, EditDialog)
            await console.press("up", "ctrl+s")
            dialog = await opened(console, ConfirmDialog)
            await console.press("f2")
            text = await console.shows("▓▓ production ▓▓")
            assert "3 → 4" in text
            button = dialog.query_one("#yes", Button)
            assert button.disabled
            await console.type("load")
            assert button.disabled
            await console.press("enter")
            await console.type("productio")
            assert button.disabled
            await console.press("y", "enter")
            assert console.app.screen is dialog
            await console.press("backspace", "n")
            await eventually(lambda: not button.disabled)
            await console.press("enter")
            assert console.app.screen is dialog
            assert dialog.focused is button
            await console.press("enter")
            await eventually(lambda: console.app.screen is not dialog)


async def test_policy_and_reach_are_said_before_a_write(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, hub.connect() as service:
        await sample_keys(wire, "production")
        await wire.ask("environment.protect", env="production", protected=True, required_approvals=2)
        watched = await service.watch(env="production")
        await service.heartbeat(watched["revision"])
        async with running_console(connection_to(hub), tmp_path) as console:
            await select(console, "max_retries", env="production")
            await console.press("x")
            await opened(console, ConfirmDialog)
            await console.shows("reaches 1 instance of checkout")
            await console.shows("2 approvals: will be sent for review, not applied")
            await console.shows("Send for review")


# -- new keys


async def test_a_key_is_made_and_its_value_edited_next(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries")
        await console.press("n")
        await opened(console, CreateDialog)
        await console.type("retry.max")
        await console.press("enter", "right", "enter")
        await console.type("how often")
        await console.press("enter")
        await console.type("team-payments")
        await console.press("enter")
        await console.type("hot, retry")
        await console.press("ctrl+s")
        await opened(console, EditDialog)
        made = await wire.ask("key.get", namespace="payments", key="retry.max")
        assert made["type"] == "int"
        assert (made["description"], made["owner"], made["tags"]) == ("how often", "team-payments", ["hot", "retry"])
        await console.type("7")
        await console.press("ctrl+s")
        await opened(console, ConfirmDialog)
        await console.press("y")
        await closed(console)
        assert await value_of(wire, "retry.max") == 7
        await eventually(lambda: keys_table(console).cursor == ("payments", "retry.max"))


async def test_what_is_wrong_with_a_new_key_is_said_at_its_field_and_nothing_is_made(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries")
        await console.press("n")
        dialog = await opened(console, CreateDialog)
        await console.type("no blanks")
        await console.press("ctrl+s")
        await console.shows("✗ key 'no blanks'")
        dialog.query_one("#new-key", Input).value = "max_retries"
        await console.press("ctrl+s")
        await console.shows("✗ payments/max_retries")
        assert dialog.focused is dialog.query_one("#new-key")
        await console.press("escape")
        await closed(console)
        assert {key["key"] for key in (await wire.ask("key.list", namespace="payments"))["keys"]} == {
            "max_retries",
            "retry.backoff",
            "limits",
            "enabled",
        }


# -- taking back


async def test_undo_of_what_others_have_changed_since_changes_nothing_and_says_so(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries")
        await console.press("e")
        await opened(console, EditDialog)
        await console.press("up", "ctrl+s")
        await opened(console, ConfirmDialog)
        await console.press("y")
        await closed(console)
        await wire.set(9, env=ENV)
        await console.press("u")
        await said(console, "nothing was written")
        assert await value_of(wire, "max_retries") == 9


async def test_a_write_of_long_ago_is_not_taken_back_by_u(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await said_done(console, await propose_by_button(console, deletion("max_retries", 3)))
        model = console.app.bridge.model
        last = model.own.last_undoable
        assert last is not None
        model.own.put(replace(last, at=last.at - 31))
        await console.press("u")
        await said(console, "too old for u")
        assert await value_of(wire, "max_retries") is None


async def test_taking_back_in_a_protected_environment_climbs_the_ladder(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await said_done(console, await propose_by_button(console, deletion("max_retries", 3)))
        await wire.ask("environment.protect", env=ENV, protected=True, required_approvals=1)
        await eventually(lambda: is_protected_after_resync(console))
        await console.press("u")
        await opened(console, ConfirmDialog)
        text = await console.shows("take back r2")
        assert "+ 3" in text
        assert await value_of(wire, "max_retries") is None


# -- for other screens


async def test_a_proposal_of_another_screen_is_confirmed_with_its_note_and_said(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await console.shows("payments/max_retries")
        results = propose(console, change("max_retries", 3, 6))
        dialog = await opened(console, ConfirmDialog)
        dialog.query_one("#reason", Input).focus()
        await console.type("yes y why")
        await console.press("enter", "y")
        await eventually(lambda: len(results) == 1)
        assert isinstance(results[0], Done)
        assert (await notes_of(wire, "max_retries"))[0] == "yes y why"
        await said(console, "development r2: a change")


async def test_a_cancelled_proposal_is_none_and_writes_nothing(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await console.shows("payments/max_retries")
        for key in ("escape", "n"):
            results = propose(console, change("max_retries", 3, 6))
            await opened(console, ConfirmDialog)
            await console.press(key)
            await closed(console)
            await eventually(partial(results.__eq__, [None]))
        assert await value_of(wire, "max_retries") == 3


async def test_a_conflict_of_a_proposal_is_shown_with_who_and_what(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await console.shows("payments/max_retries")
        proposal = change("max_retries", 3, 6)
        proposal.intent.params["changes"][0]["expected_version"] = None
        await wire.set(4, env=ENV, note="mine first")
        await said(console, "admin changed payments/max_retries")
        results = propose(console, proposal)
        await opened(console, ConfirmDialog)
        await console.press("y")
        await opened(console, TellDialog)
        text = await console.shows("mine first")
        assert "3 → 4" in text
        await console.press("escape")
        await eventually(lambda: len(results) == 1)
        assert isinstance(results[0], Conflicted)
        assert await value_of(wire, "max_retries") == 4


async def test_many_changes_ask_with_counts(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await console.shows("payments/max_retries")
        both = replace(
            change("max_retries", 3, 6),
            changes=(
                ProposedChange(("payments", "max_retries"), "int", 3, 6),
                ProposedChange(("search", "ratio"), "float", 0.5, ABSENT),
            ),
            left_out=("payments/odd: not valid there",),
        )
        propose(console, both)
        dialog = await opened(console, ConfirmDialog)
        text = await console.shows("2 keys in 2 namespaces")
        assert "payments/odd: not valid there" in text
        assert "Write 2 changes" in text
        assert dialog.focused is dialog.query_one("#cancel")


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
async def test_every_size_shows_what_is_asked_and_the_buttons(
    hub: RunningHub, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
        await wire.ask("environment.protect", env=ENV, protected=True, required_approvals=2)
        async with running_console(connection_to(hub), tmp_path, size=size) as console:
            propose(console, change("max_retries", 3, 6))
            await opened(console, ConfirmDialog)
            text = await console.shows("Send for review")
            for wanted in ("▓▓ development ▓▓", "3 → 6", "reason", "type development", "Cancel"):
                assert wanted in text, f"no {wanted!r} in\n{text}"


async def test_d_shows_how_a_key_differs_elsewhere_and_from_a_marked_one(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await wire.set(8, env="staging")
        await select(console, "max_retries")
        await console.press("d")
        await opened(console, TellDialog)
        text = await console.shows("development → staging")
        assert "3 → 8" in text
        await console.press("escape")
        await closed(console)
        await select(console, "ratio", namespace="search")
        await console.press("space")
        await select(console, "max_retries")
        await console.press("d")
        await opened(console, TellDialog)
        await console.shows("search/ratio → payments/max_retries")


def change(key: str, old: object, new: object) -> Proposal:
    intent = Intent(
        "set",
        {"env": ENV, "changes": [{"namespace": "payments", "key": key, "value": new}]},
        ENV,
        "a change",
        (("payments", key),),
    )
    return Proposal(intent, "a change", (ProposedChange(("payments", key), "int", old, new),))


def deletion(key: str, old: object) -> Proposal:
    gone = replace(change(key, old, ABSENT), title="a deletion")
    gone.intent.params["changes"] = [{"namespace": "payments", "key": key, "delete": True}]
    return gone


def propose(console: Running, proposal: Proposal) -> list[Outcome | None]:
    """Propose as another screen would; the list gets what becomes of it."""
    results: list[Outcome | None] = []

    async def run() -> None:
        results.append(await console.app.acting.propose(proposal))

    console.app.bridge.run_write(run())
    return results


async def propose_by_button(console: Running, proposal: Proposal) -> Outcome | None:
    results = propose(console, proposal)
    await opened(console, ConfirmDialog)
    await console.press("tab", "enter")
    await eventually(lambda: len(results) == 1)
    return results[0]


async def said_done(console: Running, outcome: Outcome | None) -> None:
    assert isinstance(outcome, Done)
    await closed(console)


async def is_protected_after_resync(console: Running) -> Any:
    """Look at the environments anew, as the console does when it connects."""
    loader = console.app.bridge.feed._loader
    assert loader is not None
    await loader.refresh_environments()
    return console.app.bridge.model.is_protected(ENV)
