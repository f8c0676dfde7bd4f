"""What is told of reviews: what others proposed, and what others did to mine."""

from datetime import UTC, datetime

from setpoint_tui.model.review_news import review_news
from setpoint_tui.review_answers import Review

ME, OTHER = 1, 2


def review(number: int, state: str, author: int = OTHER, reason: str = "why") -> Review:
    return Review.model_validate(
        {
            "id": number, "env": "production", "state": state, "how": "set", "reason": reason,
            "author": {"id": author, "name": "alice"}, "created_at": datetime(2030, 1, 1, tzinfo=UTC),
            "key_count": 1, "approvals": {"needed": 1, "given": 0}, "base_revision": 1, "diff_hash": "0",
        }
    )  # fmt: skip


def told(before: dict[int, str], *after: Review) -> list[str]:
    return [text for text, _ in review_news(before, after, ME)]


def test_what_somebody_else_proposes_is_told_and_what_i_propose_is_not() -> None:
    assert told({}, review(7, "open")) == ["alice asks for review 7 of production, “why”: 3 shows it"]
    assert told({}, review(7, "open", ME), review(8, "rejected"), review(9, "applied", ME)) == []
    assert told({7: "open"}, review(7, "open")) == []


def test_of_mine_what_others_did_is_told_with_what_to_do() -> None:
    assert told({7: "open"}, review(7, "approved", ME)) == [
        "review 7 of production, yours, is approved: A on it applies it"
    ]
    assert told({7: "open"}, review(7, "rejected", ME)) == ["review 7 of production, yours, was rejected: 3 shows why"]
    (stale,) = told({7: "approved"}, review(7, "stale", ME))
    assert "b on it rebases it" in stale
    assert told({7: "stale", 8: "open"}, review(7, "open", ME), review(8, "withdrawn", ME)) == []
    assert told({7: "open"}, review(7, "approved")) == []
    # Proposed and approved between two looks.
    (approved,) = told({}, review(7, "approved", ME))
    assert approved == "review 7 of production, yours, is approved: A on it applies it"


def test_many_at_once_are_counted_and_nothing_of_theirs_is_drawn_as_it_stands() -> None:
    lines = told({}, *(review(number, "open", reason="\x1b[31m") for number in range(1, 7)))
    assert len(lines) == 4
    assert lines[-1] == "and 3 more reviews changed: 3 shows them"
    assert not [line for line in lines if "\x1b" in line]
