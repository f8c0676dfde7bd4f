"""Names: what they may hold, and how long they may be."""

import pytest

from setpoint.errors import InvalidName
from setpoint.protocol.names import check_client_id, check_environment, check_key, check_namespace


@pytest.mark.parametrize("name", ["payments", "a", "a.b/c_d-e", "0", "UPPER"])
def test_a_name_of_allowed_characters_is_returned(name: str) -> None:
    assert check_namespace(name) == name
    assert check_key(name) == name
    assert check_environment(name) == name


@pytest.mark.parametrize("name", ["", " ", "a b", "a\n", "é", "a*", "a\x00", "٣"])
def test_other_characters_are_refused(name: str) -> None:
    for check in (check_namespace, check_key, check_environment):
        with pytest.raises(InvalidName):
            check(name)


def test_the_longest_names_fit_and_one_more_does_not() -> None:
    for check, longest in ((check_environment, 20), (check_namespace, 100), (check_key, 200), (check_client_id, 100)):
        assert check("x" * longest) == "x" * longest
        with pytest.raises(InvalidName, match="long"):
            check("x" * (longest + 1))


def test_a_client_id_may_be_of_any_script_but_printable() -> None:
    assert check_client_id("zahlung é 支付") == "zahlung é 支付"
    for name in ("", "a\n", "a\x00", "\u202e"):
        with pytest.raises(InvalidName):
            check_client_id(name)


def test_the_error_says_what_is_wrong_without_repeating_a_huge_name() -> None:
    with pytest.raises(InvalidName) as caught:
        check_key("x" * 10_000)
    assert "10000 characters" in str(caught.value)
    assert len(str(caught.value)) < 300
