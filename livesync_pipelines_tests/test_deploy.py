"""What `deploy/` says is what the program knows."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from livesync_pipelines.cli.main import livesync
from livesync_pipelines.settings import Settings

DEPLOY = Path(__file__).parents[1] / "deploy"
OUTSIDE = {"LIVESYNC_IMAGE", "LIVESYNC_CONFIG_DIR", "LIVESYNC_ENV_FILE"}
"""Variables that compose itself is given."""


def test_every_variable_of_ours_is_one_that_is_read() -> None:
    known = {field.alias for field in Settings.model_fields.values()} | OUTSIDE
    for file in DEPLOY.iterdir():
        named = set(re.findall(r"\bLIVESYNC_[A-Z_]+", file.read_text("utf-8")))
        assert named <= known, file.name


def test_compose_runs_commands_that_exist() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    for name in ("livesync", "worker"):
        program, command, *_ = services[name]["command"]
        assert program == "livesync"
        assert command in livesync.commands
    needed = {need for service in services.values() for need in service.get("depends_on", ())}
    assert needed <= set(services)


def test_the_values_for_kubernetes_name_a_module_that_is_there() -> None:
    values = yaml.safe_load((DEPLOY / "kubernetes-values.yaml").read_text("utf-8"))
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    module = deployment["dagsterApiGrpcArgs"][1].replace(".", "/")
    assert (DEPLOY.parent / f"{module}.py").exists()
    assert values["runLauncher"]["type"] == "K8sRunLauncher"


def test_the_unit_is_one_that_systemd_takes() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd on this machine")
    unit = DEPLOY / "livesync-worker.service"
    said = subprocess.run(
        ["systemd-analyze", "verify", f"{unit}"], capture_output=True, text=True, check=False
    ).stderr
    ours = [line for line in said.splitlines() if unit.name in line]
    assert [line for line in ours if "is not executable" not in line] == []
