"""A folder that becomes pages of a pretend Confluence space by a sync."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.sandbox.confluence.site import Site
from livesync_pipelines.sandbox.world import World
from livesync_pipelines_tests.connectors.pages_place import PagesPlace
from livesync_pipelines_tests.connectors.row_files import FolderPlace
from livesync_pipelines_tests.engine.copies import ENVIRON, Copies
from livesync_pipelines_tests.engine.house import Clock
from livesync_pipelines_tests.sandbox.served import a_sandbox


@contextmanager
def wiki_of(engine: Engine, root: Path, mode: str = "pull") -> Iterator[Copies]:
    """From a folder to a space with a home page, as a pull by the space's sync or as a push of the
    folder's."""
    site = Site(World())
    garden = site.open_space("GARDEN", "Garden", home=True)
    with a_sandbox(site.world, site=site) as sandbox:
        pages = PagesPlace(site, sandbox, garden)
        environ = {**ENVIRON, "CONFLUENCE_API_URL": f"{sandbox.address}/confluence"}
        known = replace(engine, registry=REGISTRY, environ=environ, now=Clock())
        here = FolderPlace(root)
        made = Copies(known, *((here, pages) if mode == "pull" else (pages, here)))
        made.configure(mode=mode)
        yield made
        made.engine.database.close()


def pages_of(copies: Copies) -> PagesPlace:
    place = copies.goal
    assert isinstance(place, PagesPlace)
    return place
