"""Two ends and what is known of their rows, walked side by side in the order of their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_values import whole
from livesync_pipelines.engine.row_unfit import UNFIT, usable
from livesync_pipelines.model.errors import Broken, ItemFailure
from livesync_pipelines.model.rows import RowPage

KEY = "\x01key"
"""The column that holds a row's encoded key, beside the columns of its table."""
MARK = "\x01mark"
"""The column that holds the fingerprint of a row's compared values."""

T = TypeVar("T")
Keyed = Callable[[pa.Table], pa.Array]
Marked = Callable[[pa.Table], pa.Array]


@dataclass(frozen=True, slots=True)
class Stretch:
    """What lies between two keys: the rows of each end (with `KEY`), and the state that is held.
    An end that is not walked has no rows here; `None` says so."""

    source: pa.Table | None
    target: pa.Table | None
    held: pa.Table

    @property
    def keys(self) -> pa.Array:
        """Of the rows at either end."""
        there = [whole(rows[KEY]) for rows in (self.source, self.target) if rows is not None]
        return pc.unique(pa.concat_arrays(there)) if len(there) > 1 else there[0]

    @property
    def shown(self) -> pa.Array:
        """The keys of the rows that the first end which is walked has here."""
        rows = self.source if self.source is not None else self.target
        return pa.array([], pa.string()) if rows is None else whole(rows[KEY])

    @property
    def nbytes(self) -> int:
        return sum(rows.nbytes for rows in (self.source, self.target) if rows is not None)

    def only(self, keys: pa.Array) -> Stretch:
        """The rows with these keys."""

        def some(rows: pa.Table, name: str) -> pa.Table:
            if not len(rows) or whole(rows[name]).equals(keys):
                return rows
            mask = pc.is_in(rows[name], value_set=keys)
            return rows if pc.all(mask).as_py() else rows.filter(mask)

        source, target = (
            None if rows is None else some(rows, KEY) for rows in (self.source, self.target)
        )
        return Stretch(source, target, some(self.held, "key"))

    @classmethod
    def joined(cls, pieces: Sequence[Stretch]) -> Stretch:
        """One after the other, from the same ends."""
        sources = [piece.source for piece in pieces if piece.source is not None]
        targets = [piece.target for piece in pieces if piece.target is not None]
        return cls(
            pa.concat_tables(sources).combine_chunks() if sources else None,
            pa.concat_tables(targets).combine_chunks() if targets else None,
            pa.concat_tables([piece.held for piece in pieces]).combine_chunks(),
        )


class Stream:
    """Tables of ascending keys, of which as much is held as has not been taken."""

    def __init__(self, pages: Iterator[tuple[pa.Table, bool]], *, what: str) -> None:
        self._pages = pages
        self._what = what
        self._rows: pa.Table | None = None
        self._reached: str | None = None
        self.done = False

    def reach(self) -> str | None:
        """The last key that is at hand; None: the end is."""
        while not self.done and (self._rows is None or not len(self._rows)):
            rows, self.done = next(self._pages)
            self._check(rows)
            self._rows = rows if self._rows is None else pa.concat_tables([self._rows, rows])
        if self.done or self._rows is None:
            return None
        last: str = self._rows[KEY][-1].as_py()
        return last

    def take(self, through: str | None) -> pa.Table:
        """The rows up to this key; None: all that is left."""
        assert self._rows is not None
        rows = self._rows.combine_chunks()
        keys = rows[KEY]
        count = len(rows) if through is None else pc.sum(pc.less_equal(keys, through)).as_py() or 0
        self._rows = rows.slice(count)
        return rows.slice(0, count)

    def _check(self, rows: pa.Table) -> None:
        """Raises `Broken` where keys do not ascend: then nothing can be told absent."""
        if not len(rows):
            return
        keys = rows[KEY].combine_chunks()
        ascend = pc.all(pc.less(keys[:-1], keys[1:])).as_py() if len(keys) > 1 else True
        if not ascend or (self._reached is not None and keys[0].as_py() <= self._reached):
            raise Broken(
                f"The rows of the {self._what} do not come in the order of their keys, or a key "
                "comes twice.",
                hint="Is the key unique? Name all columns of it under `key`.",
            )
        self._reached = keys[-1].as_py()


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how the walk of an end (`what`) goes: of each row that cannot be read, of how
    many rows a page had, and when the end came without a last page (then nothing is absent).
    `partly`: rows of which cells cannot be read are not among the failing (see `usable`)."""

    what: str
    failed: Callable[[ItemFailure], None]
    listed: Callable[[int], None]
    unfinished: Callable[[], None]
    partly: bool = False


def rows_of(
    pages: Iterator[RowPage], keyed: Keyed, marked: Marked, empty: pa.Table, told: Watcher
) -> Iterator[tuple[pa.Table, bool]]:
    """The pages of an end that is walked, with `KEY` and `MARK`, and whether each is the last;
    `empty` has the columns of the end."""
    none = pa.array([], pa.string())
    rows = empty.append_column(UNFIT, none).append_column(KEY, none)
    for page in pages:
        given, failures = usable(page, keyed, partly=told.partly)
        for failure in failures:
            told.failed(failure)
        told.listed(len(page.rows) + len(page.failures))
        keys = keyed(given)
        rows = given.append_column(KEY, keys)
        if len(given) > len(page.rows):
            rows = rows.sort_by(KEY)
        if keys.null_count:
            told.failed(ItemFailure(f"{told.what}: a row without a key", "no_key", _NO_KEY))
            rows = rows.filter(pc.is_valid(keys))
        yield rows.append_column(MARK, marked(rows)), page.last
        if page.last:
            return
    told.unfinished()
    none_left = rows.slice(0, 0)
    yield none_left.append_column(MARK, marked(none_left)), True


_NO_KEY = "A part of its key is empty, or holds a control character."


@contextmanager
def ahead(pages: Iterator[T]) -> Iterator[Iterator[T]]:
    """The same, where the next one is fetched while one is in use; nothing is after the block."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as thread:

        def fetched() -> Iterator[T]:
            coming = thread.submit(next, pages, None)
            while (page := coming.result()) is not None:
                coming = thread.submit(next, pages, None)
                yield page

        yield fetched()


def walk(source: Stream | None, target: Stream | None, held: Stream) -> Iterator[Stretch]:
    """Stretch after stretch, each no longer than the shortest page at hand, to the end of all."""
    streams = [each for each in (source, target, held) if each is not None]
    while True:
        reached = [key for key in [each.reach() for each in streams] if key is not None]
        through = min(reached, default=None)
        yield Stretch(
            source.take(through) if source else None,
            target.take(through) if target else None,
            held.take(through),
        )
        if through is None:
            return
