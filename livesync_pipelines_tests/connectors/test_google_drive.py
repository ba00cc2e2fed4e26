"""Google Drive, against the pretend one: what is synced, what follows, and what is chosen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livesync_pipelines.connectors._google_drive_feed import Place
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.files import DOCUMENT, PRESENTATION, SPREADSHEET
from livesync_pipelines.sandbox.google.planting import planted
from livesync_pipelines.sandbox.world import World
from livesync_pipelines.store.database import rows
from livesync_pipelines_tests.sandbox.served import ADA, BEN

from .drive_world import DOWNLOADS, FEED, Cabinet, Hand, a_cabinet, plain

_SPACE = " " * 11_000_000


@pytest.fixture
def cabinet(engine: Engine) -> Iterator[Cabinet]:
    with a_cabinet(engine) as cabinet:
        yield cabinet


@pytest.fixture
def greenhouse(engine: Engine) -> Iterator[tuple[Cabinet, str]]:
    """With a shared drive of that name, and its id."""
    world = World()
    drive = Drive(world)
    shared = drive.make_shared_drive(world.person(ADA), "Greenhouse", {ADA: "organizer"})
    with a_cabinet(engine, world, drive) as cabinet:
        yield cabinet, shared.id


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


def test_names_count_from_the_top_of_every_drive_where_no_folder_is_chosen(
    greenhouse: tuple[Cabinet, str],
) -> None:
    cabinet, drive = greenhouse
    ada = cabinet.ada
    drafts, notes = ada.folder("Drafts"), ada.folder("Notes")
    ada.write("a.md", "Of a.", drafts)
    deep = ada.write("b.md", "Of b.", ada.folder("Drafts", notes))
    ada.write("c.md", "Of c.", ada.folder("Drafts", drive))
    shared = ada.write("d.md", "Of d.", ada.folder("Notes", drive))
    cabinet.configure(exclude=["Drafts/**"])
    cabinet.run()
    assert cabinet.held().keys() == {deep, shared}
    new = ada.write("new.md", "Of the new one.", notes)
    ada.write("e.md", "Of e.", drafts)
    ada.move(shared, ada.folder("Drafts", drive))
    cabinet.run()
    assert cabinet.held().keys() == {deep, new}, "the feed goes by the same names"


@pytest.mark.parametrize(
    ("exclude", "kept"),
    [("My Drive/Drafts/**", "shared"), ("Greenhouse/Drafts/**", "own")],
    ids=["of My Drive", "of a shared drive"],
)
def test_a_pattern_may_begin_with_the_name_of_the_top(
    greenhouse: tuple[Cabinet, str], exclude: str, kept: str
) -> None:
    cabinet, drive = greenhouse
    ada = cabinet.ada
    written = {
        "own": ada.write("a.md", "Of a.", ada.folder("Drafts")),
        "shared": ada.write("b.md", "Of b.", ada.folder("Drafts", drive)),
    }
    cabinet.configure(exclude=[exclude])
    cabinet.run()
    assert cabinet.held().keys() == {written[kept]}
    inside = exclude.replace("Drafts", "*")
    cabinet.configure(include=[inside])
    cabinet.run(full=True)
    assert cabinet.held().keys() == set(written.values()) - {written[kept]}


def test_what_is_shared_by_others_is_named_from_the_folder_that_is_seen_down(
    cabinet: Cabinet,
) -> None:
    ben, me = Hand(cabinet.sandbox, BEN), cabinet.ada
    plans = ben.folder("Plans")
    ben.share(plans, ADA)
    plan = ben.write("a.md", "Of a.", ben.folder("Drafts", plans))
    note = me.write("b.md", "Of b.")
    cabinet.configure(exclude=["Drafts/**"])
    cabinet.run()
    assert cabinet.held().keys() == {plan, note}
    cabinet.configure(exclude=["Plans/Drafts/**"])
    cabinet.run(full=True)
    assert cabinet.held().keys() == {note}


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


def test_a_shared_drive_is_synced_and_followed_by_its_own_feed(planted_cabinet: Cabinet) -> None:
    cabinet = planted_cabinet
    truth = cabinet.sandbox.control("GET", "/truth/google")
    (greenhouse,) = truth["drives"]
    cabinet.configure(folders=[greenhouse])
    cabinet.run()
    (hours,) = cabinet.held()
    new = cabinet.ada.write("Rules.md", "No smoking.", greenhouse)
    cabinet.ada.edit(hours, "Always open.")
    cabinet.run()
    assert cabinet.held() == {hours: "Always open.", new: "No smoking."}
    cabinet.ada.move(hours, cabinet.ada.folder("Mine"))
    cabinet.run()
    assert cabinet.held() == {new: "No smoking."}


def test_a_file_that_leaves_a_shared_drive_stays_where_everything_is_selected(
    planted_cabinet: Cabinet,
) -> None:
    cabinet = planted_cabinet
    cabinet.configure()
    cabinet.run()
    hours = next(key for key, file in cabinet.truth().items() if file["driveId"])
    cabinet.ada.move(hours, cabinet.ada.folder("Mine"))
    assert cabinet.run().status is Status.SUCCESS
    assert cabinet.held().keys() == cabinet.truth().keys()
    assert hours in cabinet.held()


def test_a_file_that_is_no_longer_shared_goes(cabinet: Cabinet) -> None:
    ben = Hand(cabinet.sandbox, BEN)
    folder = ben.folder("Ben's")
    inside, alone = ben.write("a.md", "Of a.", folder), ben.write("b.md", "Of b.")
    permissions = [ben.share(shared, ADA) for shared in (folder, alone)]
    mine = cabinet.ada.write("c.md", "Of c.")
    cabinet.configure()
    cabinet.run()
    assert cabinet.held().keys() == {inside, alone, mine}
    for shared, permission in zip((folder, alone), permissions, strict=True):
        ben.unshare(shared, permission)
    cabinet.run()
    assert cabinet.held().keys() == {mine}


def test_a_folder_that_cannot_be_seen_is_told_and_deletes_nothing(cabinet: Cabinet) -> None:
    chosen = cabinet.ada.folder("Chosen")
    note = cabinet.ada.write("a.md", "Of a.", chosen)
    cabinet.configure(folders=[chosen])
    cabinet.run()
    cabinet.ada.trash(chosen)
    result = cabinet.run(full=True)
    assert result.status is Status.FAILED
    assert result.error is not None
    assert chosen in result.error["message"]
    assert cabinet.held().keys() == {note}


def test_what_is_too_large_to_export_is_read_by_its_link(cabinet: Cabinet) -> None:
    large = cabinet.ada.write("Large", f"All of it.\n{_SPACE}", native=DOCUMENT)
    small = cabinet.ada.write("Small", "A bit.\n", native=DOCUMENT)
    cabinet.configure()
    assert cabinet.run().status is Status.SUCCESS
    assert cabinet.held() == {large: "All of it.", small: "A bit."}
    assert cabinet.sandbox.count("GET /google/export") == 1


@pytest.mark.parametrize(
    ("kind", "more"),
    [("429", {"retry_after_s": 1}), ("403", {}), ("500", {}), ("reset", {}), ("truncated", {})],
)
@pytest.mark.parametrize("match", [DOWNLOADS, FEED])
def test_what_fails_for_a_moment_is_asked_for_again(
    cabinet: Cabinet, kind: str, more: dict[str, int], match: str
) -> None:
    note = cabinet.ada.write("a.md", "Of a.")
    cabinet.configure()
    cabinet.run()
    cabinet.ada.edit(note, "Of a, later.")
    cabinet.sandbox.fault(match, kind, **more)
    result = cabinet.run()
    assert result.status is Status.SUCCESS, result.error
    assert cabinet.held() == {note: "Of a, later."}
    assert cabinet.sandbox.control("GET", "/faults")["waiting"] == []


def test_a_token_that_ends_in_the_middle_is_renewed_and_the_run_goes_on(
    planted_cabinet: Cabinet,
) -> None:
    cabinet = planted_cabinet
    cabinet.sandbox.fault(DOWNLOADS, "expired_token", after=10)
    cabinet.configure()
    assert cabinet.run().status is Status.SUCCESS
    assert cabinet.held().keys() == cabinet.truth().keys()
    assert cabinet.sandbox.count("POST /google/token") == 2


def test_an_account_that_was_revoked_pauses_the_sync_and_says_so(cabinet: Cabinet) -> None:
    cabinet.ada.write("a.md", "Of a.")
    cabinet.configure()
    cabinet.run()
    cabinet.sandbox.control("POST", "/oauth/google/withdraw", {"person": ADA})
    result = cabinet.run()
    assert result.status is Status.FAILED
    assert result.error is not None
    assert "livesync connect google_drive --account ada" in result.error["hint"]
    with cabinet.engine.database.pooled() as connection:
        (sync,) = rows(connection, "select state, paused_by from livesync.syncs")
    assert (sync["state"], sync["paused_by"]) == ("paused", "reauthorise")
    assert len(cabinet.held()) == 1


def test_a_place_in_the_feed_that_is_not_known_any_more_costs_a_listing(cabinet: Cabinet) -> None:
    note = cabinet.ada.write("a.md", "Of a.")
    cabinet.configure()
    cabinet.run()
    with cabinet.engine.database.pooled() as connection:
        connection.execute(
            "update livesync.syncs set cursor = %s", (Place({"": "999999999"}).written(),)
        )
    other = cabinet.ada.write("b.md", "Of b.")
    cabinet.ada.delete(note)
    assert cabinet.run().status is Status.SUCCESS
    assert cabinet.held() == {other: "Of b."}


def test_ten_changes_cost_ten_downloads_and_the_page_of_the_feed(planted_cabinet: Cabinet) -> None:
    cabinet = planted_cabinet
    cabinet.configure(shared_drives=False)
    cabinet.run()
    files = [
        key
        for key, file in cabinet.truth().items()
        if file["mimeType"] == "text/markdown" and not file["driveId"]
    ]
    for key in files[:10]:
        cabinet.ada.edit(key, f"Now of {key}.")
    cabinet.sandbox.control("DELETE", "/calls")
    assert cabinet.run().counts.updated == 10
    assert cabinet.sandbox.count(DOWNLOADS) == 10
    assert cabinet.sandbox.count(FEED) == 1
    assert cabinet.sandbox.count("* /google/*") == 11


def test_a_shared_drive_that_is_joined_or_left_comes_and_goes(
    engine: Engine,
) -> None:
    world = World()
    drive = planted(world, 5)
    (greenhouse,) = drive.tree.drives
    with a_cabinet(engine, world, drive) as cabinet:
        drive.set_member(greenhouse, ADA, None)
        cabinet.configure()
        cabinet.run()
        without = cabinet.held().keys()
        assert without == cabinet.truth().keys()
        drive.set_member(greenhouse, ADA, "reader")
        assert cabinet.run().status is Status.SUCCESS
        assert cabinet.held().keys() == cabinet.truth().keys() > without
        drive.set_member(greenhouse, ADA, None)
        assert cabinet.run().status is Status.SUCCESS
        assert cabinet.held().keys() == without
