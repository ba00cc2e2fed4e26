"""What a Confluence site shows of its contents, out of the vendor's JSON.

https://developer.atlassian.com/cloud/confluence/rest/v2/, groups page, blog post, attachment and
comment, and https://developer.atlassian.com/cloud/confluence/rest/v1/api-group-search/, as others
tell it (2026-11-22).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Self

from livesync_pipelines.model.records import Entry

Kind = Literal["page", "blogpost", "attachment", "comment"]
Json = Mapping[str, Any]

PATHS: Mapping[Kind, str] = {
    "page": "pages",
    "blogpost": "blogposts",
    "attachment": "attachments",
    "comment": "footer-comments",
}
TEXTS: tuple[Kind, ...] = ("page", "blogpost")
HANGING: tuple[Kind, ...] = ("attachment", "comment")
STATUSES: Mapping[Kind, tuple[str, ...]] = {
    "page": ("current", "archived", "trashed"),
    "blogpost": ("current", "trashed"),
}
"""Those in which a text is looked at: blog posts have no archive."""

_REASONS = {"archived": "out_of_scope", "trashed": "trashed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What it takes to fetch an item later. `above`: the id of what it hangs on, empty for pages
    and blog posts."""

    kind: Kind
    id: str
    number: int
    above: str = ""
    title: str = ""
    webui: str = ""
    media_type: str = ""

    @classmethod
    def read(cls, state: str) -> Self:
        return cls(**json.loads(state))

    def written(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One content as a list shows it. `space_id` is empty where the list does not say it (of
    attachments and comments); `size` is in bytes. `parent`: the id of the page above a page, empty
    where there is none; `message`: what was said of this version."""

    known: Remembered
    status: str
    modified_at: datetime
    space_id: str = ""
    size: int | None = None
    parent: str = ""
    message: str = ""

    @property
    def id(self) -> str:
        return self.known.id

    @property
    def version(self) -> str:
        """Its number. What is put into the archive keeps that, but looks different from then on."""
        archived = " archived" if self.status == "archived" else ""
        return f"{self.known.number}{archived}"

    def entry(self, space: str) -> Entry:
        """Under the key of its space: moved to another one, it is told by its id."""
        return Entry(
            key=key_of(space, self.id),
            version=self.version,
            identity=self.id,
            size=self.size,
            modified_at=self.modified_at,
            state=self.known.written(),
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """One content as the search shows it, which may be older than what is true. `mark`: its version
    and its space; `created` is None where that is not shown."""

    id: str
    kind: Kind
    mark: str
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One piece of what a search finds. `total`: how many contents that are in all; `at`: the
    site's own time; both None where the answer does not say. `cursor`: of the next piece."""

    hits: tuple[Hit, ...]
    total: int | None
    at: datetime | None
    cursor: str | None


def key_of(space: str, content_id: str) -> str:
    return f"{space}/{content_id}"


def item_of(kind: Kind, told: Json) -> Item:
    """Ids are text in answers, whatever they look like."""
    version = told["version"]
    known = Remembered(
        kind=kind,
        id=str(told["id"]),
        number=int(version["number"]),
        above=str(told.get("pageId") or told.get("blogPostId") or ""),
        title=str(told.get("title") or ""),
        webui=str(told.get("_links", {}).get("webui", "")),
        media_type=str(told.get("mediaType") or ""),
    )
    return Item(
        known=known,
        status=str(told.get("status", "current")),
        modified_at=datetime.fromisoformat(version["createdAt"]),
        space_id=str(told.get("spaceId") or ""),
        size=told.get("fileSize"),
        parent=str(told.get("parentId") or ""),
        message=str(version.get("message") or ""),
    )


def why_gone(item: Item, *, archived: bool) -> str | None:
    """None for what is there; `archived`: whether that is to be there too."""
    if item.status == "current" or (archived and item.status == "archived"):
        return None
    return _REASONS.get(item.status, "deleted")


def hit_of(told: Json) -> Hit:
    """Of a content with its version, space and history."""
    number, key = told["version"]["number"], told["space"]["key"]
    created = (told.get("history") or {}).get("createdDate")
    return Hit(
        id=str(told["id"]),
        kind=told["type"],
        mark=f"{number} {key}",
        created=datetime.fromisoformat(created) if created else None,
    )


def text_of(told: Json, form: str) -> str:
    """The text of a content in a format; empty where it is not shown in it."""
    body = told.get("body") or {}
    return str((body.get(form) or {}).get("value") or "")


def labels_of(told: Json) -> list[str]:
    results = (told.get("labels") or {}).get("results") or ()
    return sorted(str(label["name"]) for label in results)
