"""What there is to choose from where a connection holds the credentials itself."""

from __future__ import annotations

from pydantic import SecretStr

from livesync_pipelines.connectors.confluence import Confluence, ConfluenceConnection
from livesync_pipelines.connectors.notion import Notion, NotionConnection
from livesync_pipelines.sandbox.confluence.site import API_TOKEN
from livesync_pipelines.sandbox.notion.workspace import SECRET
from livesync_pipelines_tests.sandbox.served import ADA

from .confluence_world import SITE, a_wiki
from .notion_world import PLANTS, a_desk


def test_databases_and_the_pages_that_lie_in_nothing_else_are_what_notion_has() -> None:
    with a_desk() as desk:
        source = desk.space.database("Plants", PLANTS, parent=desk.home.id)
        desk.space.row(source, {})
        below = desk.page("Below")
        lonely = desk.space.page("", parent=None)
        connection = NotionConnection(token=SecretStr(SECRET))
        found = list(Notion.choices(connection, desk.limits))
        seen = [(one.title, one.option) for one in found]
        assert seen == [("Plants", "databases"), ("Home", "pages"), ("Untitled", "pages")]
        assert [one.values for one in found[1:]] == [[desk.home.id], [lonely.id]]
        assert below not in {value for one in found for value in one.values}


def test_spaces_are_what_confluence_has() -> None:
    with a_wiki() as wiki:
        token = SecretStr(API_TOKEN)
        connection = ConfluenceConnection(url=SITE, email=ADA, api_token=token)
        (garden,) = Confluence.choices(connection, wiki.limits)
        assert (garden.kind, garden.option, garden.values) == ("space", "spaces", ["GARDEN"])
