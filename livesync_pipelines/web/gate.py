"""`/sync/webhook/{platform}/{connection}`: read, prove, note, answer."""

from __future__ import annotations

from asyncio import shield, sleep, to_thread, wrap_future
from time import monotonic
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from livesync_pipelines.auth import challenges, websub
from livesync_pipelines.auth.call import Call, Told
from livesync_pipelines.engine.gate import BELIEVED_S, FRESH_S, Gate, Sender
from livesync_pipelines.web import models

PREFIX = "/sync/webhook/"
MAX_BODY_BYTES = 1_000_000
REFUSED_AFTER_S = 0.05
"""Every refusal is given so long after the call was read, whatever was wrong with it."""

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Noted, or answered; the body is empty, or what a challenge asked for"},
    **{
        status: {"model": models.ErrorDocument, "description": said}
        for status, said in (
            (400, "Bytes that are no request"),
            (401, "No proof that the platform sent it; or there is no such connection"),
            (413, f"More than {MAX_BODY_BYTES:,} bytes"),
            (429, "Too many calls; Retry-After says when"),
            (503, "Not now; Retry-After says when. Or nothing is synced here"),
        )
    },
}
_BODY = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
_NAMES = [
    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for name in ("platform", "connection")
]
"""Said here, and not in the signatures of the endpoints: what FastAPI does for each of them takes a
third of the time of a call."""

router = APIRouter(prefix=PREFIX.rstrip("/"), responses=_ANSWERS)


@router.get(
    "/{platform}/{connection}",
    response_class=PlainTextResponse,
    openapi_extra={"parameters": _NAMES},
    summary="Answer what a platform asks before it calls",
)
async def challenge(request: Request) -> Response:
    return await _answer(request)


@router.post(
    "/{platform}/{connection}",
    response_class=PlainTextResponse,
    openapi_extra={"parameters": _NAMES, "requestBody": _BODY},
    summary="Let a platform say that something may have changed",
)
async def webhook(request: Request) -> Response:
    return await _answer(request)


async def _answer(request: Request) -> Response:
    gate = request.app.state.gate
    assert isinstance(gate, Gate)
    gate.refuse_disabled()
    body = await _body(request)
    if body is None:
        return _refused(413, f"The body is larger than {MAX_BODY_BYTES:,} bytes.")
    read_at = monotonic()
    if gate.age_s > FRESH_S:
        learning = gate.learn()
        if gate.age_s > BELIEVED_S:
            await shield(wrap_future(learning))
    of = request.path_params["platform"], request.path_params["connection"]
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


async def _proved(gate: Gate, sender: Sender, call: Call) -> Told | None:
    if sender.scheme.goes_out or sender.awaits_secret:
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


async def _body(request: Request) -> bytes | None:
    """The whole body as it came; None where it is too large."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _call(gate: Gate, request: Request, sender: Sender, body: bytes) -> Call:
    """A platform calls over https; the address is as it stands in the request where nobody has said
    another one."""
    headers = dict(request.headers)
    query = f"?{request.url.query}" if request.url.query else ""
    path = request.scope["raw_path"].decode("latin-1")
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
