"""Reviews, over a real hub and as two people: what waits, what one may do with it, and what becomes of it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input

from setpoint_tui.console.dialogs.confirm import ConfirmDialog
from setpoint_tui.console.dialogs.decide import DecideDialog
from setpoint_tui.console.dialogs.edit import EditDialog
from setpoint_tui.console.screens.reviews import ReviewsScreen
from support.hubs import RunningHub
from support.tokens import give_token
from support.waiting import eventually
from support.wire import Refused, Wire
from tui.console.running import Running, connection_to, running_console, sample_keys
from tui.console.steps import armed, closed, opened, said, select, value_of

PRODUCTION = "production"


@dataclass(frozen=True)
class People:
    """An admin's and an author's connection, and the tokens of an author, an approver and a reader."""

    admin: Wire
    alice: Wire
    tokens: dict[str, str]


@pytest.fixture
async def people(hub: RunningHub) -> AsyncGenerator[People]:
    """Values in production, which needs one approval; alice edits, bob approves, rita reads."""
    roles = {"alice": "editor", "bob": "approver", "rita": "reader"}
    tokens = {name: str((await give_token(hub, role, user=name))["token"]) for name, role in roles.items()}
    async with hub.connect() as admin, hub.connect_once_known(tokens["alice"]) as alice:
        await sample_keys(admin, PRODUCTION)
        yield People(admin, alice, tokens)


async def propose(wire: Wire, value: object = 5, key: str = "max_retries", **others: Any) -> int:
    """Write to production, which becomes a review; return its number."""
    with pytest.raises(Refused) as refused:
        await wire.set(value, key, **{"env": PRODUCTION, "note": "fewer parked orders", **others})
    return int(refused.value.data["review"])


def reviews(console: Running) -> ReviewsScreen:
    front = console.app.front
    assert isinstance(front, ReviewsScreen)
    return front


async def looked_at(console: Running, number: int) -> ReviewsScreen:
    """Open the screen, and wait until a review is there whole and under the cursor."""
    await console.press("3")

    def is_there() -> bool:
        screen = reviews(console)
        screen.table.move_cursor_to(number)
        return screen.table.cursor == number and console.app.bridge.model.reviews.is_current(number)

    await eventually(is_there)
    await console.pilot.pause()
    return reviews(console)


async def state_of(people: People, number: int) -> str:
    return str((await people.admin.ask("review.get", review=number))["state"])


async def press_yes(console: Running) -> None:
    button = console.app.screen.query_one("#yes", Button)
    await eventually(lambda: not button.disabled)
    button.press()
    await closed(console)


async def test_what_waits_is_counted_in_the_bar_and_shown_with_its_diff(
    hub: RunningHub, people: People, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        number = await propose(people.alice, ticket="OPS-1")
        await console.shows("3 Reviews (1)")
        await looked_at(console, number)
        text = await console.shows("3 → 5")
        for part in ("alice", "0 of 1 approval", "fewer parked orders", "OPS-1", "based on r1", "payments/max_retries"):
            assert part in text


async def test_approving_asks_for_the_name_and_is_of_the_diff_on_show(
    hub: RunningHub, people: People, tmp_path: Path
) -> None:
    number = await propose(people.alice)
    async with running_console(connection_to(hub, people.tokens["bob"]), tmp_path) as console:
        await looked_at(console, number)
        await console.press("a")
        dialog = await opened(console, DecideDialog)
        text = await console.shows("approval 1 of 1")
        assert "3 → 5" in text
        await console.type("fine")
        await console.press("enter", *"productio")
        assert dialog.query_one("#yes", Button).disabled
        await console.press("n", "enter", "enter")
        await closed(console)
        await said(console, f"review {number} of production: approved")
        assert await state_of(people, number) == "approved"
        await console.shows("bob approve: fine")
        await console.press("a")
        await said(console, "Approve: you have approved it already")


async def test_nobody_approves_their_own_and_is_told_why(hub: RunningHub, people: People, tmp_path: Path) -> None:
    number = await propose(people.alice)
    async with running_console(connection_to(hub, people.tokens["alice"]), tmp_path) as console:
        screen = await looked_at(console, number)
        await console.press("a")
        await said(console, "Approve: the role editor does not approve reviews")
        assert console.app.screen is screen
        text = await console.shows("no Apply now: review")
        assert "0 of 1 approvals" in text


async def test_a_reader_sees_reviews_and_may_decide_nothing(hub: RunningHub, people: People, tmp_path: Path) -> None:
    number = await propose(people.alice)
    async with running_console(connection_to(hub, people.tokens["rita"]), tmp_path) as console:
        screen = await looked_at(console, number)
        await console.shows("3 → 5")
        for kind in ("approve", "reject", "comment", "withdraw", "rebase", "apply"):
            assert screen.why_off(f"review_{kind}") is not None
        await console.press("a", "X", "m", "w", "b", "A")
        assert console.app.screen is screen
        assert await state_of(people, number) == "open"


async def test_an_approved_review_is_applied_and_reaches_like_any_write(
    hub: RunningHub, people: People, tmp_path: Path
) -> None:
    number = await propose(people.alice)
    async with running_console(connection_to(hub, people.tokens["bob"]), tmp_path) as console:
        await looked_at(console, number)
        await console.press("A")
        dialog = await opened(console, ConfirmDialog)
        await console.shows("0 of 1 approvals: it cannot be applied yet; give it a time")
        assert dialog.query_one("#yes", Button).disabled
        await console.press("escape")
        await people.admin.ask("review.approve", review=number)
        await eventually(lambda: "no Apply now" not in console.text)
        armed(console, PRODUCTION)
        await console.press("A")
        dialog = await opened(console, ConfirmDialog)
        await console.shows("apply review")
        assert dialog.query_one("#yes", Button).disabled
        dialog.query_one("#typed-name", Input).value = PRODUCTION
        await press_yes(console)
        await said(console, f"apply review {number}")
        assert await value_of(people.admin, "max_retries", env=PRODUCTION) == 5
        assert await state_of(people, number) == "applied"
        newest = console.app.bridge.model.own.newest
        assert newest is not None
        assert newest.revision == 2
        await eventually(lambda: console.app.bridge.model.reviews.waiting == 0)


async def test_a_base_that_moves_is_said_with_who_moved_it_and_the_author_rebases(
    hub: RunningHub, people: People, tmp_path: Path
) -> None:
    number = await propose(people.alice)
    async with running_console(connection_to(hub, people.tokens["alice"]), tmp_path) as console:
        screen = await looked_at(console, number)
        assert "nothing" not in (screen.why_off("review_rebase") or "")
        await people.admin.set(4, env=PRODUCTION, note="quick", break_glass=True)
        await console.shows("the base has moved: you must rebase")
        text = await console.shows("r2 by admin")
        assert "stale" in text
        await said(console, f"review {number} of production, yours, is stale")
        # A time is no way round that.
        await console.press("A")
        await said(console, "Apply: payments/max_retries changed in production")
        await console.press("b")
        await opened(console, DecideDialog)
        text = await console.shows("approvals given so far do not count")
        # What it will do then, and not what it was to do.
        assert "4 → 5" in text
        assert "tab to the button · esc back" in text
        await press_yes(console)
        await console.shows("4 → 5")
        assert await state_of(people, number) == "open"


async def test_comment_reject_and_withdraw(hub: RunningHub, people: People, tmp_path: Path) -> None:
    first, second = await propose(people.alice), await propose(people.alice, "exponential", "retry.backoff")
    async with running_console(connection_to(hub, people.tokens["bob"]), tmp_path) as console:
        await looked_at(console, first)
        await console.press("m")
        dialog = await opened(console, DecideDialog)
        assert dialog.query_one("#yes", Button).disabled
        await console.type("why now?")
        await press_yes(console)
        await console.shows("bob comment: why now?")
        await console.press("X")
        await opened(console, DecideDialog)
        await press_yes(console)
        await said(console, "rejected")
        assert await state_of(people, first) == "rejected"
        await console.press("t", "t")
        await looked_at(console, first)
        await console.shows("rejected  0 of 1 approval")
        await eventually(lambda: "you may  m Comment" in console.text)
        # That it is settled is said once.
        assert "no Approve" not in console.text
        assert "no Apply" not in console.text
    async with running_console(connection_to(hub, people.tokens["alice"]), tmp_path / "alice") as console:
        await looked_at(console, second)
        await console.press("w")
        await opened(console, DecideDialog)
        await press_yes(console)
        assert await state_of(people, second) == "withdrawn"
        await console.shows("nothing waits for review")
        await console.press("t", "t")
        await console.shows("withdrawn")


async def test_the_cursor_stays_on_its_review_while_others_come(
    hub: RunningHub, people: People, tmp_path: Path
) -> None:
    number = await propose(people.alice)
    async with running_console(connection_to(hub, people.tokens["bob"]), tmp_path) as console:
        screen = await looked_at(console, number)
        other = await propose(people.alice, "exponential", "retry.backoff")
        await eventually(lambda: list(screen.table.order) == [other, number])
        assert screen.table.cursor == number
        await console.press("slash", *"backoff", "enter")
        assert list(screen.table.order) == [other]
        await console.press("escape", "slash", *"nothere", "enter")
        await console.shows("nothing matches nothere")


async def test_ones_own_write_that_became_a_review_is_named_and_3_shows_it(
    hub: RunningHub, people: People, tmp_path: Path
) -> None:
    await propose(people.alice, "exponential", "retry.backoff")
    async with running_console(connection_to(hub, people.tokens["alice"]), tmp_path) as console:
        await select(console, "max_retries", env=PRODUCTION)
        await console.press("e")
        await opened(console, EditDialog)
        armed(console, PRODUCTION)
        await console.press("up", "ctrl+s")
        dialog = await opened(console, ConfirmDialog)
        dialog.query_one("#reason", Input).value = "load"
        dialog.query_one("#typed-name", Input).value = PRODUCTION
        await press_yes(console)
        await said(console, "waits as review")
        found = (await people.admin.ask("review.list"))["reviews"][0]["id"]
        await console.press("3")
        await eventually(lambda: reviews(console).table.cursor == found)
        await console.shows("3 → 4")


async def test_a_link_that_is_lost_leaves_the_reviews_on_show_and_decides_nothing(
    hub: RunningHub, people: People, tmp_path: Path
) -> None:
    number = await propose(people.alice)
    async with running_console(connection_to(hub, people.tokens["bob"]), tmp_path) as console:
        screen = await looked_at(console, number)
        feed = console.app.bridge.feed
        feed.connection = connection_to(hub, "st_unknown")
        assert feed._opened is not None
        feed._opened.abandon()
        await console.shows("✗ ")
        assert "3 → 5" in console.text
        await console.press("a")
        assert console.app.screen is screen
        assert screen.why_off("review_approve") is not None
        # A word on a review is kept nowhere.
        assert not [notice for notice in console.app.bridge.model.notices.lines if "draft" in notice.text]


async def test_at_a_small_size_enter_shows_the_diff(hub: RunningHub, people: People, tmp_path: Path) -> None:
    number = await propose(people.alice)
    async with running_console(connection_to(hub), tmp_path, size=(60, 16)) as console:
        await looked_at(console, number)
        assert "3 → 5" not in console.text
        await console.press("enter")
        await console.shows("3 → 5")
        await console.press("escape")
        assert "3 → 5" not in console.text


async def test_the_approver_is_told_what_arrives_and_the_author_what_became_of_it(
    hub: RunningHub, people: People, tmp_path: Path
) -> None:
    await propose(people.alice, "exponential", "retry.backoff")
    async with (
        running_console(connection_to(hub, people.tokens["bob"]), tmp_path / "bob") as bob,
        running_console(connection_to(hub, people.tokens["alice"]), tmp_path / "alice") as alice,
    ):
        for console in (bob, alice):
            await eventually(lambda: console.app.bridge.model.reviews.told is not None)  # noqa: B023 - awaited here
        number = await propose(people.alice)
        await said(bob, f"alice asks for review {number} of production, “fewer parked orders”")
        await bob.shows("3 Reviews (2)")
        await people.admin.ask("review.approve", review=number)
        await said(alice, f"review {number} of production, yours, is approved: A on it applies it")
        for console in (bob, alice):
            lines = [notice.text for notice in console.app.bridge.model.notices.lines]
            # What was there before the console is no news, and nobody is told what they did themselves.
            assert len([line for line in lines if "review" in line]) == 1


async def test_the_help_says_what_the_filter_of_this_screen_takes(
    hub: RunningHub, people: People, tmp_path: Path
) -> None:
    del people
    async with running_console(connection_to(hub), tmp_path) as console:
        for screen, words in (("3", "words AND; !not"), ("2", "service: state:"), ("5", "env: ns: who:")):
            await console.press(screen, "question_mark")
            text = await console.shows("Moving")
            (line,) = [line for line in text.splitlines() if " Filter " in line]
            assert words in line
            await console.press("escape")
