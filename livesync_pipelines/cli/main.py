"""`livesync`: the commands, and how each of them ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from livesync_pipelines.cli import (
    accounts,
    calling,
    failures,
    looking,
    mending,
    resolving,
    setting_up,
    syncing,
    telling,
)
from livesync_pipelines.model.errors import LiveSyncError


class Door(click.Group):
    """The group of all commands. No exception leaves it: each ends in words and an exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        code = self._ended(words, prog_name or "livesync", complete_var, extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order in which a newcomer meets them

    def _ended(
        self, words: list[str], name: str, complete_var: str | None, extra: dict[str, Any]
    ) -> int:
        as_json = "--json" in (words[: words.index("--")] if "--" in words else words)
        try:
            code = super().main(words, name, complete_var, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message())
            return 0
        except click.ClickException as error:
            return failures.tell(failures.usage(error), as_json=as_json)
        except click.Abort:
            return failures.tell_interrupted(as_json=as_json)
        except LiveSyncError as error:
            return failures.tell(error, as_json=as_json)
        except Exception as error:  # noqa: BLE001 - the last line of defence
            return failures.tell_fault(error, as_json=as_json)
        return code if isinstance(code, int) else 0


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="livesync-pipelines", prog_name="livesync")
def livesync() -> None:
    """Keep capsules and tables in step with the places where people write.

    \b
    A first look:
      livesync up examples/livesync.yaml
      livesync search handbook germination test

    Every command works whether or not `livesync up` is running, and has its own --help with an
    example. Listings take --json. EXTERNAL_SYNC_ENABLED=true turns syncing on.
    """


for command in (
    *setting_up.COMMANDS,
    *accounts.COMMANDS,
    *syncing.COMMANDS,
    *looking.COMMANDS,
    *mending.COMMANDS,
    *resolving.COMMANDS,
    *telling.COMMANDS,
    *calling.COMMANDS,
):
    livesync.add_command(command)


def main() -> None:
    """The entry point of the package."""
    livesync.main()
