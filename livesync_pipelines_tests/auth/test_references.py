"""What `${...}` stands for, at the moment of use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from livesync_pipelines.auth.references import BARE, expand_text
from livesync_pipelines_tests.net.site import Site

ENVIRON = {"NAME": "crm", "EMPTY": "", "file": "a variable"}


def resolved(inner: str, environ: Mapping[str, str]) -> str:
    filled, trouble = expand_text(f"${{{inner}}}", environ)
    assert trouble is None
    return filled


def refused(inner: str, environ: Mapping[str, str]) -> str:
    """What is said of a reference that leads nowhere."""
    filled, trouble = expand_text(f"${{{inner}}}", environ)
    assert (filled, trouble is None) == ("", False)
    return " ".join(trouble or ())


@pytest.fixture
def hashicorp() -> Iterator[Site]:
    """As HashiCorp Vault answers for a secret of its key-value store, version 2."""
    with Site() as site:
        data = {"data": {"data": {"password": "hunter2"}, "metadata": {"version": 3}}}
        site.put("/v1/kv/data/teams/crm", json.dumps(data))
        yield site


def environ(site: Site) -> dict[str, str]:
    return {"VAULT_ADDR": site.url(""), "VAULT_TOKEN": "s.hunter3", "VAULT_NAMESPACE": "ops"}


@pytest.mark.parametrize(
    ("inner", "meant"),
    [
        ("NAME", "crm"),
        ("env:NAME", "crm"),
        ("NONE:-default", "default"),
        ("env:EMPTY:-x:y", "x:y"),
        ("file:-none", "a variable"),
    ],
)
def test_a_name_is_a_variable(inner: str, meant: str) -> None:
    assert resolved(inner, ENVIRON) == meant


def test_a_file_is_read_each_time_it_is_used(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("hunter2\n")
    assert resolved(f"file:{file}", {}) == "hunter2"
    file.write_text("hunter3\n")
    assert resolved(f"file:{file}", {}) == "hunter3"


def test_a_field_of_hashicorp_vault_is_asked_for_with_our_token(hashicorp: Site) -> None:
    assert resolved("vault:kv/teams/crm#password", environ(hashicorp)) == "hunter2"
    (call,) = hashicorp.calls
    assert call.headers["x-vault-token"] == "s.hunter3"
    assert call.headers["x-vault-namespace"] == "ops"


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ("vault:kv/teams/crm#user", "has no field 'user'"),
        ("vault:kv/teams/gone#password", "cannot be read from HashiCorp Vault: InvalidPath"),
    ],
)
def test_what_is_not_in_hashicorp_vault_is_said(hashicorp: Site, inner: str, said: str) -> None:
    told = refused(inner, environ(hashicorp))
    assert said in told
    assert "hunter" not in told


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_vault_that_says_no_or_is_shut_is_said(hashicorp: Site, status: int) -> None:
    hashicorp.put("/v1/kv/data/teams/crm", '{"errors": ["s.hunter3"]}', status=status)
    told = refused("vault:kv/teams/crm#password", environ(hashicorp))
    assert "cannot be read from HashiCorp Vault" in told
    assert "hunter" not in told


def test_a_vault_that_is_not_there_is_said() -> None:
    with Site() as gone:
        given = environ(gone)
    assert "ConnectionError" in refused("vault:kv/teams/crm#password", given)


def test_without_an_address_and_a_token_no_vault_is_asked() -> None:
    told = refused("vault:kv/teams/crm#password", {"VAULT_ADDR": "http://localhost:1"})
    assert "VAULT_ADDR or VAULT_TOKEN is not set" in told


@pytest.mark.parametrize(
    "text",
    ["${NAME}", "${env:NAME}", "${file:/run/secrets/key}", "${vault:kv/teams/crm#password}"],
)
def test_a_reference_alone_is_bare(text: str) -> None:
    assert BARE.fullmatch(text)


@pytest.mark.parametrize(
    "text",
    [
        "x${NAME}",
        "${NAME:-hunter2}",
        "${file:key}",
        "${vault:kv#password}",
        "${vault:kv/crm}",
        "$${A}",
    ],
)
def test_what_holds_more_or_less_is_not(text: str) -> None:
    assert not BARE.fullmatch(text)
