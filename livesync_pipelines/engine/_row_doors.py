"""What is wrong with a sync of rows, as a user has written it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.engine._checked import Trouble
from livesync_pipelines.engine.options import check_options
from livesync_pipelines.model.merge import Policy, Side
from livesync_pipelines.model.sync import Connection, Mode, SyncConfig

_WRITTEN = {
    Mode.PULL: (Side.TARGET,),
    Mode.PUSH: (Side.SOURCE,),
    Mode.BIDIRECTIONAL: (Side.SOURCE, Side.TARGET),
}


def troubles(
    sync: SyncConfig,
    ends: Mapping[Side, Connection],
    row_ends: Mapping[str, type[RowEnd]],
    environ: Mapping[str, str],
) -> Iterator[Trouble]:
    """Everything that can be known without asking either end."""
    selected = {Side.SOURCE: sync.select, Side.TARGET: sync.target.select if sync.target else {}}
    said = {Side.SOURCE: "select", Side.TARGET: "target"}
    for side, connection in ends.items():
        kind = row_ends.get(connection.platform)
        if kind is None:
            where = ("connection",) if side is Side.SOURCE else ("target", "connection")
            yield Trouble(
                where, f"{connection.platform} has no rows", f"Have rows: {', '.join(row_ends)}."
            )
            continue
        wrong = check_options(kind.Selection, selected[side], environ)
        for trouble in wrong:
            yield Trouble((said[side], *trouble.path), trouble.message, trouble.hint)
        why = None if wrong else kind.unwritable(selected[side])
        if side in _WRITTEN[sync.mode] and why is not None:
            can = [mode for mode in Mode if side not in _WRITTEN[mode]]
            yield Trouble(
                ("mode",),
                f"{sync.mode} writes to the {side}, and {why}",
                f"Allowed: {', '.join(can) or 'no mode; choose another end'}.",
            )
        looked_at = side.other in _WRITTEN[sync.mode]
        if sync.schedule == "realtime" and looked_at and not kind.tells(selected[side]):
            yield Trouble(
                ("schedule",),
                f"the {side} cannot tell that its rows have changed, so not in real time",
                "Write every_15_minutes, or less often; or, for a table of a Postgres whose owner "
                "agrees to triggers, `feed: trigger` beside its name.",
            )
    if sync.mode is not Mode.BIDIRECTIONAL and Policy.ASK_PERSON in sync.policy.fields.values():
        yield Trouble(
            ("policy", "fields"),
            f"nobody is asked in mode {sync.mode}: one end always wins",
            "Write mode: bidirectional, or leave the policy out.",
        )
