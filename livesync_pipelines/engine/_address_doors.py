"""What is wrong with the addresses that a sync is to tell or call, as a user has written them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from livesync_pipelines.auth.references import BARE, NO_LITERALS, expand_text
from livesync_pipelines.core.spellings import HOW_TO_SIGN, is_signing_secret
from livesync_pipelines.engine._checked import Trouble
from livesync_pipelines.model.sync import Action, SyncConfig

_HTTP = re.compile(r"https?://[^/\s]+(?:/\S*)?")
_ADDRESS = re.compile(r"mailto:[^@\s]+@[^@\s]+|https?://[^/\s]+(?:/\S*)?")


def address_troubles(sync: SyncConfig, environ: Mapping[str, str]) -> Iterator[Trouble]:
    """Everything that can be known without sending."""
    for n, address in enumerate(sync.notify.to):
        filled, trouble = expand_text(address, environ)
        if trouble is not None:
            yield Trouble(("notify", "to", n), *trouble)
        elif not _ADDRESS.fullmatch(filled):
            hint = "Write mailto:NAME@HOST or https://..."
            yield Trouble(("notify", "to", n), "this is no address", hint)
    for n, action in enumerate(sync.actions):
        yield from _of_action(action, ("actions", n), environ)


def _of_action(
    action: Action, path: tuple[str | int, ...], environ: Mapping[str, str]
) -> Iterator[Trouble]:
    filled, trouble = expand_text(action.call, environ)
    if trouble is not None:
        yield Trouble((*path, "call"), *trouble)
    elif not _HTTP.fullmatch(filled):
        yield Trouble((*path, "call"), "this is no address of a webhook", "Write https://...")
    if action.secret is None:
        return
    if not BARE.fullmatch(action.secret):
        said = "a secret is written out here, and would be stored"
        yield Trouble((*path, "secret"), said, NO_LITERALS)
        return
    secret, trouble = expand_text(action.secret, environ)
    if trouble is not None:
        yield Trouble((*path, "secret"), *trouble)
    elif not is_signing_secret(secret):
        yield Trouble((*path, "secret"), f"{action.secret} holds no signing secret", HOW_TO_SIGN)
