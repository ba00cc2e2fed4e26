"""Spaces and contents as REST v2 shows them."""

from __future__ import annotations

from collections.abc import Mapping

from livesync_pipelines.sandbox.clock import rfc3339
from livesync_pipelines.sandbox.confluence.site import Content, Site, Space, Version
from livesync_pipelines.sandbox.world import Json

_ADF = "atlas_doc_format"


def space(of: Space) -> Json:
    webui = {"webui": f"/spaces/{of.key}"}
    fixed = {"type": "global", "status": "current", "homepageId": of.homepage}
    return {"id": of.id, "key": of.key, "name": of.name, **fixed, "_links": webui}


def content(site: Site, of: Content, query: Mapping[str, str], *, one: bool) -> Json:
    """`body-format` in the query shows the text in that format, empty where it is kept in the
    other one; without it there is no text. `one`: as it is shown by itself."""
    told: Json = {
        "id": of.id,
        "status": of.status,
        "title": of.title,
        "version": version(of.head),
        "_links": _links(site, of),
    }
    told |= _place(site, of)
    if of.kind == "attachment":
        return told | _file(of)
    told |= {"authorId": of.versions[0].by.id, "createdAt": rfc3339(of.versions[0].at)}
    told["body"] = _body(of, query.get("body-format", ""))
    if one and query.get("include-labels") == "true":
        told["labels"] = {"results": [label(site, name) for name in of.labels], "_links": {}}
    return told


def label(site: Site, name: str) -> Json:
    return {"id": site.labels[name], "name": name, "prefix": "global"}


def version(of: Version) -> Json:
    told = {"number": of.number, "createdAt": rfc3339(of.at), "authorId": of.by.id}
    return told | {"message": of.message, "minorEdit": False}


def _place(site: Site, of: Content) -> Json:
    if of.kind in {"page", "blogpost"}:
        told: Json = {"spaceId": of.space_id}
        if of.kind == "page":
            told |= {"parentId": of.parent, "parentType": "page" if of.parent else None}
        return told
    above = site.contents[of.parent or ""]
    return {"blogPostId" if above.kind == "blogpost" else "pageId": above.id}


def _file(of: Content) -> Json:
    return {
        "mediaType": of.media_type,
        "fileSize": len(of.data),
        "createdAt": rfc3339(of.versions[0].at),
        "downloadLink": f"/download/attachments/{of.parent}/{of.title}?version={of.head.number}",
    }


def _body(of: Content, wanted: str) -> Json:
    text = {"storage": of.storage, _ADF: of.adf}.get(wanted)
    return {} if text is None else {wanted: {"representation": wanted, "value": text}}


def _links(site: Site, of: Content) -> Json:
    key = site.spaces[of.space_id].key
    return {"webui": f"/spaces/{key}/{of.kind}s/{of.id}"}
