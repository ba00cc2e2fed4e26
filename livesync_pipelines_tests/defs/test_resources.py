"""What a process of Dagster logs beside Dagster's own events."""

from __future__ import annotations

import re
import subprocess
import sys

SAY = """
import logging
from livesync_pipelines.defs.resources import date_logs
date_logs()
date_logs()
logging.getLogger("livesync_pipelines.engine.announcements").warning("a queue is gone")
"""


def test_a_line_of_the_log_has_its_time_and_comes_once() -> None:
    command = [sys.executable, "-W", "ignore", "-c", SAY]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ WARNING a queue is gone\n", said)
