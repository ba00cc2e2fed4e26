"""The daily look for drift, as Dagster carries it out."""

from __future__ import annotations

import dagster as dg
import pytest

from livesync_pipelines.definitions import defs
from livesync_pipelines.defs.drift import daily
from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.model.sync import SyncState
from livesync_pipelines.store import catalog

from .conftest import SYNC, House, a_sync
from .test_automation import drain
from .test_corridor import materialised, run


def look(house: House) -> str:
    """One daily run; returns what it says."""
    result = defs.resolve_job_def("measure_drift").execute_in_process(instance=house.instance)
    assert result.success
    return " ".join(entry.message for entry in house.instance.all_logs(result.run_id))


def test_every_active_sync_is_looked_at_and_the_next_run_shows_the_bound(house: House) -> None:
    house.configure(a_sync(), a_sync("resting"))
    run(house)
    with house.engine.database.connect() as connection:
        catalog.set_state(connection, "resting", SyncState.PAUSED, None)
    said = look(house)
    assert f"{SYNC}: at most 77.6% is divergent; 0 of 2 samples drifted" in said
    assert "resting" not in said
    metadata = materialised(run(house))["source"].metadata
    assert metadata["drift_upper_bound"].value == pytest.approx(0.776, abs=0.001)
    assert (metadata["drift_samples"].value, metadata["drift_found"].value) == (2, 0)


def test_what_drifted_becomes_a_full_resync(house: House) -> None:
    run(house)
    with house.engine.database.connect() as connection:
        connection.execute(
            "update livesync.shadow set fingerprint = decode(md5('x'), 'hex') where key = 'one.md'"
        )
    assert "1 of 2 samples drifted" in look(house)
    (request,) = drain(house)
    assert request.tags.items() >= {"livesync/trigger": "drift", "livesync/full": "true"}.items()
    assert run(house, **dict(request.tags)).success
    assert drain_nothing(house)


def drain_nothing(house: House) -> bool:
    with house.engine.database.connect() as connection:
        return connection.execute("select from livesync.queue").rowcount == 0


def test_a_source_that_is_away_keeps_no_other_from_being_looked_at(house: House) -> None:
    house.configure(a_sync(), a_sync("a-second"))
    run(house)
    house.folder.rename(house.folder.with_name("elsewhere"))
    said = look(house)
    assert "a-second could not be looked at" in said
    assert f"{SYNC} could not be looked at" in said


def test_it_rests_where_it_is_switched_off(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer() -> object:
        context = dg.build_schedule_context(house.instance, resources={"livesync": LiveSync()})
        return daily(context)

    assert isinstance(answer(), dg.RunRequest)
    for name, value in (("LIVESYNC_DRIFT_SAMPLE", "0"), ("EXTERNAL_SYNC_ENABLED", "false")):
        monkeypatch.setenv(name, value)
        skipped = answer()
        assert isinstance(skipped, dg.SkipReason)
        assert name in (skipped.skip_message or "")
