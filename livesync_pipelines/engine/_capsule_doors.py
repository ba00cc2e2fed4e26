"""What is wrong with a sync of documents into a capsule, as a user has written it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from livesync_pipelines.connectors import FILE_ENDS, ROW_ENDS
from livesync_pipelines.connectors.base import Connector, Watches
from livesync_pipelines.connectors.files import WritesFiles
from livesync_pipelines.connectors.rows import WritesRows
from livesync_pipelines.engine._checked import Trouble
from livesync_pipelines.engine._doors import SyncDoor
from livesync_pipelines.engine.options import check_options
from livesync_pipelines.model.sync import Connection, Mode


def capsule_troubles(
    door: SyncDoor,
    connection: Connection,
    registry: Mapping[str, type[Connector]],
    environ: Mapping[str, str],
) -> Iterator[Trouble]:
    """Everything that can be known without asking the source."""
    kind = registry.get(connection.platform)
    if kind is None:
        if connection.platform in ROW_ENDS:
            said = f"{connection.platform} has rows and no documents, and a capsule holds these"
            yield Trouble(("target",), said, "Write target: {connection: NAME, table: NAME}.")
        return
    for wrong in check_options(kind.Selection, door.select, environ):
        yield Trouble(("select", *wrong.path), wrong.message, wrong.hint)
    if door.schedule == "realtime" and not issubclass(kind, Watches):
        said = f"{kind.spec.name} does not tell by itself when it changes, so not in real time"
        yield Trouble(("schedule",), said, "Write every_15_minutes, or less often.")
    if door.mode is not Mode.PULL and not callable(getattr(kind, "write", None)):
        said = f"a capsule can only be pulled into: it gives nothing back to {kind.spec.name}"
        rows = ", ".join(name for name, end in ROW_ENDS.items() if issubclass(end, WritesRows))
        files = ", ".join(name for name, end in FILE_ENDS.items() if issubclass(end, WritesFiles))
        yield Trouble(
            ("mode",),
            said,
            "Write mode: pull, or leave mode out. With target: {connection: NAME, ...}, rows can "
            f"be written to {rows}, and files to {files}.",
        )
