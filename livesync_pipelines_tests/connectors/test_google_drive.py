"""Google Drive, against the pretend one: what is synced, what follows, and what is chosen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines.sandbox.google.files import DOCUMENT, PRESENTATION, SPREADSHEET
from livesync_pipelines.sandbox.google.planting import planted
from livesync_pipelines.sandbox.world import World

from .drive_world import DOWNLOADS, Cabinet, a_cabinet, plain


@pytest.fixture
def cabinet(engine: Engine) -> Iterator[Cabinet]:
    with a_cabinet(engine) as cabinet:
        yield cabinet


@pytest.fixture
def planted_cabinet(engine: Engine) -> Iterator[Cabinet]:
    world = World()
    with a_cabinet(engine, world, planted(world, 60)) as cabinet:
        yield cabinet


def test_a_first_sync_holds_what_the_account_sees(planted_cabinet: Cabinet) -> None:
    planted_cabinet.configure()
    result = planted_cabinet.run()
    assert result.status is Status.SUCCESS, result.error
    truth = planted_cabinet.truth()
    assert planted_cabinet.held().keys() == truth.keys()
    for key, text in planted_cabinet.held().items():
        if truth[key]["mimeType"] in {DOCUMENT, "text/markdown"}:
            assert text == plain(truth[key]["text"])
    assert planted_cabinet.failures() == {}


def test_native_documents_are_read_as_text(cabinet: Cabinet) -> None:
    document = cabinet.ada.write("Plan", "# Plan\n\nWater the ferns.\n", native=DOCUMENT)
    sheet = cabinet.ada.write("Beds", "plant,height\nfern,30\n", native=SPREADSHEET)
    slides = cabinet.ada.write("Talk", "Ferns\n\nThey like shade.\n", native=PRESENTATION)
    cabinet.configure()
    cabinet.run()
    held = cabinet.held()
    assert held[document] == plain("# Plan\n\nWater the ferns.\n")
    assert "| fern | 30 |" in held[sheet]
    assert "They like shade." in held[slides]
    assert cabinet.titles() == {"Plan", "Beds", "Talk"}


def test_edits_renames_trash_and_deletion_are_followed_by_the_feed(cabinet: Cabinet) -> None:
    ada = cabinet.ada
    kept, edited, renamed, trashed, deleted = (
        ada.write(f"{name}.md", f"Of {name}.") for name in ("a", "b", "c", "d", "e")
    )
    cabinet.configure()
    cabinet.run()
    ada.edit(edited, "Something else.")
    ada.rename(renamed, "z.md")
    ada.trash(trashed)
    ada.delete(deleted)
    new = ada.write("new.md", "Of the new one.")
    lists = cabinet.sandbox.count("GET /google/drive/v3/files")
    result = cabinet.run()
    assert result.status is Status.SUCCESS, result.error
    assert cabinet.held() == {
        kept: "Of a.",
        edited: "Something else.",
        renamed: "Of c.",
        new: "Of the new one.",
    }
    assert cabinet.titles() == {"a.md", "b.md", "z.md", "new.md"}
    assert cabinet.sandbox.count("GET /google/drive/v3/files") == lists
    assert (result.counts.added, result.counts.updated, result.counts.removed) == (1, 2, 2)


def test_what_was_restored_from_the_trash_is_there_again(cabinet: Cabinet) -> None:
    folder = cabinet.ada.folder("Old")
    inside = cabinet.ada.write("a.md", "Of a.", cabinet.ada.folder("Deep", folder))
    other = cabinet.ada.write("b.md", "Of b.")
    cabinet.configure()
    cabinet.run()
    cabinet.ada.trash(folder)
    cabinet.run()
    assert cabinet.held().keys() == {other}
    cabinet.ada.restore(folder)
    cabinet.run()
    assert cabinet.held().keys() == {inside, other}


def test_a_folder_that_moves_brings_all_below_it_in_and_out(cabinet: Cabinet) -> None:
    ada = cabinet.ada
    chosen, elsewhere = ada.folder("Chosen"), ada.folder("Elsewhere")
    moving = ada.folder("Moving", elsewhere)
    deep = ada.write("deep.md", "Of the deep.", ada.folder("Deeper", moving))
    stays = ada.write("stays.md", "Of here.", chosen)
    ada.write("outside.md", "Of elsewhere.", elsewhere)
    cabinet.configure(folders=[chosen])
    cabinet.run()
    assert cabinet.held().keys() == {stays}
    ada.move(moving, chosen)
    cabinet.run()
    assert cabinet.held().keys() == {stays, deep}
    ada.move(moving, elsewhere)
    cabinet.run()
    assert cabinet.held().keys() == {stays}


def test_a_folder_that_is_renamed_is_chosen_anew_and_nothing_is_downloaded(
    cabinet: Cabinet,
) -> None:
    ada = cabinet.ada
    drafts, notes = ada.folder("Drafts"), ada.folder("Notes")
    draft, note = ada.write("a.md", "Of a.", drafts), ada.write("b.md", "Of b.", notes)
    cabinet.configure(exclude=["*/Drafts/**"])
    cabinet.run()
    assert cabinet.held().keys() == {note}
    ada.rename(drafts, "Final")
    cabinet.run()
    assert cabinet.held().keys() == {note, draft}
    downloads = cabinet.sandbox.count(DOWNLOADS)
    ada.rename(notes, "Old notes")
    assert cabinet.run().counts.fetched == 0
    assert cabinet.sandbox.count(DOWNLOADS) <= downloads + 1, "at most a folder is looked up"


def test_a_shortcut_adds_nothing_to_what_it_leads_to(cabinet: Cabinet) -> None:
    ada = cabinet.ada
    chosen = ada.folder("Chosen")
    note = ada.write("a.md", "Of a.", chosen)
    ada.shortcut("here", note, chosen)
    ada.shortcut("there", ada.write("b.md", "Of b."), chosen)
    cabinet.configure(folders=[f"https://drive.google.com/drive/u/0/folders/{chosen}?usp=sharing"])
    cabinet.run()
    ada.shortcut("again", note, chosen)
    cabinet.run()
    assert cabinet.held() == {note: "Of a."}


def test_only_the_types_that_were_asked_for_are_read(cabinet: Cabinet) -> None:
    cabinet.ada.write("a.md", "Of a.")
    document = cabinet.ada.write("b", "Of b.\n", native=DOCUMENT)
    cabinet.configure(types=["document"])
    cabinet.run()
    assert cabinet.held().keys() == {document}
