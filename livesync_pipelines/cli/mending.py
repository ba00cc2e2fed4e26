"""The words for what went wrong or grew old: dead-letters list, save, replay; restore; clean."""

from __future__ import annotations

from typing import IO

import click

from livesync_pipelines.cli.options import json_option, limit_option


@click.group(name="dead-letters")
def dead_letters() -> None:
    """Look at items that could not be brought in, and try them again.

    An item becomes a dead letter when its version cannot be read, or has failed three times. One
    that heals leaves by itself.

    \b
    Example:
      livesync dead-letters list
      livesync dead-letters replay handbook-docs
    """


@dead_letters.command(name="list")
@click.argument("sync_id", metavar="[SYNC]", required=False)
@limit_option(100, 10_000)
@json_option
def list_letters(sync_id: str | None, limit: int, as_json: bool) -> None:
    """List the dead letters of SYNC, or of all syncs.

    \b
    Example:
      livesync dead-letters list handbook-docs
    """
    from livesync_pipelines.cli.work.letters import show_letters

    show_letters(sync_id, limit, as_json=as_json)


@dead_letters.command()
@click.argument("sync_id", metavar="SYNC")
@click.argument("item", metavar="ITEM")
@click.argument("file", type=click.File("wb"))
def save(sync_id: str, item: str, file: IO[bytes]) -> None:
    """Write the bytes of ITEM that could not be read to FILE (- is standard output).

    \b
    Example:
      livesync dead-letters save handbook-docs broken.pdf /tmp/broken.pdf
    """
    from livesync_pipelines.cli.work.letters import save_letter

    save_letter(sync_id, item, file)


@dead_letters.command()
@click.argument("sync_id", metavar="SYNC")
@click.argument("item", metavar="[ITEM]", required=False)
@json_option
def replay(sync_id: str, item: str | None, as_json: bool) -> int:
    """Run SYNC once more with ITEM, or with all its dead letters.

    The items are read from the source as they are now.

    \b
    Example:
      livesync dead-letters replay handbook-docs broken.pdf
    """
    from livesync_pipelines.cli.work.letters import replay_letters

    return replay_letters(sync_id, item, as_json=as_json)


@click.command()
@click.argument("sync_id", metavar="SYNC")
@click.argument("item", metavar="ITEM")
@click.option("--undo", is_flag=True, help="Let a restored item follow its source again.")
@json_option
def restore(sync_id: str, item: str, undo: bool, as_json: bool) -> None:
    """Bring back ITEM, which was removed from SYNC, as it last was.

    It stays until its source shows it again, or until --undo. ITEM is an item_id, as
    `livesync ledger SYNC` lists it.

    \b
    Example:
      livesync restore handbook-docs guide/leave.md
    """
    from livesync_pipelines.cli.work.letters import restore_item

    restore_item(sync_id, item, undo=undo, as_json=as_json)


@click.command()
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@json_option
def clean(dry_run: bool, as_json: bool) -> None:
    """Take away what is older than it is to be kept.

    That is old operations, what superseded ledger entries and old deletions say, old versions of
    rows, texts that nothing names any more, and Dagster's old runs. It happens every night too,
    with the ages of LIVESYNC_KEEP_OPERATIONS_DAYS, LIVESYNC_KEEP_LEDGER_DAYS,
    LIVESYNC_KEEP_DAGSTER_DAYS.

    \b
    Example:
      livesync clean --dry-run
    """
    from livesync_pipelines.cli.work.cleaning import clean_now

    clean_now(dry_run=dry_run, as_json=as_json)


COMMANDS = (dead_letters, restore, clean)
