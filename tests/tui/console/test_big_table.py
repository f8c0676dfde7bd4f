"""The table draws what is on the screen, and its cursor stays on its row."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual.content import Content
from textual.style import Style

from setpoint_tui.console.widgets.big_table import BigTable, Cell
from tui.console.table_app import TableApp, shown_table


async def test_a_table_shows_its_header_and_the_rows_that_fit() -> None:
    async with shown_table(range(100_000)) as (app, _):
        assert app.lines[0].split() == ["KEY", "TYPE", "VALUE", "AGE"]
        assert [line.split()[-4] for line in app.lines[1:]] == [f"key-{row}" for row in range(10)]


async def test_filling_a_table_asks_only_for_the_cells_on_the_screen() -> None:
    async with shown_table([]) as (app, pilot):
        app.table.set_rows(range(100_000))
        await pilot.pause()

        assert set(app.drawn) == set(range(10))


@pytest.mark.parametrize(
    ("keys", "row"),
    [
        (["j"], 1),
        (["down", "down", "k"], 1),
        (["j", "up"], 0),
        (["k"], 0),
        (["G"], 99),
        (["end", "j"], 99),
        (["end", "home"], 0),
        (["G", "g"], 0),
        (["pagedown"], 10),
        (["pagedown", "pagedown", "pageup"], 10),
        (["ctrl+d"], 5),
        (["ctrl+d", "ctrl+d", "ctrl+u"], 5),
        (["pageup"], 0),
    ],
)
async def test_keys_move_the_cursor_and_it_tells_so(keys: list[str], row: int) -> None:
    async with shown_table(range(100)) as (app, pilot):
        await pilot.press(*keys)

        assert app.table.cursor == row
        assert any(f" key-{row} " in line and line.startswith("▸") for line in app.lines)
        assert app.told[-1:] in ([("moved", row)], [])


async def test_a_cursor_that_does_not_move_tells_nothing() -> None:
    async with shown_table(range(100)) as (app, pilot):
        await pilot.press("k", "g", "pageup")
        assert app.told == []


async def test_keys_can_be_bound_anew_by_id() -> None:
    async with shown_table(range(100)) as (app, pilot):
        app.set_keymap({"table.down": "n"})
        await pilot.press("n", "n", "j")
        assert app.table.cursor == 2


async def test_moving_the_cursor_draws_two_rows() -> None:
    async with shown_table(range(100)) as (app, pilot):
        await pilot.press("j")
        await pilot.pause()
        assert set(app.drawn) == {0, 1}


async def test_enter_and_a_double_click_open_a_row() -> None:
    async with shown_table(range(100)) as (app, pilot):
        await pilot.press("j", "enter")
        await pilot.click(app.table, offset=(8, 5), times=2)
        assert app.told == [("moved", 1), ("opened", 1), ("moved", 4), ("opened", 4)]


async def test_a_second_click_on_another_row_opens_nothing() -> None:
    async with shown_table(range(100)) as (app, pilot):
        await pilot.click(app.table, offset=(8, 5))
        app.table.set_rows(range(50, 100))
        await pilot.pause()
        await pilot.click(app.table, offset=(8, 6), times=2)
        assert ("opened", 4) not in app.told
        assert [kind for kind, _ in app.told].count("opened") == 1


async def test_clicks_beside_the_rows_do_nothing() -> None:
    async with shown_table(range(3)) as (app, pilot):
        await pilot.press("j")
        await pilot.click(app.table, offset=(8, 0))
        await pilot.click(app.table, offset=(8, 9))
        assert app.table.cursor == 1


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    async with shown_table(range(100)) as (app, pilot):
        await pilot._post_mouse_events([events.MouseScrollDown], app.table, offset=(8, 5))
        await pilot.pause()
        assert app.table.scroll_offset.y > 0
        assert app.table.cursor == 0


async def test_space_marks_rows_with_a_glyph() -> None:
    async with shown_table(range(100)) as (app, pilot):
        await pilot.press("space", "j", "j", "space")

        assert app.table.marked == {0, 2}
        assert [line[1] for line in app.lines[1:5]] == ["●", " ", "●", " "]
        assert [row for kind, row in app.told if kind == "marked"] == [0, 2]

        await pilot.press("space")
        assert app.table.marked == {0}


async def test_a_mark_sleeps_while_its_row_is_filtered_out() -> None:
    async with shown_table(range(10)) as (app, pilot):
        await pilot.press("space")
        app.table.set_rows([5, 6])
        assert app.table.marked == frozenset()
        app.table.set_rows(range(10))
        assert app.table.marked == {0}
        app.table.set_marks([])
        assert app.table.marked == frozenset()


async def test_rows_that_come_and_go_above_leave_the_cursor_on_its_line() -> None:
    async with shown_table(range(0, 200, 2)) as (app, pilot):
        await pilot.press("pagedown", "pagedown", "pagedown", "j", "j")
        held, line = app.table.cursor, app.cursor_line

        app.table.set_rows(range(200))
        await pilot.pause()
        assert (app.table.cursor, app.cursor_line) == (held, line)

        app.table.set_rows([row for row in range(200) if row % 3 == 0 or row == held])
        await pilot.pause()
        assert (app.table.cursor, app.cursor_line) == (held, line)
        assert not [told for told in app.told if told[0] == "moved" and told[1] not in (20, 40, 60, 62, 64)]


async def test_turning_the_order_round_keeps_the_cursor_on_its_row() -> None:
    async with shown_table(range(100)) as (app, pilot):
        await pilot.press("pagedown", "j", "j")
        held, line = app.table.cursor, app.cursor_line
        app.table.set_rows(range(99, -1, -1))
        await pilot.pause()
        assert (app.table.cursor, app.cursor_line) == (held, line)


async def test_the_top_row_stays_when_the_cursor_is_out_of_view() -> None:
    async with shown_table(range(0, 200, 2)) as (app, pilot):
        app.table.scroll_to(y=50, animate=False)
        await pilot.pause()
        top = app.lines[1]
        app.table.set_rows(range(200))
        await pilot.pause()
        assert app.lines[1] == top
        assert app.table.cursor == 0


async def test_a_row_that_vanishes_under_the_cursor_hands_it_to_the_next_and_says_so() -> None:
    async with shown_table(range(100)) as (app, pilot):
        await pilot.press(*["j"] * 5)
        line = app.cursor_line
        app.told.clear()

        app.table.set_rows([row for row in range(100) if row not in (5, 6)])
        await pilot.pause()

        assert app.table.cursor == 7
        assert app.cursor_line == line
        assert app.told == [("moved", 7)]


async def test_the_last_row_hands_the_cursor_to_the_one_before() -> None:
    async with shown_table(range(5)) as (app, pilot):
        await pilot.press("G")
        app.table.set_rows(range(3))
        await pilot.pause()
        assert app.table.cursor == 2


async def test_without_rows_there_is_no_cursor_and_the_middle_says_why() -> None:
    async with shown_table(range(5)) as (app, pilot):
        app.table.set_rows([])
        await pilot.press("j", "G", "enter", "space", "pagedown")

        assert app.table.cursor is None
        assert app.told == [("moved", None)]
        said = [line.strip() for line in app.lines[1:]]
        assert said[4:6] == ["Nothing here yet", "press n"]
        assert app.lines[5].index("Nothing") == (60 - len("Nothing here yet")) // 2

        app.table.set_rows([7, 8])
        await pilot.pause()
        assert app.told[-1] == ("moved", 7)


async def test_what_is_said_of_an_empty_table_can_change() -> None:
    async with shown_table([]) as (app, pilot):
        app.table.empty = Content("No key matches [/] (esc clears)")
        await pilot.pause()
        assert any("No key matches [/] (esc clears)" in line for line in app.lines)


async def test_the_cursor_can_be_put_on_a_row_and_tells_nothing() -> None:
    async with shown_table(range(1_000)) as (app, pilot):
        assert app.table.move_cursor_to(700)
        assert not app.table.move_cursor_to(5_000)
        await pilot.pause()
        assert app.table.cursor == 700
        assert any(line.startswith("▸") and "key-700" in line for line in app.lines)
        assert app.told == []


async def test_only_the_rows_that_changed_are_drawn_anew() -> None:
    async with shown_table(range(1_000)) as (app, pilot):
        app.table.refresh_rows([3, 8, 500])
        await pilot.pause()
        assert set(app.drawn) == {3, 8}


async def test_a_caller_gives_glyphs_and_dims_rows() -> None:
    async with shown_table(range(10)) as (app, _):
        app.glyphs[2] = "Δ"
        app.glyphs[3] = "too long"
        app.dim.add(2)
        lines = app.lines
        assert lines[3].startswith("  Δ key-2 ")
        assert lines[4].startswith("  … key-3 ")
        styles = [segment.style for segment in app.table.render_line(3)]
        assert all(style is not None and style.dim for style in styles)


async def test_the_header_tells_the_sorted_column() -> None:
    async with shown_table(range(10)) as (app, pilot):
        app.table.sort = ("KEY", False)
        await pilot.pause()
        assert "KEY ↑" in app.lines[0]
        app.table.sort = ("VALUE", True)
        assert "VALUE ↓" in app.lines[0]
        assert "↑" not in app.lines[0]


async def test_narrow_tables_leave_out_columns_and_keep_the_most_important() -> None:
    async with shown_table(range(10), size=(32, 11)) as (app, pilot):
        assert app.lines[0].split() == ["KEY", "VALUE"]
        await pilot.resize_terminal(20, 11)
        await pilot.pause()
        assert app.lines[0].split() == ["KEY"]
        await pilot.resize_terminal(3, 11)
        await pilot.pause()
        assert {len(line) for line in app.lines} == {3}


async def test_the_cursor_stays_in_view_when_the_screen_shrinks() -> None:
    async with shown_table(range(100)) as (app, pilot):
        await pilot.press(*["j"] * 9)
        await pilot.resize_terminal(60, 5)
        await pilot.pause()
        assert app.lines[app.cursor_line].split()[1] == "key-9"


async def test_the_cursor_can_be_seen_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with shown_table(range(10)) as (app, _):
        assert app.no_color
        assert app.cursor_line == 1
        styles = [segment.style for segment in app.table.render_line(1)]
        assert all(style is not None and style.reverse for style in styles)


async def test_a_table_without_the_focus_shows_where_the_cursor_is() -> None:
    async with shown_table(range(10)) as (app, pilot):
        app.set_focus(None)
        await pilot.pause()
        assert app.cursor_line == 1
        styles = [segment.style for segment in app.table.render_line(1)]
        assert not any(style is not None and style.reverse for style in styles)


async def test_a_row_that_has_just_gone_is_drawn_blank() -> None:
    def cells(row: int) -> Sequence[Cell]:
        return {1: ["one", "int", "1", "1s"]}[row]

    async with shown_table([1, 2], cells=cells) as (app, _):
        assert app.lines[1].split()[:2] == ["▸", "one"]
        assert app.lines[2].strip() == ""


async def test_rows_with_too_few_cells_are_filled_up() -> None:
    async with shown_table([1], cells=lambda _: ["only"]) as (app, _):
        assert app.lines[1].split() == ["▸", "only"]


async def test_content_keeps_its_own_style_on_the_row() -> None:
    async with shown_table([1, 2], cells=lambda _: [Content.styled("red", Style(bold=True, underline=True))]) as (
        app,
        _,
    ):
        (red,) = [segment for segment in app.table.render_line(2) if segment.text == "red"]
        assert red.style is not None
        assert red.style.underline


async def test_rows_may_be_set_before_the_table_is_on_a_screen() -> None:
    app = TableApp(lambda row: [str(row)])
    app.table.set_rows(range(100))
    app.table.set_rows(range(50, 100))
    app.table.move_cursor_to(60)
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.pause()
        assert app.table.cursor == 60
        assert any(line.startswith("▸") for line in app.lines)


anything = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(
    [
        "[/]",
        "[@click=app.bell]x[/]",
        "\x1b]52;c;aGk=\x07",
        "日本語日本語日本語",
        "👨‍👩‍👧‍👦" * 5,
        "❤️" * 9,
        "é\u0301" * 20,
        "🇩🇪🇫🇷",
        "x\u200d",
    ]
)


@settings(max_examples=20, deadline=None)
@given(st.lists(anything, min_size=4, max_size=4), anything, st.integers(1, 70))
async def test_any_text_takes_exactly_the_width_of_the_table(cells: list[str], glyph: str, width: int) -> None:
    def drawn(row: int) -> Sequence[Cell]:
        return cells if row == 1 else [Content(cell) for cell in cells]

    async with shown_table([1, 2], size=(width, 5), cells=drawn) as (app, _):
        app.glyphs[2] = glyph
        app.table.empty = Content(cells[0])
        for y in range(5):
            line = app.table.render_line(y)
            assert sum(segment.cell_length for segment in line) == line.cell_length == width
            assert all(character.isprintable() or character == "\u200c" for character in line.text)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("rows"), st.lists(st.integers(0, 30), unique=True, max_size=25)),
        st.tuples(st.just("press"), st.lists(st.sampled_from(["j", "k", "G", "g", "pagedown", "ctrl+u"]), max_size=3)),
        st.tuples(st.just("wheel"), st.lists(st.integers(0, 30), max_size=1)),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(steps)
async def test_the_cursor_leaves_its_row_only_when_a_person_says_so_or_it_vanishes(
    taken: list[tuple[str, list[int] | list[str]]],
) -> None:
    app = TableApp(lambda row: [str(row)])
    async with app.run_test(size=(40, 8)) as pilot:
        table: BigTable[int] = app.table
        table.focus()
        for kind, what in taken:
            before, told = table.cursor, len(app.told)
            match kind:
                case "press":
                    for key in what:
                        await pilot.press(str(key))
                case "wheel":
                    table.scroll_to(y=sum(map(int, what)), animate=False)
                case _:
                    rows = [int(row) for row in what]
                    table.set_rows(rows)
                    if before in rows:
                        assert table.cursor == before
                    else:
                        assert table.cursor in rows or (not rows and table.cursor is None)
            await pilot.pause()
            if table.cursor != before:
                assert app.told[-1] == ("moved", table.cursor)
            else:
                assert kind == "press" or len(app.told) == told
            assert 0 <= table.scroll_offset.y <= max(0, len(table.order) - 7)
