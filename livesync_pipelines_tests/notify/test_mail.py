from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from livesync_pipelines.model.errors import BadInput, Broken, Unavailable
from livesync_pipelines.model.notice import Delivery, Event, EventKind
from livesync_pipelines.notify.mail import Mailbox
from livesync_pipelines_tests.net.test_tls import certificate

from .receivers import Post, a_post

EVENT = Event(
    seq=1,
    at=datetime(2026, 11, 21, 8, 30, tzinfo=UTC),
    project_id="demo",
    sync_id="docs",
    kind=EventKind.FAILED,
    document={"message": "Größe: unbekannt.", "hint": "Look.", "counts": {"added": 2}},
)
DELIVERY = Delivery(
    secret=None, message_id=UUID(int=7), address="mailto:${WHO}", tries=1, event=EVENT
)


@pytest.fixture
def post() -> Iterator[Post]:
    with a_post() as running:
        yield running


def mailbox(url: str, to: str = "ops@example.com", tls: ssl.SSLContext | None = None) -> Mailbox:
    return Mailbox(url, sender="livesync@example.com", to=to, tls=tls)


def test_a_mail_is_plain_words_in_any_language(post: Post) -> None:
    mailbox(post.url()).send(DELIVERY)
    (mail,) = post.mails
    assert mail.get_content() == (
        "Größe: unbekannt.\n\nLook.\n\nSync:      docs\nProject:   demo\nItems:     2 added\n"
        "At:        2026-11-21T08:30:00+00:00\n"
    )
    assert mail["message-id"] == f"<{UUID(int=7).hex}@example.com>"


def test_a_repeated_mail_bears_the_same_id(post: Post) -> None:
    for tries in (1, 2):
        mailbox(post.url()).send(replace(DELIVERY, tries=tries))
    assert len({mail["message-id"] for mail in post.mails}) == 1


def test_a_server_that_offers_encryption_gets_the_password_encrypted(tmp_path: Path) -> None:
    path = tmp_path / "certificate.pem"
    path.write_bytes(certificate("localhost"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    with a_post(server) as post:
        url = post.url().replace("127.0.0.1", "localhost")
        mailbox(url, tls=ssl.create_default_context(cafile=path)).send(DELIVERY)
        assert (post.kept.encrypted, post.kept.known) == ([True], [True])
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            mailbox(url).send(DELIVERY)


def test_a_password_does_not_leave_this_machine_unencrypted(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livesync_pipelines.notify.mail._LOOPBACK", frozenset())
    with pytest.raises(Broken, match="offers no encryption"):
        mailbox(post.url()).send(DELIVERY)
    mailbox(post.url(user="")).send(DELIVERY)
    assert post.kept.known == [False]


def test_a_wrong_password_is_for_somebody_to_mend_and_not_repeated(post: Post) -> None:
    with pytest.raises(Broken) as told:
        mailbox(post.url("ops:hunter2@")).send(DELIVERY)
    assert "refuses the login (code 535)" in told.value.message
    assert told.value.__suppress_context__
    assert "LIVESYNC_SMTP_URL" in told.value.hint
    assert "hunter2" not in repr(told.value)


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [("450 greylisted, come again", Unavailable), ("550 no such mailbox", BadInput)],
)
def test_a_refused_address_is_tried_again_or_given_up(
    post: Post, refusal: str, kind: type[Exception]
) -> None:
    post.kept.refusal = refusal
    with pytest.raises(kind, match=refusal):
        mailbox(post.url()).send(DELIVERY)


def test_a_server_that_is_down_is_unavailable() -> None:
    with a_post() as gone:
        url = gone.url()
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        mailbox(url).send(DELIVERY)


def test_an_address_in_another_script_that_the_server_cannot_take_is_given_up(post: Post) -> None:
    with pytest.raises(BadInput):
        mailbox(post.url(), to="größe@example.com").send(DELIVERY)
