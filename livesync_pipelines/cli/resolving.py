"""The words for rows: conflicts list, show, resolve, restore; mapping check, cells, suggest."""

from __future__ import annotations

import click

from livesync_pipelines.cli.options import json_option, limit_option


@click.group()
def conflicts() -> None:
    """Look at what both ends of a sync have changed, and decide.

    A conflict is open where the policy says `ask_person`; others were settled by their policy,
    and what lost is kept.

    \b
    Example:
      livesync conflicts list
      livesync conflicts resolve 17 --take target
    """


@conflicts.command(name="list")
@click.argument("sync_id", metavar="[SYNC]", required=False)
@click.option("--all", "settled", is_flag=True, help="Those that are settled too.")
@limit_option(100, None)
@json_option
def list_conflicts(sync_id: str | None, settled: bool, limit: int, as_json: bool) -> None:
    """List the open conflicts of SYNC, or of all syncs, newest first.

    \b
    Example:
      livesync conflicts list contacts --all
    """
    from livesync_pipelines.cli.work.conflicts import show_conflicts

    show_conflicts(sync_id, limit, settled=settled, as_json=as_json)


@conflicts.command()
@click.argument("conflict_id", metavar="ID", type=int)
@json_option
def show(conflict_id: int, as_json: bool) -> None:
    """Show conflict ID with whole values, who said what when, and what became of it.

    \b
    Example:
      livesync conflicts show 17
    """
    from livesync_pipelines.cli.work.conflicts import show_conflict

    show_conflict(conflict_id, as_json=as_json)


@conflicts.command()
@click.argument("conflict_id", metavar="ID", type=int)
@click.option("--take", type=click.Choice(["source", "target"]), help="Whose value both get.")
@click.option("--value", help="Or a value of your own, as JSON (a text in quotes).")
@json_option
def resolve(conflict_id: int, take: str | None, value: str | None, as_json: bool) -> None:
    """Settle conflict ID: the next run writes the choice to both ends.

    Until it has, another choice takes the place of the first.

    \b
    Example:
      livesync conflicts resolve 17 --take target
      livesync conflicts resolve 17 --value '"+49 30 1234"'
    """
    from livesync_pipelines.cli.work.conflicts import resolve_conflict

    resolve_conflict(conflict_id, take, value, as_json=as_json)


@conflicts.command(name="restore")
@click.argument("conflict_id", metavar="ID", type=int)
@click.option(
    "--take", type=click.Choice(["source", "target"]), help="Whose value, where both have lost."
)
@json_option
def restore_loser(conflict_id: int, take: str | None, as_json: bool) -> None:
    """Bring back what lost in conflict ID: the next run writes it to the ends.

    Where a value was taken that neither end had said, --take tells which is to come back.

    \b
    Example:
      livesync conflicts list contacts --all
      livesync conflicts restore 12
      livesync conflicts restore 13 --take source
    """
    from livesync_pipelines.cli.work.conflicts import restore_conflict

    restore_conflict(conflict_id, take, as_json=as_json)


@click.group(name="mapping")
def mapping_words() -> None:
    """See how the rows of a sync's source become those of its target.

    \b
    Example:
      livesync mapping suggest contacts
      livesync mapping check contacts
    """


@mapping_words.command()
@click.argument("sync_id", metavar="SYNC")
@click.option("--rows", default=1_000, show_default=True, help="How many rows to look at.")
@json_option
def check(sync_id: str, rows: int, as_json: bool) -> int:
    """Map real rows of SYNC and say what would happen; nothing is written.

    Exit code 1 means that some cells do not fit, or would not come back as they went.

    \b
    Example:
      livesync mapping check contacts
    """
    from livesync_pipelines.cli.work.mapping import check_mapping

    return check_mapping(sync_id, rows, as_json=as_json)


@mapping_words.command()
@click.argument("sync_id", metavar="SYNC")
@json_option
def cells(sync_id: str, as_json: bool) -> None:
    """List the cells of SYNC's source that did not fit when last synced, and why.

    \b
    Example:
      livesync mapping cells contacts
    """
    from livesync_pipelines.cli.work.mapping import show_cells

    show_cells(sync_id, as_json=as_json)


@mapping_words.command()
@click.argument("sync_id", metavar="SYNC")
@json_option
def suggest(sync_id: str, as_json: bool) -> None:
    """Suggest a mapping for SYNC, from the names and the first rows of both ends.

    \b
    Example:
      livesync mapping suggest contacts
    """
    from livesync_pipelines.cli.work.mapping import suggest_mapping

    suggest_mapping(sync_id, as_json=as_json)


COMMANDS = (conflicts, mapping_words)
