"""One visit: a conditional GET, and what its answer means for the item at that URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import blake2b
from urllib.parse import unquote

from livesync_pipelines.model.errors import ItemFailure, LiveSyncError, OverBudget
from livesync_pipelines.model.records import Body, Entry
from livesync_pipelines.net.client import Answer, Client
from livesync_pipelines.net.verdict import PERMANENT, REDIRECTS, http_date

from ._website_page import Page, header_wishes, read_page
from ._website_state import Remembered, settled, validators
from ._website_url import Scope, normalised, path_name

HTML = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`alone`: the page's canonical link leads nowhere, so the page stands for itself."""

    url: str
    depth: int
    hops: int = 0
    alone: bool = False
    remembered: Remembered | None = None


class Via(StrEnum):
    PERMANENT = "permanent"
    TEMPORARY = "temporary"
    CANONICAL = "canonical"


@dataclass(frozen=True, slots=True)
class Alive:
    entry: Entry
    body: Body | None
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    target: str
    via: Via
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gone:
    """No item, for a reason of `ListingPage.gone`; a page may still lead on."""

    reason: str
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    failure: ItemFailure
    error: LiveSyncError | None = None


Outcome = Alive | Moved | Gone | Failed


@dataclass
class Visitor:
    """Called by several threads; `scope` is changed only between batches."""

    client: Client
    scope: Scope
    media_types: tuple[str, ...]
    max_bytes: int

    def visit(self, task: Task) -> Outcome:
        scope, old = self.scope, task.remembered
        usable = old is not None and old.scope == scope.digest
        conditions = old.conditions() if old and usable else {}
        try:
            answer = self._get(task.url, conditions)
        except LiveSyncError as error:
            return Failed(ItemFailure(task.url, error.code, error.message), error)
        if answer.status == 304 and old and conditions:
            return _unchanged(task, old, scope)
        if answer.status == 200 and self.wants(answer.headers):
            return self._read(task, answer, scope)
        return self._other(task.url, answer)

    def fetch(self, url: str) -> Body | ItemFailure:
        """The bytes at this very URL, without conditions."""
        try:
            answer = self._get(url, {})
        except OverBudget:
            raise
        except LiveSyncError as error:
            return ItemFailure(url, error.code, error.message)
        if answer.status == 200 and self.wants(answer.headers):
            return _body(url, answer, self._page(url, answer))
        match self._other(url, answer):
            case Failed(failure):
                return failure
            case Moved():
                return ItemFailure(url, "moved", "The page has moved.")
            case _:
                return ItemFailure(url, "not_found", "The page is no longer there to be read.")

    def wants(self, headers: Mapping[str, str]) -> bool:
        """Whether the media type is one of the selection; none at all is taken for HTML."""
        kind = _media_type(headers)
        return any(fnmatchcase(kind, wanted) for wanted in self.media_types)

    def _get(self, url: str, conditions: Mapping[str, str]) -> Answer:
        headers = {"accept": ", ".join([*self.media_types, "*/*;q=0.1"]), **conditions}
        return self.client.get(
            url, headers=headers, max_bytes=self.max_bytes, follow=False, wants=self.wants
        )

    def _other(self, url: str, answer: Answer) -> Outcome:
        """An answer that brings no content."""
        status = answer.status
        if status in REDIRECTS:
            return self._redirected(url, answer)
        if status in (404, 410):
            return Gone("deleted")
        if status == 200:
            return Gone("out_of_scope")
        code = "forbidden" if status in (401, 403) else "bad_answer"
        return Failed(ItemFailure(url, code, f"The site answered {status}."))

    def _redirected(self, url: str, answer: Answer) -> Outcome:
        location = answer.headers.get("location", "")
        target = normalised(location, base=url, strip_tracking=self.scope.strip_tracking)
        if not location or target is None or target == url:
            reason = f"The site answered {answer.status} and leads nowhere."
            return Failed(ItemFailure(url, "bad_redirect", reason))
        return Moved(target, Via.PERMANENT if answer.status in PERMANENT else Via.TEMPORARY)

    def _page(self, url: str, answer: Answer) -> Page:
        agent, headers = self.client.user_agent, answer.headers
        if _media_type(headers) not in HTML:
            wishes = header_wishes(headers.get("x-robots-tag", ""), agent)
            return Page(noindex=bool(wishes & {"noindex", "none"}))
        return read_page(
            answer.content,
            url=url,
            headers=headers,
            agent=agent,
            strip_tracking=self.scope.strip_tracking,
        )

    def _read(self, task: Task, answer: Answer, scope: Scope) -> Outcome:
        page, old = self._page(task.url, answer), task.remembered
        links = tuple(link for link in page.links if scope.reaches(link))
        if page.noindex or not scope.means(task.url):
            return Gone("out_of_scope", links)
        other = page.canonical if page.canonical not in (None, task.url) else None
        canonical = other if other and scope.reaches(other) and scope.means(other) else None
        if canonical and not task.alone:
            return Moved(canonical, Via.CANONICAL, links)
        body = _body(task.url, answer, page)
        etag, modified = validators(answer.headers)
        new = Remembered(
            version=body.version,
            size=len(body.content),
            scope=scope.digest,
            etag=etag,
            modified=modified,
            canonical=canonical,
            links=links,
        )
        kept = settled(old, new)
        entry = _entry(task.url, kept, None if kept == old else kept.to_json())
        return Alive(entry, None if old and old.version == new.version else body, links)


def _unchanged(task: Task, old: Remembered, scope: Scope) -> Outcome:
    if not scope.means(task.url):
        return Gone("out_of_scope", old.links)
    if old.canonical and not task.alone:
        return Moved(old.canonical, Via.CANONICAL, old.links)
    return Alive(_entry(task.url, old, None), None, old.links)


def _entry(url: str, now: Remembered, state: str | None) -> Entry:
    return Entry(
        key=url,
        version=now.version,
        size=now.size,
        modified_at=http_date(now.modified),
        state=state,
    )


def _body(url: str, answer: Answer, page: Page) -> Body:
    return Body(
        key=url,
        version=blake2b(answer.content, digest_size=16).hexdigest(),
        content=answer.content,
        name=unquote(path_name(url)) or "index.html",
        url=url,
        media_type=answer.headers.get("content-type") or HTML[0],
        title=page.title,
        modified_at=http_date(validators(answer.headers)[1]),
        attributes=page.attributes,
    )


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower() or HTML[0]
