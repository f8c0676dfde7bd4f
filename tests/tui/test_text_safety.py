"""Nothing that other people wrote reaches a terminal as a control."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint_tui.text_safety import safe_text

anything = st.text(st.characters(exclude_categories=()))
JOINERS = "\u200c\u200d"


@given(anything)
def test_no_control_format_separator_or_surrogate_is_left(text: str) -> None:
    for character in safe_text(text, limit=None):
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.category(character) != "Cf" or character in JOINERS
    safe_text(text).encode()


@given(anything, st.integers(1, 50))
def test_the_result_is_never_longer_than_the_limit(text: str, limit: int) -> None:
    assert len(safe_text(text, limit=limit)) <= limit


@given(anything)
def test_what_is_safe_already_stays_as_it_is(text: str) -> None:
    once = safe_text(text, limit=None)
    assert safe_text(once, limit=None) == once


@given(st.text(st.characters(categories=("L", "N", "P", "S"))))
def test_printable_text_is_not_touched(text: str) -> None:
    assert safe_text(text, limit=None) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;aGk=\x07", r"\x1b]52;c;aGk=\x07"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x7f\x9b31m", r"\x7f\x9b31m"),
        ("user\u202enimda", r"user\u202enimda"),
        ("\u2066x\u2069", r"\u2066x\u2069"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("\u2028", r"\u2028"),
        ("\u06cc\u200c\u062e", "\u06cc\u200c\u062e"),
        ("[/] [@click=app.bell]", "[/] [@click=app.bell]"),
    ],
)
def test_controls_are_written_as_escapes(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_line_breaks_stay_where_they_are_wanted() -> None:
    assert safe_text("a\n\x1bb", keep="\n") == "a\n\\x1bb"


def test_a_cut_is_visible() -> None:
    assert safe_text("abcdef", limit=4) == "abc…"
