"""Every environment variable, read once and validated.

An empty variable is one that is not set, as in `docker compose` files.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from livesync_pipelines.core.spellings import (
    BrokerUrl,
    Bucket,
    Days,
    HttpUrl,
    MailAddress,
    Port,
    PostgresUrl,
    SigningSecret,
    SmtpUrl,
    VaultKeys,
    Words,
)
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.keeping import Keep

RUN_NICENESS = 5
"""By so much what carries out runs yields to the HTTP door, where somebody waits for an answer."""

DISABLED_REASON = (
    "EXTERNAL_SYNC_ENABLED is not true, so no sync runs (a folder counts as external too): "
    "definitions load, sensors and schedules stand still, webhooks are refused. "
    "Set EXTERNAL_SYNC_ENABLED=true to turn syncing on."
)

SUPPORTED_SOURCES = ("s3",)
"""Platforms whose sync can be made from the environment alone."""

NOT_YET = {
    "confluence": (
        "CONFLUENCE_URL",
        "CONFLUENCE_EMAIL",
        "CONFLUENCE_API_TOKEN",
        "CONFLUENCE_SPACES",
    ),
    "notion": ("NOTION_API_KEY", "NOTION_DATABASE_IDS"),
}
"""Platforms to come: their variables are known by name, and their values are never read."""


def _paths(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(Path(part) for part in value.split(os.pathsep) if part)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))  # also without "..", though it follows no link


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
AbsolutePaths = Annotated[tuple[AbsolutePath, ...], BeforeValidator(_paths)]

_PORTS = "a port number from 1 to 65535"
_KEEP = Keep()
_DAYS = "a number of days, or 0 or never to keep all of it for ever"
_ALLOWED = {
    "EXTERNAL_SYNC_ENABLED": "true or false (also 1, 0, yes, no, on, off)",
    "LIVESYNC_DATABASE_URL": "postgresql://user:password@host:5432/database, or unset for the "
    "embedded server",
    "LIVESYNC_HOME": "a directory",
    "LIVESYNC_PORT": _PORTS,
    "LIVESYNC_DAGSTER_PORT": _PORTS,
    "LIVESYNC_SANDBOX_PORT": _PORTS,
    "LIVESYNC_BROKER_URL": "redis:// or rediss:// and a host, or amqp:// or amqps:// for RabbitMQ, "
    "or unset for a folder of LIVESYNC_HOME",
    "LIVESYNC_LAUNCHER": "warm, or default for a new process for every run",
    "LIVESYNC_RUNS_AT_ONCE": "a number of runs from 1 to 64",
    "LIVESYNC_API_TOKENS": "a file, which `livesync token PROJECT ROLE` writes",
    "LIVESYNC_CONFIG": f"files or directories, separated by {os.pathsep!r}",
    "LIVESYNC_DEBUG": "true or false: whether a fault shows its traceback",
    "LIVESYNC_PUBLIC_URL": "http:// or https:// and a host, without a login",
    "LIVESYNC_SMTP_URL": "smtp://user:password@host:587, or smtps:// for TLS from the start",
    "LIVESYNC_MAIL_FROM": "a mail address such as livesync@example.com",
    "LIVESYNC_WEBHOOK_SECRET": "whsec_ and 24 to 64 random bytes in base64, such as "
    "whsec_$(openssl rand -base64 32)",
    "LIVESYNC_WEBHOOK_PRIVATE_HOSTS": "hosts separated by commas",
    "LIVESYNC_VAULT_KEY": "32 random bytes in base64, such as $(openssl rand -base64 32); several, "
    "separated by commas, while keys are changed: the first one seals",
    "LIVESYNC_VAULT_KEY_FILE": "a file that holds such keys",
    "LIVESYNC_DRIFT_SAMPLE": "a number of items from 0 to 1000; 0 looks at none",
    "LIVESYNC_KEEP_OPERATIONS_DAYS": _DAYS,
    "LIVESYNC_KEEP_LEDGER_DAYS": _DAYS,
    "LIVESYNC_KEEP_DAGSTER_DAYS": _DAYS,
    "SYNC_SOURCES": "platforms separated by commas, such as s3; unset for all that are set up",
    "S3_SYNC_BUCKET": "a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens",
    "S3_SYNC_PREFIX": "the start of the keys to sync",
    "S3_SYNC_ENDPOINT_URL": "http:// or https:// and a host, without a login",
}
"""What a user may write, for the message when he wrote something else."""

_SECRET = frozenset(
    {
        "LIVESYNC_BROKER_URL",
        "LIVESYNC_DATABASE_URL",
        "LIVESYNC_SMTP_URL",
        "LIVESYNC_VAULT_KEY",
        "LIVESYNC_WEBHOOK_SECRET",
    }
)
"""Variables whose value is never shown."""


def made(folder: Path) -> Path:
    """This folder of LIVESYNC_HOME, or the home itself, made where it is not there. Raises
    `BadInput` where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"The folder {folder} cannot be made: {error.strerror}.",
            hint="Set LIVESYNC_HOME to a folder that you may write to.",
            where="environment: LIVESYNC_HOME",
        ) from error
    return folder


class Settings(BaseModel):
    """What the environment says. Fields are filled under the variable's own name."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    external_sync_enabled: bool = Field(False, alias="EXTERNAL_SYNC_ENABLED")
    database_url: PostgresUrl | None = Field(None, alias="LIVESYNC_DATABASE_URL")
    """None: the embedded server under `home`."""
    home: AbsolutePath = Field(Path(".livesync"), alias="LIVESYNC_HOME", validate_default=True)
    port: Port = Field(8600, alias="LIVESYNC_PORT")
    dagster_port: Port = Field(3000, alias="LIVESYNC_DAGSTER_PORT")
    sandbox_port: Port = Field(8700, alias="LIVESYNC_SANDBOX_PORT")
    """Where `livesync up --sandbox` serves the pretend vendors."""
    broker_url: BrokerUrl | None = Field(None, alias="LIVESYNC_BROKER_URL")
    """None: a folder under `home` carries runs to the workers of this machine."""
    launcher: Literal["warm", "default"] = Field("warm", alias="LIVESYNC_LAUNCHER")
    runs_at_once: Annotated[int, Field(ge=1, le=64)] = Field(4, alias="LIVESYNC_RUNS_AT_ONCE")
    """How many processes of this machine carry out runs, where they are warm."""
    api_tokens: AbsolutePath | None = Field(None, alias="LIVESYNC_API_TOKENS")
    """None: the HTTP door asks for no token."""
    config: AbsolutePaths = Field((), alias="LIVESYNC_CONFIG")
    debug: bool = Field(False, alias="LIVESYNC_DEBUG")
    drift_sample: Annotated[int, Field(ge=0, le=1_000)] = Field(20, alias="LIVESYNC_DRIFT_SAMPLE")
    """How many items of each sync are looked at for drift every day."""
    keep_operations_days: Days = Field(_KEEP.operations, alias="LIVESYNC_KEEP_OPERATIONS_DAYS")
    keep_ledger_days: Days = Field(_KEEP.ledger, alias="LIVESYNC_KEEP_LEDGER_DAYS")
    keep_dagster_days: Days = Field(_KEEP.dagster, alias="LIVESYNC_KEEP_DAGSTER_DAYS")
    sync_sources: Words = Field((), alias="SYNC_SOURCES")
    """Empty: every platform whose variables are set."""
    s3_bucket: Bucket | None = Field(None, alias="S3_SYNC_BUCKET")
    s3_prefix: str = Field("", alias="S3_SYNC_PREFIX")
    s3_endpoint_url: HttpUrl | None = Field(None, alias="S3_SYNC_ENDPOINT_URL")
    public_url: HttpUrl | None = Field(None, alias="LIVESYNC_PUBLIC_URL")
    """Where platforms reach the HTTP door; None: no platform is asked to call."""
    smtp_url: SmtpUrl | None = Field(None, alias="LIVESYNC_SMTP_URL")
    mail_from: MailAddress | None = Field(None, alias="LIVESYNC_MAIL_FROM")
    webhook_secret: SigningSecret | None = Field(None, alias="LIVESYNC_WEBHOOK_SECRET")
    webhook_private_hosts: Words = Field((), alias="LIVESYNC_WEBHOOK_PRIVATE_HOSTS")
    """Hosts of outgoing webhooks that may be on private addresses, as spelled in their URLs."""
    vault_key: VaultKeys | None = Field(None, alias="LIVESYNC_VAULT_KEY")
    vault_key_file: AbsolutePath | None = Field(None, alias="LIVESYNC_VAULT_KEY_FILE")
    """With neither, the vault makes a key file of its own in `home`."""
    notices: tuple[str, ...] = ()
    """What was named in the environment and has no effect, one sentence each, for `doctor`."""

    @model_validator(mode="after")
    def _two_doors(self) -> Self:
        if self.port == self.dagster_port:
            raise ValueError("LIVESYNC_PORT and LIVESYNC_DAGSTER_PORT are the same port")
        return self

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises BadInput, which names every variable that is wrong and what it may be."""
        named = {name: value for name, value in environ.items() if value.strip()}
        values: dict[str, Any] = {name: named[name].strip() for name in _ALLOWED if name in named}
        try:
            loaded = cls.model_validate(values)
        except ValidationError as error:
            raise _bad_input(error, values) from None  # the cause would carry the values
        return loaded.model_copy(update={"notices": tuple(_notices(loaded, named))})

    @property
    def keep(self) -> Keep:
        """How long history is kept."""
        return Keep(
            operations=self.keep_operations_days,
            ledger=self.keep_ledger_days,
            dagster=self.keep_dagster_days,
        )

    def wants(self, platform: str) -> bool:
        """Whether SYNC_SOURCES lets this platform make a sync from the environment."""
        return not self.sync_sources or platform in self.sync_sources


def _bad_input(error: ValidationError, values: Mapping[str, Any]) -> BadInput:
    names: dict[str, None] = {}
    sentences = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        what = problem["msg"].removeprefix("Value error, ")
        if not name:
            name, sentence = "LIVESYNC_DAGSTER_PORT", f"{what}: give each its own"
        elif name in _SECRET:
            sentence = f"{name} is {what}; it must be {_ALLOWED[name]}"
        else:
            sentence = f"{name} is {values[name]!r}; it must be {_ALLOWED[name]}"
        if name not in names:
            sentences.append(sentence)
        names[name] = None
    return BadInput(
        "; ".join(sentences) + ".",
        hint="Change or unset the variable and start again.",
        where="environment: " + ", ".join(names),
    )


def _notices(settings: Settings, named: Mapping[str, str]) -> Iterator[str]:
    for platform, variables in NOT_YET.items():
        found = [name for name in variables if name in named]
        if platform in settings.sync_sources:
            found.append("SYNC_SOURCES")
        if found:
            yield f"{platform} is not supported yet: {', '.join(found)} has no effect."
    for source in settings.sync_sources:
        if source not in SUPPORTED_SOURCES and source not in NOT_YET:
            yield (
                f"SYNC_SOURCES names {source!r}, which makes no sync from the environment"
                f"{_nearest(source, (*SUPPORTED_SOURCES, *NOT_YET))}; "
                "its syncs come from a configuration file (livesync apply FILE)."
            )
    yield from _s3_notices(settings)
    for name in sorted(named):
        if name.startswith("LIVESYNC_") and name not in _ALLOWED:
            yield f"{name} is not a variable of LiveSync{_nearest(name, _ALLOWED)}."


def _s3_notices(settings: Settings) -> Iterator[str]:
    if "s3" in settings.sync_sources and settings.s3_bucket is None:
        yield "SYNC_SOURCES names s3, but S3_SYNC_BUCKET is not set: there is no bucket to sync."
    if settings.s3_bucket is not None and not settings.wants("s3"):
        yield "S3_SYNC_BUCKET is set, but SYNC_SOURCES leaves s3 out: the bucket is not synced."
    if settings.s3_bucket is None and (settings.s3_prefix or settings.s3_endpoint_url):
        yield "S3_SYNC_PREFIX and S3_SYNC_ENDPOINT_URL have no effect without S3_SYNC_BUCKET."


def _nearest(word: str, words: Mapping[str, str] | tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, list(words), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
