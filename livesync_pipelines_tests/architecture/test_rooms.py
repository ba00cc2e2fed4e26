"""The order of the rooms, held. Imports are read from the syntax tree, so that one hidden in a
function or behind `importlib.import_module` counts too."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import livesync_pipelines

HOUSE = "livesync_pipelines"
ROOT = Path(livesync_pipelines.__file__).parent

ORDER = (
    "model",
    "core",
    "formats",
    "net",
    "auth",
    "settings",
    "store",
    "connectors",
    "engine",
    "notify",
)
DOORS = ("web", "cli", "defs")
APART = "sandbox"
"""Imports no other room, not even what stands to its left: a witness knows nothing of us. Only the
terminal door, which serves it, imports it. It calls webhooks by itself, as the vendors do."""

ROOMS = {name: place for place, name in enumerate(ORDER)}
ROOMS |= dict.fromkeys(DOORS, len(ORDER))
ROOMS |= {APART: len(ORDER) - 1}
ROOMS |= {"definitions": len(ORDER) + 1, "__init__": -1}

STARTERS = ("cli/up.py", "cli/runs.py")
"""The two files of the terminal door that open the other doors, inside functions only, so that
`livesync --help` stays quick."""

WAYS_OUT = ("httpx", "requests", "aiohttp", "urllib3", "urllib.request", "http.client")
IMPURE = ("time", "random", "os", "logging", "secrets", "socket", "subprocess", "tempfile")
CLOCKS = ("now", "utcnow", "today")

MODULE_LINES = 300
FUNCTION_LINES = 50


@dataclass(frozen=True, slots=True)
class Module:
    """One file: its path below the house, as in `core/delta.py`, and what it says."""

    path: str
    source: str

    @property
    def room(self) -> str:
        return self.path.partition("/")[0].removesuffix(".py")

    def at(self, line: int, why: str) -> str:
        return f"{HOUSE}/{self.path}:{line}: {why}"


@dataclass(frozen=True, slots=True)
class Import:
    """`name` is absolute and holds the imported thing too; `lazy`: inside a function."""

    name: str
    line: int
    lazy: bool

    @property
    def room(self) -> str | None:
        parts = self.name.split(".")
        return parts[1] if parts[0] == HOUSE and len(parts) > 1 else None

    def is_of(self, *packages: str) -> bool:
        return any(f"{self.name}.".startswith(f"{package}.") for package in packages)


def modules() -> list[Module]:
    files = sorted(ROOT.rglob("*.py"))
    return [Module(file.relative_to(ROOT).as_posix(), file.read_text("utf-8")) for file in files]


def imports(module: Module) -> Iterator[Import]:
    package = [HOUSE, *module.path.split("/")[:-1]]

    def walk(node: ast.AST, lazy: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.stmt, ast.expr)):
                yield from (Import(name, child.lineno, lazy) for name in names(child, package))
            within = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from walk(child, lazy or within)

    yield from walk(ast.parse(module.source), lazy=False)


def names(node: ast.AST, package: list[str]) -> list[str]:
    """What this one node imports into a module of the package, by absolute names."""
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            return [f"{base}.{alias.name}" for alias in node.names]
        case ast.Call(
            func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            return [name]
    return []


def wrong_ways(module: Module) -> Iterator[str]:
    """Imports of a room that does not stand to the left."""
    if module.room not in ROOMS:
        yield module.at(1, f"the room {module.room!r} has no place in the order; give it one here")
        return
    for found in imports(module):
        if found.room is None or found.room == module.room:
            continue
        if found.room not in ROOMS:
            yield module.at(found.line, f"{found.name} is in no room that is known here")
        elif APART in {module.room, found.room}:
            if module.room != "cli":
                yield module.at(
                    found.line, f"{APART} is apart: only cli may import it ({found.name})"
                )
        elif ROOMS[found.room] >= ROOMS[module.room] and not starts(module, found):
            why = f"{module.room} must not import {found.room} ({found.name})"
            yield module.at(found.line, f"{why}; the order is {' < '.join(ORDER)} < {DOORS}")


def starts(module: Module, found: Import) -> bool:
    return module.path in STARTERS and found.lazy


def second_ways_out(module: Module) -> Iterator[str]:
    for found in imports(module):
        if found.is_of(*WAYS_OUT) and module.room not in {"net", APART}:
            yield module.at(found.line, f"only net may import {found.name}")


def dagster_elsewhere(module: Module) -> Iterator[str]:
    if module.room in {"defs", "definitions"}:
        return
    for found in imports(module):
        top = found.name.partition(".")[0]
        if (top == "dagster" or top.startswith("dagster_")) and not starts(module, found):
            why = f"only defs may import {top}; {' and '.join(STARTERS)} may inside functions"
            yield module.at(found.line, why)


def impurities(module: Module) -> Iterator[str]:
    if module.room != "core":
        return
    for found in imports(module):
        if found.is_of(*IMPURE):
            why = f"core is pure and must not import {found.name}: take it as an argument"
            yield module.at(found.line, why)
    for node in ast.walk(ast.parse(module.source)):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCKS:
                yield module.at(node.lineno, f"core has no clock, and calls {name}()")


def oversizes(module: Module) -> Iterator[str]:
    lines = len(module.source.splitlines())
    if lines > MODULE_LINES:
        yield module.at(1, f"{lines} lines, and {MODULE_LINES} are the most: make two of it")
    for node in ast.walk(ast.parse(module.source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                why = f"{node.name} has {length} lines, and {FUNCTION_LINES} are the most"
                yield module.at(node.lineno, why)


Rule = Callable[[Module], Iterator[str]]


def assert_kept(rule: Rule) -> None:
    broken = [line for module in modules() for line in rule(module)]
    assert not broken, "\n" + "\n".join(broken)


def test_rooms_import_only_what_stands_to_their_left() -> None:
    assert_kept(wrong_ways)


def test_there_is_one_way_out_to_the_network() -> None:
    assert_kept(second_ways_out)


def test_dagster_stays_behind_its_door() -> None:
    assert_kept(dagster_elsewhere)


def test_the_core_has_no_clock_no_chance_and_no_environment() -> None:
    assert_kept(impurities)


def test_modules_and_functions_are_small() -> None:
    assert_kept(oversizes)


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (wrong_ways, "core/a.py", "import livesync_pipelines.store.queue"),
        (wrong_ways, "core/a.py", "from livesync_pipelines import settings"),
        (wrong_ways, "core/a.py", "from ..store import queue"),
        (wrong_ways, "core/a.py", "def f():\n    from livesync_pipelines.net import client"),
        (wrong_ways, "core/a.py", "if TYPE_CHECKING:\n    import livesync_pipelines.net"),
        (wrong_ways, "core/a.py", "importlib.import_module('livesync_pipelines.net')"),
        (wrong_ways, "net/a.py", "import livesync_pipelines.settings"),
        (wrong_ways, "web/a.py", "import livesync_pipelines.defs.assets"),
        (wrong_ways, "cli/up.py", "import livesync_pipelines.web.app"),
        (wrong_ways, "cli/other.py", "def f():\n    import livesync_pipelines.web.app"),
        (wrong_ways, "defs/a.py", "import livesync_pipelines.definitions"),
        (wrong_ways, "settings.py", "import livesync_pipelines.store"),
        (wrong_ways, "sandbox/a.py", "from livesync_pipelines.model.errors import BadInput"),
        (wrong_ways, "sandbox/a.py", "def f():\n    import livesync_pipelines.core.delta"),
        (wrong_ways, "connectors/a.py", "from livesync_pipelines.sandbox import world"),
        (wrong_ways, "web/a.py", "import livesync_pipelines.sandbox.serve"),
        (wrong_ways, "attic/a.py", ""),
        (wrong_ways, "web/a.py", "import livesync_pipelines.attic"),
        (second_ways_out, "connectors/rss.py", "import httpx"),
        (second_ways_out, "engine/a.py", "from urllib import request"),
        (dagster_elsewhere, "engine/a.py", "def f():\n    import dagster"),
        (dagster_elsewhere, "cli/up.py", "from dagster import materialize"),
        (dagster_elsewhere, "cli/main.py", "def f():\n    from dagster import materialize"),
        (dagster_elsewhere, "store/a.py", "import dagster_postgres"),
        (impurities, "core/a.py", "import os.path"),
        (impurities, "core/a.py", "def f():\n    from time import monotonic"),
        (impurities, "core/a.py", "datetime.now(UTC)"),
        (oversizes, "web/a.py", "\n" * (MODULE_LINES + 1)),
        (oversizes, "web/a.py", "async def f():\n" + "    1\n" * FUNCTION_LINES),
    ],
)
def test_a_broken_rule_is_noticed(rule: Rule, path: str, source: str) -> None:
    (said,) = rule(Module(path, source))
    assert said.startswith(f"{HOUSE}/{path}:")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("core/a.py", "from livesync_pipelines.model.errors import BadInput\nfrom . import b"),
        ("store/a.py", "from livesync_pipelines.settings import Settings"),
        ("settings.py", "from livesync_pipelines.model.errors import BadInput"),
        ("cli/a.py", "from livesync_pipelines.sandbox.serve import serve"),
        ("sandbox/a.py", "import httpx\nfrom livesync_pipelines.sandbox.world import World"),
        ("definitions.py", "from livesync_pipelines.defs.assets import build\nimport dagster"),
        ("cli/up.py", "def f():\n    import dagster\n    import livesync_pipelines.web.app"),
        ("net/client.py", "import httpx\nimport time"),
        ("web/a.py", "from urllib.parse import urlsplit\nimport time_machine\nimport daggers"),
        ("core/a.py", "def f(now):\n    return now, timeline.time"),
        ("__init__.py", '"""The house."""'),
    ],
)
def test_what_is_allowed_raises_no_alarm(path: str, source: str) -> None:
    module = Module(path, source)
    rules: list[Rule] = [wrong_ways, second_ways_out, dagster_elsewhere, impurities, oversizes]
    assert [said for rule in rules for said in rule(module)] == []
