"""How Confluence Cloud is asked: the calls of REST v2 that are needed, and the search and the
download of v1.

https://developer.atlassian.com/cloud/confluence/rest/v2/intro/ and
https://developer.atlassian.com/cloud/confluence/rate-limiting/, as others tell it (2026-11-22).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit

from livesync_pipelines.connectors._confluence_items import (
    PATHS,
    STATUSES,
    Found,
    Hit,
    Item,
    Json,
    Kind,
    hit_of,
    item_of,
)
from livesync_pipelines.model.errors import LiveSyncError, Reauthorise
from livesync_pipelines.net.api import Account, Api, Params, paged, parsed
from livesync_pipelines.net.asking import Terms
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.judging import Judge, Refusal
from livesync_pipelines.net.verdict import BadAnswer, Gone, http_date

PIECE = 250
"""As many of a list as one answer may show."""
_LIST_BYTES = 20_000_000
_V2 = "wiki/api/v2"
_SEARCH = "wiki/rest/api/search"
_EXPANDED = "content.version,content.history,content.space"


class ConfluenceApi:
    """The site at `url`, as `account` sees it. `max_bytes`: of the answer with one content;
    `judge`: what a refusal means, where it is another than that of whoever only reads."""

    def __init__(
        self,
        client: Client,
        url: str,
        account: Account,
        *,
        max_bytes: int,
        judge: Judge | None = None,
    ) -> None:
        self._api = Api(client, url, account, judge or judge_reading)
        self._terms = Terms(max_bytes=max_bytes)

    def spaces(self, keys: Sequence[str]) -> dict[str, str]:
        """Keys by id, of these spaces or of all, as far as the account sees them."""
        return {str(space["id"]): str(space["key"]) for space in self.all_spaces(keys)}

    def all_spaces(self, keys: Sequence[str] = ()) -> Iterator[Json]:
        """These spaces or all, as far as the account sees them."""
        for page in self._all("spaces", {"keys": ",".join(keys)} if keys else {}):
            yield from page

    def space(self, key: str) -> Json | None:
        """One space, with the page that is its root; None where the account sees none."""
        (found, *_) = self._all("spaces", {"keys": key})
        return next(iter(found), None)

    def titled(self, space_id: str, title: str) -> Item | None:
        """The page of a space that has this title: there is one at most."""
        found = self._all(f"spaces/{space_id}/pages", {"title": title, "status": "current"})
        return next((item_of("page", told) for page in found for told in page), None)

    def search(self, cql: str, *, limit: int = PIECE) -> Iterator[Found]:
        """The contents that CQL finds, in pieces: as its index knows them, which may be late."""
        terms = Terms(max_bytes=_LIST_BYTES)

        def ask(cursor: str | None) -> Found:
            place = {"cursor": cursor} if cursor else {}
            params: Params = {"cql": cql, "limit": limit, "expand": _EXPANDED, **place}
            answer = self._api.call("GET", _SEARCH, params=params, terms=terms)
            told = parsed(answer)
            return Found(
                hits=_hits(told),
                total=told.get("totalSize"),
                at=http_date(answer.headers.get("date")),
                cursor=_next_cursor(told),
            )

        yield from paged(ask, lambda found: found.cursor)

    def several(self, kind: Kind, ids: Sequence[str]) -> dict[str, Item]:
        """Those of these pages or blog posts (at most `PIECE`) that the account sees, by id."""
        asked = {"id": ",".join(ids), "status": ",".join(STATUSES[kind])}
        found = self._all(PATHS[kind], asked) if ids else ()
        items = (item_of(kind, told) for page in found for told in page)
        return {item.id: item for item in items}

    def hung(self, kind: Kind, content_id: str) -> tuple[Item, Kind] | None:
        """An attachment or a footer comment, and what kind it hangs on; None where the account sees
        none, as of a comment in the text."""
        try:
            told = parsed(self._api.call("GET", f"{_V2}/{PATHS[kind]}/{content_id}"))
        except Gone:
            return None
        return item_of(kind, told), "blogpost" if told.get("blogPostId") else "page"

    def bears(self, kind: Kind, content_id: str, names: Sequence[str]) -> bool:
        """Whether a page or blog post has one of these labels."""
        found = self._all(f"{PATHS[kind]}/{content_id}/labels", {})
        return any(label["name"] in names for page in found for label in page)

    def contents(self, kind: Kind, space_id: str, statuses: Sequence[str]) -> Iterator[list[Item]]:
        """Pages or blog posts of a space, in pieces."""
        asked = {"status": ",".join(statuses)}
        for page in self._all(f"spaces/{space_id}/{PATHS[kind]}", asked):
            yield [item_of(kind, told) for told in page]

    def labelled(self, kind: Kind, space_id: str, names: Sequence[str]) -> set[str]:
        """The ids of those of a space's contents that bear one of these labels."""
        labels = self._all(f"spaces/{space_id}/content/labels", {})
        ids = [str(one["id"]) for page in labels for one in page if one["name"] in names]
        found = (
            self._all(f"labels/{label_id}/{PATHS[kind]}", {"space-id": space_id})
            for label_id in ids
        )
        return {str(told["id"]) for pages in found for page in pages for told in page}

    def hanging(self, kind: Kind) -> Iterator[list[Item]]:
        """All attachments or comments of the site, in pieces: of one space they cannot be had."""
        for page in self._all(PATHS[kind], {"status": "current"}):
            yield [item_of(kind, told) for told in page]

    def content(self, kind: Kind, content_id: str, form: str) -> Json:
        """One content with its text in this format, and the labels of pages and blog posts."""
        labels = {"include-labels": True} if kind in {"page", "blogpost"} else {}
        asked: dict[str, str | bool] = {"body-format": form, **labels}
        path = f"{_V2}/{PATHS[kind]}/{content_id}"
        told: Json = parsed(self._api.call("GET", path, params=asked, terms=self._terms))
        return told

    def send(self, method: str, path: str, body: Json | None = None, *, repeats: bool) -> Json:
        """A call that changes something; `repeats`: made twice it does no more than once."""
        terms = Terms(max_bytes=self._terms.max_bytes, repeats=repeats)
        told: Json | None = parsed(self._api.call(method, f"{_V2}/{path}", body=body, terms=terms))
        return told or {}

    def download(self, above: str, content_id: str, number: int, into: IO[bytes]) -> None:
        """This version of an attachment."""
        path = f"wiki/rest/api/content/{above}/child/attachment/{content_id}/download"
        most = self._terms.max_bytes
        self._api.download(path, into, params={"version": number}, max_bytes=most)

    def _all(self, path: str, asked: Params) -> Iterator[list[Json]]:
        """The results of a list, in pieces. The address of the next piece only lends its cursor:
        it is written from the host's root on, which a gateway may have moved."""
        terms = Terms(max_bytes=_LIST_BYTES)

        def ask(cursor: str | None) -> Any:
            place = {"cursor": cursor} if cursor else {}
            params = {**asked, "limit": PIECE, **place}
            return parsed(self._api.call("GET", f"{_V2}/{path}", params=params, terms=terms))

        for answer in paged(ask, _next_cursor):
            yield answer["results"]


def _hits(answer: Json) -> tuple[Hit, ...]:
    """Raises `BadAnswer` for contents that are shown without what was asked for."""
    try:
        return tuple(hit_of(one["content"]) for one in answer["results"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer("the search shows a content without its version or its space") from error


def _next_cursor(answer: Json) -> str | None:
    after = str((answer.get("_links") or {}).get("next") or "")
    return next(iter(parse_qs(urlsplit(after).query).get("cursor", ())), None)


def judge_reading(refusal: Refusal) -> LiveSyncError | None:
    """Other credentials are set, not signed in for."""
    if refusal.status != 401:
        return None
    return Reauthorise(
        f"{refusal.said()}: the e-mail or the API token is not taken",
        hint="Make a token at https://id.atlassian.com/manage-profile/security/api-tokens, and "
        "correct `api_token`, or `email`, of the connection.",
        where=refusal.where,
    )
