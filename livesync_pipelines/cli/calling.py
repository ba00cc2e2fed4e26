"""The word for what platforms call to say: webhooks."""

from __future__ import annotations

import click

from livesync_pipelines.cli.options import json_option, limit_option


@click.command()
@click.argument("connection", metavar="[CONNECTION]", required=False)
@limit_option(20, 10_000)
@json_option
def webhooks(connection: str | None, limit: int, as_json: bool) -> None:
    """Show who may call, what platforms are asked to tell, and which deliveries came last.

    `webhook` of a connection says how a platform proves itself. A delivery that comes twice counts
    once; SYNCED says when a sync that began after it was done; UNTOLD is the share of the changes
    of three days that polling found and nobody had told.

    A subscription is pending until its platform has confirmed it, active until it ends, failing
    where it cannot be had (it is tried again), and gone when it has ended.

    \b
    Example:
      livesync webhooks
      livesync webhooks docs --limit 100
    """
    from livesync_pipelines.cli.work.webhooks import show_webhooks

    show_webhooks(connection, limit, as_json=as_json)


COMMANDS = (webhooks,)
