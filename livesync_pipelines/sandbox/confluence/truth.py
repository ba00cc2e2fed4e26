"""The whole present state, for whoever compares a sync with it."""

from __future__ import annotations

import base64

from livesync_pipelines.sandbox.clock import rfc3339
from livesync_pipelines.sandbox.confluence.site import Content, Site, number
from livesync_pipelines.sandbox.world import Json


def truth(site: Site, *, content: bool) -> Json:
    """Every content by id: what it is, where, who sees it. `content`: also its text and bytes (in
    base64)."""
    ordered = sorted(site.contents.values(), key=lambda one: number(one.id))
    return {
        "spaces": {space.key: space.id for space in site.spaces.values()},
        "contents": [shown_whole(site, one, content=content) for one in ordered],
    }


def shown_whole(site: Site, one: Content, *, content: bool) -> Json:
    """A content with everything that is known of it. `content`: as for `truth`."""
    told: Json = {
        "id": one.id,
        "type": one.kind,
        "space": site.spaces[one.space_id].key,
        "title": one.title,
        "status": one.status,
        "version": one.head.number,
        "modifiedAt": rfc3339(one.head.at),
        "parent": one.parent,
        "labels": list(one.labels),
        "seenBy": [person.email for person in site.world.people if site.sees(person, one)],
    }
    if content:
        told |= {"storage": one.storage, "adf": one.adf}
        told["data"] = base64.b64encode(one.data).decode()
    return told
