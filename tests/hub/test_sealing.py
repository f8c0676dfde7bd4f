"""Sealing: what was sealed for one place opens nowhere else, and master keys are never shown."""

from dataclasses import replace
from typing import Any

import pytest

from setpoint_hub.errors import MasterKeyMissing, SealBroken
from setpoint_hub.sealing import (
    LARGEST_SECRET,
    Place,
    Wrapped,
    fingerprint_of,
    masked_text,
    new_master_key,
    open_value,
    read_master_key,
    rewrap,
    seal_value,
)
from setpoint_hub.vault import Vault
from support.change_sets import version

KEY = read_master_key(new_master_key())
OTHER_KEY = read_master_key(new_master_key())
PLACE = Place("staging", version(1), version(2))
DIGESTS = b"d" * 32
CLEAR = '"hunter2"'

elsewhere: list[dict[str, Any]] = [{"env": "production"}, {"key_id": version(9)}, {"version": version(9)}]


def test_what_is_sealed_opens_at_its_place_and_does_not_show_the_value() -> None:
    sealed = seal_value(CLEAR, PLACE, KEY, DIGESTS)
    assert open_value(sealed.text, PLACE, sealed.wrapped, KEY) == CLEAR
    assert "hunter2" not in sealed.text
    assert "hunter2" not in repr(sealed)


@pytest.mark.parametrize("edit", elsewhere, ids="+".join)
def test_it_opens_at_no_other_place(edit: dict[str, Any]) -> None:
    sealed = seal_value(CLEAR, PLACE, KEY, DIGESTS)
    with pytest.raises(SealBroken):
        open_value(sealed.text, replace(PLACE, **edit), sealed.wrapped, KEY)


def test_an_altered_text_or_the_key_of_another_value_opens_nothing() -> None:
    sealed, other = (seal_value(CLEAR, PLACE, KEY, DIGESTS) for _ in range(2))
    altered = sealed.text.replace(sealed.text[20:24], "AAAA")
    for text, wrapped in ((altered, sealed.wrapped), (sealed.text, other.wrapped), ('"clear"', sealed.wrapped)):
        with pytest.raises(SealBroken):
            open_value(text, PLACE, wrapped, KEY)


def test_a_fingerprint_tells_same_from_different_within_one_key_only() -> None:
    in_production = replace(PLACE, env="production", version=version(5))
    of_another_key = replace(PLACE, key_id=version(9))
    same, there, other, another = (
        fingerprint_of(seal_value(clear, place, KEY, DIGESTS).text)
        for clear, place in ((CLEAR, PLACE), (CLEAR, in_production), ('"other"', PLACE), (CLEAR, of_another_key))
    )
    assert same == there
    assert len({same, other, another}) == 3
    assert masked_text(seal_value(CLEAR, PLACE, KEY, DIGESTS).text) == f'{{"secret":true,"fingerprint":"{same}"}}'


def test_a_key_wrapped_anew_opens_the_same_text_under_the_new_master_key_alone() -> None:
    sealed = seal_value(CLEAR, PLACE, KEY, DIGESTS)
    moved = rewrap(sealed.wrapped, PLACE, KEY, OTHER_KEY)
    assert open_value(sealed.text, PLACE, moved, OTHER_KEY) == CLEAR
    with pytest.raises(SealBroken):
        open_value(sealed.text, PLACE, moved, KEY)


def test_the_largest_secret_fits_what_the_database_stores() -> None:
    assert len(seal_value("x" * LARGEST_SECRET, PLACE, KEY, DIGESTS).text) <= 65536


def test_a_vault_without_the_master_key_names_it() -> None:
    with pytest.raises(MasterKeyMissing, match=KEY.id):
        Vault([OTHER_KEY]).open("", PLACE, Wrapped(KEY.id, bytes(60)))


@pytest.mark.parametrize("text", ["", "spk_", "spk_" + "a" * 42, "spk_" + "a" * 44, "spk_" + "=" * 43, "a" * 47])
def test_what_is_no_master_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="setpoint secrets key new") as refused:
        read_master_key(text)
    assert "aaa" not in str(refused.value)


def test_a_master_key_does_not_show_in_a_repr() -> None:
    text = new_master_key()
    assert text not in repr(read_master_key(text))
    assert repr(read_master_key(text).secret) not in repr(read_master_key(text))
