"""Options of connections and selections: what is stored names a secret, what runs holds it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretBytes, SecretStr

from livesync_pipelines.auth.references import BARE, NO_LITERALS, expand_text
from livesync_pipelines.connectors.base import Connector, FetchLimits, Options, Platform, Remote
from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.engine._checked import Trouble, checked, key_of, nearest
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.spec import Budget, PlatformSpec
from livesync_pipelines.model.sync import Connection, SyncConfig
from livesync_pipelines.net.api import ANONYMOUS, Account
from livesync_pipelines.net.pace import UNPACED, Pacer

T = TypeVar("T", bound=Options)
K = TypeVar("K", Connector, RowEnd)

_LOGIN = re.compile(r"://[^/\s@]*:([^/\s@]+)@")
_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a connector is given to call its platform with: who counts its calls against these
    budgets, in whose name a connection with these options calls, and within which limits."""

    pacer_for: Callable[[tuple[Budget, ...]], Pacer]
    account_for: Callable[[Connection, Options], Account]
    limits: FetchLimits = field(default_factory=FetchLimits)


ALONE = Means(pacer_for=lambda _: UNPACED, account_for=lambda *_: ANONYMOUS)
"""Without budgets, and in nobody's name."""


def expand(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The options with all that they refer to (see `auth.references`) filled in, for a run that
    begins now. Raises BadInput naming each reference that leads nowhere.
    """
    expanded, troubles = _expanded(options, environ)
    if troubles:
        _refuse(troubles, "")
    return expanded


def check_options(
    model: type[Options], raw: Mapping[str, Any], environ: Mapping[str, str]
) -> list[Trouble]:
    """Everything that is wrong with these options as written, literal secrets among it."""
    expanded, troubles = _expanded(raw, environ)
    troubles += [Trouble(path, _LITERAL, NO_LITERALS) for path in _logins(raw)]
    if troubles:
        return troubles
    options, troubles = checked(model, expanded)
    if options is not None:
        troubles = [Trouble(path, _LITERAL, NO_LITERALS) for path in _secrets(options, raw)]
    return troubles


def connector_for(
    connection: Connection,
    sync: SyncConfig,
    registry: Mapping[str, type[Connector]],
    environ: Mapping[str, str],
    *,
    side: Side = Side.SOURCE,
    means: Means = ALONE,
) -> Connector:
    """The connector for one run of this sync, given the `means` to call its platform; `side` is of
    a copy.

    Raises BadInput where options no longer hold.
    """
    kind = _kind(connection, registry)
    return kind(*_parts(kind, connection, _wanted(sync, side), environ, means))


def row_end_for(
    connection: Connection,
    sync: SyncConfig,
    side: Side,
    registry: Mapping[str, type[RowEnd]],
    environ: Mapping[str, str],
    *,
    means: Means = ALONE,
) -> RowEnd:
    """One end of a sync of rows, for one run. Raises as `connector_for` does."""
    kind = _kind(connection, registry)
    return kind(*_parts(kind, connection, _wanted(sync, side), environ, means))


def _wanted(sync: SyncConfig, side: Side) -> tuple[SyncConfig, Mapping[str, Any], str]:
    """A selection of a sync, and where it is said."""
    select, said = sync.select, "select"
    if side is Side.TARGET:
        select, said = sync.target.select if sync.target else {}, "target"
    return sync, select, f"sync {sync.sync_id}, {said}"


def _kind(connection: Connection, registry: Mapping[str, type[K]]) -> type[K]:
    kind = registry.get(connection.platform)
    if kind is None:
        raise BadInput(
            f"no connector for the platform {connection.platform!r}",
            hint=nearest(connection.platform, registry),
            where=f"connection {connection.name}",
        )
    return kind


def _parts(
    kind: type[Platform],
    connection: Connection,
    wanted: tuple[SyncConfig, Mapping[str, Any], str],
    environ: Mapping[str, str],
    means: Means,
) -> tuple[Options, Options, FetchLimits]:
    """What an instance is made of; `wanted` is a selection of a sync, and where it is said."""
    sync, select, where = wanted
    options = connection_options(kind, connection, environ)
    limits = limits_of(kind.spec, connection, options, environ, means)
    limits = replace(limits, max_bytes=sync.limits.item_bytes)
    return options, _filled(kind.Selection, select, environ, where), limits


def limits_of(
    spec: PlatformSpec,
    connection: Connection,
    options: Options,
    environ: Mapping[str, str],
    means: Means,
) -> FetchLimits:
    """How a platform is called for a connection with these options: within all budgets that hold,
    in whose name, and where."""
    return replace(
        means.limits,
        pacer=means.pacer_for(_budgets(spec, options)),
        account=means.account_for(connection, options),
        api_url=environ.get(f"{spec.vendor}_API_URL", "").rstrip("/"),
    )


def budgets_of(
    connection: Connection, kind: type[Connector], environ: Mapping[str, str]
) -> tuple[Budget, ...]:
    """All that hold for this connection: its platform's, and its own. Raises BadInput where
    options no longer hold."""
    return _budgets(kind.spec, connection_options(kind, connection, environ))


def connection_options(
    kind: type[Platform], connection: Connection, environ: Mapping[str, str]
) -> Options:
    """What a user says of a connection, for a run that begins now. Raises BadInput where it no
    longer holds."""
    where = f"connection {connection.name}"
    return _filled(kind.Connection, connection.options, environ, where)


def _budgets(spec: PlatformSpec, options: Options) -> tuple[Budget, ...]:
    """Of two over the same calls and time, the lower one."""
    own = options.budget if isinstance(options, Remote) else None
    lowest: dict[tuple[str, float], Budget] = {}
    for budget in (*spec.budgets, *([own.noun()] if own else [])):
        kept = lowest.setdefault((budget.scope, budget.per_s), budget)
        if budget.calls < kept.calls:
            lowest[budget.scope, budget.per_s] = budget
    return tuple(lowest.values())


def with_absolute_paths(
    model: type[Options], raw: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, Any]:
    """The same options with each local path made absolute from the current directory.

    A local path is a field that is typed `Path` or is named `path`, or what follows `sqlite:///`.
    References stay.
    """
    kept = dict(raw)
    expanded, _ = _expanded(raw, environ)
    for name, info in model.model_fields.items():
        key = key_of(name, info)
        text = raw.get(key)
        local = name == "path" or _mentions(info.annotation, Path)
        if local and isinstance(text, str) and text:
            kept[key] = _absolute(text, expanded[key])
        elif isinstance(text, str) and text.startswith(_SQLITE):
            beyond = text.removeprefix(_SQLITE)
            kept[key] = _SQLITE + _absolute(beyond, expanded[key].removeprefix(_SQLITE))
    return kept


_LITERAL = "a secret is written out here, and would be stored"


def _filled(model: type[T], raw: Mapping[str, Any], environ: Mapping[str, str], where: str) -> T:
    expanded, troubles = _expanded(raw, environ)
    if troubles:
        _refuse(troubles, where)
    options, troubles = checked(model, expanded)
    if options is None:
        _refuse(troubles, where)
    return options


def _refuse(troubles: Sequence[Trouble], where: str) -> NoReturn:
    said = "; ".join(f"{'.'.join(map(str, t.path))}: {t.message}" for t in troubles)
    raise BadInput(said, hint=troubles[0].hint, where=where)


def _expanded(
    options: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[dict[str, Any], list[Trouble]]:
    troubles: list[Trouble] = []

    def walk(value: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, Mapping):
            return {key: walk(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [walk(inner, (*path, n)) for n, inner in enumerate(value)]
        if not isinstance(value, str):
            return value
        filled, trouble = expand_text(value, environ)
        if trouble:
            troubles.append(Trouble(path, *trouble))
        return filled

    return {key: walk(value, (key,)) for key, value in options.items()}, troubles


def _absolute(text: str, filled: str) -> str:
    if "${" not in text:
        return os.path.abspath(os.path.expanduser(text))
    if os.path.isabs(os.path.expanduser(filled)):
        return text
    return os.path.join(os.getcwd(), text)


def _logins(raw: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where a URL with a password in it is written out."""
    if isinstance(raw, str):
        if any(not BARE.fullmatch(password) for password in _LOGIN.findall(raw)):
            yield path
        return
    for key, inner in _items(raw):
        yield from _logins(inner, (*path, key))


def _secrets(
    value: Any, raw: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    """Where the model holds a secret and the file holds anything but its name."""
    if isinstance(value, (SecretStr, SecretBytes)):
        if not (isinstance(raw, str) and (BARE.fullmatch(raw) or _is_open(raw))):
            yield path
        return
    written = dict(_items(raw))
    for key, inner in _items(value):
        if key in written:
            yield from _secrets(inner, written[key], (*path, key))
        elif not isinstance(raw, Mapping):  # a validator made a structure out of one text
            yield from _secrets(inner, raw, path)


def _is_open(text: str) -> bool:
    """Whether this is an address without a login: nothing in it is a secret."""
    address = urlsplit(text)
    return bool(address.scheme) and "@" not in address.netloc and not address.query


def _items(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield key_of(name, info), getattr(value, name)
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from enumerate(value)


def _mentions(annotation: Any, kind: type) -> bool:
    return annotation is kind or any(_mentions(inner, kind) for inner in get_args(annotation))
