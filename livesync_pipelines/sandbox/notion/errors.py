"""Errors as Notion spells them.

https://developers.notion.com/reference/status-codes, as others tell it (2026-11-22).
"""

from __future__ import annotations

from uuid import uuid4

from starlette.responses import JSONResponse, Response

from livesync_pipelines.sandbox.faults import FaultKind
from livesync_pipelines.sandbox.world import Json

_REASON = "public_api_request_rate_limit"


class NotionError(Exception):
    """`code` is one of Notion's words for what went wrong."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s

    def response(self) -> Response:
        body: Json = {"object": "error", "status": self.status, "code": self.code}
        body |= {"message": self.message, "request_id": str(uuid4())}
        headers = {}
        if self.retry_after_s is not None:
            headers["retry-after"] = str(self.retry_after_s)
            body["additional_data"] = {"rate_limit_reason": _REASON}
        return JSONResponse(body, status_code=self.status, headers=headers)


def not_found(what: str, thing_id: str) -> NotionError:
    """Also of what is not shared with the connection."""
    said = f"Could not find {what} with ID: {thing_id}. Make sure the relevant pages and databases"
    return NotionError(404, "object_not_found", f"{said} are shared with your integration.")


def invalid(why: str) -> NotionError:
    return NotionError(400, "validation_error", why)


def refuse(kind: FaultKind) -> Response:
    """The answer to a fault that is asked for. Notion has no 403 for a rate limit: it is the 529 of
    a service that has too much to do."""
    match kind:
        case "429":
            error = NotionError(429, "rate_limited", "You have been rate limited.", retry_after_s=1)
        case "403":
            error = NotionError(529, "service_overload", "Try again later.", retry_after_s=1)
        case "503":
            error = NotionError(503, "service_unavailable", "Notion is unavailable.")
        case "expired_token":
            error = NotionError(401, "unauthorized", "API token is invalid.")
        case _:
            error = NotionError(500, "internal_server_error", "Unexpected error occurred.")
    return error.response()
