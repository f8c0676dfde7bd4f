"""Tables fit the screen that they are on."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from setpoint_tui.cli.tables import Column, fit, print_table

KEY, VALUE, AGE = Column("KEY"), Column("VALUE", flexible=True), Column("AGE", right=True, drop=1)


def printed(width: int, *rows: list[str], terminal: bool = True) -> list[str]:
    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=terminal, no_color=True, color_system=None)
    print_table(console, [KEY, VALUE, AGE], rows)
    return screen.getvalue().splitlines()


def test_columns_line_up() -> None:
    assert printed(80, ["a", "long value", "2m"], ["bcd", "x", "11h"]) == [
        "KEY  VALUE       AGE",
        "a    long value   2m",
        "bcd  x           11h",
    ]


def test_what_does_not_fit_is_cut_visibly() -> None:
    assert printed(24, ["a", "0123456789abcdefghij", "2m"])[1] == "a    0123456789abc…   2m"


def test_columns_that_matter_less_go_first() -> None:
    assert printed(16, ["a", "0123456789abcdefghij", "2m"])[1] == "a    0123456789…"


def test_a_pipe_gets_everything() -> None:
    assert printed(10, ["a", "0123456789abcdefghij", "2m"], terminal=False)[1] == "a    0123456789abcdefghij   2m"


def test_wide_characters_count_twice() -> None:
    assert {cell_len(line) for line in printed(80, ["设定", "値", "2m"], ["ab", "cd", "3m"])} == {16}


@pytest.mark.parametrize("available", [10, 40, 200])
@given(st.lists(st.integers(1, 100), min_size=3, max_size=3))
def test_a_row_is_no_wider_than_the_screen_when_the_rest_can_shrink(available: int, natural: list[int]) -> None:
    columns = [Column("A", flexible=True), Column("B", flexible=True, drop=1), Column("C", drop=2)]

    widths = fit(columns, natural, available)

    assert sum(widths.values()) + 2 * (len(widths) - 1) <= available
    assert 0 in widths
