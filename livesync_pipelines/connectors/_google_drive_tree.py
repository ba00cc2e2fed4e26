"""One folder of Google Drive as a tree of paths, where names are not unique and may be anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from livesync_pipelines.connectors._google_files import DriveFile
from livesync_pipelines.model.errors import ItemFailure

TWICE = "name_twice"
BAD_NAME = "bad_name"


@dataclass(slots=True)
class Tree:
    """What lies below the folder `root`.

    - `files`: those that have bytes, by path; `folders`: the ids, by path, '' being the root.
    - `failures`: what has no path of its own: of two files or folders with one path neither has.
    - `blind`: below which paths nothing can be told, each with a slash at its end.
    """

    root: str
    files: dict[str, DriveFile] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    failures: list[ItemFailure] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, root: str, found: Iterable[DriveFile]) -> Tree:
        inside: defaultdict[str, dict[str, DriveFile]] = defaultdict(dict)
        for file in found:
            inside[file.parent or ""][file.id] = file
        tree = cls(root)
        waiting = [("", root)]
        while waiting:
            path, folder_id = waiting.pop()
            tree.folders[path] = folder_id
            waiting += tree._opened(path, inside[folder_id].values())
        return tree

    def _opened(self, path: str, inside: Iterable[DriveFile]) -> Iterator[tuple[str, str]]:
        """Take in what lies in one folder; returns the folders among it."""
        files, folders = defaultdict[str, list[DriveFile]](list), defaultdict[str, list[str]](list)
        for one in inside:
            name = f"{path}/{one.name}" if path else one.name
            if one.is_folder:
                folders[name].append(one.id)
            elif one.kind == "file":
                files[name].append(one)
        for name, ids in folders.items():
            if self._is_one(name, path, len(ids), "folders", f"{name}/"):
                yield name, ids[0]
        for name, same in files.items():
            if self._is_one(name, path, len(same), "files", None):
                self.files[name] = same[0]

    def _is_one(self, name: str, path: str, count: int, what: str, below: str | None) -> bool:
        own = name[len(path) + 1 :] if path else name
        if count > 1:
            reason = f"Drive has {count} {what} of this name there; rename all but one"
            self.failures.append(ItemFailure(name, TWICE, reason))
        elif "/" in own or not own:
            reason = "its name is empty or has a slash, so it is no part of a path; rename it"
            self.failures.append(ItemFailure(name, BAD_NAME, reason))
        else:
            return True
        self.blind += [below] if below else []
        return False
