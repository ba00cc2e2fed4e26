"""Which keys an installation seals with."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from livesync_pipelines.auth.vault import Vault
from livesync_pipelines.engine.house import Engine, vault_of
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.settings import Settings
from livesync_pipelines.store.database import Database

KEYS = [bytes([n]) * 32 for n in range(3)]


def written(*keys: bytes) -> str:
    return ",".join(b64encode(key).decode() for key in keys)


def vault(home: Path, **environ: str) -> Vault:
    return vault_of(Settings.load({"LIVESYNC_HOME": str(home), **environ}))


def test_keys_of_the_variable_come_before_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(written(KEYS[2]))
    both = vault(tmp_path, LIVESYNC_VAULT_KEY=written(*KEYS[:2]), LIVESYNC_VAULT_KEY_FILE=str(file))
    for key in KEYS:
        assert both.open(Vault([key]).seal(b"x", "a"), "a") == b"x"
    assert Vault(KEYS[:1]).open(both.seal(b"x", "a"), "a") == b"x"
    assert not (tmp_path / "vault.key").exists()


def test_without_either_the_home_has_a_key_of_its_own(tmp_path: Path) -> None:
    sealed = vault(tmp_path).seal(b"x", "a")
    assert vault(tmp_path).open(sealed, "a") == b"x"


@pytest.mark.parametrize("text", ["hunter2", "aHVudGVyMg==", f"{written(KEYS[0])},hunter2"])
def test_a_key_that_is_none_is_refused_without_a_word_of_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="LIVESYNC_VAULT_KEY is not a key") as told:
        vault(tmp_path, LIVESYNC_VAULT_KEY=text)
    assert text not in str(told.value.as_dict())


def test_an_engine_without_keys_seals_nothing(database_url: str) -> None:
    with pytest.raises(BadInput, match="without a vault"):
        Engine(database=Database(database_url)).vault()
