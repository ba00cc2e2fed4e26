"""`livesync sandbox`: pretend vendors on one port of this machine."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from livesync_pipelines.cli.children import refuse_taken
from livesync_pipelines.sandbox.app import application
from livesync_pipelines.sandbox.clock import Clock
from livesync_pipelines.sandbox.confluence.planting import planted as planted_site
from livesync_pipelines.sandbox.confluence.vendor import confluence
from livesync_pipelines.sandbox.dropbox import boxes
from livesync_pipelines.sandbox.dropbox import door as dropbox_door
from livesync_pipelines.sandbox.dropbox.vendor import dropbox
from livesync_pipelines.sandbox.google.calendars import planted as planted_calendars
from livesync_pipelines.sandbox.google.door import DECLARED, DRIVE, NAME
from livesync_pipelines.sandbox.google.planting import planted
from livesync_pipelines.sandbox.google.vendor import google
from livesync_pipelines.sandbox.notion import door as notion_door
from livesync_pipelines.sandbox.notion.planting import planted as planted_space
from livesync_pipelines.sandbox.notion.vendor import notion
from livesync_pipelines.sandbox.oauth import CLIENT_ID
from livesync_pipelines.sandbox.serve import HOST, serve
from livesync_pipelines.sandbox.world import World


def serve_sandbox(port: int, *, seed: int, documents: int, limited: bool) -> int:
    """Serve until a signal comes, with a clock that runs; returns the exit code."""
    refuse_taken(port, "the sandbox", "--port")
    world = World(seed=seed, clock=Clock(datetime.now(UTC), running=True))
    if limited:
        world.limits.set(NAME, DECLARED)
        world.limits.set(dropbox_door.NAME, dropbox_door.DECLARED)
        world.limits.set(notion_door.NAME, notion_door.DECLARED)
    vendors = [
        google(world, planted(world, documents), planted_calendars(world)),
        dropbox(world, boxes.planted(world, documents)),
        confluence(world, planted_site(world, documents)),
        notion(world, planted_space(world, documents)),
    ]
    click.echo(_told(f"http://{HOST}:{port}", world, documents))
    try:
        serve(application(world, vendors), port)
    except KeyboardInterrupt:
        click.echo("Stopping.", err=True)
    return 0


def _told(address: str, world: World, documents: int) -> str:
    """Without the secrets, for this may go into a log."""
    ada = world.people[0].email
    people = ", ".join(person.email for person in world.people)
    asked = f'{{"person": "{ada}", "scopes": ["{DRIVE}"]}}'
    return f"""
  Google Drive    {address}/google/drive/v3      {documents} documents of {ada}
  Calendar        {address}/google/calendar/v3   the calendars of {ada}
  OAuth           {address}/google/o/oauth2/v2/auth and {address}/google/token
  Dropbox         {address}/dropbox/2            {documents} documents of {ada}
  OAuth           {address}/dropbox/oauth2/authorize and {address}/dropbox/oauth2/token
  Confluence      {address}/confluence           {documents} notes; an e-mail below and a token
  Notion          {address}/notion/v1            {documents} notes and rows; a token or OAuth
  OAuth           {address}/notion/v1/oauth/authorize and {address}/notion/v1/oauth/token
  Client          {CLIENT_ID}
  Secrets         curl -s {address}/sandbox/secrets
  People          {people}

Try:

  curl -s {address}/sandbox/oauth/google/token -d '{asked}'
  curl -s {address}/google/drive/v3/files -H "Authorization: Bearer ACCESS_TOKEN"
  curl -s {address}/confluence/wiki/api/v2/pages -u {ada}:SANDBOX_API_TOKEN
  curl -s {address}/sandbox/faults -d '{{"match": "GET /google/*", "kind": "429", "times": 3}}'
  curl -s {address}/sandbox/calls
  curl -s {address}/sandbox/truth/google

The sandbox is up. Ctrl-C stops it.
"""
