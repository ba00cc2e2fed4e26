"""One selection of files copied onto another: both are listed, then it is decided, then written.

No SQL here: what both ends agreed on comes in and goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from livesync_pipelines.connectors.base import Memory
from livesync_pipelines.connectors.files import Moved, MovesFiles
from livesync_pipelines.core.copying import Agreed, Intended, Step, decide, digest_of
from livesync_pipelines.engine.copy_pairs import paired
from livesync_pipelines.engine.file_end import FileEnd, as_held, is_held, to_put
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.model.records import Body, Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One end as its listing showed it: entries by name, what failed, `blind` prefixes of keys,
    whether it was `complete`, the connector's `note` for the next time, how many pages it took."""

    entries: Mapping[str, Entry]
    failures: tuple[ItemFailure, ...]
    blind: tuple[str, ...]
    complete: bool
    note: str | None
    pages: int

    def lacks(self, key: str) -> bool:
        """Whether a file that was not listed is surely not there."""
        failed = any(failure.key == key for failure in self.failures)
        return self.complete and not failed and not key.startswith(self.blind)


@dataclass(frozen=True, slots=True)
class Renamed:
    """Under which name the target has a file that is to be moved, the version of the source's
    file that was found to be the same, and the digest of its bytes."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlan:
    """The step for each name, and what it was decided on. A file of which one end cannot tell
    whether it is there has none; one that the target can never have is in `refused`. `renamed`: of
    each file that is to be moved, by its new name; `sent`: digests of what was sent before, by
    name, where nobody has told what became of it."""

    steps: Mapping[str, Step]
    refused: Mapping[str, ItemFailure]
    source: Seen
    target: Seen
    renamed: Mapping[str, Renamed] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)

    def names(self, step: Step) -> list[str]:
        return [name for name, found in self.steps.items() if found is step]

    def without(self, names: Collection[str]) -> CopyPlan:
        """The same, with nothing to do for these."""
        left = {name: step for name, step in self.steps.items() if name not in names}
        return replace(self, steps=left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What became of one file. `versions` are those at which both ends now agree (source,
    target): None where they do not, or where the file is gone from both. `written`: the target is
    not as it was; `lost` is what it had of its own and has no more. `failure` says why nothing was
    done, with the code `conflict` where somebody must decide."""

    name: str
    step: Step
    versions: tuple[str, str] | None = None
    written: bool = False
    lost: Body | None = None
    failure: ItemFailure | None = None


def plan_copy(
    source: FileEnd,
    target: FileEnd,
    known: Mapping[str, Agreed],
    memories: tuple[Memory, Memory],
    *,
    full: bool = False,
) -> CopyPlan:
    """Writes nothing. `known`: the versions at which source and target agreed last, by name;
    `memories`: of both, so that a disk that is away is not taken for an empty one. `full`: no
    version is believed, and contents are compared."""
    here, there = _seen(source, memories[0]), _seen(target, memories[1])
    entries, before, refused = paired(here.entries, there.entries, known, target)
    there = replace(there, entries=entries)
    steps: dict[str, Step] = {}
    for name in sorted({*here.entries, *known} - refused.keys()):
        mine, other = here.entries.get(name), there.entries.get(name)
        try:
            sure = (mine or here.lacks(source.key_of(name))) and (
                other or there.lacks(target.key_of(name))
            )
        except BadInput as error:
            refused[name] = ItemFailure(name, error.code, error.message)
            continue
        if sure:
            now, there_now = mine.version if mine else None, other.version if other else None
            held = known.get(before.get(name, name))
            step = decide(now, there_now, held)
            doubted = full and step is Step.SAME and mine and other and held and not held.apart
            unknown = name in before and step is Step.SAME
            steps[name] = Step.COMPARE if doubted or unknown else step
    return CopyPlan(steps=steps, refused=refused, source=here, target=there)


def _seen(end: FileEnd, memory: Memory) -> Seen:
    entries: dict[str, Entry] = {}
    failures: list[ItemFailure] = []
    blind: list[str] = []
    complete, note, pages = False, None, 0
    for page in end.listing(memory):
        entries |= {end.name_of(row["key"]): Entry(**row) for row in page.entries.to_pylist()}
        failures += page.failures
        blind += page.blind
        complete, note, pages = page.complete, page.note, pages + 1
    return Seen(
        entries=entries,
        failures=tuple(failures),
        blind=tuple(blind),
        complete=complete,
        note=note,
        pages=pages,
    )


def forgotten(name: str, lost: Body) -> None:
    """What keeps nothing of what is overwritten."""


def unnoted(about_to_be_sent: Intended) -> None:
    """What notes nothing before it is sent."""


def carry_out(
    plan: CopyPlan,
    source: FileEnd,
    target: FileEnd,
    overwrite: Collection[str] = (),
    keep: Callable[[str, Body], None] = forgotten,
    note: Callable[[Intended], None] = unnoted,
) -> Iterator[Copied]:
    """Do what was planned, one file at a time, each only where the target is still as listed.

    `overwrite`: names that the source wins, where the target has an edit of its own (or has lost
    the file); `keep` is given what the target has of its own before it is overwritten, `note` what
    is about to be sent. Files on which nothing is to be done are not told."""
    copying = _Copying(plan, source, target, frozenset(overwrite), keep, note)
    for name in plan.refused:
        yield Copied(name=name, step=Step.PUT, failure=plan.refused[name])
    for name, renamed in plan.renamed.items():
        if plan.steps.get(name) is Step.MOVE:
            yield from copying.moved(name, renamed)
    yield from copying.written()
    for name, step in plan.steps.items():
        if step is Step.FORGET:
            yield Copied(name=name, step=step)
        elif step is Step.REMOVE or (step is Step.KEEP and name not in plan.source.entries):
            yield copying.removed(name, step)
        elif step is Step.KEEP and name not in copying.overwrite:
            held = name in plan.target.entries
            reason = "the target has edited it" if held else "the target has lost it"
            yield _conflict(name, step, f"{reason} since they agreed")


@dataclass(frozen=True, slots=True)
class _Copying:
    plan: CopyPlan
    source: FileEnd
    target: FileEnd
    overwrite: frozenset[str]
    keep: Callable[[str, Body], None]
    note: Callable[[Intended], None]

    def moved(self, name: str, renamed: Renamed) -> Iterator[Copied]:
        """A file under another name, and what became of the one that it had."""
        assert isinstance(self.target, MovesFiles)
        other = self.plan.target.entries[renamed.name]
        try:
            to = self.target.key_of(name)
            digest = renamed.digest
            self.note(Intended(name=name, step=Step.MOVE, expected=other.version, digest=digest))
            version = self.target.move(other.key, to, expected_version=other.version)
        except (Moved, BadInput) as error:
            yield _not_done(name, Step.MOVE, error)
            return
        versions = renamed.version, version
        yield Copied(name=name, step=Step.MOVE, versions=versions, written=True)
        yield Copied(name=renamed.name, step=Step.MOVE)

    def written(self) -> Iterator[Copied]:
        """Those of which the source's bytes are needed."""
        entries = self.plan.source.entries
        names = [name for name, step in self.plan.steps.items() if self._needs(name, step)]
        for body in self.source.fetch([entries[name] for name in names]):
            name = self.source.name_of(body.key)
            step = self.plan.steps[name]
            if isinstance(body, ItemFailure):
                yield Copied(name=name, step=step, failure=body)
            else:
                yield self._rendered(name, step, body)

    def _needs(self, name: str, step: Step) -> bool:
        wins = step is Step.KEEP and name in self.overwrite and name in self.plan.source.entries
        return wins or step in (Step.PUT, Step.COMPARE)

    def _rendered(self, name: str, step: Step, body: Body) -> Copied:
        try:
            held = as_held(self.target, name, body.content)
        except BadInput as error:
            return _not_done(name, step, error)
        return self._written(name, step, replace(body, content=held))

    def _written(self, name: str, step: Step, body: Body) -> Copied:
        """`body` is in the target's own form."""
        other = self.plan.target.entries.get(name)
        lost = None
        if step is not Step.PUT and other is not None:
            if is_held(self.target, other, body.content):
                return Copied(name=name, step=step, versions=(body.version, other.version))
            held = next(iter(self.target.fetch([other])))
            if isinstance(held, ItemFailure):
                return Copied(name=name, step=step, failure=held)
            if held.content == body.content:
                return Copied(name=name, step=step, versions=(body.version, held.version))
            if not self._is_ours(name, held):
                if name not in self.overwrite or held.version != other.version:
                    return _conflict(name, step, "both have changed it, and not alike")
                self.keep(name, held)
                lost = held
        expected = other.version if other else None
        try:
            key = other.key if other else self.target.key_of(name)
            self.note(to_put(self.target, name, step, expected, body.content))
            version = self.target.put(key, body.content, expected_version=expected)
        except (Moved, BadInput) as error:
            return _not_done(name, step, error)
        versions = body.version, version
        return Copied(name=name, step=step, versions=versions, written=True, lost=lost)

    def removed(self, name: str, step: Step) -> Copied:
        other = self.plan.target.entries[name]
        lost = None
        if step is Step.KEEP:
            edited = _conflict(name, step, "it is gone from the source, and the target edited it")
            if name not in self.overwrite and name not in self.plan.sent:
                return edited
            held = next(iter(self.target.fetch([other])))
            if isinstance(held, ItemFailure):
                return Copied(name=name, step=step, failure=held)
            if not self._is_ours(name, held):
                if name not in self.overwrite:
                    return edited
                self.keep(name, held)
                lost = held
        try:
            self.note(Intended(name=name, step=step, expected=other.version))
            self.target.remove(other.key, expected_version=other.version)
        except (Moved, BadInput) as error:
            return _not_done(name, step, error)
        return Copied(name=name, step=step, written=True, lost=lost)

    def _is_ours(self, name: str, held: Body) -> bool:
        """Whether it is what an operation that died has sent."""
        sent = self.plan.sent.get(name)
        return sent is not None and sent == digest_of(held.content)


def _conflict(name: str, step: Step, reason: str) -> Copied:
    return Copied(name=name, step=step, failure=ItemFailure(name, "conflict", reason))


def _not_done(name: str, step: Step, error: Moved | BadInput) -> Copied:
    return Copied(name=name, step=step, failure=ItemFailure(name, error.code, error.message))
