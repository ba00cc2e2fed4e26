"""What an operation that died has sent and not told of: nobody is asked about a write of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from livesync_pipelines.core.copying import Step
from livesync_pipelines.engine.copying import CopyPlan


def recognised(plan: CopyPlan, left: Mapping[str, str | None]) -> CopyPlan:
    """The plan, with what was `left`: the digest of the bytes that were sent, by name, None where
    a file was to be taken out. What stands apart for that reason alone is looked at."""
    steps = dict(plan.steps)
    for name in plan.names(Step.KEEP):
        if name not in left or name not in plan.source.entries:
            continue
        is_there, digest = name in plan.target.entries, left[name]
        if is_there and digest is not None:
            steps[name] = Step.COMPARE
        elif not is_there and digest is None:
            steps[name] = Step.PUT
    sent = {name: digest for name, digest in left.items() if digest is not None}
    return replace(plan, steps=steps, sent=sent)
