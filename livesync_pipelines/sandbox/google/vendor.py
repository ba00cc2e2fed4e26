"""All of the pretend Google, put together."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from livesync_pipelines.sandbox.google.door import ANY, NAME, SCOPES, Door
from livesync_pipelines.sandbox.google.errors import refuse
from livesync_pipelines.sandbox.oauth import OAuthServer, Rules
from livesync_pipelines.sandbox.oauth_pages import OAuthPages
from livesync_pipelines.sandbox.vendor import Vendor
from livesync_pipelines.sandbox.world import Json, Person, World


def google(world: World) -> Vendor:
    """Google's rules of OAuth: refresh tokens are not rotated, and come with the first consent."""
    oauth = OAuthServer(world, NAME, Rules())
    return Vendor(
        name=NAME,
        routes=[*_oauth_routes(oauth)],
        oauth=oauth,
        refuse=refuse,
        truth=_truth,
        close=_close,
    )


def _oauth_routes(oauth: OAuthServer) -> list[Route]:
    pages, door = OAuthPages(oauth, "Google", SCOPES), Door(oauth)
    return [
        Route("/o/oauth2/v2/auth", pages.authorise, methods=["GET", "POST"]),
        Route("/token", pages.token, methods=["POST"]),
        Route("/revoke", pages.revoke, methods=["POST"]),
        Route("/oauth2/v3/userinfo", door.guarded(_userinfo, ANY)),
    ]


async def _userinfo(request: Request, person: Person) -> Response:
    told = {"sub": person.id, "email": person.email, "email_verified": True, "name": person.name}
    return JSONResponse(told)


def _truth(content: bool) -> Json:
    return {}


async def _close() -> None:
    return None
