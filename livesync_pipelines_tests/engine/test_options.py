from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from livesync_pipelines.connectors import PLATFORMS
from livesync_pipelines.connectors.base import Connector, Options, Platform
from livesync_pipelines.connectors.confluence import Confluence
from livesync_pipelines.connectors.dropbox import Dropbox
from livesync_pipelines.connectors.folder import Folder
from livesync_pipelines.connectors.google_drive import GoogleDrive
from livesync_pipelines.connectors.notion import Notion
from livesync_pipelines.engine.options import (
    ALONE,
    check_options,
    connector_for,
    expand,
    limits_of,
)
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.sync import Connection, Limits, SyncConfig
from livesync_pipelines_tests.engine.fake_platforms import (
    REGISTRY,
    Ledger,
    LedgerConnection,
    LedgerSelection,
)

ENVIRON = {"URL": "postgresql://someone:hunter2@db/crm", "NAME": "crm", "REF": "${NAME}"}


def crm(**options: Any) -> Connection:
    return Connection(name="crm", project_id="demo", platform="ledger", options=options)


def sync(**select: Any) -> SyncConfig:
    return SyncConfig(
        sync_id="contacts",
        project_id="demo",
        connection="crm",
        capsule="c",
        schedule="manual",
        select=select,
        limits=Limits(item_bytes=7),
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("plain $HOME", "plain $HOME"),
        ("${NAME}", "crm"),
        ("a ${NAME} b ${NAME}", "a crm b crm"),
        ("${NONE:-default}", "default"),
        ("${NONE:-}", ""),
        ("${NAME:-default}", "crm"),
        ("$${NAME}", "${NAME}"),
        ("${REF}", "${NAME}"),
        (5, 5),
        (None, None),
        ([{"deep": "${NAME}"}], [{"deep": "crm"}]),
    ],
)
def test_references_are_filled_in_once(written: Any, meant: Any) -> None:
    assert expand({"option": written}, ENVIRON) == {"option": meant}


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_a_reference_stays_as_it_is(text: str) -> None:
    assert expand({"option": text}, ENVIRON) == {"option": text}


@pytest.mark.parametrize("text", ["${}", "${1A}", "${A", "${A:default}", "${ NAME }", "${${NAME}}"])
def test_a_reference_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        expand({"option": text}, ENVIRON)
    assert "${NAME:-default}" in refused.value.hint


def test_every_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(BadInput) as refused:
        expand({"a": "${FIRST}", "b": {"c": ["${SECOND}"]}}, {})
    assert "a: the environment variable FIRST is not set" in refused.value.message
    assert "b.c.0: the environment variable SECOND is not set" in refused.value.message


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"url": "postgresql://someone:hunter2@db/crm"}, ("url",)),
        ({"url": "hunter2"}, ("url",)),
        ({"url": "${URL}?hunter2"}, ("url",)),
        ({"url": "${NONE:-hunter2}"}, ("url",)),
        ({"url": "$${URL}"}, ("url",)),
        ({"url": "${URL}", "login": {"user": "a", "password": "hunter2"}}, ("login", "password")),
        ({"url": "${URL}", "headers": {"X-Key": "hunter2"}}, ("headers", "X-Key")),
        ({"url": "${URL}", "mirror": "https://a:hunter2@example.com/"}, ("mirror",)),
    ],
)
def test_a_secret_that_is_written_out_is_refused(
    options: dict[str, Any], place: tuple[str, ...]
) -> None:
    troubles = check_options(LedgerConnection, options, ENVIRON)
    assert [trouble.path for trouble in troubles] == [place]
    assert "secret" in troubles[0].message
    assert "hunter2" not in str(troubles)


def test_a_secret_that_is_named_is_welcome() -> None:
    options = {
        "url": "${URL}",
        "login": {"user": "a", "password": "${NAME}"},
        "headers": {"X-Key": "${NAME}"},
        "mirror": "https://a:${NAME}@example.com:8080/@b",
    }
    assert check_options(LedgerConnection, options, ENVIRON) == []


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({}, "'url' is missing", ""),
        ({"url": "${URL}", "prot": 1}, "unknown key 'prot'", "Did you mean port?"),
        ({"url": "${URL}", "port": "${NAME}"}, "integer", ""),
        ({"url": "${URL}", "style": "fanci"}, "not allowed", "Did you mean fancy?"),
        ({"url": "${URL}", "login": {"usr": "a", "user": "b"}}, "'usr'", "password, user"),
    ],
)
def test_a_wrong_option_is_told_what_would_be_right(
    options: dict[str, Any], message: str, hint: str
) -> None:
    (trouble,) = check_options(LedgerConnection, options, ENVIRON)
    assert message in trouble.message
    assert hint in trouble.hint


def test_a_connector_holds_what_the_environment_says_now() -> None:
    connector = connector_for(
        crm(url="${URL}", port="${PORT:-5433}"), sync(table="${NAME}"), REGISTRY, ENVIRON
    )
    assert isinstance(connector, Ledger)
    assert connector.connection == LedgerConnection(url=SecretStr(ENVIRON["URL"]), port=5433)
    assert connector.selection == LedgerSelection(table="crm")
    assert connector.limits.max_bytes == 7


@pytest.mark.parametrize(
    ("connection", "where", "message"),
    [
        (crm(url="${GONE}"), "connection crm", "GONE is not set"),
        (crm(url="${URL}", port=[]), "connection crm", "port"),
        (Connection(name="x", project_id="p", platform="gone", options={}), "connection x", "gone"),
    ],
)
def test_options_that_no_longer_hold_are_refused_at_the_run(
    connection: Connection, where: str, message: str
) -> None:
    with pytest.raises(BadInput) as refused:
        connector_for(connection, sync(), REGISTRY, ENVIRON)
    assert refused.value.where == where
    assert message in refused.value.message
    assert "hunter2" not in str(refused.value.as_dict())


def test_a_selection_that_no_longer_holds_is_refused_at_the_run() -> None:
    with pytest.raises(BadInput) as refused:
        connector_for(crm(url="${URL}"), sync(tabel="a"), REGISTRY, ENVIRON)
    assert refused.value.where == "sync contacts, select"
    assert "Did you mean table?" in refused.value.hint


@pytest.mark.parametrize(
    ("kind", "variable"),
    [
        (GoogleDrive, "GOOGLE_API_URL"),
        (Dropbox, "DROPBOX_API_URL"),
        (Confluence, "CONFLUENCE_API_URL"),
        (Notion, "NOTION_API_URL"),
        (Folder, "FOLDER_API_URL"),
    ],
)
def test_where_a_platform_is_called_is_said_by_the_environment(
    kind: type[Connector], variable: str
) -> None:
    place = Connection(name="c", project_id="demo", platform=kind.spec.name, options={})
    environ = {variable: "http://127.0.0.1:8700/there/", "OTHER_API_URL": "http://127.0.0.1:1"}
    limits = limits_of(kind.spec, place, Options(), environ, ALONE)
    assert (limits.api_url, limits.allow_private) == ("http://127.0.0.1:8700/there", ("127.0.0.1",))
    own = limits_of(kind.spec, place, Options(), {}, ALONE)
    assert (own.api_url, own.allow_private) == ("", ())


@pytest.mark.parametrize("kind", [kind for kind in PLATFORMS.values() if kind.spec.oauth])
def test_who_writes_a_connection_does_not_choose_where_the_tokens_of_its_account_go(
    kind: type[Platform],
) -> None:
    schema = kind.Connection.model_json_schema()
    assert "http" not in f"{schema}"
    assert not {"url", "host", "endpoint", "base_url", "api_url"} & {*schema["properties"]}
