"""Secrets at rest: who holds the key opens them, where they were put, and nobody else."""

from __future__ import annotations

import stat
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.auth.vault import Sealed, Vault, add_key, key_file_in, keys_of_file
from livesync_pipelines.model.errors import BadInput

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
SECRET = b"hunter2"


@given(st.binary(max_size=5_000), st.text(max_size=50))
def test_what_is_sealed_opens_where_it_lies(secret: bytes, place: str) -> None:
    vault = Vault([OLD])
    assert vault.open(vault.seal(secret, place), place) == secret


def test_a_sealed_secret_shows_nothing_and_never_looks_the_same() -> None:
    vault = Vault([OLD])
    first, second = vault.seal(SECRET, "a"), vault.seal(SECRET, "a")
    assert first != second
    assert SECRET not in first + repr(vault).encode()
    assert OLD.hex() not in repr(vault)


def test_a_sealed_secret_that_is_moved_does_not_open() -> None:
    vault = Vault([OLD])
    sealed = vault.seal(SECRET, "account:mine")
    with pytest.raises(Sealed, match="not as it was sealed"):
        vault.open(sealed, "account:yours")


@pytest.mark.parametrize("at", [0, 1, 8, 9, 20, 21, -1])
def test_a_single_bit_that_is_changed_is_noticed(at: int) -> None:
    vault = Vault([OLD])
    sealed = bytearray(vault.seal(SECRET, "a"))
    sealed[at] ^= 1
    with pytest.raises(Sealed) as told:
        vault.open(bytes(sealed), "a")
    assert "hunter2" not in repr(told.value.as_dict())


@pytest.mark.parametrize("length", [0, 1, 9, 20, 36])
def test_a_sealed_secret_that_is_cut_short_does_not_open(length: int) -> None:
    vault = Vault([OLD])
    with pytest.raises(Sealed):
        vault.open(vault.seal(SECRET, "a")[:length], "a")


def test_with_two_keys_the_first_seals_and_both_open() -> None:
    before, after = Vault([OLD]), Vault([NEW, OLD])
    sealed = before.seal(SECRET, "a")
    assert after.open(sealed, "a") == SECRET
    assert not after.is_current(sealed)
    again = after.seal(SECRET, "a")
    assert after.is_current(again)
    assert Vault([NEW]).open(again, "a") == SECRET
    with pytest.raises(Sealed, match="a key that is not here"):
        before.open(again, "a")


def test_a_home_without_a_key_makes_one_for_its_owner_alone(tmp_path: Path) -> None:
    path = key_file_in(tmp_path / "home")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (key,) = keys_of_file(path)
    assert len(set(key)) > 8
    assert key_file_in(tmp_path / "home") == path
    assert keys_of_file(path) == [key]
    assert [file.name for file in (tmp_path / "home").iterdir()] == ["vault.key"]


def test_processes_that_begin_together_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(key_file_in, [tmp_path] * 32))
    assert len({keys_of_file(path)[0] for path in paths}) == 1


def test_a_file_may_hold_several_keys(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{b64encode(NEW).decode()}\n{b64encode(OLD).decode()}\n")
    assert keys_of_file(file) == [NEW, OLD]


@pytest.mark.parametrize("text", ["", "hunter2", b64encode(bytes(16)).decode(), "ä"])
def test_a_file_that_holds_no_key_is_refused_without_a_word_of_it(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(BadInput, match="other than keys") as told:
        keys_of_file(file)
    assert text == "" or text not in repr(told.value.as_dict())


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere cannot be read: No such file"):
        keys_of_file(tmp_path / "nowhere")


def test_a_key_that_is_added_comes_first_and_the_one_before_stays_for_one_more(
    tmp_path: Path,
) -> None:
    path = key_file_in(tmp_path)
    (first,) = keys_of_file(path)
    add_key(path)
    second, kept = keys_of_file(path)
    assert (kept, second == first) == (first, False)
    add_key(path)
    third, kept = keys_of_file(path)
    assert (kept, third == second) == (second, False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["vault.key"]
