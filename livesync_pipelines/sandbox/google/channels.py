"""Push notifications: channels, and the calls that they make.

https://developers.google.com/workspace/drive/api/guides/push, read 2026-11-22. A call has no body:
it says in its headers that something has happened, and for a file what. Nothing is signed; the
token of the channel comes back as it was given.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

from livesync_pipelines.sandbox.google.drive import Drive, Event
from livesync_pipelines.sandbox.google.errors import GoogleError
from livesync_pipelines.sandbox.google.files import File
from livesync_pipelines.sandbox.webhooks import Sender
from livesync_pipelines.sandbox.world import Json

_TAKEN = frozenset((102, 200, 201, 202, 204))
_AGAIN = frozenset((500, 502, 503, 504))
_WAITING = 1_000


@dataclass(frozen=True, slots=True)
class Message:
    """`state` as in X-Goog-Resource-State; `changed`: of a file what is another now."""

    state: str
    changed: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Channel:
    """`watched`: whose feed (an e-mail or the id of a shared drive), or which file (its id).
    `resource_id` stands for what is watched, and is the same for every channel that watches it."""

    id: str
    resource_id: str
    resource_uri: str
    address: str
    token: str | None
    until: datetime
    person: str
    watched: str
    drives_too: bool
    number: int = 0
    delivered: int = 0
    failed: int = 0
    calling: bool = False
    waiting: deque[Message] = field(default_factory=deque)

    @property
    def until_ms(self) -> int:
        return round(self.until.timestamp() * 1_000)


class Channels:
    """All channels that are open, and the calls that are under way."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self._open: dict[str, Channel] = {}
        self._watching: defaultdict[str, dict[str, Channel]] = defaultdict(dict)
        self._sender = Sender(taken=_TAKEN, again=_AGAIN)
        drive.listeners.append(self._heard)

    def open(self, channel: Channel) -> None:
        """Its first message says `sync`. Raises GoogleError for an id that is taken."""
        if channel.id in self._open:
            why = f"Channel id {channel.id} not unique"
            raise GoogleError(400, "channelIdNotUnique", why)
        self._open[channel.id] = channel
        self._watching[channel.watched][channel.id] = channel
        self._send(channel, Message("sync"))

    def stop(self, person: str, channel_id: str, resource_id: str) -> None:
        channel = self._open.get(channel_id)
        if channel is None or (channel.person, channel.resource_id) != (person, resource_id):
            raise GoogleError(404, "notFound", f"Channel '{channel_id}' not found for project.")
        self._end(channel)

    def shown(self) -> list[Json]:
        """For whoever controls the sandbox: what is open, and how often it was heard."""
        return [
            {
                "id": channel.id,
                "resourceUri": channel.resource_uri,
                "expiration": channel.until_ms,
                "delivered": channel.delivered,
                "failed": channel.failed,
            }
            for channel in self._open.values()
        ]

    async def close(self) -> None:
        """Calls that are under way are given up."""
        await self._sender.close()

    def _heard(self, event: Event) -> None:
        for channel in self._of(event.file.id):
            self._send(channel, _of_file(event))
        drive_id = event.file.drive_id
        for whose in [*sorted(event.told), *([drive_id] if drive_id is not None else [])]:
            for channel in self._of(whose):
                if drive_id is None or whose == drive_id or channel.drives_too:
                    self._send(channel, Message("change"))

    def _of(self, watched: str) -> list[Channel]:
        """Those that have not expired; the others end by this."""
        now, found = self._drive.world.clock.now(), []
        for channel in list(self._watching.get(watched, {}).values()):
            if channel.until <= now:
                self._end(channel)
            else:
                found.append(channel)
        return found

    def _end(self, channel: Channel) -> None:
        del self._open[channel.id]
        del self._watching[channel.watched][channel.id]
        channel.waiting.clear()

    def _send(self, channel: Channel, message: Message) -> None:
        """A message that is the same as one that still waits would say nothing more."""
        if message not in channel.waiting and len(channel.waiting) < _WAITING:
            channel.waiting.append(message)
        if not channel.calling:
            channel.calling = True
            self._sender.start(self._deliver(channel))

    async def _deliver(self, channel: Channel) -> None:
        while channel.waiting:
            message = channel.waiting.popleft()
            channel.number += 1
            if await self._sender.post(channel.address, _headers(channel, message)):
                channel.delivered += 1
            else:
                channel.failed += 1
        channel.calling = False


def _of_file(event: Event) -> Message:
    """What has happened to a file, as its own channel says it."""
    before, after = event.before, event.after
    if before is None:
        return Message("add")
    if after is None:
        return Message("remove")
    if before.trashed != after.trashed:
        return Message("trash" if after.trashed else "untrash")
    return Message("update", _changed(before, after))


def _changed(before: File, after: File) -> tuple[str, ...]:
    found = {
        "content": before.revisions != after.revisions,
        "parents": before.parent != after.parent,
        "permissions": before.roles != after.roles,
    }
    return tuple(name for name, is_so in found.items() if is_so) or ("properties",)


def _headers(channel: Channel, message: Message) -> dict[str, str]:
    headers = {
        "X-Goog-Channel-ID": channel.id,
        "X-Goog-Message-Number": str(channel.number),
        "X-Goog-Resource-ID": channel.resource_id,
        "X-Goog-Resource-State": message.state,
        "X-Goog-Resource-URI": channel.resource_uri,
        "X-Goog-Channel-Expiration": format_datetime(channel.until.astimezone(UTC), usegmt=True),
    }
    if message.changed:
        headers["X-Goog-Changed"] = ",".join(message.changed)
    return headers if channel.token is None else {**headers, "X-Goog-Channel-Token": channel.token}
