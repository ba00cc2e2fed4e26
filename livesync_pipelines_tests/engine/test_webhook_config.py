"""What a configuration file may say of who calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.engine.desired import load
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.sync import Desired, Webhook
from livesync_pipelines.store import catalog
from livesync_pipelines.store.database import rows

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ARN = "arn:aws:sns:eu-west-1:123456789012:changes"
ENVIRON = {"KEY": KEY, "OLD": KEY, "SHORT": "abc", "TOKEN": "a long random text"}


def wanted(tmp_path: Path, webhook: str, platform: str = "folder, path: /docs") -> Desired:
    file = tmp_path / "livesync.yaml"
    file.write_text(f"connections:\n  docs: {{platform: {platform}, webhook: {webhook}}}\n")
    return load([file], REGISTRY, ENVIRON)


GOOD: dict[str, tuple[str, Webhook]] = {
    "folder, path: /docs": (
        '{secret: "${KEY}", also: "${OLD}"}',
        Webhook(scheme="standard", secret="${KEY}", also="${OLD}"),
    ),
    "s3, bucket: docs": ('{secret: "${TOKEN}"}', Webhook(scheme="bearer", secret="${TOKEN}")),
    "s3, bucket: events": (
        f'{{scheme: sns, topic: "{ARN}"}}',
        Webhook(scheme="sns", topic=ARN),
    ),
    'rss, url: "https://example.com/feed"': (
        '{scheme: hub, secret: "${TOKEN}", topic: "https://example.com/feed"}',
        Webhook(scheme="hub", secret="${TOKEN}", topic="https://example.com/feed"),
    ),
    'website, start: ["https://example.com/"]': (
        "{scheme: notion}",
        Webhook(scheme="notion"),
    ),
}


@pytest.mark.parametrize("platform", GOOD)
def test_each_platform_has_a_scheme_of_its_own_and_may_be_given_another(
    tmp_path: Path, platform: str
) -> None:
    text, expected = GOOD[platform]
    (connection,) = wanted(tmp_path, text, platform).connections
    assert connection.webhook == expected
    assert "webhook" not in connection.options


BAD = {
    "[]": "a mapping of keys",
    "{}": "'secret' is missing",
    '{secret: "${KEY}", shceme: box}': "unknown key",
    f"{{secret: {KEY}}}": "written out here",
    '{secret: "x${KEY}"}': "written out here",
    '{secret: "${GONE}"}': "GONE is not set",
    '{secret: "${SHORT}"}': "holds no key of Standard Webhooks",
    '{secret: "${KEY}", also: "${SHORT}"}': "holds no key of Standard Webhooks",
    '{secret: "${file:/nowhere/key}"}': "the file /nowhere/key cannot be read: FileNotFoundError",
    '{secret: "${file:/dev/null}"}': "holds no key of Standard Webhooks",
    '{secret: "${file:key}"}': "written out here",
    '{scheme: bx, secret: "${KEY}"}': "no scheme 'bx'",
    "{scheme: sns}": "'topic' is missing",
    "{scheme: sns, topic: changes}": "'changes' cannot be one",
    f'{{scheme: sns, topic: "{ARN}", secret: "${{KEY}}"}}': "has no secret",
    '{scheme: hubspot, secret: "${TOKEN}", url: "here"}': "no address",
}


@pytest.mark.parametrize("text", BAD)
def test_what_would_let_nobody_in_or_anybody_is_said_before_it_is_applied(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(BadInput) as caught:
        wanted(tmp_path, text)
    assert BAD[text] in caught.value.message
    assert "livesync.yaml:2" in str(caught.value.where) + caught.value.message
    assert KEY not in f"{caught.value.message}{caught.value.hint}"


def test_what_is_stored_is_the_name_of_the_secret(engine: Engine, tmp_path: Path) -> None:
    with engine.database.pooled() as connection:
        catalog.apply(connection, wanted(tmp_path, '{secret: "${KEY}"}'))
        (stored,) = rows(connection, "select * from livesync.connections")
        (back,) = catalog.stored(connection).connections
    assert KEY not in str(stored)
    assert back.webhook == Webhook(scheme="standard", secret="${KEY}")


def test_another_secret_disturbs_no_sync(engine: Engine, tmp_path: Path) -> None:
    def fence() -> list[dict[str, Any]]:
        with engine.database.pooled() as connection:
            return rows(connection, "select fence, note, cursor from livesync.syncs")

    file = tmp_path / "livesync.yaml"
    text = (
        "capsules: {c: }\nconnections: {docs: {platform: folder, path: /docs, webhook: HOOK}}\n"
        "syncs: {s: {connection: docs, target: c}}\n"
    )
    before = None
    for name in ("KEY", "OLD"):
        file.write_text(text.replace("HOOK", f'{{secret: "${{{name}}}"}}'))
        with engine.database.pooled() as connection:
            catalog.apply(connection, load([file], REGISTRY, ENVIRON))
        assert before in (None, fence())
        before = fence()
