"""How Notion is asked: the calls that are needed, and what its refusals mean.

https://developers.notion.com/reference/intro, /versioning, /request-limits and /status-codes, as
others tell it (2026-11-22).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from livesync_pipelines.connectors._api_client import client_for
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.model.errors import LiveSyncError, Reauthorise, Unavailable
from livesync_pipelines.model.spec import Budget, OAuth
from livesync_pipelines.net.api import Account, Api, paged, parsed
from livesync_pipelines.net.asking import Terms
from livesync_pipelines.net.judging import Refusal
from livesync_pipelines.net.verdict import BadAnswer, Gone, http_date

NOTION = "https://api.notion.com"
VERSION = "2026-03-11"
PIECE = 100
"""As many of a list as one answer may show."""
BUDGETS = (Budget(calls=180, per_s=60.0),)
_WORDS = 300
_TOLD = {(400, "validation_error"): BadAnswer, (404, "object_not_found"): Gone}
_OLDEST_FIRST = {"direction": "ascending"}

Json: TypeAlias = Mapping[str, Any]

OAUTH = OAuth(
    client="NOTION",
    authorize=f"{NOTION}/v1/oauth/authorize",
    token=f"{NOTION}/v1/oauth/token",
    revoke=f"{NOTION}/v1/oauth/revoke",
    extra=(("owner", "user"),),
    rotates=True,
    basic=True,
    json=True,
    who=("workspace_name",),
)
"""Whether a refresh token is spent by its use is not told; one that is taken for spent is asked for
once, and does no harm where it is not."""


class NotionApi:
    """One workspace, as far as it is shared with a connection."""

    def __init__(self, account: Account, limits: FetchLimits) -> None:
        """`account`: that of the limits, or a token that is set."""
        self._client = client_for(limits)
        own_judge = judge if account is limits.account else judge_of_token
        headers = {"notion-version": VERSION}
        at = f"{limits.api_url or NOTION}/v1"
        self._api = Api(self._client, at, account, own_judge, headers=headers)
        self.clock = datetime.min.replace(tzinfo=UTC)
        """What Notion's own clock has shown last; it shows no less from now on."""

    def close(self) -> None:
        self._client.close()

    def search(self) -> Iterator[Json]:
        """Every page and data source that the index shows; what is edited meanwhile comes again."""
        sort = {**_OLDEST_FIRST, "timestamp": "last_edited_time"}
        for answer in self._lists(lambda asked: self._ask("search", {**asked, "sort": sort})):
            yield from answer["results"]

    def page(self, page_id: str) -> Json:
        return self._get(f"pages/{page_id}")

    def block(self, block_id: str) -> Json:
        return self._get(f"blocks/{block_id}")

    def database(self, database_id: str) -> Json:
        return self._get(f"databases/{database_id}")

    def data_source(self, source_id: str) -> Json:
        return self._get(f"data_sources/{source_id}")

    def children(self, block_id: str) -> Iterator[Json]:
        for answer in self._lists(lambda asked: self._get(f"blocks/{block_id}/children", asked)):
            yield from answer["results"]

    def property(self, page_id: str, property_id: str) -> Iterator[Json]:
        """The items of a list that a page shows cut short."""
        path = f"pages/{page_id}/properties/{property_id}"
        for answer in self._lists(lambda asked: self._get(path, asked)):
            yield from answer["results"]

    def users(self) -> Iterator[Json]:
        for answer in self._lists(lambda asked: self._get("users", asked)):
            yield from answer["results"]

    def rows(self, source_id: str) -> Iterator[list[Json]]:
        """All pages of a data source, in pieces, each page once. One query shows ten thousand at
        most: the next one begins with the minute in which the last one was made.

        Raises `BadAnswer` where more than that were made in one minute.
        """
        since, seen = "", set[str]()
        while True:
            last, goes_on = since, False
            for answer in self._query(source_id, since):
                last = max([last, *(page["created_time"] for page in answer["results"])])
                goes_on = (answer.get("request_status") or {}).get("type") == "incomplete"
                fresh = [page for page in answer["results"] if page["id"] not in seen]
                seen.update(page["id"] for page in fresh)
                yield fresh
            if not goes_on:
                return
            if last == since:
                raise BadAnswer(
                    f"data source {source_id}: more rows were made at {last} than can be shown",
                    hint="Notion shows no more of them. Nothing was taken for deleted.",
                )
            since = last

    def create_row(self, source_id: str, properties: Json) -> Json:
        """Made once: after an unclear answer it must be looked for."""
        parent = {"type": "data_source_id", "data_source_id": source_id}
        made: Json = self._api.post("pages", {"parent": parent, "properties": properties})
        return made

    def update_page(self, page_id: str, body: Json) -> Json:
        """The same twice does no more than once."""
        terms = Terms(repeats=True)
        answer = self._api.call("PATCH", f"pages/{page_id}", body=body, terms=terms)
        changed: Json = parsed(answer)
        return changed

    def update_data_source(self, source_id: str, body: Json) -> None:
        """The same twice does no more than once."""
        self._api.call("PATCH", f"data_sources/{source_id}", body=body, terms=Terms(repeats=True))

    def _query(self, source_id: str, since: str) -> Iterator[Json]:
        body: dict[str, Any] = {"sorts": [{**_OLDEST_FIRST, "timestamp": "created_time"}]}
        if since:
            made = {"created_time": {"on_or_after": since}}
            body["filter"] = {"timestamp": "created_time", **made}
        path = f"data_sources/{source_id}/query"
        return self._lists(lambda asked: self._ask(path, {**asked, **body}))

    def _lists(self, ask: Callable[[dict[str, Any]], Json]) -> Iterator[Json]:
        def piece(cursor: str | None) -> Json:
            return ask({"page_size": PIECE, **({"start_cursor": cursor} if cursor else {})})

        return paged(piece, lambda answer: answer["next_cursor"] if answer["has_more"] else None)

    def _get(self, path: str, params: dict[str, Any] | None = None) -> Json:
        answer = self._api.call("GET", path, params=params)
        self._look_at(answer.headers.get("date"))
        found: Json = parsed(answer)
        return found

    def _ask(self, path: str, body: Json) -> Json:
        """A POST that changes nothing."""
        answer = self._api.call("POST", path, body=body, terms=Terms(repeats=True))
        self._look_at(answer.headers.get("date"))
        found: Json = parsed(answer)
        return found

    def _look_at(self, date: str | None) -> None:
        shown = http_date(date)
        if shown is not None:
            self.clock = max(self.clock, shown)


def judge_of_token(refusal: Refusal) -> LiveSyncError | None:
    """A token of an internal connection is set, not signed in for."""
    if refusal.status != 401:
        return judge(refusal)
    return Reauthorise(
        f"{refusal.said(refusal.word('code'))}: the token is not taken",
        hint="Copy the token of the internal connection out of its settings in Notion, and correct "
        "`token` of the connection.",
        where=refusal.where,
    )


def judge(refusal: Refusal) -> LiveSyncError | None:
    """A collision of two transactions is over in a moment. What does not fit, or is not there, is
    told in Notion's own words: its code says only that something does not, or is not."""
    word = refusal.word("code")
    if refusal.status == 401:
        return None
    if refusal.status == 403 and word == "restricted_resource":
        return Reauthorise(
            f"{refusal.said(word)}: the connection may not do that",
            hint="Give it the capability in Notion's settings of the connection.",
            where=refusal.where,
        )
    if refusal.status == 409 and word == "conflict_error":
        return Unavailable(refusal.said(word), where=refusal.where)
    kind = _TOLD.get((refusal.status, word))
    if kind is not None:
        return kind(f"{refusal.said(word)}: {_words(refusal.word('message'))}", where=refusal.where)
    if refusal.status == 529 and "retry-after" in refusal.headers:
        return refusal.limited(word)
    return None


def _words(message: str) -> str:
    """On one line, no longer than a person reads."""
    shown = "".join(sign if sign.isprintable() else " " for sign in message)
    return " ".join(shown.split())[:_WORDS]
