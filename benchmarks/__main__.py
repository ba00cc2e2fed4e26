"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    burst,
    chunking,
    content,
    drive,
    gate,
    latency,
    loads,
    old,
    quiet,
    report,
    rows,
    webhooks,
)

SIZES = [20_000, 100_000]


def main() -> int:
    asked = _parser().parse_args(sys.argv[1:] or ["content"])
    contests: dict[str, Callable[[], int]] = {
        "chunking": lambda: chunking.main(asked.megabytes),
        "rows": lambda: rows.main(asked.rows, asked.repeat),
        "loads": lambda: loads.main(asked.rows, asked.repeat),
        "gate": lambda: gate.main(asked.calls),
        "latency": lambda: latency.main(asked.edits, asked.syncs, asked.per_s),
        "webhooks": lambda: webhooks.main(asked.events, asked.syncs),
        "old": lambda: old.main(asked.old),
        "burst": lambda: burst.main(asked.events, asked.syncs),
        "drive": lambda: drive.main(asked.documents),
        "quiet": lambda: quiet.main(asked.syncs, asked.repeat, with_pages=asked.pages),
        "content": lambda: _content(asked),
    }
    return contests[asked.what]()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    kinds = parser.add_subparsers(dest="what", required=True)
    cutting = kinds.add_parser("chunking", help="how fast and how well texts are cut")
    cutting.add_argument("megabytes", type=float, nargs="?", default=10)
    tables = kinds.add_parser("rows", help="deltas of snapshots of a table, merges of its rows")
    tables.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="(1,000,000)")
    tables.add_argument("--repeat", type=int, default=7, metavar="N", help="rounds (7)")
    loading = kinds.add_parser("loads", help="rows of one table of Postgres into another")
    loading.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="(1,000,000)")
    loading.add_argument("--repeat", type=int, default=3, metavar="N", help="rounds (3)")
    calling = kinds.add_parser("gate", help="signed webhooks, accepted while a sync runs")
    calling.add_argument("--calls", type=int, default=10_000, metavar="N", help="(10,000)")
    waiting = kinds.add_parser("latency", help="from an edit until it is found, through it all")
    waiting.add_argument("--edits", type=int, default=50, metavar="N", help="(50)")
    waiting.add_argument("--syncs", type=int, default=1, metavar="N", help="folders (1)")
    waiting.add_argument("--per-s", type=float, default=0.5, metavar="N", help="edits (0.5)")
    telling = kinds.add_parser("webhooks", help="from a signed webhook until its words are found")
    telling.add_argument("--events", type=int, default=50, metavar="N", help="of each load (50)")
    telling.add_argument("--syncs", type=int, default=50, metavar="N", help="feeds (50)")
    many = kinds.add_parser("burst", help="many signed webhooks at once, until all is reflected")
    many.add_argument("--events", type=int, default=10_000, metavar="N", help="(10,000)")
    many.add_argument("--syncs", type=int, default=200, metavar="N", help="feeds (200)")
    aged = kinds.add_parser("old", help="what old events, operations and runs cost")
    aged.add_argument("--old", type=int, default=100_000, metavar="N", help="of each (100,000)")
    signing = kinds.add_parser("drive", help="documents of a pretend Google Drive, over HTTP")
    signing.add_argument("--documents", type=int, default=10_000, metavar="N", help="(10,000)")
    asking = kinds.add_parser("quiet", help="many sources asked, none of which has changed")
    asking.add_argument("--syncs", type=int, default=10_000, metavar="N", help="(10,000)")
    asking.add_argument("--repeat", type=int, default=3, metavar="N", help="rounds (3)")
    asking.add_argument("--no-pages", dest="pages", action="store_false", help="only the sweeps")
    syncing = kinds.add_parser("content", help="documents in a folder become searchable chunks")
    syncing.add_argument(
        "--documents",
        type=int,
        action="append",
        metavar="N",
        help="a corpus size; may be given again (20,000 and 100,000 where none is given)",
    )
    syncing.add_argument("--repeat", type=int, default=3, metavar="N", help="rounds (3)")
    syncing.add_argument(
        "--peers", action="store_true", help="other products too, each in its own environment"
    )
    syncing.add_argument(
        "--room", type=Path, help="where corpus and database live meanwhile (/var/tmp)"
    )
    return parser


def _content(asked: argparse.Namespace) -> int:
    found = []
    sizes = asked.documents or SIZES
    for measured in content.compare(
        sizes, repeat=asked.repeat, with_peers=asked.peers, room=asked.room
    ):
        print(report.report(measured), flush=True)
        found.append(measured)
    if len(found) > 1:
        print(report.memory(found))
    shortfalls = [line for measured in found for line in report.shortfalls(measured)]
    for line in shortfalls:
        content.say(f"NOT RIGHT: {line}")
    return 1 if shortfalls else 0


if __name__ == "__main__":
    sys.exit(main())
