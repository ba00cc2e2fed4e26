"""The words for looking: status, history, ledger, search, explain, drift."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import click

from livesync_pipelines.cli.options import json_option, limit_option, moment, pair_option


@click.command()
@click.argument("sync_id", metavar="[SYNC]", required=False)
@click.option("--project", help="Only the syncs of this project.")
@json_option
def status(sync_id: str | None, project: str | None, as_json: bool) -> None:
    """Show how every sync is, or one SYNC in detail.

    \b
    Example:
      livesync status
      livesync status handbook-docs
    """
    from livesync_pipelines.cli.work.lists import show_status

    show_status(sync_id, project, as_json=as_json)


@click.command()
@click.argument("sync_id", metavar="SYNC")
@limit_option(20, 1_000)
@json_option
def history(sync_id: str, limit: int, as_json: bool) -> None:
    """List the operations of SYNC, newest first.

    \b
    Example:
      livesync history handbook-docs --limit 5
    """
    from livesync_pipelines.cli.work.lists import show_history

    show_history(sync_id, limit, as_json=as_json)


class _ListsFirst(click.Group):
    """`ledger SYNC` is short for `ledger list SYNC`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ListsFirst)
def ledger() -> None:
    """Show or verify the change log of a sync.

    `ledger SYNC` is short for `ledger list SYNC`.

    \b
    Example:
      livesync ledger handbook-docs --item guide/leave.md
      livesync ledger verify handbook-docs
    """


@ledger.command(name="list")
@click.argument("sync_id", metavar="SYNC")
@click.option("--item", help="Only what became of this item (its item_id).")
@click.option("--operation", type=click.UUID, help="Only what this operation did.")
@limit_option(50, 10_000)
@json_option
def list_entries(
    sync_id: str, item: str | None, operation: UUID | None, limit: int, as_json: bool
) -> None:
    """List what changed in SYNC, newest first: what, why, and by which operation.

    \b
    Example:
      livesync ledger list handbook-docs --item guide/leave.md
    """
    from livesync_pipelines.cli.work.lists import show_ledger

    show_ledger(sync_id, item, operation, limit=limit, as_json=as_json)


@ledger.command()
@click.argument("sync_id", metavar="SYNC")
@json_option
def verify(sync_id: str, as_json: bool) -> None:
    """Check the hash of every entry of SYNC; exit code 1 where the chain is broken.

    \b
    Example:
      livesync ledger verify handbook-docs
    """
    from livesync_pipelines.cli.work.lists import verify_ledger

    verify_ledger(sync_id, as_json=as_json)


@ledger.command()
@click.argument("sync_id", metavar="SYNC")
@click.option("--check", is_flag=True, help="Only compare; change nothing.")
@json_option
def rebuild(sync_id: str, check: bool, as_json: bool) -> int:
    """Make documents and chunks of SYNC again from its ledger, wherever they differ from it.

    Of rows and of copied files, it is what both ends last agreed on that is made again.

    Exit code 1 where something differs (with --check) or cannot be rebuilt.

    \b
    Example:
      livesync ledger rebuild handbook-docs --check
    """
    from livesync_pipelines.cli.work.lists import rebuild_target

    return rebuild_target(sync_id, check=check, as_json=as_json)


@click.command()
@click.argument("capsule")
@click.argument("words", nargs=-1, required=True)
@limit_option(10, 100)
@click.option("--sync", "sync_id", help="Only what this sync brought in.")
@click.option("--media-type", help="Only documents of this kind, such as text/markdown.")
@click.option("--url-prefix", help="Only documents whose address begins so.")
@click.option(
    "--since",
    callback=moment,
    metavar="TIME",
    help="Only documents modified since: 2026-11-01, 7d.",
)
@pair_option("--attribute", "attributes", text="Only documents with this attribute.")
@json_option
def search(
    capsule: str,
    words: tuple[str, ...],
    since: datetime | None,
    attributes: tuple[tuple[str, str], ...],
    as_json: bool,
    **rest: Any,
) -> None:
    """Find WORDS in a CAPSULE, the best hit first.

    As on the web: all words must be there, `or` gives a choice, "..." an exact phrase (quote the
    quotes), and a minus before a word leaves it out (put -- before the first such word).

    \b
    Example:
      livesync search handbook germination test
      livesync search handbook '"germination test" -draft' --since 7d
    """
    from livesync_pipelines.cli.work.find import Question, show_hits

    question = Question(since=since, attributes=dict(attributes), **rest)
    show_hits(capsule, " ".join(words), question, as_json=as_json)


@click.command()
@click.argument("name", metavar="ID")
@json_option
def explain(name: str, as_json: bool) -> None:
    """Tell where a chunk, a row or a copied file comes from.

    That is the version at the source, the trigger, the run, and the last changes; of a file, the
    versions of both ends and its conflicts too. ID is a chunk_id or an item_id from `livesync
    search`, or SYNC:ITEM.

    \b
    Example:
      livesync explain handbook-docs:guide/leave.md
    """
    from livesync_pipelines.cli.work.find import show_origin

    show_origin(name, as_json=as_json)


@click.command()
@click.argument("sync_id", metavar="SYNC")
@click.option("--sample", is_flag=True, help="Look at the items of today first.")
@json_option
def drift(sync_id: str, sample: bool, as_json: bool) -> None:
    """Tell how much of SYNC can be out of step without having been noticed.

    Every day random items are read anew and compared, and nothing is written: LIVESYNC_DRIFT_SAMPLE
    says how many. What has drifted is brought in by a full resync, which is then queued.

    \b
    Example:
      livesync drift handbook-docs
    """
    from livesync_pipelines.cli.work.drift import show_drift

    show_drift(sync_id, sample=sample, as_json=as_json)


COMMANDS = (status, history, ledger, search, explain, drift)
