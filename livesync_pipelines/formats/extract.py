"""Turns the bytes of files into Markdown, in order, and survives every one of them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Body, Extracted

from .child import Child, ChildLostError
from .detect import charset_of, detect
from .forms import Form
from .limits import ExtractLimits, Unreadable, too_many_chars
from .text import quick_text

__all__ = ["ExtractLimits", "Extractor"]

_LOOK_AHEAD = 32
_DEFAULTS = ExtractLimits()

Outcome = Extracted | ItemFailure


class Extractor:
    """Reads files. Safe to share between threads; ends its children on `close`.

    At most `workers` child processes, started when first needed and replaced when lost.
    """

    def __init__(self, limits: ExtractLimits = _DEFAULTS, workers: int = 2) -> None:
        self._limits = limits
        self._children = _Children(limits)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="formats")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kills the children, whatever they are doing. Nothing can be extracted afterwards."""
        self._children.close()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def extract(self, bodies: Iterable[Body]) -> Iterator[tuple[Body, Outcome]]:
        """One outcome for each body, in the order given. Runs ahead of the caller by at most 32
        bodies, or by twice `max_bytes` of them, and only behind one that a child is reading.

        Raises `Broken` when children cannot be started at all.
        """
        waiting: deque[tuple[Body, Outcome | Future[Outcome]]] = deque()
        held_bytes = 0
        try:
            for body in bodies:
                outcome = self._at_once(body)
                if isinstance(outcome, Form):
                    waiting.append((body, self._threads.submit(self._in_child, body, outcome)))
                elif waiting:
                    waiting.append((body, outcome))
                else:
                    yield body, outcome
                    continue
                held_bytes += len(body.content)
                while waiting and (self._is_full(waiting, held_bytes) or _is_done(waiting[0][1])):
                    first, its_outcome = waiting.popleft()
                    held_bytes -= len(first.content)
                    yield first, _settled(its_outcome)
            while waiting:
                first, its_outcome = waiting.popleft()
                yield first, _settled(its_outcome)
        finally:
            for _, unread in waiting:
                if isinstance(unread, Future):
                    unread.cancel()

    def _is_full(self, waiting: deque[tuple[Body, Outcome | Future[Outcome]]], held: int) -> bool:
        return len(waiting) > _LOOK_AHEAD or held > 2 * self._limits.max_bytes

    def _at_once(self, body: Body) -> Outcome | Form:
        """The outcome where no child is needed, else the form that a child reads it in."""
        content = body.content
        if len(content) > self._limits.max_bytes:
            reason = f"It has {len(content)} bytes; {self._limits.max_bytes} are allowed."
            return ItemFailure(body.key, "too_large", reason)
        form = detect(content, body.name, body.media_type)
        if isinstance(form, Unreadable):
            return ItemFailure(body.key, form.code, form.reason)
        if not (form.quick or not content):
            return form
        try:
            text, title = quick_text(content.decode(), form)
        except UnicodeDecodeError:
            return form
        if len(text) > self._limits.max_chars:
            return ItemFailure(body.key, "too_large", too_many_chars(self._limits).reason)
        return Extracted(text=text, media_type=form.media_type, title=title)

    def _in_child(self, body: Body, form: Form) -> Outcome:
        """A child that is lost over its first file is lost by that file; one that had served
        before may have been worn or killed from outside, so a fresh one tries once more."""
        job = _job(body, form)
        while True:
            child = self._children.take()
            was_used = child.served > 0
            try:
                answer, text = child.ask(job, body.content)
            except ChildLostError as lost:
                self._children.forget(child)
                if was_used and lost.code != "timed_out":
                    continue
                return ItemFailure(body.key, lost.code, lost.reason)
            self._children.give_back(child)
            if "code" in answer:
                return ItemFailure(body.key, str(answer["code"]), str(answer["reason"]))
            return Extracted(
                text=text.decode(),
                media_type=answer["media_type"] or form.media_type,
                title=answer["title"],
                attributes=answer["attributes"],
            )


class _Children:
    """The child processes that nobody is asking anything at the moment, and those that are."""

    def __init__(self, limits: ExtractLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._closed = False

    def take(self) -> Child:
        with self._lock:
            child = self._idle.pop() if self._idle else None
        if child is None:
            child = Child(self._limits)
        with self._lock:
            self._busy.add(child)
            closed = self._closed
        if closed:
            self.forget(child)
            raise RuntimeError("the extractor is closed")
        return child

    def give_back(self, child: Child) -> None:
        with self._lock:
            keep = not (child.retired or self._closed)
            if keep:
                self._busy.discard(child)
                self._idle.append(child)
        if not keep:
            self.forget(child)

    def forget(self, child: Child) -> None:
        with self._lock:
            self._busy.discard(child)
        child.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for child in idle:
            child.close()
        for child in busy:
            child.kill()


def _job(body: Body, form: Form) -> dict[str, object]:
    return {
        "family": form.family,
        "media_type": form.media_type,
        "language": form.language,
        "name": body.name,
        "url": body.url,
        "charset": charset_of(body.media_type),
    }


def _is_done(outcome: Outcome | Future[Outcome]) -> bool:
    return not isinstance(outcome, Future) or outcome.done()


def _settled(outcome: Outcome | Future[Outcome]) -> Outcome:
    return outcome.result() if isinstance(outcome, Future) else outcome
