"""accounts, vault: what is connected, and what it is sealed with."""

from __future__ import annotations

import json
import os
import sys
import webbrowser
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from livesync_pipelines.auth.vault import add_key, key_file_in
from livesync_pipelines.cli.output import ago, emit, note, say, table
from livesync_pipelines.cli.work.coming_back import Look, way_back
from livesync_pipelines.cli.work.session import House, open_house
from livesync_pipelines.connectors.choosing import Choice
from livesync_pipelines.engine import accounts as work
from livesync_pipelines.engine import signing_in
from livesync_pipelines.engine.choosing import Seen, seen_by
from livesync_pipelines.engine.signing_in import Begun
from livesync_pipelines.model.errors import BadInput, NotFound
from livesync_pipelines.store import accounts


def list_accounts(*, as_json: bool) -> None:
    """Every account, with what was not granted."""
    with open_house() as house:
        found = [work.document(house.engine, one) for one in accounts.listed(house.connection)]
    if as_json:
        emit({"accounts": found})
        return
    if not found:
        say("No account is connected: `livesync connect PLATFORM --account NAME` connects one.")
        return
    now = datetime.now(UTC)
    heads = ("ACCOUNT", "PLATFORM", "PROJECT", "WHOSE", "IS", "RENEWED", "NOT GRANTED")
    table(
        heads,
        (
            (
                one["name"],
                one["platform"],
                one["project_id"],
                one["who"] or "-",
                one["state"],
                ago(one["renewed_at"], now),
                " ".join(one["missing"]) or "-",
            )
            for one in found
        ),
    )


def remove_account(name: str, *, as_json: bool) -> None:
    """Forget one; tell whom that stops, and where its platform did not take back what was
    granted."""
    with open_house() as house:
        gone = work.remove(house.engine, name)
    platform, syncs = gone.account.platform, gone.syncs
    if as_json:
        emit({"account": name, "platform": platform, "revoked": not gone.trouble, "syncs": syncs})
    else:
        say(f"The account {name} is removed.")
        if syncs:
            say(
                f"These syncs stop at their next run, until it is connected again: "
                f"{', '.join(syncs)}."
            )
    if gone.trouble:
        note(f"Note: {platform} may still let LiveSync in: {gone.trouble}")


def rotate_keys(*, as_json: bool) -> None:
    """Seal everything with the first key; with a new one, where the key file is the home's own."""
    with open_house() as house:
        settings = house.settings
        made = settings.vault_key is None and settings.vault_key_file is None
        if made:
            add_key(key_file_in(settings.home))
        count = work.reseal(house.engine)
    if as_json:
        emit({"resealed": count, "new_key": made})
        return
    say(f"{count} {'account is' if count == 1 else 'accounts are'} sealed with another key now.")


def connect_account(
    house: House, platform: str, name: str, project: str, *, write: str | None = None
) -> dict[str, object]:
    """Send the owner of an account to its platform, wait until he is back, and return what became
    of it. `write`: as in `signing_in.begin`. Raises `BadInput` where he has not agreed, or does not
    come."""
    port = house.settings.port
    door = f"http://localhost:{port}"
    begun = signing_in.begin(house.engine, platform, name, project, door=door, write=write)
    note(f"Sign in and agree here, until {begun.expires_at.astimezone():%H:%M}:\n\n  {begun.url}\n")
    with way_back(house.engine, platform, port) as look:
        _open_browser(begun.url)
        return _awaited(house, begun, look)


def show(name: str, *, as_json: bool) -> None:
    """One account, and what it sees. Raises `NotFound`."""
    with open_house() as house:
        account = accounts.found(house.connection, name)
        if account is None:
            raise NotFound(f"There is no account '{name}'.", hint="See `livesync accounts`.")
        seen = seen_by(house.engine, name, platform=account.platform, project_id=account.project_id)
        told = work.document(house.engine, account)
    if as_json:
        emit({**told, **seen_document(seen)})
        return
    say(f"Account {name}: {told['who'] or 'its owner'} at {account.platform}, {told['state']}.")
    show_seen(seen)


def seen_document(seen: Seen | None) -> dict[str, object]:
    """Nothing where the platform does not tell."""
    if seen is None:
        return {}
    return {"sees": [asdict(one) for one in seen.choices], "sees_more": seen.more}


def show_seen(seen: Seen | None) -> None:
    """What there is to choose from, each with the line that chooses it."""
    if seen is None:
        return
    lines = ((one.title, one.kind, _line(one)) for one in seen.choices)
    table(("IT SEES", "WHICH IS A", "CHOSEN BY, UNDER select:"), lines)
    say(
        f"{'There is more. ' if seen.more else ''}Without such a line a sync takes "
        f"{seen.otherwise}."
    )


def _line(one: Choice) -> str:
    return f"{one.option}: {json.dumps(list(one.values), ensure_ascii=False)}"


def _awaited(house: House, begun: Begun, look: Look) -> dict[str, object]:
    while (told := signing_in.outcome(house.engine, begun)) is None:
        if house.engine.now() > begun.expires_at:
            raise BadInput("Nobody has come back from there in time.", hint="Begin again.")
        look()
    error = told.get("error")
    if isinstance(error, dict):
        raise BadInput(error["message"], hint=error["hint"])
    return dict(told)


def _open_browser(url: str) -> None:
    """Where there is a screen, or the user says which browser."""
    if os.environ.get("BROWSER") or sys.platform == "darwin" or os.environ.get("DISPLAY"):
        webbrowser.open(url)


def show_account(told: Mapping[str, object]) -> None:
    who = told["who"] or "its owner"
    say(f"Account {told['account']} is connected: {who} at {told['platform']}.")
    if not told["writes"]:
        note("Note: it may be read only. To write in its name, connect it again with --write.")
    missing = told["missing"]
    if isinstance(missing, list) and missing:
        note(
            f"Note: not granted: {' '.join(missing)}. What needs it will fail; connect the account "
            "again and agree to all of it."
        )
