from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from livesync_pipelines.cli.main import Door, livesync
from livesync_pipelines.model.errors import NeedsPerson, Reauthorise

from .conftest import Terminal

HEAVY = ("dagster", "pandas", "pyarrow", "psycopg", "httpx", "boto3", "pydantic", "rich")


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


@pytest.mark.parametrize("path", [(), *commands(livesync)], ids=" ".join)
def test_every_help_has_an_example(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(livesync, [*path, "--help"])
    assert result.exit_code == 0
    assert f"  livesync {' '.join(path)}".rstrip() in result.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from livesync_pipelines.cli.main import livesync\n"
        "assert livesync.main(['sync', 'run', '--help'], standalone_mode=False) == 0\n"
        f"sys.exit(str([m for m in {HEAVY} if m in sys.modules] or '') or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_words_import_dagster_or_pandas_to_do_their_work() -> None:
    code = (
        "import pkgutil, sys; from importlib import import_module\n"
        "from livesync_pipelines.cli import work\n"
        "found = [m.name for m in pkgutil.iter_modules(work.__path__)]\n"
        "for name in found: import_module(f'{work.__name__}.{name}')\n"
        "sys.exit(str([m for m in ('dagster', 'pandas') if m in sys.modules] or '') or not found)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_words_at_all_show_the_help() -> None:
    result = CliRunner().invoke(livesync, [])
    assert result.exit_code == 0
    assert "Commands:" in result.stdout


def test_a_misspelt_command_is_one_sentence_with_the_nearest() -> None:
    result = CliRunner().invoke(livesync, ["statsu"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "'statsu'" in result.stderr
    assert "'status'" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["status", "--what"],
        ["history"],
        ["search", "handbook", "x", "--limit", "0"],
        ["search", "handbook", "x", "--attribute", "novalue"],
        ["search", "handbook", "x", "--since", "someday"],
        ["apply", "no-such-file.yaml"],
        ["ledger", "docs", "--operation", "5"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_a_document_with_json(words: list[str]) -> None:
    result = CliRunner().invoke(livesync, [*words, "--json"])
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert error["code"] == "bad_input"
    assert error["message"]
    assert set(error) == {"code", "message", "hint", "where"}


def test_after_two_dashes_json_is_a_word() -> None:
    result = CliRunner().invoke(livesync, ["history", "--what", "--", "--json"])
    assert result.exit_code == 2
    assert result.stdout == ""


def door(error: BaseException) -> Door:
    @click.command()
    def go() -> None:
        raise error

    return Door(commands={"go": go})


def go(error: BaseException, *words: str) -> Result:
    return CliRunner().invoke(door(error), ["go", *words])


def test_an_error_that_is_understood_ends_with_its_own_exit_code() -> None:
    result = go(NeedsPerson("It waits.", hint="Approve it.", where="sync a"))
    assert result.exit_code == 3
    assert result.stderr == "Error: sync a: It waits.\nHint: Approve it.\n"


def test_an_error_that_begins_with_its_place_does_not_say_it_twice() -> None:
    call = "GET https://a.b/spaces"
    result = go(Reauthorise(f"{call} answered 401", where=call))
    assert result.stderr == f"Error: {call} answered 401\n"


def test_a_fault_names_its_type_and_keeps_its_traceback() -> None:
    result = go(ZeroDivisionError("division by zero"))
    assert result.exit_code == 1
    assert "ZeroDivisionError: this is a fault of LiveSync" in result.stderr
    assert "Traceback" not in result.output
    kept = Path(result.stderr.partition("The traceback is in ")[2].partition(";")[0])
    assert "division by zero" in kept.read_text()
    kept.unlink()


def test_an_interrupt_is_one_line() -> None:
    result = go(KeyboardInterrupt())
    assert result.exit_code == 130
    assert result.stderr.strip() == "Error: Interrupted."


def test_a_reader_that_has_enough_is_no_error(terminal: Terminal) -> None:
    line = f"{sys.executable} -m livesync_pipelines.cli platforms --json | head -c 1"
    done = subprocess.run(
        ["bash", "-c", line], env=terminal.environ, capture_output=True, check=False
    )
    assert (done.stdout, done.stderr) == (b"{", b"")


def test_a_database_that_does_not_answer_is_one_sentence(terminal: Terminal) -> None:
    nobody = "postgresql://someone:hunter2@127.0.0.1:1/livesync"
    result = terminal("status", LIVESYNC_DATABASE_URL=nobody)
    assert result.exit_code == 1
    assert "127.0.0.1:1/livesync does not answer" in result.stderr
    assert "hunter2" not in result.output
    error = terminal.document("status", code=1, LIVESYNC_DATABASE_URL=nobody)["error"]
    assert error["code"] == "unavailable"


def test_a_wrong_variable_is_named(terminal: Terminal) -> None:
    error = terminal.document("status", code=2, LIVESYNC_PORT="seven")["error"]
    assert error["code"] == "bad_input"
    assert error["where"] == "environment: LIVESYNC_PORT"


def test_a_home_that_cannot_be_made_is_named(terminal: Terminal) -> None:
    nowhere = {"LIVESYNC_HOME": "/dev/null/home", "LIVESYNC_DATABASE_URL": ""}
    error = terminal.document("status", code=2, **nowhere)["error"]
    assert (error["code"], error["where"]) == ("bad_input", "environment: LIVESYNC_HOME")
    assert "/dev/null/home cannot be made" in error["message"]
