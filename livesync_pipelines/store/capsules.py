"""What a reader of a capsule asks: find words, and where they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from livesync_pipelines.core.canon import storable
from livesync_pipelines.core.names import configured
from livesync_pipelines.model.errors import BadInput, NotFound
from livesync_pipelines.store import file_history, ledger, row_history
from livesync_pipelines.store.database import Connection, rows

BOLD = ("**", "**")
_START, _STOP = MARKS = ("\x02", "\x03")
"""For doors that show hits in a way of their own: no document holds these."""

_SNIPPET = f'StartSel="{_START}", StopSel="{_STOP}", MaxFragments=2, MaxWords=30, MinWords=12'
_CHANGES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What hits must have besides the words; None and empty ask for nothing."""

    sync_id: str | None = None
    media_type: str | None = None
    url_prefix: str | None = None
    modified_since: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


_MANY_MINUSES = re.compile(r"(?:-\s*){2,}")
"""Each would negate the next, and Postgres refuses to go that deep."""

_ALL = "select websearch_to_tsquery(%(language)s::regconfig, %(words)s) as query"
_ANY = f"""select replace(query::text, ' & ', ' | ')::tsquery as query
from ({_ALL}) as wanted where query::text !~ '[!<]'"""
"""Any of the words; nothing where a phrase or an exclusion was asked for."""

_QUESTION_CHARS = 2_000
"""Longer ones are not relaxed: a query of ten thousand alternatives is too deep for Postgres."""

_SEARCH = """
with asked as ({query}),
best as (
    select c.chunk_id, c.sync_id, c.item_id, c.text, c.tokens,
           {rank}(c.words, asked.query, 33) as score
    from livesync.chunks c
    join livesync.documents d using (sync_id, item_id)
    join livesync.shadow s using (sync_id, item_id), asked
    where c.capsule = %(capsule)s and c.words @@ asked.query
      and (%(sync_id)s::text is null or c.sync_id = %(sync_id)s)
      and (%(media_type)s::text is null or d.media_type = %(media_type)s)
      and (%(url_prefix)s::text is null or starts_with(d.url, %(url_prefix)s))
      and (%(modified_since)s::timestamptz is null or s.modified_at >= %(modified_since)s)
      and d.attributes @> %(attributes)s
    order by score desc, c.chunk_id
    limit %(limit)s)
select best.chunk_id::text, round(best.score::numeric, 6)::float8 as score, best.text,
       ts_headline(%(language)s::regconfig, best.text, asked.query, %(headline)s) as snippet,
       '{matched}' as matched,
       d.title, d.url, best.item_id, best.sync_id, s.version, s.modified_at, best.tokens,
       place.value -> 'headings' as heading_path,
       (place.value ->> 'start')::int as start, (place.value ->> 'end')::int as end
from best
join livesync.documents d using (sync_id, item_id)
join livesync.shadow s using (sync_id, item_id)
join lateral (select value from jsonb_array_elements(d.layout)
              where value ->> 'id' = best.chunk_id::text limit 1) place on true, asked
order by best.score desc, best.chunk_id
"""

_WITH_ALL = _SEARCH.format(query=_ALL, rank="ts_rank_cd", matched="all")
_WITH_ANY = _SEARCH.format(query=_ANY, rank="ts_rank", matched="any")
"""Ranked by how many of the words stand there, where the other is ranked by how close they are."""


def search(
    connection: Connection,
    capsule: str,
    words: str,
    *,
    limit: int = 10,
    filters: Filters | None = None,
    marks: tuple[str, str] = BOLD,
) -> list[dict[str, Any]]:
    """The best hits for words in a capsule: `"exact phrase"`, `or` and `-not` work as on the web.

    Where no passage has all of the words, those that have some (`matched` says `any`, not
    `all`): people and programs ask in whole sentences. `marks` stand around what was found.
    Raises `NotFound` for a capsule that is not there, `BadInput` for one without an index.
    """
    language = language_of(connection, capsule)
    if language == "none":
        raise BadInput(
            f"Capsule '{capsule}' keeps no search index (its language is 'none').",
            hint="Give it a language, such as english, and apply the file again.",
        )
    asked = filters or Filters()
    values = {
        "capsule": capsule,
        "language": language,
        "words": _MANY_MINUSES.sub("-", storable(words)),
        "limit": limit,
        "sync_id": asked.sync_id and storable(asked.sync_id),
        "media_type": asked.media_type and storable(asked.media_type),
        "url_prefix": asked.url_prefix and storable(asked.url_prefix),
        "modified_since": asked.modified_since,
        "attributes": Jsonb({storable(k): storable(v) for k, v in asked.attributes.items()}),
        "headline": _SNIPPET,
    }
    found = rows(connection, _WITH_ALL, values)
    if not found and len(words) <= _QUESTION_CHARS:
        found = rows(connection, _WITH_ANY, values)
    for hit in found:
        joined = hit["snippet"].replace(_STOP + _START, "")
        hit["snippet"] = joined.replace(_START, marks[0]).replace(_STOP, marks[1])
    return found


def language_of(connection: Connection, capsule: str) -> str:
    """A capsule's text search language. Raises `NotFound`, naming the nearest that are there."""
    listed = connection.execute("select name, language from livesync.capsules").fetchall()
    found: dict[str, str] = dict(listed)
    if capsule not in found:
        raise NotFound(f"There is no capsule '{capsule}'.", hint=configured(capsule, found))
    return found[capsule]


def projects(connection: Connection) -> dict[str, str]:
    """By capsule, the project that it belongs to."""
    found = connection.execute("select name, project_id from livesync.capsules").fetchall()
    return dict(found)


_ITEM = """
select s.sync_id, s.item_id, s.key, s.version, s.modified_at, s.fetched_at, s.size,
       encode(s.fingerprint, 'hex') as fingerprint, d.title, d.url, d.media_type, d.attributes,
       d.capsule, d.layout, d.mapping_version, d.chunker_version, cn.platform,
       o.trigger, o.operation_id::text, o.run_id
from livesync.shadow s
join livesync.documents d using (sync_id, item_id)
join livesync.syncs y using (sync_id)
join livesync.connections cn on cn.name = y.connection
left join livesync.operations o on o.operation_id = s.operation_id
where """


def explain(connection: Connection, name: str) -> dict[str, Any]:
    """Where a chunk, a row or a copied file comes from: version, trigger, run, mapping, changes.

    `name` is a chunk id, an item id, a key, or `SYNC:ITEM` where several syncs hold the item.
    Raises `NotFound`, or `BadInput` when the name is not one of its kind.
    """
    name = storable(name)
    chunk = _chunk(connection, name)
    if chunk:
        item = _one_item(
            connection,
            "s.sync_id = %s and s.item_id = %s",
            (chunk["sync_id"], chunk["item_id"]),
            name,
        )
        places = [p for p in item["layout"] if p["id"] == chunk["chunk_id"]]
        shown = {
            **chunk,
            "heading_path": places[0]["headings"],
            "places": [{"start": p["start"], "end": p["end"]} for p in places],
        }
        return _explained(connection, item, {"chunk": shown})
    for of_kind in (row_history.explained, file_history.explained):
        told = of_kind(connection, name, limit=_CHANGES)
        if told is not None:
            return told
    sync_id, _, rest = name.partition(":")
    item = _one_item(
        connection,
        "s.item_id = %s or s.key = %s or (s.sync_id = %s and (s.item_id = %s or s.key = %s))",
        (name, name, sync_id, rest, rest),
        name,
    )
    row = {k: item[k] for k in ("sync_id", "item_id", "title", "media_type", "attributes")}
    row["chunks"] = [place["id"] for place in item["layout"]]
    return _explained(connection, item, {"row": row})


def unknown(name: str) -> NotFound:
    return NotFound(
        f"There is no chunk, row or copied file '{name}'.",
        hint="Take a chunk_id or an item_id from `livesync search`, or name it as SYNC:ITEM.",
    )


def _chunk(connection: Connection, name: str) -> dict[str, Any] | None:
    try:
        chunk_id = UUID(name)
    except ValueError:
        return None
    found = rows(
        connection,
        "select chunk_id::text, sync_id, item_id, capsule, text, tokens,"
        " operation_id::text as written_by from livesync.chunks where chunk_id = %s",
        (chunk_id,),
    )
    return found[0] if found else None


def _one_item(
    connection: Connection, condition: str, values: tuple[Any, ...], name: str
) -> dict[str, Any]:
    found = rows(connection, f"{_ITEM}{condition} order by s.sync_id, s.item_id", values)
    if not found:
        raise unknown(name)
    full_names = [f"{item['sync_id']}:{item['item_id']}" for item in found]
    by_id = [
        item
        for item, full_name in zip(found, full_names, strict=True)
        if name in {item["item_id"], full_name}
    ]
    meant = by_id or found
    if len(meant) > 1:
        raise BadInput(
            f"'{name}' is in several syncs.", hint=f"Say which: {', '.join(full_names[:5])}."
        )
    return meant[0]


def _explained(
    connection: Connection, item: dict[str, Any], subject: dict[str, Any]
) -> dict[str, Any]:
    source = ("platform", "item_id", "key", "version", "url", "modified_at", "fetched_at", "size")
    changes = ledger.entries(connection, item["sync_id"], item_id=item["item_id"], limit=_CHANGES)
    return {
        **subject,
        "title": item["title"],
        "capsule": item["capsule"],
        "source": {name: item[name] for name in source},
        "trigger": item["trigger"],
        "operation_id": item["operation_id"],
        "run_id": item["run_id"],
        "mapping_version": item["mapping_version"],
        "chunker_version": item["chunker_version"],
        "changes": changes,
    }
