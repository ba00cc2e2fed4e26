"""Errors as Confluence's REST v2 spells them.

https://developer.atlassian.com/cloud/confluence/rest/v2/intro/, as others tell it (2026-11-22).
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from livesync_pipelines.sandbox.faults import FaultKind


class ConfluenceError(Exception):
    """`title` is one sentence for a person; the code is made of the status."""

    def __init__(self, status: int, title: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.retry_after_s = retry_after_s

    def response(self) -> Response:
        code = HTTPStatus(self.status).name
        error = {"status": self.status, "code": code, "title": self.title, "detail": None}
        headers = {} if self.retry_after_s is None else {"retry-after": str(self.retry_after_s)}
        if self.status == 401:
            headers["www-authenticate"] = 'OAuth realm="confluence"'
        return JSONResponse({"errors": [error]}, status_code=self.status, headers=headers)


def not_found(what: str) -> ConfluenceError:
    """Also of what the caller may not see."""
    return ConfluenceError(404, f"Not Found: {what}")


def refuse(kind: FaultKind) -> Response:
    """The answer to a fault that is asked for."""
    status, title = {
        "429": (429, "Rate limit exceeded"),
        "403": (403, "Current user not permitted to use Confluence"),
        "503": (503, "Service Unavailable"),
        "expired_token": (401, "Unauthorized; scope does not match"),
    }.get(kind, (500, "Internal Server Error"))
    return ConfluenceError(status, title).response()
