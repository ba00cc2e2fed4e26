"""From configuration files, or from the environment, to what a user wants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from livesync_pipelines.connectors import FILE_ENDS, ROW_ENDS
from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.engine._address_doors import address_troubles
from livesync_pipelines.engine._capsule_doors import capsule_troubles
from livesync_pipelines.engine._checked import Trouble, checked, nearest
from livesync_pipelines.engine._copy_doors import as_copy, copy_troubles, is_copy
from livesync_pipelines.engine._doors import NAME, SCHEDULE, CapsuleDoor, SyncDoor
from livesync_pipelines.engine._row_doors import key_troubles, troubles
from livesync_pipelines.engine._yaml_lines import Document, raise_problems, read
from livesync_pipelines.engine.difference import Change, Noun, difference, named
from livesync_pipelines.engine.options import (
    check_options,
    connector_for,
    expand,
    with_absolute_paths,
)
from livesync_pipelines.engine.row_graph import complain_of_opposites
from livesync_pipelines.engine.webhook_config import webhook_of
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig
from livesync_pipelines.settings import Settings

N = TypeVar("N", Connection, Capsule)

__all__ = ["Change", "connector_for", "difference", "expand", "from_environment", "load"]

SYNCS_PER_CAPSULE = 50
PROJECT = "default"
S3_NAME = "s3-env"

_KEYS = ("project", "capsules", "connections", "syncs")
_NAME_HINT = (
    "A name has 1 to 63 lower-case letters, digits, dots, hyphens and underscores, "
    "and begins with a letter or a digit."
)


def load(
    paths: Sequence[Path],
    registry: Mapping[str, type[Connector]],
    environ: Mapping[str, str],
    *,
    known: Desired | None = None,
) -> Desired:
    """What these files and directories ask for, together.

    `known` is what was applied before: a sync may use its connections and capsules. Raises one
    BadInput with every problem found.
    """
    return _agreed([read(file) for file in _files(paths)], registry, environ, known or Desired())


def asked(
    door: str,
    data: dict[str, Any],
    registry: Mapping[str, type[Connector]],
    environ: Mapping[str, str],
    *,
    known: Desired,
) -> Desired:
    """What a person says at a door, in the form of a file and held to the same rules.

    Raises one BadInput with every problem found; `door` says where.
    """
    return _agreed([Document(door, data)], registry, environ, known)


def _agreed(
    documents: Sequence[Document],
    registry: Mapping[str, type[Connector]],
    environ: Mapping[str, str],
    known: Desired,
) -> Desired:
    draft = _Draft(registry, environ, known)
    for document in documents:
        draft.open(document)
    for document in documents:
        draft.add_syncs(document)
    draft.count_syncs()
    complain_of_opposites(draft.places, draft.syncs, draft.connections, known, environ)
    raise_problems(documents)
    return Desired(
        connections=tuple(draft.connections.values()),
        capsules=tuple(draft.capsules.values()),
        syncs=tuple(draft.syncs.values()),
    )


def from_environment(settings: Settings) -> Desired:
    """The syncs that environment variables make without any file."""
    if settings.s3_bucket is None or not settings.wants("s3"):
        return Desired()
    options: dict[str, Any] = {"bucket": settings.s3_bucket}
    if settings.s3_prefix:
        options["prefix"] = settings.s3_prefix.replace("${", "$${")
    if settings.s3_endpoint_url:  # not Amazon's, and such stores seldom have a host per bucket
        options |= {"endpoint_url": settings.s3_endpoint_url, "path_style": True}
    connection = Connection(name=S3_NAME, project_id=PROJECT, platform="s3", options=options)
    sync = SyncConfig(
        sync_id=S3_NAME,
        project_id=PROJECT,
        connection=S3_NAME,
        capsule="s3",
        schedule=SCHEDULE,
    )
    return Desired(
        connections=(connection,),
        capsules=(Capsule(name="s3", project_id=PROJECT),),
        syncs=(sync,),
    )


def _files(paths: Sequence[Path]) -> list[Path]:
    """Directories opened, one level, each file once."""
    files: dict[Path, Path] = {}
    for path in paths:
        for file in _listed(path) if path.is_dir() else [path]:
            files.setdefault(file.resolve(), file)
    return list(files.values())


def _listed(directory: Path) -> list[Path]:
    try:
        entries = sorted(directory.iterdir())
    except OSError as error:
        said = f"the directory cannot be read: {error.strerror}"
        raise BadInput(said, where=str(directory)) from error
    found = [
        entry
        for entry in entries
        if entry.suffix in {".yaml", ".yml"} and not entry.name.startswith(".")
    ]
    if not found:
        raise BadInput("the directory holds no *.yaml or *.yml file", where=str(directory))
    return found


@dataclass(slots=True)
class _Draft:
    """What the files said so far. What is wrong is told to the document that says it."""

    registry: Mapping[str, type[Connector]]
    environ: Mapping[str, str]
    known: Desired
    connections: dict[str, Connection] = field(default_factory=dict)
    capsules: dict[str, Capsule] = field(default_factory=dict)
    syncs: dict[str, SyncConfig] = field(default_factory=dict)
    places: dict[tuple[str, str], Document] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)

    def open(self, document: Document) -> None:
        """Reads all but the syncs, which may refer to any file."""
        for key in document.data:
            if key not in _KEYS:
                document.complain((key,), f"unknown key {key!r}", nearest(key, _KEYS))
        project = document.data.get("project", PROJECT)
        if not isinstance(project, str) or not NAME.fullmatch(project):
            document.complain(("project",), f"{project!r} is no name", _NAME_HINT)
            project = PROJECT
        self.projects[document.name] = project
        for name, raw in self._section(document, "capsules", self.known.capsules):
            door, wrong = checked(CapsuleDoor, raw)
            _complain(document, ("capsules", name), wrong)
            language = (door or CapsuleDoor()).language.value
            self.capsules[name] = Capsule(name=name, project_id=project, language=language)
        for name, raw in self._section(document, "connections", self.known.connections):
            self.connections[name] = self._connection(document, name, raw)

    def add_syncs(self, document: Document) -> None:
        for name, raw in self._section(document, "syncs", self.known.syncs):
            said = {key: value for key, value in raw.items() if value is not None}
            door, wrong = checked(SyncDoor, said)
            _complain(document, ("syncs", name), wrong)
            if door is None:  # what is right of it can still be held against the other files
                keys = {trouble.path[0] for trouble in wrong if trouble.path}
                rest = {key: value for key, value in said.items() if key not in keys}
                door, _ = checked(SyncDoor, rest)
            if door is not None:
                self._sync(document, name, door)

    def count_syncs(self) -> None:
        """No capsule is fed by more syncs than a person can oversee."""
        stored = [sync for sync in self.known.syncs if sync.sync_id not in self.syncs]
        feeding = Counter(sync.capsule for sync in [*stored, *self.syncs.values()])
        last = {sync.capsule: sync.sync_id for sync in self.syncs.values() if sync.capsule}
        for capsule, name in last.items():
            if feeding[capsule] > SYNCS_PER_CAPSULE:
                document = self.places["syncs", name]
                document.complain(
                    ("syncs", name, "target"),
                    f"the capsule {capsule!r} would have {feeding[capsule]} syncs, "
                    f"and {SYNCS_PER_CAPSULE} are the most",
                    "Use a second capsule.",
                )

    def _section(
        self, document: Document, section: str, known: Sequence[Noun]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """The well-formed entries of a section; the rest is complained of."""
        entries = document.data.get(section) or {}
        if not isinstance(entries, dict):
            document.complain((section,), f"{section!r} is a mapping of names")
            return
        project = self.projects[document.name]
        owners = {name: noun.project_id for name, noun in named(known).items()}
        for name, raw in entries.items():
            path = (section, name)
            if not NAME.fullmatch(name):
                document.complain(path, f"{name!r} is no name", _NAME_HINT)
            elif not isinstance(raw, dict | None):
                document.complain(path, "a mapping of keys belongs here")
            elif (section, name) in self.places:
                first = self.places[section, name].where(path)
                document.complain(path, "defined twice", f"First at {first}.")
            elif owners.get(name, project) != project:
                document.complain(path, "this name is taken by another project", "Choose another.")
            else:
                self.places[section, name] = document
                yield name, raw or {}

    def _connection(self, document: Document, name: str, raw: dict[str, Any]) -> Connection:
        path = ("connections", name)
        options = {key: value for key, value in raw.items() if key not in ("platform", "webhook")}
        platform = raw.get("platform")
        kind = self.registry.get(str(platform)) or ROW_ENDS.get(str(platform))
        if kind is None:
            said = "'platform' is missing" if platform is None else f"unknown platform {platform!r}"
            names = {*self.registry, *ROW_ENDS}
            document.complain((*path, "platform"), said, nearest(platform or "", names))
        else:
            _complain(document, path, check_options(kind.Connection, options, self.environ))
            _complain(document, path, list(key_troubles(options)))
            options = with_absolute_paths(kind.Connection, options, self.environ)
        webhook, wrong = webhook_of(raw.get("webhook"), kind, self.environ)
        _complain(document, (*path, "webhook"), wrong)
        owner, kind_of = self.projects[document.name], str(platform)
        return Connection(
            name=name, project_id=owner, platform=kind_of, options=options, webhook=webhook
        )

    def _sync(self, document: Document, name: str, door: SyncDoor) -> None:
        path = ("syncs", name)
        self.syncs[name] = door.config(name, self.projects[document.name])
        connections = {noun.name: noun for noun in self.known.connections} | self.connections
        connection = self._refer(document, (*path, "connection"), door.connection, connections)
        _complain(document, path, list(address_troubles(self.syncs[name], self.environ)))
        if door.target.connection is not None:
            where = (*path, "target", "connection")
            target = self._refer(document, where, door.target.connection, connections)
            if connection is not None and target is not None:
                ends = {Side.SOURCE: connection, Side.TARGET: target}
                if is_copy(self.syncs[name], ends, FILE_ENDS):
                    self.syncs[name] = as_copy(self.syncs[name], door)
                    found = copy_troubles(self.syncs[name], ends, FILE_ENDS, self.environ)
                    _complain(document, path, list(found))
                    return
                found = troubles(self.syncs[name], ends, ROW_ENDS, self.environ)
                _complain(document, path, list(found))
            return
        capsules = {noun.name: noun for noun in self.known.capsules} | self.capsules
        self._refer(document, (*path, "target", "capsule"), door.target.capsule or "", capsules)
        if connection is not None:
            found = capsule_troubles(door, connection, self.registry, self.environ)
            _complain(document, path, list(found))

    def _refer(
        self, document: Document, path: tuple[str, ...], name: str, nouns: Mapping[str, N]
    ) -> N | None:
        noun = nouns.get(name)
        mine = {n for n, other in nouns.items() if other.project_id == self.projects[document.name]}
        if noun is None or name not in mine:
            document.complain(path, f"there is no {path[-1]} {name!r} here", nearest(name, mine))
            return None
        return noun


def _complain(document: Document, path: tuple[str, ...], wrong: Sequence[Trouble]) -> None:
    for trouble in wrong:
        document.complain((*path, *trouble.path), trouble.message, trouble.hint)
