"""What a configuration may say of a sync that copies files."""

from __future__ import annotations

from typing import Any

import pytest

from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.engine.desired import asked
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.merge import Policy
from livesync_pipelines.model.sync import OVERRIDES, Desired, SyncConfig
from livesync_pipelines_tests.engine.copies import document

FOLDER = {"platform": "folder", "path": "/srv/docs"}
BUCKET = {"platform": "s3", "bucket": "backup"}
FEED = {"platform": "rss", "url": "https://example.com/feed.xml"}
SITE = {"platform": "website", "start": ["https://example.com/"]}
WIKI = {
    "platform": "confluence",
    "url": "https://garden.atlassian.net",
    "email": "ada@example.com",
    "api_token": "${WIKI_TOKEN}",
}
TABLE = {"platform": "sql_table", "url": "sqlite:////srv/crm.db"}


def load(source: dict[str, Any], target: dict[str, Any], /, **said: Any) -> SyncConfig:
    wanted = asked(
        "file", document(source, target, **said), REGISTRY, {"WIKI_TOKEN": "t"}, known=Desired()
    )
    return wanted.syncs[0]


def test_two_places_of_files_make_a_copy_and_a_person_is_asked_unless_the_policy_says() -> None:
    plain = load(FOLDER, BUCKET, target={"connection": "there", "include": ["**/*.md"]})
    assert plain.copies
    assert plain.target is not None
    assert plain.target.select == {"include": ["**/*.md"]}
    assert plain.policy.default is Policy.ASK_PERSON
    assert plain.conflict_resolution == "ask_person"
    wins = load(FOLDER, BUCKET, policy={"default": "source_wins"})
    assert wins.conflict_resolution == OVERRIDES
    assert load(BUCKET, FOLDER, mode="push").copies


def test_two_places_of_rows_are_no_copy() -> None:
    select = {"rows": "a.csv", "key": ["id"]}
    target = {"connection": "there", "rows": "b.csv", "key": ["id"]}
    assert not load(FOLDER, FOLDER, select=select, target=target).copies
    assert not load(
        FOLDER, TABLE, select=select, target={"connection": "there", "table": "t", "key": ["id"]}
    ).copies


@pytest.mark.parametrize(
    ("source", "target", "said", "message", "hint"),
    [
        (SITE, FOLDER, {}, "website has neither rows nor files", "Have files: folder, s3, goo"),
        (FOLDER, FEED, {}, "rss has neither rows nor files", "Have files: folder, s3, conf"),
        (FEED, FOLDER, {"mode": "push"}, "rss has neither rows nor files", "folder, s3, conf"),
        (WIKI, FOLDER, {}, "confluence holds pages", "target: {capsule: NAME}"),
        (FOLDER, WIKI, {"mode": "push"}, "confluence holds pages", "target: {capsule: NAME}"),
        (FOLDER, WIKI, {}, "'space' is missing", ""),
        (FOLDER, BUCKET, {"mode": "bidirectional"}, "copied one way", "Allowed: pull"),
        (FOLDER, BUCKET, {"schedule": "realtime"}, "not in real time", "every_15_minutes"),
        (FOLDER, BUCKET, {"mapping": [{"from": "a", "to": "b"}]}, "nothing to map", ""),
        (FOLDER, BUCKET, {"policy": {"fields": {"a": "union"}}}, "files have no fields", ""),
        (FOLDER, BUCKET, {"policy": {"default": "union"}}, "union says nothing", "Allowed: ask_"),
        (FOLDER, BUCKET, {"policy": {"default": "latest_wins"}}, "latest_wins says", "ask_person"),
        (FOLDER, BUCKET, {"policy": {"on_delete": "delete_wins"}}, "a deletion against", ""),
        (FOLDER, BUCKET, {"drift": "pause"}, "files have no columns", ""),
        (FOLDER, BUCKET, {"select": {"inclde": []}}, "unknown key", "include"),
        (
            FOLDER,
            BUCKET,
            {"target": {"connection": "there", "table": "t"}},
            "unknown key 'table'",
            "include",
        ),
    ],
)
def test_what_a_copy_cannot_do_is_said_with_what_it_can(
    source: dict[str, Any], target: dict[str, Any], said: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(BadInput) as refused:
        load(source, target, **said)
    told = f"{refused.value.message} {refused.value.hint}"
    assert message in told
    assert hint in told
