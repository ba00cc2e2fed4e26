"""Errors as Dropbox spells them: unions of tags with a summary, or plain text for a bad request.

auth.stone and https://www.dropbox.com/developers/documentation/http/documentation,
as others tell it (2026-11-22).
"""

from __future__ import annotations

from starlette.responses import JSONResponse, PlainTextResponse, Response

from livesync_pipelines.sandbox.faults import FaultKind
from livesync_pipelines.sandbox.world import Json

_RETRY_AFTER_S = 1


class DropboxError(Exception):
    """`tags` lead through the error's union (`path`, `not_found`); `error` is the union itself, and
    None where it is as the tags say."""

    def __init__(self, *tags: str, status: int = 409, error: Json | None = None) -> None:
        super().__init__("/".join(tags))
        self.tags = tags
        self.status = status
        self.error = error

    def response(self) -> Response:
        summary = "/".join((*self.tags, "..."))
        body = {"error_summary": summary, "error": self.error or nested(*self.tags)}
        return JSONResponse(body, status_code=self.status)


class BadRequest(DropboxError):
    """What does not fit the route's description is told in a sentence, which is no JSON."""

    def __init__(self, route: str, why: str) -> None:
        super().__init__("bad_request", status=400)
        self._said = f'Error in call to API function "{route}": {why}'

    def response(self) -> Response:
        return PlainTextResponse(self._said, status_code=400)


class TooFast(DropboxError):
    """Says how long to wait, in a header and in the body."""

    def __init__(self, reason: str = "too_many_requests", after_s: int = _RETRY_AFTER_S) -> None:
        error = {"reason": {".tag": reason}, "retry_after": after_s}
        super().__init__(reason, status=429, error=error)
        self._after_s = after_s

    def response(self) -> Response:
        answer = super().response()
        answer.headers["retry-after"] = f"{self._after_s}"
        return answer


def nested(*tags: str) -> Json:
    """The union value that these tags lead through."""
    head, *rest = tags
    return {".tag": head} | ({head: nested(*rest)} if rest else {})


def unauthenticated(tag: str = "invalid_access_token") -> DropboxError:
    return DropboxError(tag, status=401)


def without_scope(scope: str) -> DropboxError:
    error = {".tag": "missing_scope", "required_scope": scope}
    return DropboxError("missing_scope", status=401, error=error)


def refuse(kind: FaultKind) -> Response:
    """The answer to a fault that is asked for; a 403 is none of Dropbox's rate limits, so it is the
    other kind of 429."""
    match kind:
        case "429":
            return TooFast().response()
        case "403":
            return TooFast("too_many_write_operations").response()
        case "expired_token":
            return unauthenticated("expired_access_token").response()
        case "503":
            return PlainTextResponse("Service Unavailable", status_code=503)
        case _:
            return PlainTextResponse("Internal Server Error", status_code=500)
