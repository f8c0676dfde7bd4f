"""Cells take exactly the width they are given, whatever stands in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content
from textual.style import Style

from setpoint_tui.console.widgets.cells import Cell, fit_cell

anything = st.text(st.characters(exclude_categories=()), max_size=60)
NO_STYLE = Style()


def text_of(cell: Cell, width: int, **options: str) -> str:
    return "".join(piece.text for piece in fit_cell(cell, width, NO_STYLE, **options))  # type: ignore[arg-type]


@given(anything, st.integers(0, 30), st.sampled_from(["left", "right", "center"]))
def test_any_text_takes_exactly_its_width(text: str, width: int, align: str) -> None:
    for cell in (text, Content(text), Content.assemble((text, "bold"), text)):
        pieces = list(fit_cell(cell, width, NO_STYLE, align=align))  # type: ignore[arg-type]
        assert sum(cell_len(piece.text) for piece in pieces) == width
        assert cell_len("".join(piece.text for piece in pieces)) == width


@given(anything)
def test_nothing_in_a_cell_acts_on_the_terminal(text: str) -> None:
    for cell in (text, Content(text)):
        assert all(character.isprintable() or character == "\u200c" for character in text_of(cell, 200))


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abc", 5, "abc  "),
        ("abcdef", 4, "abc…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日 …"),
        ("日本語", 1, "…"),
        ("abc", 0, ""),
        ("[b]x[/]", 7, "[b]x[/]"),
        ("a\nb", 4, "a\\nb"),
        ("\x1b[2J", 7, "\\x1b[2J"),
        ("👨\u200d👩", 4, "👨👩"),
    ],
)
def test_cells_are_cut_and_filled(text: str, width: int, shown: str) -> None:
    assert text_of(text, width) == shown


def test_cells_are_aligned() -> None:
    assert text_of("ab", 5, align="right") == "   ab"
    assert text_of("ab", 5, align="center") == " ab  "


def test_content_is_cut_across_its_spans() -> None:
    assert text_of(Content.assemble(("abc", "bold"), ("def", "italic")), 5) == "abcd…"
