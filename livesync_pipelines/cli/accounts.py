"""The words for accounts and what they are sealed with: accounts list, remove; vault rotate."""

from __future__ import annotations

import click

from livesync_pipelines.cli.options import json_option


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def accounts(ctx: click.Context, as_json: bool) -> None:
    """List the accounts that are connected, show what one sees, or remove one.

    `livesync connect PLATFORM --account NAME` connects one. Its tokens lie sealed in the database.

    \b
    Example:
      livesync accounts
      livesync accounts show drive
      livesync accounts remove drive
    """
    if ctx.invoked_subcommand is None:
        from livesync_pipelines.cli.work.accounts import list_accounts

        list_accounts(as_json=as_json)


@accounts.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Tell what the account NAME sees at its platform, and how a sync chooses of it.

    \b
    Example:
      livesync accounts show drive
    """
    from livesync_pipelines.cli.work.accounts import show as work

    work(name, as_json=as_json)


@accounts.command()
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Forget the account NAME, and have its platform take back what was granted.

    Syncs of connections that name it stop at their next run, and say so.

    \b
    Example:
      livesync accounts remove drive
    """
    from livesync_pipelines.cli.work.accounts import remove_account

    remove_account(name, as_json=as_json)


@click.group()
def vault() -> None:
    """Look after what the tokens of accounts are sealed with.

    \b
    Example:
      livesync vault rotate
    """


@vault.command()
@json_option
def rotate(as_json: bool) -> None:
    """Seal all that is sealed with the first key.

    Put a new key before the old one in LIVESYNC_VAULT_KEY or the file that LIVESYNC_VAULT_KEY_FILE
    names, rotate, and take the old one out. Where neither is set, a new key is made in the home's
    own file, and the one before it is kept for one rotation more.

    \b
    Example:
      livesync vault rotate
    """
    from livesync_pipelines.cli.work.accounts import rotate_keys

    rotate_keys(as_json=as_json)


COMMANDS = (accounts, vault)
