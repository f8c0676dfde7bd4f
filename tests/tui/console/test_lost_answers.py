"""What the hub may answer to a write, or not answer: it is said, the text stays, and nothing is sent twice."""

from pathlib import Path
from typing import Any

import pytest

import setpoint_tui.writing
from setpoint_tui.console.dialogs.confirm import ConfirmDialog
from setpoint_tui.console.dialogs.edit import EditDialog
from setpoint_tui.console.widgets.value_control import ValueControl
from setpoint_tui.model.own_writes import WriteState
from setpoint_tui.writing import Patience
from support.waiting import eventually
from tui.console.running import Running, running_console
from tui.console.scripted import change_set, refusal, small_hub
from tui.console.steps import closed, opened, said, select
from tui.scripted_hub import HangUp

KEY = ("payments", "max_retries")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a lost answer up quickly."""
    monkeypatch.setattr(setpoint_tui.writing, "Patience", lambda: Patience(reconnect=0.2, settle=0.1))


async def write_four(console: Running) -> None:
    await select(console, "max_retries")
    await console.press("e")
    await opened(console, EditDialog)
    await console.press("up", "ctrl+s")
    await opened(console, ConfirmDialog)
    await console.press("y")


def lost(_: dict[str, Any]) -> Any:
    raise HangUp


async def test_the_version_that_was_seen_is_sent(tmp_path: Path) -> None:
    async with small_hub(set=lambda _: change_set(2, 4)) as hub:
        async with running_console(hub.connection, tmp_path) as console:
            await write_four(console)
            await closed(console)
        sent = next(params for method, params in hub.asked if method == "set")
        assert sent["changes"] == [
            {"namespace": "payments", "key": "max_retries", "value": 4, "expected_version": "version-1"}
        ]
        assert sent["request_id"]


async def test_an_answer_that_is_lost_after_the_commit_is_found_by_the_request_id(tmp_path: Path) -> None:
    found = {"found": True, "env": "development", "revision": 2, "change_set": "set-2"}
    async with (
        small_hub(set=lost, request_status=lambda _: found) as hub,
        running_console(hub.connection, tmp_path) as console,
    ):
        hub.answers["change_set.get"] = lambda _: change_set(2, 4)
        await write_four(console)
        await said(console, "development r2: set payments/max_retries")
        await closed(console)
        assert hub.times_asked("set") == 1
        assert len(console.app.bridge.model.drafts) == 0


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("written", [True, False])
async def test_an_unknown_outcome_is_asked_for_until_it_is_known_and_never_repeated(
    tmp_path: Path, written: bool
) -> None:
    silent = True

    def fate(_: dict[str, Any]) -> Any:
        if silent:
            raise refusal("the database cannot be reached", "unavailable")
        known = {"env": "development", "revision": 2, "change_set": "set-2"}
        return {"found": True, **known} if written else {"found": False}

    async with (
        small_hub(set=lost, request_status=fate) as hub,
        running_console(hub.connection, tmp_path) as console,
    ):
        await write_four(console)
        await said(console, "asking the hub by request id, nothing is repeated")
        await closed(console)
        model = console.app.bridge.model
        assert model.drafts.get("development", KEY) is not None
        await console.is_live()
        if written:
            await hub.notify("activity", change_set(2, 4))
            await eventually(lambda: model.revision("development") == 2)
        silent = False
        await said(console, "it was written as r2" if written else "it was not written")
        assert (model.drafts.get("development", KEY) is None) is written
        assert [one.state for one in model.own] == [WriteState.DONE if written else WriteState.NOT_DONE]
        assert hub.times_asked("set") == 1
        asked = {params["request_id"] for method, params in hub.asked if method in ("set", "request.status")}
        assert len(asked) == 1


@pytest.mark.usefixtures("impatient")
async def test_an_unknown_outcome_outlives_the_console(tmp_path: Path) -> None:
    async with small_hub(set=lost, request_status=lost) as hub:
        async with running_console(hub.connection, tmp_path) as console:
            await write_four(console)
            await said(console, "asking the hub by request id")
        found = {"found": True, "env": "development", "revision": 2, "change_set": "set-2"}
        hub.answers["request.status"] = lambda _: found
        async with running_console(hub.connection, tmp_path) as console:
            await said(console, "it was written as r2")
        assert hub.times_asked("set") == 1


async def test_a_refusal_leaves_the_editor_open_with_its_text_and_the_sentence(tmp_path: Path) -> None:
    def refuse(_: dict[str, Any]) -> Any:
        raise refusal("payments/max_retries: at most 3 here", "invalid_value")

    async with small_hub(set=refuse) as hub, running_console(hub.connection, tmp_path) as console:
        await write_four(console)
        await console.shows("✗ payments/max_retries: at most 3 here")
        dialog = await opened(console, EditDialog)
        assert dialog.query_one(ValueControl).edited.text == "4"
        await console.press("up")
        await console.shows("✓ valid")


async def test_a_conflict_that_was_not_heard_of_yet_is_said_and_shown_once_it_is(tmp_path: Path) -> None:
    async def refuse(_: dict[str, Any]) -> Any:
        raise refusal("payments/max_retries changed in development since you read it", "conflict", conflicts=[])

    async with small_hub(set=refuse) as hub, running_console(hub.connection, tmp_path) as console:
        await write_four(console)
        await console.shows("✗ payments/max_retries changed in development")
        await hub.notify("activity", change_set(2, 9))
        await console.shows("alice changed it")
        assert await edited(console) == "4"


async def test_a_write_that_becomes_a_review_says_its_number(tmp_path: Path) -> None:
    def review(_: dict[str, Any]) -> Any:
        raise refusal("development is protected: this is now review 88", "review_required", review=88)

    async with small_hub(set=review) as hub, running_console(hub.connection, tmp_path) as console:
        await write_four(console)
        await closed(console)
        await said(console, "waits as review 88 of development, 3 shows it: set payments/max_retries")
        assert len(console.app.bridge.model.drafts) == 0


async def test_a_write_that_may_become_no_review_keeps_the_editor_open(tmp_path: Path) -> None:
    def review(_: dict[str, Any]) -> Any:
        raise refusal("development is protected", "review_required")

    async with small_hub(set=review) as hub, running_console(hub.connection, tmp_path) as console:
        await write_four(console)
        await console.shows("✗ development is protected")
        assert await edited(console) == "4"


async def test_a_key_whose_answer_is_lost_is_looked_for_and_not_made_twice(tmp_path: Path) -> None:
    made: list[str] = []

    def create(params: dict[str, Any]) -> Any:
        made.append(params["key"])
        raise HangUp

    def get(params: dict[str, Any]) -> Any:
        return {"namespace": params["namespace"], "key": params["key"], "type": "string", "environments": {}}

    async with small_hub(key_create=create, key_get=get) as hub, running_console(hub.connection, tmp_path) as console:
        await select(console, "max_retries")
        await console.press("n")
        await console.type("fresh")
        await console.press("ctrl+s")
        await eventually(lambda: made)
        await console.shows("the answer was lost")
        assert made == ["fresh"]


async def edited(console: Running) -> str:
    dialog = await opened(console, EditDialog)
    return dialog.query_one(ValueControl).edited.text
