"""A house that follows a pretend wiki."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from livesync_pipelines.connectors.confluence import Confluence
from livesync_pipelines.core.normalise import normalise_text
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Counts, Status
from livesync_pipelines.sandbox.confluence.site import API_TOKEN
from livesync_pipelines.store import operations
from livesync_pipelines_tests.engine.house import House, assert_sound
from livesync_pipelines_tests.sandbox.served import ADA

from .confluence_world import SITE, Wiki, a_wiki
from .histories import a_follower


@dataclass(frozen=True, slots=True)
class Followed:
    """A wiki, and a house with a sync of it."""

    wiki: Wiki
    house: House

    def assert_true(self) -> None:
        truth = self.wiki.truth().items()
        wanted = {
            key: normalise_text(_words(one)) for key, one in truth if one["type"] != "comment"
        }
        assert self.house.held() == wanted
        assert_sound(self.house)

    def pass_hours(self, hours: float) -> None:
        self.wiki.sandbox.control("POST", "/clock", {"advance_s": hours * 3_600})

    def looked(self) -> tuple[Counts, str, int]:
        """One run: what it did, by what the changes were told, and the calls that it cost."""
        self.wiki.sandbox.control("DELETE", "/calls")
        result = self.house.run()
        assert result.status is Status.SUCCESS
        with self.house.engine.database.pooled() as connection:
            last = operations.one(connection, self.house.history()[-1]["operation_id"])
        return result.counts, last["proof"]["told_by"], self.wiki.sandbox.count()

    def attributes(self, key: str) -> Mapping[str, str]:
        query = (
            "select d.attributes from livesync.documents d join livesync.shadow s"
            " using (sync_id, item_id) where s.key = %s"
        )
        (row,) = self.house.rows(query, key)
        found: Mapping[str, str] = row["attributes"]
        return found


def _words(told: Mapping[str, Any]) -> str:
    """The gardener writes paragraphs only."""
    if told["type"] == "attachment":
        return b64decode(told["data"]).decode()
    return str(told["storage"]).removeprefix("<p>").removesuffix("</p>")


@contextmanager
def a_followed_wiki(engine: Engine, **select: Any) -> Iterator[Followed]:
    options = {"url": SITE, "email": ADA, "api_token": "${WIKI_TOKEN}"}
    with a_wiki() as wiki:
        environ = {"WIKI_TOKEN": API_TOKEN, "CONFLUENCE_API_URL": wiki.endpoint}
        with a_follower(engine, Confluence, options, environ, **select) as house:
            yield Followed(wiki, house)
