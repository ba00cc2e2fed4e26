"""Ada at work in the pretend wiki."""

from __future__ import annotations

import html
import json

from livesync_pipelines.sandbox.confluence.site import Site
from livesync_pipelines.sandbox.vendor import Desk

_KINDS = frozenset(("page", "blogpost"))


def desk(site: Site) -> Desk:
    """Pages and blog posts, in whichever format they are kept."""
    ada = site.world.people[0]

    def documents() -> dict[str, str]:
        seen = (one for one in site.seen_by(ada) if one.kind in _KINDS)
        return {one.id: one.title for one in seen if one.status == "current"}

    def add(content_id: str, words: str) -> None:
        content = site.contents[content_id]
        if content.adf:
            body = json.loads(content.adf)
            said = [{"type": "text", "text": words}]
            body["content"].append({"type": "paragraph", "content": said})
            site.edit(content_id, by=ada, adf=json.dumps(body))
        else:
            site.edit(content_id, by=ada, storage=f"{content.storage}<p>{html.escape(words)}</p>")

    return Desk(documents=documents, add=add)
