"""`/sync/webhook/{platform}/{connection}`: read, prove, note, answer."""

from __future__ import annotations

from asyncio import shield, sleep, to_thread, wrap_future
from collections import Counter
from time import monotonic
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from livesync_pipelines.auth import challenges, websub
from livesync_pipelines.auth.call import Call, Told
from livesync_pipelines.engine.gate import BELIEVED_S, FRESH_S, Gate, Sender
from livesync_pipelines.model.errors import LiveSyncError, RateLimited, Unavailable
from livesync_pipelines.web import bodies, errors

PREFIX = "/sync/webhook/"
MAX_BODY_BYTES = 1_000_000
REFUSED_AFTER_S = 0.05
"""Every refusal is given so long after the call was read, whatever was wrong with it."""

_ANSWERS = {
    200: "Noted, or answered; the body is empty, or what a challenge asked for",
    400: "Bytes that are no request",
    401: "No proof that the platform sent it; or there is no such connection",
    408: "The body did not come in time",
    413: f"More than {MAX_BODY_BYTES:,} bytes",
    429: "Too many calls; Retry-After says when",
    503: "Not now; Retry-After says when. Or nothing is synced here",
}
_METHODS = {
    "GET": "Answer what a platform asks before it calls",
    "POST": "Let a platform say that something may have changed",
}


class Door:
    """What answers the platforms. It stands before the application: what FastAPI does for each
    request takes longer than to prove a call and to note it."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except RateLimited as error:
            answer = errors.understood(request, error)
        except Unavailable as error:
            answer = errors.later(request, error)
        except LiveSyncError as error:
            answer = errors.understood(request, error)
        except ClientDisconnect:
            return
        except bodies.TooSlow as error:
            answer = _refused(408, f"{error}")
            answer.headers["connection"] = "close"
        except Exception as error:  # noqa: BLE001 - answered and logged as any fault here is
            answer = errors.fault(request, error)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        platform, _, connection = request.scope["path"].removeprefix(PREFIX).partition("/")
        if not platform or not connection or "/" in connection:
            return errors.answer(404, "not_found", "Not Found", "See /docs.", request.url.path)
        if request.method not in _METHODS:
            answer = errors.answer(
                405, "bad_input", "Method Not Allowed", "See /docs.", request.url.path
            )
            answer.headers["allow"] = ", ".join(_METHODS)
            return answer
        self._gate.refuse_disabled()
        body = await bodies.whole(request.receive, at_most=MAX_BODY_BYTES)
        if body is None:
            return _refused(413, f"The body is larger than {MAX_BODY_BYTES:,} bytes.")
        return await _heard(self._gate, request, (platform, connection), body)


async def _heard(gate: Gate, request: Request, of: tuple[str, str], body: bytes) -> Response:
    read_at = monotonic()
    if gate.age_s > FRESH_S:
        learning = gate.learn()
        if gate.age_s > BELIEVED_S:
            await shield(wrap_future(learning))
    sender = gate.sender(*of)
    asked = challenges.answer(request.method, request.query_params, topic=sender.topic)
    if asked is not None:
        return PlainTextResponse(asked)
    back = websub.asked_back(request.method, request.query_params)
    if back is not None and await _confirms(gate, back, of):
        return PlainTextResponse(back.challenge)
    call = _call(gate, request, sender, body)
    told = await _proved(gate, sender, call) if request.method == "POST" else None
    if told is None:
        await sleep(read_at + REFUSED_AFTER_S - monotonic())
        return _refused(401, "This call bears no proof that is known here.", "unauthorised")
    return await _noted(gate, sender, call, told)


def described() -> dict[str, Any]:
    """The gate's part of the OpenAPI document: paths."""
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("platform", "connection")
    ]
    failed = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorDocument"}}}
    said = {"text/plain": {"schema": {"type": "string"}}}
    responses = {
        str(status): {"description": text, "content": said if status == 200 else failed}
        for status, text in _ANSWERS.items()
    }
    bytes_of_any_kind = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
    operations: dict[str, Any] = {
        method.lower(): {"summary": text, "parameters": parameters, "responses": responses}
        for method, text in _METHODS.items()
    }
    operations["post"]["requestBody"] = bytes_of_any_kind
    return {f"{PREFIX}{{platform}}/{{connection}}": operations}


async def _proved(gate: Gate, sender: Sender, call: Call) -> Told | None:
    for each in gate.missing(sender, call):  # no thread waits beside it, for there are few
        await shield(wrap_future(each))
    if sender.scheme.asks is not None or sender.awaits_secret:
        return await to_thread(gate.proved, sender, call)
    told = gate.proved(sender, call)
    if told is not None and not gate.expects(sender, call):  # it may be a moment old
        await shield(wrap_future(gate.learn()))
        if not gate.expects(sender, call):
            gate.refuse(sender)
            return None
    return told


async def _confirms(gate: Gate, back: websub.Asked, of: tuple[str, str]) -> bool:
    answer = gate.confirms(back, of)
    return answer is not None and await wrap_future(answer)


async def _noted(gate: Gate, sender: Sender, call: Call, told: Told) -> Response:
    gate.hold_back(sender)
    if told.test:
        await to_thread(gate.confirm, told)
    else:
        await wrap_future(gate.note(sender, call, told))
    return Response(status_code=200)


def _call(gate: Gate, request: Request, sender: Sender, body: bytes) -> Call:
    """A platform calls over https; the address is as it stands in the request where nobody has said
    another one."""
    scope = request.scope
    named = Counter(name for name, _ in scope["headers"])
    headers = {
        name.decode("latin-1"): said.decode("latin-1")
        for name, said in scope["headers"]
        if named[name] == 1  # of two that differ nobody knows which is meant
    }
    query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    path = scope["raw_path"].decode("latin-1")
    here = f"https://{headers.get('host', '')}{path}"
    return Call(
        method=request.method,
        url=f"{sender.url or here}{query}",
        headers=headers,
        body=body,
        at=gate.now(),
    )


def _refused(status: int, message: str, code: str = "bad_input") -> JSONResponse:
    error = {"code": code, "message": message, "hint": "", "where": ""}
    return JSONResponse({"error": error}, status)
