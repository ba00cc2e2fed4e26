"""One small world per platform, in which a test writes, changes and loses things.

A platform joins the contracts with a class here and a line in `WORLDS`.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from pydantic import SecretStr

from livesync_pipelines.connectors.base import PAGE_ITEMS, Connector, FetchLimits
from livesync_pipelines.connectors.confluence import (
    Confluence,
    ConfluenceConnection,
    ConfluenceSelection,
)
from livesync_pipelines.connectors.dropbox import Dropbox, DropboxConnection, DropboxSelection
from livesync_pipelines.connectors.folder import Folder, FolderConnection, FolderSelection
from livesync_pipelines.connectors.google_calendar import (
    GoogleCalendar,
    GoogleCalendarConnection,
    GoogleCalendarSelection,
)
from livesync_pipelines.connectors.google_drive import (
    GoogleDrive,
    GoogleDriveConnection,
    GoogleDriveSelection,
)
from livesync_pipelines.connectors.json_api import JsonApi, JsonApiConnection, JsonApiSelection
from livesync_pipelines.connectors.notion import Notion, NotionConnection, NotionSelection
from livesync_pipelines.connectors.rss import Rss, RssConnection, RssSelection
from livesync_pipelines.connectors.s3 import S3, S3Connection, S3Selection
from livesync_pipelines.connectors.website import Website, WebsiteConnection, WebsiteSelection
from livesync_pipelines.net.api import Bearer
from livesync_pipelines.sandbox.confluence.site import Site as ConfluenceSite
from livesync_pipelines.sandbox.notion.planting import text
from livesync_pipelines.sandbox.notion.workspace import Workspace
from livesync_pipelines.sandbox.world import World as SandboxWorld

from ..connectors import calendar_world, drive_world, dropbox_world
from ..connectors.confluence_world import SITE
from ..connectors.s3_world import ACCESS_KEY, client, endpoint, new_bucket, seed
from ..net.site import Site, Watch
from ..sandbox.served import ADA, a_sandbox

LIMITS = FetchLimits(max_bytes=100_000, timeout_s=5.0)
SECRET = "hunter2-the-secret"


class World(ABC):
    """A source under the test's hand. Items have names; their keys are the platform's."""

    many: ClassVar[int] = PAGE_ITEMS + 3
    """So many items that a listing of them has more than one page."""
    secret = SECRET
    """What the connector calls its source with."""

    def __init__(self) -> None:
        self._open: list[Connector] = []

    def connector(self) -> Connector:
        """A fresh instance, as each run has one."""
        self._open.append(self._connector())
        return self._open[-1]

    def close(self) -> None:
        for connector in self._open:
            connector.close()

    @abstractmethod
    def _connector(self) -> Connector: ...

    @abstractmethod
    def key(self, name: str) -> str: ...

    @abstractmethod
    def put(self, name: str, text: str) -> None:
        """Write an item, new or not."""

    def put_many(self, names: Sequence[str]) -> None:
        for name in names:
            self.put(name, name)

    @abstractmethod
    def touch(self, name: str) -> None:
        """Do what may well happen to an item without its content changing."""

    @abstractmethod
    def remove(self, name: str) -> None: ...

    def rename(self, old: str, new: str) -> None:
        """Only where the platform knows renames."""
        raise NotImplementedError

    @abstractmethod
    def break_item(self, name: str) -> None:
        """Bring it about that this one item cannot be read."""

    @abstractmethod
    def cut_off(self) -> None:
        """Take the whole source away."""


class FolderWorld(World):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())

    def _connector(self) -> Connector:
        return Folder(FolderConnection(path=str(self.root)), FolderSelection(), LIMITS)

    def close(self) -> None:
        super().close()
        shutil.rmtree(self.root, ignore_errors=True)

    def key(self, name: str) -> str:
        return f"{name[-1]}/{name}.txt"

    def put(self, name: str, text: str) -> None:
        file = self.root / self.key(name)
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def touch(self, name: str) -> None:
        (self.root / self.key(name)).read_text()

    def remove(self, name: str) -> None:
        (self.root / self.key(name)).unlink()

    def rename(self, old: str, new: str) -> None:
        (self.root / self.key(new)).parent.mkdir(exist_ok=True)
        (self.root / self.key(old)).rename(self.root / self.key(new))

    def break_item(self, name: str) -> None:
        self.put(name, "x" * (LIMITS.max_bytes + 1))

    def cut_off(self) -> None:
        shutil.rmtree(self.root)


class S3World(World):
    many = 1_003

    def __init__(self) -> None:
        super().__init__()
        self.bucket = new_bucket()

    def _connector(self) -> Connector:
        connection = {
            "bucket": self.bucket,
            "prefix": "p/",
            "endpoint_url": endpoint(),
            "region": "us-east-1",
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET,
        }
        return S3(S3Connection.model_validate(connection), S3Selection(), LIMITS)

    def key(self, name: str) -> str:
        return f"p/{name}"

    def put(self, name: str, text: str) -> None:
        client().put_object(Bucket=self.bucket, Key=self.key(name), Body=text.encode())

    def put_many(self, names: Sequence[str]) -> None:
        seed(self.bucket, [self.key(name) for name in names])

    def touch(self, name: str) -> None:
        now = client().get_object(Bucket=self.bucket, Key=self.key(name))
        self.put(name, now["Body"].read().decode())

    def remove(self, name: str) -> None:
        client().delete_object(Bucket=self.bucket, Key=self.key(name))

    def break_item(self, name: str) -> None:
        client().put_object(
            Bucket=self.bucket, Key=self.key(name), Body=b"x", StorageClass="GLACIER"
        )

    def cut_off(self) -> None:
        for item in client().list_objects_v2(Bucket=self.bucket).get("Contents", []):
            client().delete_object(Bucket=self.bucket, Key=item["Key"])
        client().delete_bucket(Bucket=self.bucket)


class RssWorld(World):
    def __init__(self) -> None:
        super().__init__()
        self.site = Site()
        self.site.__enter__()
        self._entries: dict[str, str] = {}
        self._publish()

    def _connector(self) -> Connector:
        url = self.site.url("/feed").replace("http://", f"http://ada:{SECRET}@")
        return Rss(RssConnection(url=url, allow_private=True), RssSelection(), LIMITS)

    def close(self) -> None:
        super().close()
        self.site.__exit__(None, None, None)

    def _publish(self) -> None:
        items = "".join(self._entries.values())
        self.site.put(
            "/feed",
            f'<rss version="2.0"><channel><title>News</title>{items}</channel></rss>',
            headers={"content-type": "application/rss+xml"},
        )

    def key(self, name: str) -> str:
        return f"urn:{name}"

    def put(self, name: str, text: str) -> None:
        self._entries[name] = (
            f"<item><guid>{self.key(name)}</guid><title>{name}</title>"
            f"<description>{text}</description></item>"
        )
        self._publish()

    def put_many(self, names: Sequence[str]) -> None:
        for name in names:
            self._entries[name] = f"<item><guid>{self.key(name)}</guid></item>"
        self._publish()

    def touch(self, name: str) -> None:
        """A feed stamps its entries anew and turns their order round."""
        entry = self._entries.pop(name)
        dated = "<pubDate>Sat, 21 Nov 2026 00:00:00 GMT</pubDate></item>"
        self._entries[name] = entry.replace("</item>", dated)
        self._publish()

    def remove(self, name: str) -> None:
        del self._entries[name]
        self._publish()

    def break_item(self, name: str) -> None:
        """Markup that is not XML: it can be read, and it is told."""
        self.put(name, "this & that")

    def cut_off(self) -> None:
        self.site.put("/feed", "no such feed", status=404)


class JsonApiWorld(World):
    many = 53
    at_once = 20

    def __init__(self) -> None:
        super().__init__()
        self.site = Site()
        self.site.__enter__()
        self._items: dict[str, dict[str, str]] = {}
        self._publish()

    def _connector(self) -> Connector:
        connection = {"url": self.site.url("/api"), "token": SECRET, "allow_private": True}
        select = {"path": "items", "items": "data", "text": "words", "pages": {"by": "page"}}
        return JsonApi(
            JsonApiConnection.model_validate(connection),
            JsonApiSelection.model_validate(select),
            LIMITS,
        )

    def close(self) -> None:
        super().close()
        self.site.__exit__(None, None, None)

    def _publish(self) -> None:
        """Pages of items, and one without any behind them."""
        items = list(self._items.values())
        starts = range(0, len(items) + self.at_once, self.at_once)
        for number, start in enumerate(starts, start=1):
            shown = {"data": items[start : start + self.at_once]}
            self.site.put(f"/api/items?page={number}", json.dumps(shown))

    def key(self, name: str) -> str:
        return f"urn:{name}"

    def put(self, name: str, text: str) -> None:
        self._items[name] = {"id": self.key(name), "words": text}
        self._publish()

    def put_many(self, names: Sequence[str]) -> None:
        for name in names:
            self._items[name] = {"id": self.key(name), "words": name}
        self._publish()

    def touch(self, name: str) -> None:
        """It is counted how often it is looked at, and what was is shown last."""
        self._items[name] = {**self._items.pop(name), "looks": "17"}
        self._publish()

    def remove(self, name: str) -> None:
        del self._items[name]
        self._publish()

    def break_item(self, name: str) -> None:
        self.put(name, "x" * (LIMITS.max_bytes + 1))

    def cut_off(self) -> None:
        self.site.put("/api/items?page=1", "no such list", status=404)


class WebsiteWorld(World):
    many = 53

    def __init__(self) -> None:
        super().__init__()
        self.site = Site()
        self.site.__enter__()
        self._texts: dict[str, str] = {}
        self._publish()

    def _connector(self) -> Connector:
        connection = WebsiteConnection(start=[self.site.url("/")], allow_private=True, pause_s=0)
        return Website(connection, WebsiteSelection(), LIMITS, world=Watch().world())

    def close(self) -> None:
        super().close()
        self.site.__exit__(None, None, None)

    def _publish(self) -> None:
        links = "".join(f'<a href="/{name}">{name}</a>' for name in self._texts)
        self.site.put("/", f"<html><body>{links}</body></html>")

    def key(self, name: str) -> str:
        return self.site.url(f"/{name}")

    def put(self, name: str, text: str) -> None:
        self._write(name, text)
        self._publish()

    def put_many(self, names: Sequence[str]) -> None:
        for name in names:
            self._write(name, name)
        self._publish()

    def _write(self, name: str, text: str) -> None:
        self._texts[name] = text
        self.site.put(f"/{name}", f"<html><body><p>{text}</p></body></html>")

    def touch(self, name: str) -> None:
        """A replica stamps its own validators."""
        page = f"<html><body><p>{self._texts[name]}</p></body></html>"
        self.site.put(f"/{name}", page, headers={"etag": '"of this replica"'})

    def remove(self, name: str) -> None:
        del self._texts[name]
        self.site.drop(f"/{name}")
        self._publish()

    def break_item(self, name: str) -> None:
        self.put(name, "")
        self.site.put(f"/{name}", "sorry", status=500)

    def cut_off(self) -> None:
        for target in ("/", "/robots.txt", *(f"/{name}" for name in self._texts)):
            self.site.put(target, "sorry", status=503)


class GoogleDriveWorld(World):
    many = 1_003

    def __init__(self) -> None:
        super().__init__()
        self._served = ExitStack()
        self._sandbox = self._served.enter_context(a_sandbox())
        self._hand = drive_world.Hand(self._sandbox)
        self._ids: dict[str, str] = {}
        self.secret = str(self._sandbox.tokens()["access_token"])

    def _connector(self) -> Connector:
        at = f"{self._sandbox.address}/google"
        limits = replace(LIMITS, account=Bearer(self.secret), api_url=at)
        connection = GoogleDriveConnection(account="ada")
        return GoogleDrive(connection, GoogleDriveSelection(), limits)

    def close(self) -> None:
        super().close()
        self._served.close()

    def key(self, name: str) -> str:
        return self._ids.get(name, f"nothing is called {name}")

    def put(self, name: str, text: str) -> None:
        if name in self._ids:
            self._hand.edit(self._ids[name], text)
        else:
            self._ids[name] = self._hand.write(f"{name}.md", text)

    def touch(self, name: str) -> None:
        """Drive counts also what nobody reads."""
        self._hand.patch(self._ids[name], {"starred": True})

    def remove(self, name: str) -> None:
        self._hand.delete(self._ids[name])

    def break_item(self, name: str) -> None:
        self.put(name, "x" * (LIMITS.max_bytes + 1))

    def cut_off(self) -> None:
        self._sandbox.control("POST", "/oauth/google/withdraw", {"person": ADA})


class GoogleCalendarWorld(World):
    many = 503

    def __init__(self) -> None:
        super().__init__()
        self._served = ExitStack()
        self._sandbox = self._served.enter_context(a_sandbox())
        self._hand = calendar_world.Hand(self._sandbox)
        self._ids: dict[str, str] = {}
        self.secret = self._hand.token

    def _connector(self) -> Connector:
        at = f"{self._sandbox.address}/google"
        limits = replace(LIMITS, account=Bearer(self.secret), api_url=at)
        connection = GoogleCalendarConnection(account="ada")
        return GoogleCalendar(connection, GoogleCalendarSelection(), limits)

    def close(self) -> None:
        super().close()
        self._served.close()

    def key(self, name: str) -> str:
        return f"primary/{self._ids.get(name, f'nothing is called {name}')}"

    def put(self, name: str, text: str) -> None:
        if name in self._ids:
            self._hand.edit(self._ids[name], description=text)
        else:
            self._ids[name] = self._hand.add(name, description=text)

    def touch(self, name: str) -> None:
        self._hand.edit(self._ids[name], reminders={"useDefault": True})

    def remove(self, name: str) -> None:
        self._hand.delete(self._ids[name])

    def break_item(self, name: str) -> None:
        self.put(name, "x" * (LIMITS.max_bytes + 1))

    def cut_off(self) -> None:
        self._sandbox.control("POST", "/oauth/google/withdraw", {"person": ADA})


class DropboxWorld(World):
    many = 1_003

    def __init__(self) -> None:
        super().__init__()
        self._served = ExitStack()
        self._sandbox = self._served.enter_context(a_sandbox())
        self._hand = dropbox_world.Hand(self._sandbox)
        self.secret = self._hand.token

    def _connector(self) -> Connector:
        at = f"{self._sandbox.address}/dropbox"
        limits = replace(LIMITS, account=Bearer(self.secret), api_url=at)
        return Dropbox(DropboxConnection(account="ada"), DropboxSelection(), limits)

    def close(self) -> None:
        super().close()
        self._served.close()

    def key(self, name: str) -> str:
        return f"/{name}.md"

    def put(self, name: str, text: str) -> None:
        self._hand.write(self.key(name), text)

    def touch(self, name: str) -> None:
        """The same bytes are a new revision where they are written by force."""
        self._hand.rewrite(self.key(name))

    def remove(self, name: str) -> None:
        self._hand.delete(self.key(name))

    def rename(self, old: str, new: str) -> None:
        self._hand.move(self.key(old), self.key(new))

    def break_item(self, name: str) -> None:
        self.put(name, "x" * (LIMITS.max_bytes + 1))

    def cut_off(self) -> None:
        self._sandbox.control("POST", "/oauth/dropbox/withdraw", {"person": ADA})


class ConfluenceWorld(World):
    many = 253

    def __init__(self) -> None:
        super().__init__()
        self.site = ConfluenceSite(SandboxWorld(), api_token=SECRET)
        self._space = self.site.open_space("GARDEN", "Garden")
        self._ids: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._exit = ExitStack()
        self._sandbox = self._exit.enter_context(a_sandbox(self.site.world, site=self.site))

    def _connector(self) -> Connector:
        connection = ConfluenceConnection(url=SITE, email=ADA, api_token=SecretStr(SECRET))
        limits = replace(LIMITS, api_url=f"{self._sandbox.address}/confluence")
        return Confluence(connection, ConfluenceSelection(), limits)

    def close(self) -> None:
        super().close()
        self._exit.close()

    def key(self, name: str) -> str:
        return self._keys.get(name, name)

    def put(self, name: str, text: str) -> None:
        if name in self._ids:
            self.site.edit(self._ids[name], storage=f"<p>{text}</p>")
            return
        made = self.site.create("page", self._space, name, storage=f"<p>{text}</p>")
        self._name(name, made.id, self._space.key)

    def _name(self, name: str, content_id: str, space: str) -> None:
        self._ids[name] = content_id
        self._keys[name] = f"{space}/{content_id}"

    def touch(self, name: str) -> None:
        """A label, or a comment, makes no version."""
        self.site.label(self._ids[name], "seen")

    def remove(self, name: str) -> None:
        self.site.turn(self._ids.pop(name), "trashed")

    def rename(self, old: str, new: str) -> None:
        """What changes the key is a move to another space."""
        content_id, space = self._ids.pop(old), self.site.open_space("SHED", "Shed")
        self.site.move(content_id, space)
        self._name(new, content_id, space.key)

    def break_item(self, name: str) -> None:
        self.put(name, "x" * (LIMITS.max_bytes + 1))

    def cut_off(self) -> None:
        self._sandbox.fault("* /confluence/*", "expired_token", times=1_000)


class NotionWorld(World):
    """Its clock stands still: an edit never shows in the time of a page."""

    many = 53

    def __init__(self) -> None:
        super().__init__()
        self._space = Workspace(SandboxWorld(), secret=SECRET)
        self._home = self._space.page("Home")
        self._ids: dict[str, str] = {}
        self._exit = ExitStack()
        self._sandbox = self._exit.enter_context(a_sandbox(self._space.world, space=self._space))

    def _connector(self) -> Connector:
        limits = replace(LIMITS, api_url=f"{self._sandbox.address}/notion")
        return Notion(NotionConnection(token=SecretStr(SECRET)), NotionSelection(), limits)

    def close(self) -> None:
        super().close()
        self._exit.close()

    def key(self, name: str) -> str:
        return self._ids.get(name, name)

    def put(self, name: str, text: str) -> None:
        if name not in self._ids:
            self._ids[name] = self._space.page(name, parent=self._home.id).id
        page = self._space.things[self._ids[name]]
        for block in list(page.children):
            self._space.purge(self._space.things[block])
        self._space.append(page.id, _paragraphs(text))

    def touch(self, name: str) -> None:
        """An icon, a cover or a comment may bring a page a new time."""
        self._space.world.clock.advance(300)
        self._space.touch(self._space.things[self._ids[name]], "")

    def remove(self, name: str) -> None:
        self._space.trash(self._space.things[self._ids[name]])

    def break_item(self, name: str) -> None:
        self.put(name, "x" * (LIMITS.max_bytes + 1))

    def cut_off(self) -> None:
        self._sandbox.fault("* /notion/*", "expired_token", times=1_000)


def _paragraphs(words: str) -> list[dict[str, object]]:
    """Notion takes two thousand characters at once."""
    pieces = (words[at : at + 2_000] for at in range(0, len(words), 2_000))
    return [text(piece) for piece in pieces]


WORLDS: tuple[type[World], ...] = (
    FolderWorld,
    S3World,
    RssWorld,
    JsonApiWorld,
    WebsiteWorld,
    GoogleDriveWorld,
    GoogleCalendarWorld,
    DropboxWorld,
    ConfluenceWorld,
    NotionWorld,
)
