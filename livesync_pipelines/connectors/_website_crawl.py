"""The crawl: roots, sitemaps, links, then what is known and was not met; moves are judged last.

A page that moved is gone only when its new place has been seen alive, in this same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from livesync_pipelines.model.errors import LiveSyncError, OverBudget, RateLimited, Unavailable
from livesync_pipelines.model.records import ListingPage
from livesync_pipelines.net.fanout import fan_out

from ._website_draft import Draft
from ._website_frontier import Fate, Frontier
from ._website_quiet import Proof
from ._website_sitemap import Sitemaps
from ._website_url import directory, host, origin
from ._website_visit import Alive, Failed, Gone, Moved, Outcome, Task, Via, Visitor
from .base import Memory

BATCH = 50
MAX_TROUBLE = 25
"""So many visits in a row without an answer, and the site is down: the run ends."""
MAX_LIMITED = 3
"""So many 429s in a row, and they are meant for all of us."""


@dataclass(kw_only=True)
class Crawl:
    """One listing of one site. Everything here is done by one thread; only visits fan out.

    `follow_roots`: a start URL that redirects within its site takes its scope along.
    """

    visitor: Visitor
    frontier: Frontier
    memory: Memory
    roots: tuple[str, ...]
    width: int
    follow_roots: bool
    proof: Proof
    sitemaps: Sitemaps | None = None
    named_sitemaps: tuple[str, ...] = ()
    dated: set[str] = field(default_factory=set)
    whole: bool = True
    _trouble: int = 0
    _limited: int = 0

    def __post_init__(self) -> None:
        self.draft = Draft(self.visitor.client.world.monotonic)

    def pages(self) -> Iterator[ListingPage]:
        """Raises when the robots.txt of no root can be had, or when the site goes down."""
        deepest = self.frontier.max_depth
        self._enter_roots()
        yield from self._visits(depth=0)
        self._enter_sitemaps(depth=min(1, deepest))
        yield from self._visits(depth=deepest)
        self._enter_unmet()
        yield from self._visits(depth=deepest)
        self._judge_canonicals()
        yield from self._visits(depth=deepest)
        self._judge_moves()
        yield self._last()

    def _enter_roots(self) -> None:
        errors = [self.frontier.robots.error(root) for root in self.roots]
        if all(errors):
            raise next(error for error in errors if error)
        self._enter_all(self.roots, depth=0)
        seen = self.frontier.fates.keys() | self.frontier.known
        for root in self.roots:
            if root not in seen and not self.frontier.robots.error(root):
                reached = self.frontier.scope.reaches(root)
                why = "robots.txt does not allow it" if reached else "it lies outside the selection"
                self._lose(root, "not_selected", f"This start URL is not visited: {why}.")

    def _enter_all(self, urls: Iterable[str], depth: int) -> None:
        for url in urls:
            self.frontier.admit(url, depth)

    def _enter_sitemaps(self, depth: int) -> None:
        if not self.sitemaps:
            return
        named = list(self.named_sitemaps)
        for root in self.roots if not named else ():
            named += self.frontier.robots.sitemaps(root) or [f"{origin(root)}/sitemap.xml"]
        for page in self.sitemaps.pages(named):
            self.frontier.admit(page.url, depth)
            if page.url in self.frontier.fates and self.proof.dates(page):
                self.dated.add(page.url)
        for failure in self.sitemaps.failures:
            self._lose(failure.key, failure.code, failure.reason)

    def _visits(self, *, depth: int) -> Iterator[ListingPage]:
        while tasks := self.frontier.take(BATCH, depth=depth, memory=self.memory):
            with closing(fan_out(self.visitor.visit, tasks, width=self.width)) as outcomes:
                for task, outcome in zip(tasks, outcomes, strict=True):
                    error = self._settle(task, outcome)
                    if error or self.draft.full:
                        yield self.draft.taken(total=self.frontier.admitted)
                    if error:
                        raise error

    def _settle(self, task: Task, outcome: Outcome) -> LiveSyncError | None:
        """Note what a visit found; an error is returned when it ends the crawl."""
        if isinstance(outcome, Failed):
            if isinstance(outcome.error, OverBudget):
                return outcome.error
            self.frontier.fates[task.url] = Fate.FAILED
            self.draft.failures.append(outcome.failure)
            self.whole = self.whole and task.url not in self.roots
            return self._patience(outcome.error)
        self._trouble = self._limited = 0
        match outcome:
            case Alive(entry, body):
                self.frontier.fates[task.url] = Fate.ALIVE
                self.draft.add(entry, body)
            case Gone(reason):
                self._note_gone(task.url, reason)
            case Moved():
                self._note_move(task, outcome)
        self._enter_all(outcome.links, task.depth + 1)
        return None

    def _patience(self, error: LiveSyncError | None) -> LiveSyncError | None:
        self._trouble = self._trouble + 1 if isinstance(error, Unavailable) else 0
        self._limited = self._limited + 1 if isinstance(error, RateLimited) else 0
        worn_out = self._trouble >= MAX_TROUBLE or self._limited >= MAX_LIMITED
        return error if worn_out else None

    def _note_gone(self, url: str, reason: str) -> None:
        self.frontier.fates[url] = Fate(reason)
        if url in self.frontier.known:
            self.draft.gone[url] = reason
        elif url in self.roots and reason == Fate.DELETED:
            self._lose(url, "not_found", "There is no page at this start URL.")

    def _note_move(self, task: Task, moved: Moved) -> None:
        scope = self.frontier.scope
        root = task.depth == 0 and moved.via is not Via.CANONICAL
        if root and self.follow_roots and _same_site(task.url, moved.target):
            self.frontier.scope = self.visitor.scope = scope.widened([directory(moved.target)])
        self.frontier.move(task, moved)

    def _enter_unmet(self) -> None:
        """What is known and no link led to: visited all the same, unless it is not ours now."""
        for url in sorted(self.frontier.known - self.frontier.fates.keys()):
            if self._fate_elsewhere(url, Fate.UNSEEN) is Fate.UNSEEN:
                self.frontier.admit(url, self.frontier.max_depth)
            else:
                self._note_gone(url, Fate.OUT_OF_SCOPE)

    def _judge_canonicals(self) -> None:
        """A page whose canonical page is not there stands for itself."""
        ends = {url: self.frontier.end_of(url) for url in self.frontier.moves}
        for url, (_, fate, lasting) in ends.items():
            canonical = self.frontier.moves[url].via is Via.CANONICAL
            if canonical and not (fate is Fate.ALIVE and lasting):
                self.frontier.stand_alone(url)

    def _judge_moves(self) -> None:
        for url in self.frontier.moves:
            end, fate, lasting = self.frontier.end_of(url)
            if url in self.frontier.known:
                self._judge_known(url, self._fate_elsewhere(end, fate), lasting)
            elif url in self.roots and fate not in (Fate.ALIVE, Fate.OUT_OF_SCOPE):
                self._lose(url, "moved", f"This start URL leads to {host(end)}: {fate}.")

    def _judge_known(self, url: str, fate: Fate, lasting: bool) -> None:
        """A temporary redirect takes nothing away, nor does one into the unknown."""
        if lasting and fate is Fate.ALIVE:
            self.draft.gone[url] = "moved"
        elif lasting and fate in (Fate.DELETED, Fate.OUT_OF_SCOPE):
            self.draft.gone[url] = str(fate)
        else:
            kind = "for good" if lasting else "for the time being"
            self.draft.fail(url, "moved", f"The page leads elsewhere {kind}: {fate}.")

    def _fate_elsewhere(self, end: str, fate: Fate) -> Fate:
        """What was never visited because it is not ours to visit is out of scope."""
        frontier = self.frontier
        ours = frontier.scope.reaches(end) and (
            frontier.robots.allows(end) or frontier.robots.error(end) is not None
        )
        return Fate.OUT_OF_SCOPE if fate is Fate.UNSEEN and not ours else fate

    def _lose(self, key: str, code: str, reason: str) -> None:
        """Part of the site could not be seen."""
        self.whole = False
        self.draft.fail(key, code, reason)

    def _last(self) -> ListingPage:
        for place, error in self.frontier.robots.errors.items():
            self._lose(f"{place}/robots.txt", error.code, error.message)
        if self.frontier.full:
            self._lose(f"{self.roots[0]}#max_pages", "too_many", "More pages than max_pages.")
        blind = [f"{place}/" for place in self.frontier.robots.errors]
        return self.draft.last(complete=self.whole, blind=blind, note=self._note())

    def _note(self) -> str:
        """What the next look may lean on: nothing where anything is owed."""
        sound = self.whole and self.draft.flawless and not self.draft.failures
        kept = {url for url, fate in self.frontier.fates.items() if fate is Fate.ALIVE}
        if not (sound and self.sitemaps and (self.proof.trusted or kept <= self.dated)):
            return self.proof.none()
        return self.proof.of(self.sitemaps.read, self.frontier.robots.digests)


def _same_site(one: str, other: str) -> bool:
    return host(one).removeprefix("www.") == host(other).removeprefix("www.")
