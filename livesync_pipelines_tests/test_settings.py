from __future__ import annotations

import traceback
from base64 import b64encode
from pathlib import Path

import pytest
from pydantic import ValidationError

from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.keeping import Keep
from livesync_pipelines.settings import DISABLED_REASON, Settings

WEBHOOK_SECRET = f"whsec_{b64encode(bytes(32)).decode()}"
SECRET_URL = "postgresql://livesync:hunter2@db.example.com/livesync"


def test_an_empty_environment_is_a_whole_set_up() -> None:
    settings = Settings.load({})
    assert settings.external_sync_enabled is False
    assert settings.database_url is None
    assert settings.home == Path.cwd() / ".livesync"
    assert (settings.port, settings.dagster_port) == (8600, 3000)
    assert settings.config == ()
    assert (settings.broker_url, settings.launcher, settings.runs_at_once) == (None, "warm", 4)
    assert settings.sync_sources == ()
    assert settings.s3_bucket is None
    assert settings.drift_sample == 20
    assert settings.keep == Keep(operations=90, ledger=365, dagster=30)
    assert settings.notices == ()


def test_every_variable_is_read() -> None:
    settings = Settings.load(
        {
            "EXTERNAL_SYNC_ENABLED": "true",
            "LIVESYNC_DATABASE_URL": SECRET_URL,
            "LIVESYNC_HOME": "state/../kept",
            "LIVESYNC_PORT": "9000",
            "LIVESYNC_DAGSTER_PORT": " 9001 ",
            "LIVESYNC_CONFIG": "livesync.yaml:/etc/livesync",
            "LIVESYNC_BROKER_URL": "redis://:hunter2@broker.example.com/0",
            "LIVESYNC_LAUNCHER": "default",
            "LIVESYNC_RUNS_AT_ONCE": "8",
            "LIVESYNC_SMTP_URL": "smtps://ops:hunter2@mail.example.com",
            "LIVESYNC_MAIL_FROM": "livesync@example.com",
            "LIVESYNC_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "LIVESYNC_WEBHOOK_PRIVATE_HOSTS": "chat.local, 10.0.0.7",
            "LIVESYNC_DRIFT_SAMPLE": "0",
            "LIVESYNC_KEEP_OPERATIONS_DAYS": "7",
            "LIVESYNC_KEEP_LEDGER_DAYS": "never",
            "LIVESYNC_KEEP_DAGSTER_DAYS": "0",
            "SYNC_SOURCES": "S3, s3",
            "S3_SYNC_BUCKET": "my-docs",
            "S3_SYNC_PREFIX": "handbook/",
            "S3_SYNC_ENDPOINT_URL": "http://127.0.0.1:9000/",
            "PATH": "/usr/bin",
        }
    )
    assert settings.external_sync_enabled is True
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == SECRET_URL
    assert settings.home == Path.cwd() / "kept"
    assert (settings.port, settings.dagster_port) == (9000, 9001)
    assert settings.broker_url is not None
    assert settings.broker_url.get_secret_value() == "redis://:hunter2@broker.example.com/0"
    assert (settings.launcher, settings.runs_at_once) == ("default", 8)
    assert settings.config == (Path.cwd() / "livesync.yaml", Path("/etc/livesync"))
    assert settings.smtp_url is not None
    assert settings.smtp_url.get_secret_value() == "smtps://ops:hunter2@mail.example.com"
    assert settings.mail_from == "livesync@example.com"
    assert settings.webhook_secret is not None
    assert settings.webhook_secret.get_secret_value() == WEBHOOK_SECRET
    assert settings.webhook_private_hosts == ("chat.local", "10.0.0.7")
    assert settings.drift_sample == 0
    assert settings.keep == Keep(operations=7, ledger=None, dagster=None)
    assert settings.sync_sources == ("s3",)
    assert (settings.s3_bucket, settings.s3_prefix) == ("my-docs", "handbook/")
    assert settings.s3_endpoint_url == "http://127.0.0.1:9000"
    assert settings.notices == ()


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("EXTERNAL_SYNC_ENABLED", "perhaps", "true or false"),
        ("LIVESYNC_DATABASE_URL", "mysql://db/livesync", "postgresql://"),
        ("LIVESYNC_DATABASE_URL", "postgresql+asyncpg://db/livesync", "postgresql://"),
        ("LIVESYNC_PORT", "http", "1 to 65535"),
        ("LIVESYNC_PORT", "0", "1 to 65535"),
        ("LIVESYNC_DAGSTER_PORT", "70000", "1 to 65535"),
        ("LIVESYNC_SMTP_URL", "mail.example.com:587", "smtp://"),
        ("LIVESYNC_SMTP_URL", "smtp://host:port", "smtps://"),
        ("LIVESYNC_MAIL_FROM", "LiveSync <livesync@example.com>", "mail address"),
        ("LIVESYNC_WEBHOOK_SECRET", "whsec_c2hvcnQ=", "24 to 64"),
        ("LIVESYNC_WEBHOOK_SECRET", "hunter2hunter2hunter2hunter2hunt", "whsec_"),
        ("LIVESYNC_DRIFT_SAMPLE", "many", "0 to 1000"),
        ("LIVESYNC_KEEP_LEDGER_DAYS", "-1", "number of days"),
        ("LIVESYNC_KEEP_LEDGER_DAYS", "a year", "never"),
        ("S3_SYNC_BUCKET", "s3://my-docs/", "bucket's name"),
        ("S3_SYNC_ENDPOINT_URL", "minio:9000", "http://"),
        ("S3_SYNC_ENDPOINT_URL", "https://", "http://"),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence(name: str, value: str, part: str) -> None:
    with pytest.raises(BadInput) as refused:
        Settings.load({name: value})
    message = refused.value.message
    assert name in message
    assert part in message
    assert "\n" not in message
    assert refused.value.where == f"environment: {name}"


def test_every_wrong_variable_is_named_at_once() -> None:
    with pytest.raises(BadInput) as refused:
        Settings.load({"LIVESYNC_PORT": "x", "EXTERNAL_SYNC_ENABLED": "perhaps"})
    assert refused.value.where == "environment: EXTERNAL_SYNC_ENABLED, LIVESYNC_PORT"


def test_both_doors_on_one_port_are_refused() -> None:
    with pytest.raises(BadInput, match="the same port"):
        Settings.load({"LIVESYNC_PORT": "3000"})


def test_a_variable_that_is_empty_is_not_set() -> None:
    assert Settings.load({"LIVESYNC_PORT": "", "S3_SYNC_BUCKET": "  "}) == Settings.load({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIVESYNC_DATABASE_URL", "mysql://livesync:hunter2@db/x"),
        ("LIVESYNC_DATABASE_URL", "hunter2"),
        ("LIVESYNC_SMTP_URL", "imap://ops:hunter2@mail.example.com"),
        ("LIVESYNC_SMTP_URL", "smtp://ops:hunter2@[mail"),
        ("LIVESYNC_WEBHOOK_SECRET", "whsec_hunter2"),
    ],
)
def test_a_refused_secret_is_not_repeated(name: str, value: str) -> None:
    with pytest.raises(BadInput) as refused:
        Settings.load({name: value})
    trace = "".join(traceback.format_exception(refused.value))
    assert "hunter2" not in f"{refused.value.as_dict()} {trace}"


def test_a_password_never_shows() -> None:
    settings = Settings.load(
        {
            "LIVESYNC_DATABASE_URL": SECRET_URL,
            "LIVESYNC_SMTP_URL": "smtp://ops:hunter2@mail.example.com",
            "LIVESYNC_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }
    )
    shown = f"{settings!r} {settings} {settings.model_dump_json()}"
    assert "hunter2" not in shown
    assert WEBHOOK_SECRET not in shown


def test_platforms_to_come_are_named_and_their_values_never_kept() -> None:
    settings = Settings.load(
        {
            "CONFLUENCE_URL": "https://example.atlassian.net",
            "CONFLUENCE_API_TOKEN": "hunter2",
            "NOTION_API_KEY": "hunter2",
            "SYNC_SOURCES": "notion",
        }
    )
    assert settings.notices == (
        "confluence is not supported yet: CONFLUENCE_URL, CONFLUENCE_API_TOKEN has no effect.",
        "notion is not supported yet: NOTION_API_KEY, SYNC_SOURCES has no effect.",
    )
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("environ", "part"),
    [
        ({"SYNC_SOURCES": "notoin"}, "did you mean notion?"),
        ({"SYNC_SOURCES": "folder"}, "configuration file"),
        ({"SYNC_SOURCES": "s3"}, "S3_SYNC_BUCKET is not set"),
        ({"SYNC_SOURCES": "notion", "S3_SYNC_BUCKET": "docs"}, "leaves s3 out"),
        ({"S3_SYNC_PREFIX": "a/"}, "no effect without S3_SYNC_BUCKET"),
        ({"LIVESYNC_DATABSE_URL": "hunter2"}, "did you mean LIVESYNC_DATABASE_URL?"),
    ],
)
def test_a_setting_without_effect_is_noticed(environ: dict[str, str], part: str) -> None:
    notices = Settings.load(environ).notices
    assert any(part in notice for notice in notices)
    assert "hunter2" not in " ".join(notices)


def test_a_loaded_environment_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings.load({}).__setattr__("port", 1)


def test_the_reason_for_standing_still_says_how_to_go_on() -> None:
    assert "EXTERNAL_SYNC_ENABLED=true" in DISABLED_REASON
    assert "folder" in DISABLED_REASON
