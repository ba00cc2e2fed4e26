"""The words for setting up: up, apply, connect, platforms, doctor, sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from livesync_pipelines.cli.options import json_option, pair_option

_FILES = click.Path(exists=True, path_type=Path)
_PORT = click.IntRange(1, 65_535)
_SANDBOX_PORT = "LIVESYNC_SANDBOX_PORT"


@click.command()
@click.argument("files", nargs=-1, type=_FILES)
@click.option("--once", is_flag=True, help="End after the first cycle: every sync once.")
@click.option("--sandbox", is_flag=True, help="With pretend vendors, taken for the real ones.")
def up(files: tuple[Path, ...], once: bool, sandbox: bool) -> int:
    """Start everything on this machine and stay up.

    That is the database, Dagster with its UI, and the HTTP door. FILES (or LIVESYNC_CONFIG) are
    applied first. Ctrl-C stops every part; a second start goes on where the first stopped.

    With --sandbox, the vendors of `livesync sandbox` are served beside it, and every command of
    this home calls them instead of Google, Dropbox and Confluence, unless the environment says
    something of these. Not where LIVESYNC_BROKER_URL shares runs with other machines.

    \b
    Example:
      livesync up examples/livesync.yaml
      livesync up examples/livesync.yaml --once
      livesync up --sandbox examples/livesync.yaml examples/sandbox.yaml
    """
    from livesync_pipelines.cli.up import up as work
    from livesync_pipelines.settings import Settings

    return work(Settings.load(), files, once=once, sandbox=sandbox)


@click.command()
def worker() -> int:
    """Carry out runs for a `livesync up` on another machine.

    Both share LIVESYNC_DATABASE_URL and LIVESYNC_BROKER_URL (Redis or RabbitMQ).
    LIVESYNC_RUNS_AT_ONCE says how many runs this machine carries out at once.

    \b
    Example:
      export LIVESYNC_BROKER_URL=redis://broker/0
      livesync worker
    """
    from livesync_pipelines.cli.worker import work_along
    from livesync_pipelines.settings import Settings

    return work_along(Settings.load())


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILES)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@json_option
def apply(files: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:
    """Make what is configured equal to FILES.

    Files and directories are read together, and all are applied or none. What is not named
    stays. Applying the same files again changes nothing.

    \b
    Example:
      livesync apply livesync.yaml
      livesync apply config/ --dry-run
    """
    from livesync_pipelines.cli.work.configure import apply_files

    apply_files(files, dry_run=dry_run, as_json=as_json)


@click.command()
@click.argument("platform")
@click.option("--name", help="What to call the connection.")
@click.option("--account", help="The account that the platform is called for; signed in if new.")
@click.option("--project", help="The project that it belongs to; else its account's, or `default`.")
@click.option(
    "--write",
    is_flag=False,
    flag_value="",
    metavar="[SCOPE]",
    help="Ask for the account to be written to as well, with the widest scope or the one named.",
)
@pair_option(
    "options",
    "-o",
    "--option",
    text="One setting of the platform; a list as '[a, b]' or by repeating it, "
    "a secret as '${NAME}' of an environment variable.",
)
@click.option("--no-check", is_flag=True, help="Save it without asking the source.")
@json_option
def connect(platform: str, no_check: bool, as_json: bool, **said: Any) -> None:
    """Connect a PLATFORM, look at what it shows, and save it.

    Nothing is saved when the source does not answer. `livesync platforms NAME` tells which
    options there are.

    With --account and no --name, the account is signed in, or signed in again, and nothing else:
    a browser opens where its owner agrees. With both, that is done where it is not connected yet.

    \b
    Example:
      livesync connect folder --name docs -o path=./docs
      livesync connect s3 --name bucket -o bucket=my-docs -o prefix=guides/
      livesync connect google_drive --account drive
      livesync connect google_drive --account drive --write
    """
    from livesync_pipelines.cli.work.connecting import NewConnection, connect_platform

    connect_platform(
        NewConnection(platform, **said),
        check=not no_check,
        as_json=as_json,
    )


@click.command()
@click.argument("name", required=False)
@json_option
def platforms(name: str | None, as_json: bool) -> None:
    """List the platforms, or all that can be set of one.

    \b
    Example:
      livesync platforms
      livesync platforms s3
    """
    from livesync_pipelines.cli.work.platforms import list_platforms, show_platform

    if name is None:
        list_platforms(as_json=as_json)
    else:
        show_platform(name, as_json=as_json)


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Check this installation and say what to do.

    Exit code 1 when something fails; warnings alone are 0.

    \b
    Example:
      livesync doctor
    """
    from livesync_pipelines.cli.work.doctor import examine

    return examine(as_json=as_json)


@click.command()
@click.argument("project")
@click.argument("role", metavar="viewer|editor")
@click.option("--user", help="Whose it is, as `owner` spells who is asked in a conflict.")
@json_option
def token(project: str, role: str, user: str | None, as_json: bool) -> None:
    """Make a token for the HTTP door, and print it this once.

    A viewer reads what is of PROJECT ('*': of all); an editor also asks for runs and settles
    conflicts. The file that LIVESYNC_API_TOKENS names gets a hash of it. While that is set, nobody
    comes in without a token.

    \b
    Example:
      export LIVESYNC_API_TOKENS=~/livesync-tokens
      livesync token demo editor
    """
    from livesync_pipelines.cli.work.tokens import make_token

    make_token(project, role, user, as_json=as_json)


@click.group(invoke_without_command=True)
@click.option("--port", envvar=_SANDBOX_PORT, default=8700, show_default=True, type=_PORT)
@click.option("--seed", default=1, show_default=True, help="The same seed, the same documents.")
@click.option("--documents", default=40, show_default=True, type=click.IntRange(0, 100_000))
@click.option("--no-limits", is_flag=True, help="Answer as fast as it goes.")
@click.pass_context
def sandbox(ctx: click.Context, port: int, seed: int, documents: int, no_limits: bool) -> int:
    """Serve pretend vendors on this machine, with accounts and documents of their own.

    They grant OAuth tokens, keep versions, tell of changes and call webhooks as the real ones do,
    and fail on demand. Nothing is stored; Ctrl-C ends it. `livesync up --sandbox` serves them
    beside everything else.

    \b
    Example:
      livesync sandbox
      livesync sandbox --port 8701 --documents 10000 --no-limits
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from livesync_pipelines.cli.work.sandbox import serve_sandbox

    return serve_sandbox(port, seed=seed, documents=documents, limited=not no_limits)


@sandbox.command()
@click.argument("name")
@click.argument("words")
@click.option("--platform", help="Where, if several have a document NAME: notion, dropbox ...")
@click.option("--port", envvar=_SANDBOX_PORT, default=8700, show_default=True, type=_PORT)
@json_option
def edit(name: str, words: str, platform: str | None, port: int, as_json: bool) -> None:
    """Add WORDS to the document NAME at a pretend vendor, as its owner would.

    NAME is that of a document in the Drive, a file in the Dropbox, a page in Notion or in
    Confluence; or its id.

    \b
    Example:
      livesync sandbox edit "Petal 1.md" "The zebrafish exhibit opens on Sunday."
      livesync sandbox edit Watering "Water the zebra plants, too."
      livesync sandbox edit "Bed 1" "Zebra plants grow here now." --platform notion
    """
    from livesync_pipelines.cli.work.sandbox_edit import edit as work

    work(name, words, platform=platform, port=port, as_json=as_json)


COMMANDS = (up, worker, apply, connect, platforms, doctor, token, sandbox)
