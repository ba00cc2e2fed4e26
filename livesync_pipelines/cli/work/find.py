"""search and explain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from livesync_pipelines.cli.output import ago, briefly, emit, marked, say, title
from livesync_pipelines.cli.work.session import open_house
from livesync_pipelines.store import capsules


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What hits must have besides the words."""

    limit: int
    sync_id: str | None = None
    media_type: str | None = None
    url_prefix: str | None = None
    since: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def filters(self) -> capsules.Filters:
        return capsules.Filters(
            sync_id=self.sync_id,
            media_type=self.media_type,
            url_prefix=self.url_prefix,
            modified_since=self.since,
            attributes=self.attributes,
        )


def show_hits(capsule: str, words: str, question: Question, *, as_json: bool) -> None:
    """The hits for these words, the best first."""
    with open_house() as house:
        hits = capsules.search(
            house.connection,
            capsule,
            words,
            limit=question.limit,
            filters=question.filters(),
            marks=capsules.BOLD if as_json else capsules.MARKS,
        )
    if as_json:
        emit({"hits": hits})
        return
    if not hits:
        say(f"Nothing in {capsule} matches: {words}")
    elif hits[0]["matched"] == "any":
        say("No passage has all of these words. These have some, the best first:\n")
    for n, hit in enumerate(hits, 1):
        title(f"{n}. {hit['title']}")
        path = " > ".join(hit["heading_path"])
        say(f"   {hit['url']}" + (f"  ({path})" if path else ""))
        marked(hit["snippet"])
        say(f"    {hit['chunk_id']}")
        say()


def show_origin(name: str, *, as_json: bool) -> None:
    """Where a chunk, a row or a copied file comes from."""
    with open_house() as house:
        found = capsules.explain(house.connection, name)
        now = house.engine.now()
    if as_json:
        emit(found)
        return
    if "file" in found:
        _show_file(found, now)
    else:
        _show_origin(found, now)


_STATES = {
    "agreed": "both ends agree",
    "apart": "both ends agreed to differ, until the one that is copied changes",
    "gone": "it is gone, or was never copied",
}


def _show_file(found: Mapping[str, Any], now: datetime) -> None:
    file = found["file"]
    title(found["title"])
    for end in ("source", "target"):
        version = file[end]["version"] or "no such file"
        say(f"  {end:<11} {file[end]['connection']}: {version}")
    say(f"  state       {_STATES[file['state']]}")
    say(f"  copied from {file['came_from'] or '- (nothing was copied last)'}")
    say(f"  brought by  operation {found['operation_id']} ({found['trigger']})")
    say(f"  run         {found['run_id'] or '-'}")
    for each in found["conflicts"]:
        won = f", {each['winner']} won" if each["winner"] else ""
        said = f"{each['conflict_id']} ({each['state']}{won}): {each['reason']}"
        say(f"  conflict    {said}, {ago(each['opened_at'], now)}")
    for change in found["changes"]:
        origin = f", from {change['came_from']}" if change["came_from"] else ""
        say(f"  changed     {ago(change['at'], now)}: {change['op']} ({change['cause']}){origin}")


def _differs(one: Mapping[str, Any]) -> str:
    """A field that both ends show differently, and why."""
    told = [
        f"the {end} shows {briefly(one[end])}: it normalises what is written there"
        if end in one["normalises"]
        else f"the {end} shows {briefly(one[end])}"
        for end in ("source", "target")
    ]
    return f"{one['field']}: {'; '.join(told)}"


def _show_open(found: Mapping[str, Any]) -> None:
    """What is not the same at both ends of a row."""
    for one in found.get("asked", ()):
        both = f"{briefly(one['source'])} at the source, {briefly(one['target'])} at the target"
        say(f"  asked       {one['field'] or 'the row'}: {both} (conflict {one['conflict_id']})")
    for one in found.get("differs", ()):
        say(f"  differs     {_differs(one)}")
    for cell in found.get("bad_cells", ()):
        say(f"  apart       {cell['field']}: {cell['value']!r}: {cell['reason']}")


def _show_origin(found: Mapping[str, Any], now: datetime) -> None:
    source = found["source"]
    subject = found.get("chunk") or found["row"]
    title(found["title"])
    if "chunk" in found:
        say(f"  chunk       {subject['chunk_id']}, {subject['tokens']} tokens")
        say(f"  heading     {' > '.join(subject['heading_path']) or '-'}")
    elif "chunks" in subject:
        say(f"  chunks      {len(subject['chunks'])}")
    for name, value in (subject.get("values") or {}).items():
        say(f"  {name:<11} {value}")
    _show_open(found)
    if found["capsule"]:
        say(f"  capsule     {found['capsule']}")
    say(f"  sync        {subject['sync_id']} ({source['platform']})")
    say(f"  item        {source['item_id']}, version {source['version']}")
    if source["url"]:
        say(f"  address     {source['url']}")
    say(f"  modified    {ago(source['modified_at'], now)}")
    say(f"  fetched     {ago(source['fetched_at'], now)}")
    say(f"  brought by  operation {found['operation_id']} ({found['trigger']})")
    say(f"  run         {found['run_id'] or '-'}")
    chunker = found["chunker_version"]
    say(f"  mapping     {found['mapping_version']}{f'; chunker {chunker}' if chunker else ''}")
    for change in found["changes"]:
        _show_change(change, now)


def _show_change(change: Mapping[str, Any], now: datetime) -> None:
    say(f"  changed     {ago(change['at'], now)}: {change['op']} ({change['cause']})")
    before, after = change.get("before"), change.get("after")
    if before is not None:
        for name in change.get("fields", ()):
            now_is = "(no row)" if after is None else briefly(after[name])
            say(f"              {name}: {briefly(before[name])} -> {now_is}")
    if not change.get("before_kept", True):
        say("              what it was before is kept no longer (LIVESYNC_KEEP_LEDGER_DAYS)")
