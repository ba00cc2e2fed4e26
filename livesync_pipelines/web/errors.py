"""Errors as answers: the error document, under the status that says what comes next."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from livesync_pipelines.engine.house import Disabled
from livesync_pipelines.model.errors import (
    BadInput,
    LiveSyncError,
    NeedsPerson,
    NotFound,
    RateLimited,
    Reauthorise,
    Unavailable,
)


class Forbidden(BadInput):
    """The caller's token is for another project."""

    code = "forbidden"


_STATUS: tuple[tuple[type[LiveSyncError], int], ...] = (
    (Disabled, 503),
    (NotFound, 404),
    (Forbidden, 403),
    (BadInput, 400),
    (NeedsPerson, 409),
    (Reauthorise, 409),
    (RateLimited, 429),
    (Unavailable, 503),
)
_NO_OBJECT = ("model_attributes_type", "model_type", "dict_type")
_AN_OBJECT = 'Send one, such as {"sync_id": "NAME"}; /docs says what it may hold.'
AGAIN_S = 5.0
"""When to ask again where nothing says how long it lasts."""

_log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Answer every error of this app in one form."""
    app.add_exception_handler(LiveSyncError, understood)
    app.add_exception_handler(RequestValidationError, _misspelt)
    app.add_exception_handler(HTTPException, _no_such_door)
    app.add_exception_handler(Exception, fault)


def understood(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LiveSyncError)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return JSONResponse({"error": error.as_dict()}, status, _retry_after(error))


def later(request: Request, error: Unavailable) -> JSONResponse:
    """For whoever has not proved anything yet: when to come again, and not what is the matter."""
    _log.warning("%s %s was put off: %s", request.method, request.url.path, error)
    told = {"code": error.code, "message": "Not now.", "hint": "Call again later.", "where": ""}
    return JSONResponse({"error": told}, 503, _retry_after(error))


def _retry_after(error: LiveSyncError) -> dict[str, str] | None:
    if not isinstance(error, (Unavailable, Disabled)):
        return None
    after_s = error.after_s if isinstance(error, RateLimited) else AGAIN_S
    return {"retry-after": f"{after_s:.0f}"}


def _misspelt(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    for problem in error.errors():
        said = _no_object(problem["loc"], problem["type"], problem.get("ctx", {}))
        if said:
            return answer(400, "bad_input", said, _AN_OBJECT, request.url.path)
    problems = [f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors()]
    return answer(400, "bad_input", "; ".join(problems), "See /docs.", request.url.path)


def _no_object(place: Sequence[Any], kind: str, told: Mapping[str, Any]) -> str:
    """What is said of a body that is no JSON object; empty where the trouble is another one."""
    if place[:1] != ("body",):
        return ""
    if kind == "json_invalid":  # the place is how far it could be read
        return f"The body is no JSON object: {told.get('error', '')} at character {place[-1]}."
    if kind in _NO_OBJECT:
        return "The body must be a JSON object."
    if kind == "missing" and len(place) == 1:
        return "There is no body, and it must be a JSON object."
    return ""


def _no_such_door(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = "not_found" if error.status_code == 404 else "bad_input"
    return answer(error.status_code, code, str(error.detail), "See /docs.", request.url.path)


def fault(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    message = f"{type(error).__name__}: this is a fault of LiveSync, not yours."
    return answer(500, "fault", message, "The traceback is in the log of the HTTP door.", "")


def answer(status: int, code: str, message: str, hint: str, where: str) -> JSONResponse:
    error: dict[str, Any] = {"code": code, "message": message, "hint": hint, "where": where}
    return JSONResponse({"error": error}, status)
