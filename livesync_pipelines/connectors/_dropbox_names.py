"""What a Dropbox's files are called: by keys in lower case, and spelled as people do."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import normalize

from livesync_pipelines.connectors._dropbox_calls import Meta
from livesync_pipelines.connectors._dropbox_options import DropboxSelection, outermost
from livesync_pipelines.connectors._globs import Named
from livesync_pipelines.connectors.files import not_selected, safe


class Names:
    """A name is a path below the one folder that is chosen, else below the root of the account."""

    def __init__(self, selection: DropboxSelection, where: str) -> None:
        self.folders = outermost(selection.folders)
        self.base = self.folders[0] if len(self.folders) == 1 else ""
        include, exclude = (map(str.lower, one) for one in (selection.include, selection.exclude))
        self._globs = Named(list(include), list(exclude))
        self._where = where
        self._spelled: dict[str, str] = {}
        self._is_asked = False

    def selects(self, key: str) -> bool:
        below = [key[len(folder) + 1 :] for folder in self.folders if key.startswith(f"{folder}/")]
        return bool(below) and self._globs.keeps([*below, key.removeprefix("/")])

    def note(self, told: Sequence[Meta]) -> None:
        """How the paths of a page are spelled. It is kept of the last one alone, until a name is
        asked for: then of all that follow."""
        if not self._is_asked:
            self._spelled.clear()
        self._spelled |= {meta["path_lower"]: meta["path_display"] for meta in told}

    def name_of(self, key: str) -> str:
        self._is_asked = True
        return self._spelled.get(key, key)[len(self.base) + 1 :]

    def path_for(self, key: str) -> str:
        """The path of a file that is to be written, spelled as is known. Raises `BadInput` where
        there can be no such file, or it would not be listed."""
        if not self.selects(key):
            raise not_selected(key, self._where)
        safe(self.name_of(key), self._where)
        return self._spelled.get(key, key)

    def key_of(self, name: str) -> str:
        """Raises `BadInput` where there can be no such file, or it would not be listed."""
        path = f"{self.base}/{safe(name, self._where)}"
        key = path.lower()
        if not self.selects(key):
            raise not_selected(name, self._where)
        self._spelled.setdefault(key, path)
        return key


def folded(name: str) -> str:
    """Accents are folded too: what differs in their spelling alone looks the same to people."""
    return normalize("NFC", name).lower()
