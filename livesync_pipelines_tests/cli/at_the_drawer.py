"""`livesync` with one platform more: `python -m livesync_pipelines_tests.cli.at_the_drawer`."""

from __future__ import annotations

import sys

from livesync_pipelines import connectors
from livesync_pipelines.cli.main import main
from livesync_pipelines_tests.engine import drawer

if __name__ == "__main__":
    sys.modules[f"{connectors.__name__}.drawer"] = drawer
    for known in (connectors.REGISTRY, connectors.PLATFORMS):
        known._places["drawer"] = ("drawer", "Drawer")  # type: ignore[attr-defined]  # not Mapping's
    main()
