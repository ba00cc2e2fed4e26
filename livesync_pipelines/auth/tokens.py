"""Schemes that sign nothing: the sender repeats a secret that only he was told."""

from __future__ import annotations

import hmac

from livesync_pipelines.auth import told
from livesync_pipelines.auth.call import Call, Scheme, same
from livesync_pipelines.auth.digests import text_key
from livesync_pipelines.auth.websub import subscription_of


def _bearer(call: Call, key: bytes) -> bool:
    """MinIO sends its `auth_token` as it is where that has a space, after `Bearer ` otherwise. The
    name of a scheme may be spelled in any case (RFC 9110, 11.1)."""
    scheme, _, token = call.header("authorization").partition(" ")
    return same(token, key.decode()) and scheme.lower() == "bearer"


def _google_token(key: bytes, subscription: str) -> str:
    """The token of a channel that LiveSync has opened; who has one makes none of another."""
    return hmac.new(key, f"google:{subscription}".encode(), "sha256").hexdigest()


def _google(call: Call, key: bytes) -> bool:
    """A channel that somebody else has opened bears the secret itself."""
    name = subscription_of(call)
    token = _google_token(key, name) if name else key.decode()
    return same(call.header("x-goog-channel-token"), token)


def _graph(call: Call, key: bytes) -> bool:
    """Every change of a batch bears the secret."""
    changes = told.each(told.at(told.parsed(call.body), "value"))
    states = [told.at(change, "clientState") for change in changes]
    fits = [same(state if isinstance(state, str) else "", key.decode()) for state in states]
    return bool(fits) and all(fits)


_HOW = "a long random text, such as $(openssl rand -hex 32)"

SCHEMES = (
    Scheme(
        name="bearer",
        title="A bearer token (MinIO and other stores that post events of S3)",
        how=_HOW,
        key=text_key,
        proves=_bearer,
        tells=told.bucket,
        docs=(
            "https://min.io/docs/minio/linux/administration/monitoring/publish-events-to-webhook",
        ),
    ),
    Scheme(
        name="google",
        title="The channel token of Google Drive and Calendar",
        how=_HOW,
        key=text_key,
        proves=_google,
        tells=told.google,
        subscription=subscription_of,
        secret_of=_google_token,
        docs=("https://developers.google.com/workspace/drive/api/guides/push",),
    ),
    Scheme(
        name="graph",
        title="The clientState of Microsoft Graph",
        how=f"{_HOW}, at most 128 characters",
        key=text_key,
        proves=_graph,
        tells=told.graph,
        docs=(
            "microsoftgraph/microsoft-graph-docs-contrib change-notifications-delivery-webhooks",
        ),
    ),
)
