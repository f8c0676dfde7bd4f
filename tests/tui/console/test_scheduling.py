"""Applying a review at a time: typed, told again in UTC with a countdown, seen by all, and another one instead."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Checkbox, Input

from setpoint_tui.console.dialogs.confirm import ConfirmDialog
from setpoint_tui.model.reviews import due_at
from setpoint_tui.review_answers import Review
from support.hubs import RunningHub
from support.tokens import give_token
from support.waiting import eventually
from support.wire import Wire
from tui.console.running import Running, connection_to, running_console, sample_keys
from tui.console.steps import armed, closed, opened, said, value_of

PRODUCTION = "production"


@pytest.fixture
async def admin(hub: RunningHub) -> AsyncGenerator[Wire]:
    async with hub.connect() as wire:
        await sample_keys(wire, PRODUCTION)
        yield wire


@pytest.fixture
async def author(hub: RunningHub) -> str:
    return str((await give_token(hub, "editor", user="alice"))["token"])


@pytest.fixture
async def proposed(hub: RunningHub, admin: Wire, author: str) -> int:
    """A change of production that waits, as its editor proposed it."""
    del admin
    async with hub.connect_once_known(author) as alice:
        change = {"namespace": "payments", "key": "max_retries", "value": 7}
        return int((await alice.ask("review.create", env=PRODUCTION, changes=[change], note="why"))["id"])


async def applying(console: Running, number: int) -> ConfirmDialog:
    """Ask for a review to be applied, with all that is asked besides the time."""
    armed(console, PRODUCTION)
    await console.press("3")
    await eventually(lambda: console.app.bridge.model.reviews.is_current(number))
    await console.press("A")
    dialog = await opened(console, ConfirmDialog)
    dialog.query_one("#typed-name", Input).value = PRODUCTION
    return dialog


def when(dialog: ConfirmDialog, text: str) -> None:
    dialog.query_one("#when", Input).value = text


def yes(dialog: ConfirmDialog) -> Button:
    return dialog.query_one("#yes", Button)


async def shown(wire: Wire, number: int) -> dict[str, Any]:
    found: dict[str, Any] = await wire.ask("review.get", review=number)
    return found


async def test_before_its_approvals_the_author_gives_it_a_time_and_both_see_it_counted_down(
    hub: RunningHub, admin: Wire, author: str, proposed: int, tmp_path: Path
) -> None:
    async with (
        running_console(connection_to(hub), tmp_path / "admin") as other,
        running_console(connection_to(hub, author), tmp_path) as console,
    ):
        await other.press("3")
        dialog = await applying(console, proposed)
        await console.shows("it cannot be applied yet; give it a time")
        assert yes(dialog).disabled
        when(dialog, "in 2h")
        await console.shows_match(r"a hub applies it at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, in (2h 00m|1h 59m)")
        await eventually(lambda: not yes(dialog).disabled)
        assert str(yes(dialog).label) == "Schedule"
        yes(dialog).press()
        await closed(console)
        await said(console, f"review {proposed} of production: a hub applies it in ")
        at = datetime.fromisoformat((await shown(admin, proposed))["apply_at"])
        assert timedelta(hours=1, minutes=55) < at - datetime.now(UTC) <= timedelta(hours=2)
        for seen in (console, other):
            await seen.shows_match(r"◷ (2h 00m|1h 59m) (\d\d-\d\d )?\d")
            await seen.shows_match(rf"◷ a hub applies it at {at:%Y-%m-%d %H:%M:%S}")
            await seen.shows("alice said so")
            await seen.shows(f"alice schedule: {at:%Y-%m-%d %H:%M}")
        assert await value_of(admin, "max_retries", env=PRODUCTION) == 3


async def test_what_is_no_time_says_what_is_expected_and_sends_nothing(
    hub: RunningHub, admin: Wire, proposed: int, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await admin.ask("review.comment", review=proposed, text="look")
        dialog = await applying(console, proposed)
        for typed, said_of_it in (
            ("soon", "is no time: type 22:00, 2026-12-01 22:00, or in 2h; empty is now"),
            ("1999-01-01 10:00", "is over: it is"),
            ("in 400d", "a year is the most"),
        ):
            when(dialog, typed)
            await console.shows(said_of_it)
            assert yes(dialog).disabled
        when(dialog, "in 1h")
        await eventually(lambda: not yes(dialog).disabled)
        dialog.query_one("#glass", Checkbox).value = True
        await console.shows("the glass is broken now or not at all")
        assert yes(dialog).disabled
        await console.press("escape")
        await closed(console)
        assert (await shown(admin, proposed))["apply_at"] is None


async def test_an_approved_review_gets_another_time_and_is_applied_then(
    hub: RunningHub, admin: Wire, proposed: int, tmp_path: Path
) -> None:
    await admin.ask("review.approve", review=proposed)
    first = datetime.now(UTC) + timedelta(days=3)
    await admin.ask("review.apply", review=proposed, at=first.isoformat())
    async with running_console(connection_to(hub), tmp_path) as console:
        dialog = await applying(console, proposed)
        await console.shows(f"it waits for {first:%Y-%m-%d %H:%M:%S} UTC, in 2d 23h: another time replaces that")
        await console.shows("approved: it is made at once")
        when(dialog, "in 1s")
        await console.shows("this replaces that")
        await eventually(lambda: not yes(dialog).disabled)
        yes(dialog).press()
        await closed(console)
        await eventually(lambda: console.app.bridge.model.revision(PRODUCTION) == 2)
        assert await value_of(admin, "max_retries", env=PRODUCTION) == 7
        await eventually(lambda: console.app.bridge.model.reviews.waiting == 0)
        await console.press("t", "t")
        await console.shows("applied")
        assert "◷" not in console.text


async def test_a_time_that_was_set_in_vain_is_said_on_the_screen(
    hub: RunningHub, admin: Wire, proposed: int, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        dialog = await applying(console, proposed)
        when(dialog, "in 1s")
        await eventually(lambda: not yes(dialog).disabled)
        yes(dialog).press()
        await closed(console)
        await console.shows("schedule stopped: review")
        await eventually(lambda: "◷" not in console.text)
        assert (await shown(admin, proposed))["state"] == "open"


async def test_what_the_hub_refuses_meanwhile_is_said_and_nothing_is_scheduled(
    hub: RunningHub, admin: Wire, author: str, proposed: int, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console, hub.connect_once_known(author) as alice:
        dialog = await applying(console, proposed)
        when(dialog, "in 1h")
        await eventually(lambda: not yes(dialog).disabled)
        await alice.ask("review.withdraw", review=proposed)
        yes(dialog).press()
        await said(console, f"review {proposed}: it was not scheduled: review {proposed} is withdrawn already")
        assert (await shown(admin, proposed))["apply_at"] is None


async def test_how_long_it_stays_is_told_exactly_before_it_is_applied(
    hub: RunningHub, admin: Wire, author: str, tmp_path: Path
) -> None:
    async with hub.connect_once_known(author) as alice:
        change = {"namespace": "payments", "key": "max_retries", "value": 7}
        times = {"confirm_within": 90, "expires_in": 5_400}
        made = await alice.ask("review.create", env=PRODUCTION, changes=[change], note="why", **times)
    await admin.ask("review.approve", review=made["id"])
    async with running_console(connection_to(hub), tmp_path) as console:
        await applying(console, made["id"])
        await console.shows("takes itself back after 1h 30m, and unless it is confirmed within 1m 30s")
        await console.press("escape")
        await console.shows("takes itself back 1h 30m after it is applied")
        await console.shows("confirmed within 1m")


@pytest.mark.parametrize("state", ["open", "approved", "stale", "rejected", "applied", "withdrawn"])
def test_only_what_still_waits_is_due(state: str) -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    found = Review.model_validate(
        {
            "id": 1, "env": PRODUCTION, "state": state, "how": "set", "author": {"id": 1, "name": "a"}, "reason": "",
            "created_at": at, "key_count": 1, "approvals": {"needed": 1, "given": 0}, "base_revision": 1,
            "diff_hash": "0", "apply_at": at,
        }
    )  # fmt: skip
    assert due_at(found) == (at if state in ("open", "approved", "stale") else None)
