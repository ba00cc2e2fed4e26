"""Which peers there are, and how each gets an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contest import Contestant

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Peer:
    """`module` runs in an environment that holds `packages`; without one, `why_not`."""

    name: str
    label: str
    packages: tuple[str, ...] = ()
    module: str = ""
    query: str = "select path, text from chunks"
    why_not: str = ""


OURS = ("pyarrow", "numpy")
"""What our chunker needs."""

PEERS = (
    Peer(
        "langchain",
        "LangChain `index()` full, batch 1000",
        (
            "langchain-core>=1.7,<1.8",
            "langchain-classic>=1,<1.1",
            "sqlalchemy[asyncio]",
            "psycopg[binary]",
            *OURS,
        ),
        "benchmarks.peers.langchain_index",
    ),
    Peer(
        "dlt",
        "dlt, merge to Postgres",
        ("dlt[postgres,filesystem]>=1.31,<1.32", *OURS),
        "benchmarks.peers.dlt_merge",
        "select path, text from peer.chunks",
    ),
    Peer(
        "pathway",
        "Pathway to Postgres",
        ("pathway>=0.33,<0.34", "psycopg[binary]", *OURS),
        "benchmarks.peers.pathway_fs",
    ),
    Peer(
        "llamaindex",
        "LlamaIndex",
        why_not="no script for it here; 57 s for a first sync in PEERS.md",
    ),
    Peer(
        "cocoindex", "CocoIndex", why_not="no script for it here; 68 s for a first sync in PEERS.md"
    ),
)


ROWS = Peer(
    "rows",
    "polars and duckdb",
    ("polars>=2.1,<2.2", "duckdb>=2,<2.1", "pyarrow", "numpy"),
    "benchmarks.peers.row_deltas",
)
"""Who finds the delta of two snapshots of a table."""

DLT_ROWS = Peer(
    "dlt-rows",
    "dlt",
    ("dlt[postgres]>=1.31,<1.32", "adbc-driver-postgresql", "pyarrow", "numpy"),
    "benchmarks.peers.dlt_rows",
)
"""Who merges rows into a table of Postgres."""


def cache() -> Path:
    """Where the environments stay, so that they are made once."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "livesync-benchmarks"


def installed(say: Say) -> list[Contestant]:
    """The peers that can take part here; of the others it is said why they cannot."""
    return [found for peer in PEERS if (found := _contestant(peer, say)) is not None]


def _contestant(peer: Peer, say: Say) -> Contestant | None:
    python, reason = (None, peer.why_not) if peer.why_not else environment(peer, say)
    if python is None:
        say(f"{peer.label}: left out: {reason}")
        return None
    return Contestant(
        name=peer.name,
        label=peer.label,
        command=(str(python), "-m", peer.module),
        query=peer.query,
        indexed=None,
        kind="peer",
    )


def environment(peer: Peer, say: Say) -> tuple[Path | None, str]:
    """The Python of the peer's own environment, or why there is none."""
    place = cache() / peer.name
    python, ready = place / "bin" / "python", place / "ready"
    wanted = "\n".join(peer.packages)
    if ready.exists() and ready.read_text() == wanted:
        return python, ""
    say(f"{peer.label}: installing into {place}")
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(place)],
        [str(python), "-m", "pip", "install", "--quiet", *peer.packages],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            return None, said[-1] if said else "it could not be installed"
    ready.write_text(wanted)
    return python, ""
