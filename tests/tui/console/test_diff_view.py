"""Diffs on the screen: signs for those who see no colours, and nothing in them that a terminal would act on."""

from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.content import Content

from setpoint_tui.console.widgets.diff_view import DiffView, diff_content
from setpoint_tui.model.diffing import DiffLine, DiffSpan, diff_values


class OneDiff(App[None]):
    """An app with nothing but a diff."""

    def compose(self) -> ComposeResult:
        yield DiffView()


def test_every_line_begins_with_its_sign() -> None:
    lines = diff_values("json", {"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4})
    assert [line.plain for line in diff_content(lines)] == ["~ b  2 → 3  \N{MULTIPLICATION SIGN}1.5, +50 %", "+ c  4"]


@given(st.text(), st.text())
def test_any_text_is_drawn_without_anything_that_a_terminal_acts_on(old: str, new: str) -> None:
    raw = DiffLine((DiffSpan(old, "removed"), DiffSpan(new, "added")))
    for line in diff_content([raw, *diff_values("string", old, new)]):
        assert line.plain.replace("\u200c", "").replace("\u200d", "").isprintable()


async def test_a_diff_of_the_same_keeps_its_place_and_another_begins_at_its_top() -> None:
    long = [DiffLine((DiffSpan(f"line {number}", "same"),)) for number in range(100)]
    app = OneDiff()
    async with app.run_test(size=(40, 10)) as pilot:
        view = app.query_one(DiffView)
        view.show(long, about="one")
        await pilot.pause()
        view.scroll_to(y=50, animate=False)
        await pilot.pause()
        view.show([*long, long[0]], about="one")
        await pilot.pause()
        assert view.scroll_offset.y == 50
        view.show(long, head=[Content("[/] [@click=app.bell]x[/]")], about="another")
        await pilot.pause()
        assert view.scroll_offset.y == 0
        assert view.shown_text.startswith("[/] [@click=app.bell]x[/]")
