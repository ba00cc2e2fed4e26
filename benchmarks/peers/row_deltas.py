"""polars and duckdb find the delta of two snapshots, field by field.

Started with the two snapshots as Parquet files, it reads the name of a subject per line and
answers with a line of JSON: seconds, and the digest of what it found. What a subject keeps from
one delta to the next (its own tables; stored hashes) is made before the clock starts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.row_data import FIELDS, digest

duckdb: Any = import_module("duckdb")
pl: Any = import_module("polars")


class Deltas:
    """The snapshots, as each subject likes to have them."""

    def __init__(self, before: str, after: str) -> None:
        self.before, self.after = (pl.read_parquet(path) for path in (before, after))
        self.held = self.before["id"].to_numpy(), self.before.hash_rows(seed=1).to_numpy()
        self.duck = duckdb.connect()
        for name, path in (("before", before), ("after", after)):
            self.duck.execute(f"create table {name} as from read_parquet('{path}')")

    def join(self) -> Any:
        """A full join of lazy frames."""
        unlike = [pl.col(name).ne_missing(pl.col(f"{name}_new")) for name in FIELDS]
        added, removed = pl.col("id").is_null(), pl.col("id_new").is_null()
        changed = [
            pl.when(each & ~added & ~removed).then(pl.lit(name))
            for name, each in zip(FIELDS, unlike, strict=True)
        ]
        return (
            self.before.lazy()
            .join(self.after.lazy(), on="id", how="full", suffix="_new")
            .filter(added | removed | pl.any_horizontal(unlike))
            .select(
                pl.coalesce("id", "id_new").alias("id"),
                pl.when(added)
                .then(pl.lit("added"))
                .when(removed)
                .then(pl.lit("removed"))
                .otherwise(pl.lit("updated"))
                .alias("op"),
                pl.concat_list(changed).list.drop_nulls().alias("fields"),
            )
            .collect()
        )

    def prehashed(self) -> Any:
        """Stored hashes of 64 bits, the new side hashed, the fields of updated rows compared."""
        keys, hashes = self.held
        now = self.after["id"].to_numpy()
        fresh = self.after.hash_rows(seed=1).to_numpy()
        where = np.searchsorted(keys, now)
        where[where == len(keys)] = 0
        known = keys[where] == now
        updated = np.flatnonzero(known & (hashes[where] != fresh))
        left = np.ones(len(keys), bool)
        left[where[known]] = False
        old, new = self.before[where[updated]], self.after[updated]
        changed = [
            pl.select(pl.when(old[name].ne_missing(new[name])).then(pl.lit(name)).alias(name))
            for name in FIELDS
        ]
        fields = pl.concat(changed, how="horizontal").select(
            pl.concat_list(FIELDS).list.drop_nulls().alias("fields")
        )
        nothing = pl.lit([], dtype=pl.List(pl.String)).alias("fields")
        arrived, gone = now[~known], keys[left]
        return pl.concat(
            [
                fields.select(new["id"], pl.lit("updated").alias("op"), "fields"),
                pl.DataFrame({"id": arrived}).select("id", pl.lit("added").alias("op"), nothing),
                pl.DataFrame({"id": gone}).select("id", pl.lit("removed").alias("op"), nothing),
            ]
        )

    def duckdb(self) -> Any:
        """A full join in SQL, of tables of its own."""
        changed = [f"b.{name} is distinct from a.{name}" for name in FIELDS]
        named = [
            f"case when {each} then '{name}' end"
            for each, name in zip(changed, FIELDS, strict=True)
        ]
        return self.duck.sql(
            f"""
            select coalesce(a.id, b.id) as id,
                case when b.id is null then 'added' when a.id is null then 'removed'
                    else 'updated' end as op,
                case when b.id is null or a.id is null then []
                    else list_filter([{", ".join(named)}], lambda name: name is not null)
                    end as fields
            from before b full join after a on a.id = b.id
            where b.id is null or a.id is null or {" or ".join(changed)}
            """
        ).pl()


def main() -> None:
    deltas = Deltas(*sys.argv[1:3])
    subjects: dict[str, Callable[[], Any]] = {
        "join": deltas.join,
        "prehashed": deltas.prehashed,
        "duckdb": deltas.duckdb,
    }
    print("ready", flush=True)
    for line in sys.stdin:
        begun = perf_counter()
        found = subjects[line.strip()]()
        seconds = perf_counter() - begun
        rows = ((key, op, tuple(fields)) for key, op, fields in found.iter_rows())
        print(json.dumps({"seconds": seconds, "digest": digest(rows)}), flush=True)


if __name__ == "__main__":
    main()
