"""From the outbox to real receivers: at least once, a bounded number of tries, no storm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from threading import Thread

import pytest

from livesync_pipelines.model.sync import NotifyOn
from livesync_pipelines.notify.relay import relay, undeliverable
from livesync_pipelines.store import deliveries

from .conftest import MAIL, Desk
from .receivers import PASSWORD, SECRET, Post, Receiver, a_post, a_receiver

SENDER = """
from datetime import timedelta
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.notify.relay import relay
from livesync_pipelines.settings import Settings
from livesync_pipelines.store.database import Database
from livesync_pipelines_tests.engine.house import Clock

settings, clock = Settings.load(), Clock()
clock.now += timedelta(minutes=1)
relay(Engine(database=Database(settings.database_url.get_secret_value()), now=clock), settings)
"""


def test_what_happened_is_told_once_in_order_and_signed(desk: Desk, receiver: Receiver) -> None:
    desk.tell(receiver.url())
    desk.change()
    desk.fail()
    desk.change()
    assert desk.relay().delivered == 3
    assert receiver.kinds() == ["sync.changed", "sync.failed", "sync.recovered"]
    assert len(set(receiver.ids)) == 3
    data = receiver.messages[1]["data"]
    assert (data["sync_id"], data["status"], data["message"]) == ("docs", "failed", "away")
    assert desk.relay().delivered == 0
    assert desk.deliveries() == [("delivered", 1)] * 3


def test_a_mail_says_what_happened_and_what_to_do(desk: Desk, post: Post) -> None:
    desk.tell(MAIL, on=(NotifyOn.ERROR,))
    desk.fail()
    desk.relay()
    (mail,) = post.mails
    assert mail["to"] == "ops@example.com"
    assert mail["from"] == "livesync@example.com"
    assert mail["subject"] == "[LiveSync] docs has failed"
    assert mail["auto-submitted"] == "auto-generated"
    assert mail.get_content().startswith("away\n\nSync:      docs\nProject:   demo\n")
    assert post.kept.known == [True], "it logged in"


def test_everybody_is_told(desk: Desk, post: Post, receiver: Receiver) -> None:
    desk.tell(MAIL, receiver.url("/a"), receiver.url("/b"))
    desk.change()
    assert desk.relay().delivered == 3
    assert (len(post.mails), sorted(receiver.paths)) == (1, ["/a", "/b"])


def test_a_receiver_that_fails_twice_is_told_with_the_same_id(
    desk: Desk, receiver: Receiver
) -> None:
    desk.tell(receiver.url())
    desk.change()
    receiver.answers = [500, 503]
    assert desk.relay().failed == 1
    assert desk.relay().failed == 0, "not before a while"
    desk.later(minutes=1)
    assert desk.relay().failed == 1
    desk.later(minutes=1)
    assert desk.relay().failed == 0, "and then a longer one"
    desk.later(minutes=3)
    assert desk.relay().delivered == 1
    assert len(receiver.ids) == 3
    assert len(set(receiver.ids)) == 1
    assert receiver.messages[0] == receiver.messages[2]


def test_after_three_tries_it_is_kept_and_can_be_sent_again(desk: Desk, receiver: Receiver) -> None:
    desk.tell(receiver.url())
    desk.change()
    receiver.answers = [500] * 3
    for _ in range(5):
        desk.relay()
        desk.later(days=1)
    ((state, tries, error),) = desk.deliveries("state, tries, error")
    assert (state, tries, len(receiver.ids)) == ("dead", 3, 3)
    assert "answered 500" in error
    with desk.house.engine.database.pooled() as connection:
        assert deliveries.retry(connection, sync_id="docs", now=desk.house.engine.now()) == 1
    assert desk.relay().delivered == 1
    assert len(set(receiver.ids)) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 404])
def test_any_other_answer_is_no_delivery(desk: Desk, receiver: Receiver, status: int) -> None:
    desk.tell(receiver.url())
    desk.change()
    receiver.answers = [status]
    assert desk.relay().failed == 1
    assert receiver.paths == ["/hook"], "no redirect is followed"
    assert desk.deliveries() == [("waiting", 1)]


def test_an_address_that_wants_no_more_is_left_alone_until_somebody_says_so(
    desk: Desk, receiver: Receiver
) -> None:
    desk.tell(receiver.url())
    desk.change()
    desk.change()
    receiver.answers = [410]
    desk.relay()
    desk.change()
    desk.later(days=1)
    assert desk.relay().delivered == 0
    assert len(receiver.ids) == 1
    assert desk.deliveries("state") == [("dead",), ("dead",)]
    with desk.house.engine.database.pooled() as connection:
        deliveries.retry(connection, sync_id=None, now=desk.house.engine.now())
    desk.change()
    assert desk.relay().delivered == 3


def test_a_slow_down_is_obeyed(desk: Desk, receiver: Receiver) -> None:
    desk.tell(receiver.url("/a"), receiver.url("/b"))
    desk.change()
    receiver.answers = [429]
    desk.relay()
    assert len(receiver.ids) == 1, "the other address is on the same server"
    desk.later(seconds=65)
    assert desk.relay().delivered == 2


def test_a_mail_server_that_is_down_costs_one_try_of_one_mail_and_no_webhook(
    desk: Desk, receiver: Receiver
) -> None:
    with a_post() as gone:
        desk.variables["LIVESYNC_SMTP_URL"] = gone.url()
    desk.variables["LIVESYNC_MAIL_FROM"] = "livesync@example.com"
    desk.tell(MAIL, "mailto:boss@example.com", receiver.url())
    desk.change()
    done = desk.relay()
    assert (done.delivered, done.failed) == (1, 1)
    states = desk.deliveries("address, state, tries")
    assert states[1:] == [("mailto:boss@example.com", "waiting", 1), (MAIL, "waiting", 0)]
    with a_post() as back:
        desk.variables["LIVESYNC_SMTP_URL"] = back.url()
        desk.later(minutes=2)
        assert desk.relay().delivered == 2


def test_a_sender_that_is_killed_before_it_knows_sends_again_with_the_same_id(
    desk: Desk, receiver: Receiver, database_url: str
) -> None:
    desk.tell(receiver.url())
    desk.change()
    environ = {**desk.variables, "LIVESYNC_DATABASE_URL": database_url, "PATH": os.environ["PATH"]}
    sender = subprocess.Popen([sys.executable, "-c", SENDER], env=environ)

    def kill() -> None:
        sender.send_signal(signal.SIGKILL)
        sender.wait()

    receiver.before_answer = kill
    assert sender.wait(60) == -signal.SIGKILL
    receiver.before_answer = lambda: None
    assert desk.deliveries() == [("waiting", 1)]
    assert desk.relay().delivered == 0, "for all we know it is still being sent"
    desk.later(seconds=60 + deliveries.LEASE.total_seconds())
    assert desk.relay().delivered == 1
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1


def test_a_message_that_kills_every_sender_is_given_up(desk: Desk, receiver: Receiver) -> None:
    desk.tell(receiver.url())
    desk.change()
    for _ in range(3):
        with desk.house.engine.database.pooled() as connection:
            assert deliveries.take(
                connection, [(receiver.url(), None)], now=desk.house.engine.now()
            )
        desk.later(hours=1)
    desk.relay()
    assert desk.deliveries() == [("dead", 3)]
    assert receiver.ids == []


def test_several_senders_send_each_message_once(desk: Desk, receiver: Receiver) -> None:
    desk.tell(receiver.url())
    for n in range(8):
        desk.change(f"{n}")
    engine, settings = desk.house.engine, desk.settings()
    threads = [Thread(target=relay, args=(engine, settings)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receiver.ids) == 8
    assert len(set(receiver.ids)) == 8


def test_what_this_process_cannot_send_is_left_to_one_that_can(desk: Desk) -> None:
    with a_receiver() as receiver:
        desk.tell("${HOOK}", MAIL)
        desk.change()
        desk.environ["HOOK"] = receiver.url()
        done = desk.relay()
        assert (done.delivered, done.failed) == (0, 0)
        assert "LIVESYNC_SMTP_URL is not set" in done.unsendable[MAIL]
        assert "LIVESYNC_WEBHOOK_SECRET is not set" in done.unsendable["${HOOK}"]
        assert receiver.ids == [], "never unsigned"
        assert desk.deliveries() == [("waiting", 0)] * 2
        desk.variables["LIVESYNC_WEBHOOK_SECRET"] = SECRET
        desk.variables["LIVESYNC_WEBHOOK_PRIVATE_HOSTS"] = "127.0.0.1"
        assert desk.relay().delivered == 1


def test_what_nobody_could_send_for_a_week_is_given_up_until_a_person_asks(desk: Desk) -> None:
    desk.tell(MAIL)
    desk.change()
    desk.relay()
    desk.later(days=8)
    desk.relay()
    ((state, error),) = desk.deliveries("state, error")
    assert state == "dead"
    assert "LIVESYNC_SMTP_URL is not set" in error
    with desk.house.engine.database.pooled() as connection:
        deliveries.retry(connection, sync_id=None, now=desk.house.engine.now())
    desk.relay()
    assert desk.deliveries("state") == [("waiting",)]


def test_a_private_address_is_called_only_by_name(desk: Desk, receiver: Receiver) -> None:
    del desk.variables["LIVESYNC_WEBHOOK_PRIVATE_HOSTS"]
    desk.tell(receiver.url())
    desk.change()
    assert desk.relay().failed == 1
    assert receiver.ids == []
    ((state, error),) = desk.deliveries("state, error")
    assert state == "dead"
    assert "LIVESYNC_WEBHOOK_PRIVATE_HOSTS" in error


def test_no_secret_is_kept_with_what_is_told(desk: Desk, receiver: Receiver, post: Post) -> None:
    desk.environ |= {"TOKEN": "tok-hunter2", "LOGIN": "log-hunter3", "HOST": "127.0.0.1"}
    base = receiver.url("/${TOKEN}?key=${TOKEN}").replace("127.0.0.1", "ops:${LOGIN}@${HOST}")
    away = "http://${HOST}:1/${TOKEN}"
    desk.tell(base, away, MAIL)
    receiver.answers = [404, 500]
    post.kept.refusal = f"550 {PASSWORD} is no mailbox"
    desk.change()
    desk.relay()
    desk.later(minutes=2)
    desk.relay()
    assert receiver.paths == ["/tok-hunter2?key=tok-hunter2"] * 2
    kept = desk.everything()
    for secret in ("hunter2", "hunter3", PASSWORD, SECRET, SECRET.removeprefix("whsec_")):
        assert secret not in kept
    assert "${HOST}:1 failed" in kept
    assert "550 *** is no mailbox" in kept
    assert "127.0.0.1:1" not in kept


def test_the_addresses_that_cannot_be_told_are_known_beforehand(desk: Desk) -> None:
    desk.tell(MAIL, "https://${NOWHERE}/", "https://example.com/hook")
    with desk.house.engine.database.pooled() as connection:
        found = undeliverable(desk.house.engine, desk.settings(), connection)["docs"]
    said = {address: error.message for address, error in found.items()}
    assert "LIVESYNC_SMTP_URL" in said[MAIL]
    assert "NOWHERE is not set" in said["https://${NOWHERE}/"]
    assert "LIVESYNC_WEBHOOK_SECRET" in said["https://example.com/hook"]


@pytest.mark.parametrize("address", ["mailto:a b@c", "mailto:a@b\nBcc: c@d", "http://[", "ftp://a"])
def test_what_has_become_of_an_address_is_looked_at_again(desk: Desk, address: str) -> None:
    desk.environ["WHO"] = address
    desk.tell("${WHO}")
    desk.change()
    assert desk.relay().unsendable == {"${WHO}": "This is no address"}
