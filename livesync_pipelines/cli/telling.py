"""The words for what people are told: notifications list, retry."""

from __future__ import annotations

import click

from livesync_pipelines.cli.options import json_option, limit_option


@click.group()
def notifications() -> None:
    """Look at what was told to whom, and send again what did not arrive.

    `notify` of a sync says who is told of what. A notification is tried three times.

    \b
    Example:
      livesync notifications list
      livesync notifications retry handbook-docs
    """


@notifications.command(name="list")
@click.argument("sync_id", metavar="[SYNC]", required=False)
@limit_option(50, 10_000)
@json_option
def list_notifications(sync_id: str | None, limit: int, as_json: bool) -> None:
    """List the notifications of SYNC, or of all syncs, newest first.

    \b
    Example:
      livesync notifications list handbook-docs
    """
    from livesync_pipelines.cli.work.notifications import show_notifications

    show_notifications(sync_id, limit, as_json=as_json)


@notifications.command()
@click.argument("sync_id", metavar="[SYNC]", required=False)
@json_option
def retry(sync_id: str | None, as_json: bool) -> int:
    """Send again what was given up, of SYNC or of all syncs.

    An address that wanted no more (HTTP 410) is told again too. Exit code 1 where something
    still does not arrive.

    \b
    Example:
      livesync notifications retry
    """
    from livesync_pipelines.cli.work.notifications import retry_notifications

    return retry_notifications(sync_id, as_json=as_json)


COMMANDS = (notifications,)
