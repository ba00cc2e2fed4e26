"""Many texts are cut in a process of its own, and come out as they would here."""

from __future__ import annotations

from datetime import UTC, datetime

import psutil
import pytest

from livesync_pipelines.core import corridor
from livesync_pipelines.engine import cutting
from livesync_pipelines.engine.cutting import Cutter
from livesync_pipelines.model.records import Record

TABLE = "| Ä | b |\n| --- | --- |\n" + "".join(f"| {n} | 😀 {n * n} |\n" for n in range(400))
PROSE = "# One\n\n" + "Words that say something, though not much. " * 300 + "\n\n## Two\n\nÜber.\n"


def record(item_id: str, text: str) -> Record:
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    return Record(
        item_id=item_id,
        key=item_id,
        version="1",
        title=item_id,
        text=text,
        url="",
        media_type="text/markdown",
        attributes={},
        size=len(text),
        modified_at=moment,
        fetched_at=moment,
        content_hash=b"",
        fingerprint=b"",
    )


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    monkeypatch.setattr(cutting, "WORTH_CHARS", 1)
    return [record(f"{n}", text) for n, text in enumerate([TABLE, PROSE, "", TABLE + PROSE])]


def children() -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if "cutter" in " ".join(p.cmdline())]


def test_chunks_cut_beside_are_those_cut_here(many: list[Record]) -> None:
    here = [corridor.place(each, scope="docs") for each in many]
    with Cutter("docs") as cutter:
        first, second = cutter.begin(many), cutter.begin(many[:1])
        assert first() == here
        assert second() == here[:1]
        assert len(children()) == 1
    assert children() == []


def test_few_texts_need_no_process(many: list[Record], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "WORTH_CHARS", 1_000_000)
    with Cutter("docs") as cutter:
        assert cutter.begin(many)() == [corridor.place(each, scope="docs") for each in many]
        assert children() == []


def test_a_process_that_dies_costs_nothing_but_a_warning(
    many: list[Record], caplog: pytest.LogCaptureFixture
) -> None:
    here = [corridor.place(each, scope="docs") for each in many]
    with Cutter("docs") as cutter:
        assert cutter.begin(many)() == here
        (child,) = children()
        child.kill()
        child.wait()
        assert cutter.begin(many)() == here
        assert cutter.begin(many)() == here
    assert [entry.levelname for entry in caplog.records] == ["WARNING"]
