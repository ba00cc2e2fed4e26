"""An httpx transport whose connections go to the very address that was checked.

The name is resolved once, when the connection opens; the check and the connect see the same
answer, so a name that changes its mind in between (DNS rebinding) gains nothing. Host header,
SNI and certificate still carry the name.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import httpcore
import httpx

from .address import Gate

_HTTPCORE_ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
_CONNECTIONS = 32


@cache
def _authorities() -> ssl.SSLContext:
    """Of this process: to read them takes longer than most calls."""
    return httpx.create_ssl_context(trust_env=False)


class PinnedBackend(httpcore.NetworkBackend):
    """Opens sockets only to addresses that the gate lets through."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectError(f"no address for {host}")
        for address in self._addresses(host, port):
            try:
                return self._sockets.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    def _addresses(self, host: str, port: int) -> Iterable[str]:
        try:
            return self._gate.addresses(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"cannot resolve {host}") from error


class PinnedTransport(httpx.BaseTransport):
    """httpx over a pool of pinned connections; authorities are those of `certifi`."""

    def __init__(self, gate: Gate, tls: ssl.SSLContext | None = None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls or _authorities(),
            max_connections=_CONNECTIONS,
            network_backend=PinnedBackend(gate),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with _as_httpx():
            response = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Pieces(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _Pieces(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """httpx names its transport errors after httpcore's, one for one."""
    try:
        yield
    except _HTTPCORE_ERRORS as error:
        kind = getattr(httpx, type(error).__name__, httpx.TransportError)
        raise kind(str(error)) from error
