"""A long history of a Drive, drawn at random: after any of it the capsule is what the account
sees."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines.sandbox.google.files import DOCUMENT
from livesync_pipelines_tests.sandbox.served import ADA, BEN

from .drive_world import Cabinet, Hand, a_cabinet, plain

STEPS = 160
RUN_EVERY = 8


@pytest.fixture
def cabinet(engine: Engine) -> Iterator[Cabinet]:
    with a_cabinet(engine) as cabinet:
        yield cabinet


class History:
    """Ada and Ben at work. `chosen` is the folder that is selected; Ada owns all but what Ben
    shares with her in it."""

    def __init__(self, cabinet: Cabinet, seed: int) -> None:
        self.random = random.Random(seed)
        self.ada, self.ben = cabinet.ada, Hand(cabinet.sandbox, BEN)
        self.chosen = self.ada.folder("Chosen")
        self.outside = self.ada.folder("Outside")
        self.folders = [self.chosen, self.outside]
        self.files: dict[str, str | None] = {}
        self.trashed: list[str] = []
        self.shared: list[tuple[str, str]] = []
        self.number = 0

    def step(self) -> None:
        steps: list[Callable[[], None]] = [
            *[self.write] * 4,
            *[self.edit] * 4,
            *[self.rename] * 2,
            *[self.move] * 3,
            self.new_folder,
            *[self.move_folder] * 2,
            self.trash,
            self.restore,
            self.delete,
            self.share,
            self.unshare,
        ]
        self.random.choice(steps)()

    def text(self) -> str:
        self.number += 1
        return f"# Note {self.number}\n\nSaid {self.random.random()}.\n"

    def write(self) -> None:
        native = self.random.choice([None, DOCUMENT])
        folder = self.random.choice(self.folders)
        name = f"note {self.number}{'' if native else '.md'}"
        self.files[self.ada.write(name, self.text(), folder, native=native)] = native

    def edit(self) -> None:
        if self.files:
            file_id = self.random.choice(list(self.files))
            self.ada.edit(file_id, self.text(), native=self.files[file_id])

    def rename(self) -> None:
        some = [*self.files, *self.folders]
        self.ada.rename(self.random.choice(some), f"called {self.random.randrange(99)}.md")

    def move(self) -> None:
        if self.files:
            self.ada.move(self.random.choice(list(self.files)), self.random.choice(self.folders))

    def new_folder(self) -> None:
        self.folders.append(self.ada.folder("Folder", self.random.choice(self.folders)))

    def move_folder(self) -> None:
        """Into one of the two at the top, so that no folder comes into itself."""
        if len(self.folders) > 2:
            moved = self.random.choice(self.folders[2:])
            self.ada.move(moved, self.random.choice(self.folders[:2]))

    def trash(self) -> None:
        some = [*self.files, *self.folders[2:]]
        if some:
            self.trashed.append(self.random.choice(some))
            self.ada.trash(self.trashed[-1])

    def restore(self) -> None:
        if self.trashed:
            self.ada.restore(self.trashed.pop())

    def delete(self) -> None:
        if self.files:
            gone = self.random.choice(list(self.files))
            del self.files[gone]
            self.trashed = [one for one in self.trashed if one != gone]
            self.ada.delete(gone)

    def share(self) -> None:
        folder = self.ben.folder("Ben's")
        self.ben.write("ben.md", self.text(), folder)
        self.shared.append((folder, self.ben.share(folder, ADA)))

    def unshare(self) -> None:
        if self.shared:
            self.ben.unshare(*self.shared.pop())


def seen(cabinet: Cabinet, below: str) -> dict[str, str]:
    """What the sandbox says that Ada sees, below a folder (empty: everywhere)."""
    return {
        key: plain(file["text"])
        for key, file in cabinet.truth().items()
        if below in cabinet.above(key)
    }


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("is_chosen", [True, False], ids=["a folder", "everything"])
def test_after_a_long_history_the_capsule_is_what_the_account_sees(
    cabinet: Cabinet, seed: int, is_chosen: bool
) -> None:
    history = History(cabinet, seed)
    below = history.chosen if is_chosen else ""
    cabinet.configure(folders=[history.chosen] if is_chosen else [])
    for step in range(1, STEPS + 1):
        history.step()
        if step % RUN_EVERY == 0:
            result = cabinet.run()
            assert result.status is Status.SUCCESS, result.error
            assert cabinet.held() == seen(cabinet, below), f"after step {step}"
    assert cabinet.held()
    held = cabinet.held()
    assert cabinet.run(full=True).status is Status.SUCCESS
    assert cabinet.held() == held
