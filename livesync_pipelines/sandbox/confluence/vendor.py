"""All of the pretend Confluence, put together."""

from __future__ import annotations

from starlette.routing import Route

from livesync_pipelines.sandbox.confluence.console import Console
from livesync_pipelines.sandbox.confluence.desk import desk
from livesync_pipelines.sandbox.confluence.door import NAME, Door
from livesync_pipelines.sandbox.confluence.errors import refuse
from livesync_pipelines.sandbox.confluence.reading import Reading
from livesync_pipelines.sandbox.confluence.search import Search
from livesync_pipelines.sandbox.confluence.site import Site
from livesync_pipelines.sandbox.confluence.truth import truth
from livesync_pipelines.sandbox.confluence.writing import Writing
from livesync_pipelines.sandbox.oauth import OAuthServer, Rules
from livesync_pipelines.sandbox.vendor import Vendor, routes
from livesync_pipelines.sandbox.world import World


def confluence(world: World, site: Site | None = None) -> Vendor:
    """Accounts are an e-mail and a token; nobody signs in by OAuth. `site`: what is there already;
    nothing unless it is given."""
    kept = site or Site(world)
    return Vendor(
        name=NAME,
        routes=_routes(Door(kept), kept),
        oauth=OAuthServer(world, NAME, Rules()),
        refuse=refuse,
        names_calls="atl-traceid",
        truth=lambda content: truth(kept, content=content),
        close=_nothing_goes_on,
        desks={NAME: desk(kept)},
    )


def _routes(door: Door, site: Site) -> list[Route]:
    reading, writing, search = Reading(site), Writing(site), Search(site)
    served = [
        ("GET", "/api/v2/spaces", reading.spaces),
        ("GET", "/api/v2/spaces/{space_id}", reading.space),
        ("GET", "/api/v2/spaces/{space_id}/content/labels", reading.space_labels),
        ("GET", "/api/v2/spaces/{space_id}/{kind}", reading.contents),
        ("GET", "/api/v2/labels/{label_id}/{kind}", reading.contents),
        ("GET", "/api/v2/{kind}", reading.contents),
        ("POST", "/api/v2/{kind}", writing.create),
        ("GET", "/api/v2/{kind}/{content_id}", reading.content),
        ("PUT", "/api/v2/{kind}/{content_id}", writing.update),
        ("DELETE", "/api/v2/{kind}/{content_id}", writing.delete),
        ("GET", "/api/v2/{kind}/{content_id}/labels", reading.labels),
        ("GET", "/api/v2/{kind}/{content_id}/versions", reading.versions),
        ("GET", "/api/v2/{kind}/{content_id}/{what}", reading.hanging),
        ("GET", "/rest/api/search", search.search),
        (
            "GET",
            "/rest/api/content/{page_id}/child/attachment/{content_id}/download",
            reading.download,
        ),
    ]
    media = Route("/media/{content_id}", reading.media)
    return [*routes("/wiki", door.guarded, served), media, *Console(site).routes()]


async def _nothing_goes_on() -> None:
    """Nothing to end."""
