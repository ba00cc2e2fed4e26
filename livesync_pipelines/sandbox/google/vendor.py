"""All of the pretend Google, put together."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from livesync_pipelines.sandbox.google.calendar import CalendarApi
from livesync_pipelines.sandbox.google.calendars import Calendars
from livesync_pipelines.sandbox.google.changes import Changes
from livesync_pipelines.sandbox.google.channels import Channels
from livesync_pipelines.sandbox.google.desk import desk
from livesync_pipelines.sandbox.google.door import (
    ANY,
    EVENTS,
    EVENTS_WRITE,
    LOOK,
    LOOK_AT_ALL,
    NAME,
    READ,
    SCOPES,
    WRITE,
    Door,
    Endpoint,
)
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.errors import refuse
from livesync_pipelines.sandbox.google.listing import Listing
from livesync_pipelines.sandbox.google.reading import Reading
from livesync_pipelines.sandbox.google.sharing import Sharing
from livesync_pipelines.sandbox.google.truth import truth
from livesync_pipelines.sandbox.google.watching import Watching
from livesync_pipelines.sandbox.google.writing import Writing
from livesync_pipelines.sandbox.oauth import OAuthServer, Rules
from livesync_pipelines.sandbox.oauth_pages import OAuthPages
from livesync_pipelines.sandbox.vendor import Vendor
from livesync_pipelines.sandbox.world import Person, World

_FILES = "/drive/v3/files"
_UPLOAD = "/upload/drive/v3/files"
_CALENDARS = "/calendar/v3/calendars/{calendar_id}"


def google(world: World, drive: Drive | None = None, calendars: Calendars | None = None) -> Vendor:
    """Google's rules of OAuth: refresh tokens are not rotated, and come with the first consent.
    `drive` and `calendars`: what is there already; nothing unless it is given."""
    oauth, kept = OAuthServer(world, NAME, Rules()), drive or Drive(world)
    dates = calendars or Calendars(world)
    channels = Channels(kept)
    return Vendor(
        name=NAME,
        routes=[
            *_oauth_routes(oauth),
            *_drive_routes(Door(oauth), kept, channels),
            *_calendar_routes(Door(oauth), CalendarApi(dates)),
        ],
        oauth=oauth,
        refuse=refuse,
        truth=lambda content: {
            **truth(kept, channels, content=content),
            "calendars": dates.truth(),
        },
        close=channels.close,
        desks={"google_drive": desk(kept)},
    )


def _oauth_routes(oauth: OAuthServer) -> list[Route]:
    pages, door = OAuthPages(oauth, "Google", SCOPES), Door(oauth)
    return [
        Route("/o/oauth2/v2/auth", pages.authorise, methods=["GET", "POST"]),
        Route("/token", pages.token, methods=["POST"]),
        Route("/revoke", pages.revoke, methods=["POST"]),
        Route("/oauth2/v3/userinfo", door.guarded(_userinfo, ANY)),
    ]


def _drive_routes(door: Door, drive: Drive, channels: Channels) -> list[Route]:
    """Every method with the scopes of which it needs one."""
    reading, writing = Reading(drive), Writing(drive)
    listing, changes = Listing(drive), Changes(drive)
    sharing = Sharing(drive)
    watching = Watching(drive, channels, changes)
    one = f"{_FILES}/{{file_id}}"
    served: list[tuple[str, str, Endpoint, frozenset[str]]] = [
        ("GET", _FILES, listing.files, LOOK),
        ("POST", _FILES, writing.create, WRITE),
        ("GET", f"{_FILES}/generateIds", reading.generate_ids, WRITE),
        ("GET", one, reading.get, LOOK),
        ("PATCH", one, writing.update, WRITE),
        ("DELETE", one, writing.delete, WRITE),
        ("POST", f"{one}/copy", writing.copy, WRITE),
        ("GET", f"{one}/export", reading.export, READ),
        ("GET", f"{one}/revisions", reading.revisions, LOOK),
        ("GET", f"{one}/revisions/{{revision_id}}", reading.revision, LOOK),
        ("GET", f"{one}/permissions", sharing.permissions, LOOK),
        ("POST", f"{one}/permissions", sharing.share, WRITE),
        ("DELETE", f"{one}/permissions/{{permission_id}}", sharing.unshare, WRITE),
        ("POST", _UPLOAD, writing.upload, WRITE),
        ("PUT", _UPLOAD, writing.piece, WRITE),
        ("PATCH", f"{_UPLOAD}/{{file_id}}", writing.upload, WRITE),
        ("PUT", f"{_UPLOAD}/{{file_id}}", writing.piece, WRITE),
        ("GET", "/drive/v3/changes/startPageToken", changes.start, LOOK),
        ("GET", "/drive/v3/changes", changes.list, LOOK),
        ("POST", "/drive/v3/changes/watch", watching.changes, LOOK),
        ("POST", f"{one}/watch", watching.file, LOOK),
        ("POST", "/drive/v3/channels/stop", watching.stop, LOOK),
        ("GET", "/drive/v3/drives", listing.drives, LOOK_AT_ALL),
        ("GET", "/drive/v3/drives/{drive_id}", listing.one_drive, LOOK_AT_ALL),
        ("GET", "/drive/v3/about", reading.about, LOOK),
        ("GET", "/export", reading.export_link, READ),
    ]
    return _guarded(door, served)


def _calendar_routes(door: Door, api: CalendarApi) -> list[Route]:
    events = f"{_CALENDARS}/events"
    one = f"{events}/{{event_id}}"
    served: list[tuple[str, str, Endpoint, frozenset[str]]] = [
        ("GET", "/calendar/v3/users/me/calendarList", api.calendar_list, EVENTS),
        ("GET", _CALENDARS, api.get_calendar, EVENTS),
        ("GET", events, api.list, EVENTS),
        ("POST", events, api.insert, EVENTS_WRITE),
        ("GET", one, api.get, EVENTS),
        ("PATCH", one, api.patch, EVENTS_WRITE),
        ("DELETE", one, api.delete, EVENTS_WRITE),
    ]
    return [
        *_guarded(door, served),
        Route("/console/forget-sync-tokens", api.forget, methods=["POST"]),
    ]


def _guarded(door: Door, served: list[tuple[str, str, Endpoint, frozenset[str]]]) -> list[Route]:
    return [
        Route(path, door.guarded(work, needs), methods=[method])
        for method, path, work, needs in served
    ]


async def _userinfo(request: Request, person: Person) -> Response:
    told = {"sub": person.id, "email": person.email, "email_verified": True, "name": person.name}
    return JSONResponse(told)
