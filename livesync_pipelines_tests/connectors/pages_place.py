"""A space of the pretend Confluence as a place where a test keeps its files: what lies there is
looked at from behind, as the text files that its pages could have been made of."""

from __future__ import annotations

from typing import Any

from livesync_pipelines.connectors._confluence_folders import FOLDER
from livesync_pipelines.connectors._confluence_form import normal
from livesync_pipelines.connectors._confluence_storage import storage_markdown
from livesync_pipelines.sandbox.confluence.site import Content, Site, Space
from livesync_pipelines_tests.sandbox.served import Sandbox

from .row_files import Place


class PagesPlace(Place):
    """Everything below the home page of `space`. What a test puts and removes, Ben does by hand."""

    def __init__(self, site: Site, sandbox: Sandbox, space: Space) -> None:
        self.site = site
        self.sandbox = sandbox
        self.space = space
        self.ben = site.world.people[1]

    def put(self, name: str, content: bytes) -> None:
        storage = f"<p>{content.decode()}</p>"
        if name in self.names():
            self.edit(self.page(name).id, storage=storage)
        else:
            title, home = name.removesuffix(".txt"), self.space.homepage
            self.site.create("page", self.space, title, storage=storage, parent=home, by=self.ben)

    def edit(self, page_id: str, **fields: Any) -> None:
        self.site.edit(page_id, by=self.ben, **fields)

    def get(self, name: str) -> bytes:
        return storage_markdown(self.page(name).storage, "").encode()

    def remove(self, name: str) -> None:
        self.site.trash(self.page(name).id)

    def names(self) -> list[str]:
        return sorted(path for path, page in self.everything() if not is_folder(page))

    def page(self, name: str) -> Content:
        (found,) = (one for path, one in self.everything() if path == name)
        return found

    def ids(self) -> dict[str, str]:
        return {path: page.id for path, page in self.everything() if not is_folder(page)}

    def everything(self) -> list[tuple[str, Content]]:
        pages = [one for one in self.site.contents.values() if one.kind == "page"]
        mine = [one for one in pages if one.space_id == self.space.id and one.parent]
        return [(self._path(one), one) for one in mine if one.status == "current"]

    def _path(self, page: Content) -> str:
        above = self.site.contents[page.parent or ""]
        below = f"{self._path(above)}/" if above.parent else ""
        last = page.title.rpartition(" / ")[2]
        return f"{below}{last}" if is_folder(page) else f"{below}{page.title}.txt"


def is_folder(page: Content) -> bool:
    return normal(page.storage) == FOLDER
