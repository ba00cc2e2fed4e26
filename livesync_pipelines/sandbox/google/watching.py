"""`changes.watch`, `files.watch` and `channels.stop`."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.google.asking import answer, asked_file, body_of, flag, mask_of
from livesync_pipelines.sandbox.google.changes import Changes
from livesync_pipelines.sandbox.google.channels import Channel, Channels
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.errors import GoogleError, invalid
from livesync_pipelines.sandbox.world import Json, Person

_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
_UNASKED = timedelta(hours=1)
_OF_FILES = timedelta(days=1)
_OF_CHANGES = timedelta(days=7)
_LONGEST_ID = 64
_LONGEST_TOKEN = 256


class Watching:
    """Opens and stops channels. A feed is watched a week at most, a file a day, both an hour where
    nothing is said; what is asked for beyond is cut."""

    def __init__(self, drive: Drive, channels: Channels, changes: Changes) -> None:
        self._drive = drive
        self._channels = channels
        self._changes = changes

    async def changes(self, request: Request, person: Person) -> Response:
        """Needs a page token, as the feed does."""
        whose = self._changes.whose(request, person)
        self._changes.position(request, person)
        return await self._opened(request, person, whose, _OF_CHANGES)

    async def file(self, request: Request, person: Person) -> Response:
        file = asked_file(self._drive, request, person)
        return await self._opened(request, person, file.id, _OF_FILES)

    async def stop(self, request: Request, person: Person) -> Response:
        said = await body_of(request)
        channel_id, resource_id = str(said.get("id")), str(said.get("resourceId"))
        self._channels.stop(person.email, channel_id, resource_id)
        return Response(status_code=204)

    async def _opened(
        self, request: Request, person: Person, watched: str, longest: timedelta
    ) -> Response:
        said = await body_of(request)
        _check(said)
        address = f"{request.url.scheme}://{request.url.netloc}"
        query = f"?{request.url.query}" if request.url.query else ""
        channel = Channel(
            id=said["id"],
            resource_id=f"res-{watched}",
            resource_uri=f"{address}{request.url.path.removesuffix('/watch')}{query}",
            address=said["address"],
            token=said.get("token"),
            until=self._until(said, longest),
            person=person.email,
            watched=watched,
            drives_too=flag(request, "includeItemsFromAllDrives"),
        )
        self._channels.open(channel)
        body = {
            "kind": "api#channel",
            "id": channel.id,
            "resourceId": channel.resource_id,
            "resourceUri": channel.resource_uri,
            "expiration": str(channel.until_ms),
        }
        shown = body | ({} if channel.token is None else {"token": channel.token})
        return answer(shown, mask_of(request, "*"))

    def _until(self, said: Json, longest: timedelta) -> datetime:
        """The end that is asked for in milliseconds since 1970, or what is the most."""
        now = self._drive.world.clock.now()
        if "expiration" not in said:
            return now + _UNASKED
        text = str(said["expiration"])
        asked_s = int(text) / 1_000 if text.isdecimal() else 0.0
        if asked_s <= now.timestamp():
            raise invalid("expiration")
        return min(now + timedelta(seconds=asked_s - now.timestamp()), now + longest)


def _check(said: Json) -> None:
    """Raises GoogleError. Plain HTTP is good enough on loopback alone."""
    for name, most in (("id", _LONGEST_ID), ("token", _LONGEST_TOKEN)):
        if len(str(said.get(name, ""))) > most:
            raise invalid(name)
    if not said.get("id"):
        raise GoogleError(400, "required", "Required parameter: id", where="id")
    if said.get("type") not in {"web_hook", "webhook"}:
        raise GoogleError(400, "channelUnknownType", "Unknown channel type")
    parts = urlsplit(str(said.get("address", "")))
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        why = "WebHook callback must be HTTPS"
        raise GoogleError(400, "push.webhookUrlNotHttps", why)
