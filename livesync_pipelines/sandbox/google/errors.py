"""Errors as Google's APIs spell them.

https://developers.google.com/workspace/drive/api/guides/handle-errors, read 2026-11-22.
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from livesync_pipelines.sandbox.faults import FaultKind
from livesync_pipelines.sandbox.world import Json


class GoogleError(Exception):
    """`reason` is the word that clients decide by; `where` is the parameter that is at fault."""

    def __init__(self, status: int, reason: str, message: str, *, where: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.where = where

    def response(self) -> Response:
        detail: Json = {"message": self.message, "domain": _domain(self.reason)}
        detail["reason"] = self.reason
        if self.where is not None:
            kind = "header" if self.where == "Authorization" else "parameter"
            detail |= {"location": self.where, "locationType": kind}
        body = {"code": self.status, "message": self.message, "errors": [detail]}
        challenge = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
        headers = {"www-authenticate": challenge} if self.status == 401 else {}
        return JSONResponse({"error": body}, status_code=self.status, headers=headers)


def _domain(reason: str) -> str:
    return "usageLimits" if "LimitExceeded" in reason and "export" not in reason else "global"


def not_found(file_id: str, where: str = "fileId") -> GoogleError:
    return GoogleError(404, "notFound", f"File not found: {file_id}.", where=where)


def invalid(where: str, message: str = "Invalid Value") -> GoogleError:
    return GoogleError(400, "invalid", message, where=where)


def unauthenticated() -> GoogleError:
    return GoogleError(401, "authError", "Invalid Credentials", where="Authorization")


def too_fast() -> GoogleError:
    return GoogleError(403, "userRateLimitExceeded", "User Rate Limit Exceeded.")


def refuse(kind: FaultKind) -> Response:
    """The answer to a fault that is asked for."""
    match kind:
        case "429":
            error = GoogleError(429, "rateLimitExceeded", "Rate Limit Exceeded")
        case "403":
            error = too_fast()
        case "503":
            error = GoogleError(503, "backendError", "Backend Error")
        case "expired_token":
            error = unauthenticated()
        case _:
            error = GoogleError(500, "internalError", "Internal Error")
    return error.response()
