"""The words about syncs: sync add, list, run, pause, resume, approve, remove."""

from __future__ import annotations

from typing import Any

import click

from livesync_pipelines.cli.options import json_option, pair_option


@click.group()
def sync() -> None:
    """Make, run, pause and remove syncs.

    \b
    Example:
      livesync sync add handbook-docs --connection docs --capsule handbook --include '**/*.md'
      livesync sync run handbook-docs
    """


@sync.command()
@click.argument("name", metavar="NAME|JSON|-")
@click.option("--connection", help="Where the items are; or CONNECTION/TABLE, for rows.")
@click.option("--capsule", help="Where they go; made when it is not there yet.")
@click.option(
    "--target", metavar="CONNECTION[/TABLE|/FOLDER|/SPACE]", help="Where rows or files go."
)
@click.option("--mode", help="pull, push or bidirectional.")
@click.option("--key", multiple=True, help="Column that tells rows apart; may be repeated.")
@click.option("--language", help="Of a capsule that is made: english, german, simple ...")
@click.option("--schedule", help="realtime, every_15_minutes ..., hourly, daily, manual, cron.")
@click.option("--include", multiple=True, help="Glob of items to take; may be repeated.")
@click.option("--exclude", multiple=True, help="Glob of items to leave; may be repeated.")
@pair_option("select", "-o", "--option", text="One more setting of the platform's selection.")
@click.option("--priority", help="critical, normal or low.")
@click.option("--project", help="The project; that of the connection if none is named.")
@json_option
def add(name: str, as_json: bool, **said: Any) -> int:
    """Make a sync called NAME from a connection to a capsule, or to a table.

    In place of a name, a program gives one JSON document, as an argument or (-) on standard
    input: the sync is made if it is not there, run once, and the result printed as JSON.

    \b
    Example:
      livesync sync add handbook-docs --connection docs --capsule handbook \\
        --include '**/*.md' --exclude 'drafts/**' --schedule hourly
      livesync sync add contacts --connection crm/contacts --target shop/customers \\
        --mode bidirectional
      livesync sync add offsite --connection docs --target drive/FOLDER_ID
      echo '{"project_id": "demo", "sync_type": "pull", "source_platform": "docs",
        "target_entity": "handbook", "schedule": "hourly"}' | livesync sync add -
    """
    if name == "-" or name.lstrip().startswith("{"):
        from livesync_pipelines.cli.work.callers import run_asked

        return run_asked(name, [option for option, value in said.items() if value])
    from livesync_pipelines.cli.work.configure import NewSync, make_sync

    make_sync(NewSync(name=name, **said), as_json=as_json)
    return 0


@sync.command(name="list")
@json_option
def list_syncs(as_json: bool) -> None:
    """List the configured syncs.

    \b
    Example:
      livesync sync list
    """
    from livesync_pipelines.cli.work.syncs import listed

    listed(as_json=as_json)


@sync.command()
@click.argument("sync_id", metavar="SYNC")
@click.option("--full", is_flag=True, help="Read every item again, changed or not.")
@click.option("--plan", metavar="HASH", help="Write only what this plan says, or nothing.")
@json_option
def run(sync_id: str, full: bool, plan: str | None, as_json: bool) -> int:
    """Run SYNC now and print its result.

    It is a Dagster run in this process. Exit code 0 for success (also where single items
    failed), 1 for a failure, 3 when the run waits for a person.

    \b
    Example:
      livesync sync run handbook-docs
      livesync sync run handbook-docs --full --json
    """
    from livesync_pipelines.cli.work.syncs import run_now

    return run_now(sync_id, full=full, plan=plan, as_json=as_json)


@sync.command(name="plan")
@click.argument("sync_id", metavar="SYNC")
@click.option("--full", is_flag=True, help="As if every item had changed.")
@json_option
def plan_run(sync_id: str, full: bool, as_json: bool) -> int:
    """Print what a run of SYNC would write, and write nothing.

    The source is listed and read as in a run. Exit codes are those of `sync run`.

    \b
    Example:
      livesync sync plan handbook-docs
      livesync sync run handbook-docs --plan HASH   # refused when the world has moved
    """
    from livesync_pipelines.cli.work.plans import show_plan

    return show_plan(sync_id, full=full, as_json=as_json)


@sync.command()
@click.argument("sync_id", metavar="SYNC")
@click.option("--reason", help="For whoever wonders later.")
@json_option
def pause(sync_id: str, reason: str | None, as_json: bool) -> None:
    """Let SYNC rest until it is resumed.

    \b
    Example:
      livesync sync pause handbook-docs --reason "moving the share"
    """
    from livesync_pipelines.cli.work.syncs import pause as work

    work(sync_id, reason, as_json=as_json)


@sync.command()
@click.argument("sync_id", metavar="SYNC")
@json_option
def resume(sync_id: str, as_json: bool) -> None:
    """Let SYNC run again by its schedule.

    \b
    Example:
      livesync sync resume handbook-docs
    """
    from livesync_pipelines.cli.work.syncs import resume as work

    work(sync_id, as_json=as_json)


@sync.command()
@click.argument("sync_id", metavar="SYNC")
@json_option
def approve(sync_id: str, as_json: bool) -> None:
    """Allow the removals that SYNC waits for.

    Its next run carries them out.

    \b
    Example:
      livesync sync approve handbook-docs
      livesync sync run handbook-docs
    """
    from livesync_pipelines.cli.work.syncs import approve as work

    work(sync_id, as_json=as_json)


@sync.command()
@click.argument("sync_id", metavar="SYNC")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def remove(sync_id: str, yes: bool, as_json: bool) -> None:
    """Remove SYNC with all that it brought in.

    Documents, chunks and history go. The source is not touched. The connection and the capsule
    stay.

    \b
    Example:
      livesync sync remove handbook-docs
    """
    from livesync_pipelines.cli.work.syncs import remove as work

    work(sync_id, yes=yes, as_json=as_json)


@sync.command()
@click.argument("sync_id", metavar="SYNC")
def accept(sync_id: str) -> None:
    """Take the columns of SYNC's source as they are now, and resume it.

    \b
    Example:
      livesync sync accept contacts
    """
    from livesync_pipelines.cli.work.conflicts import accept_columns

    accept_columns(sync_id)


COMMANDS = (sync,)
