"""What happens in a project is told as it happens, to whoever may hear of it."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import sleep, time
from typing import Any

import httpx
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from livesync_pipelines.engine import tokens
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig
from livesync_pipelines.notify import hub
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import catalog, events
from livesync_pipelines.web import sockets
from livesync_pipelines.web.app import create_app
from livesync_pipelines.web.tickets import Tickets

from .conftest import SETTINGS, Run
from .served import serving

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    socket: ClientConnection

    def next(self) -> Told:
        told: Told = json.loads(self.socket.recv(timeout=20))
        return told

    def until(self, kind: str) -> list[Told]:
        """What is told up to the first event of this kind."""
        heard = [self.next()]
        while heard[-1].get("kind") != kind:
            heard.append(self.next())
        return heard

    def ask(self, **wish: Any) -> Told:
        self.socket.send(json.dumps({"subscribe": wish}))
        while (told := self.next())["type"] not in {"subscribed", "error"}:
            pass
        return told


@pytest.fixture
def door(engine: Engine, docs: Path) -> Iterator[str]:
    with serving(create_app(engine, SETTINGS)) as door:
        yield door


@contextmanager
def reading(door: str, project: str = "demo", query: str = "", **more: Any) -> Iterator[Reader]:
    url = f"{door.replace('http', 'ws')}/ws/connect/{project}{query}"
    with connect(url, open_timeout=20, **more) as heard:
        yield Reader(heard)


def kinds(told: list[Told]) -> list[str]:
    return [each["kind"] for each in told if each["type"] == "event"]


def test_a_run_is_told_from_its_start_to_its_end(door: str, run: Run) -> None:
    with reading(door) as reader:
        assert reader.next()["type"] == "hello"
        result = run()
        heard = reader.until("operation.completed")
    first, last = heard[0], heard[-1]
    assert kinds(heard)[0] == "operation.started"
    assert set(kinds(heard)[1:-1]) == {"operation.progress"}
    assert first["operation_id"] == last["operation_id"] == str(result.operation_id)
    assert last["document"]["counts"]["added"] == 2
    assert last["document"]["status"] == "success"
    assert first["seq"] < last["seq"]


def test_a_source_that_fails_is_told_with_what_to_do(door: str, run: Run, docs: Path) -> None:
    with reading(door) as reader:
        reader.next()
        docs.rename(docs.with_name("elsewhere"))
        run()
        heard = reader.until("operation.failed")
    assert "elsewhere" not in json.dumps(heard)
    assert heard[-1]["document"]["error"]["hint"]


def test_who_was_away_goes_on_where_he_was(door: str, run: Run, docs: Path) -> None:
    with reading(door) as reader:
        reader.next()
        run()
        seen = reader.until("operation.completed")[-1]["seq"]
    (docs / "leave.md").write_text("# Leave\n\nAsk late.\n")
    run()
    with reading(door, query=f"?after={seen}") as reader:
        assert reader.next()["seq"] == seen
        missed = [reader.next(), reader.next()]
        run()
        heard = reader.until("operation.completed")
    assert kinds(missed) == ["operation.started", "operation.completed"]
    numbers = [each["seq"] for each in [*missed, *heard] if each["seq"] is not None]
    assert numbers == sorted(set(numbers))


def test_what_is_not_kept_any_more_is_told_as_a_gap(
    door: str, synced: SyncResult, engine: Engine
) -> None:
    with engine.database.pooled() as connection:
        connection.execute("delete from livesync.events")
    with reading(door, query="?after=0") as reader:
        assert reader.next()["type"] == "hello"
        assert reader.next()["type"] == "gap"


def test_who_has_heard_of_more_than_there_is_is_told_of_a_gap_and_hears_what_follows(
    door: str, run: Run
) -> None:
    with reading(door, query="?after=999999") as reader:
        hello, gap = reader.next(), reader.next()
        assert hello["seq"] == hello["newest"] < 999_999
        assert (gap["type"], gap["since"], gap["until"]) == ("gap", 999_999, hello["newest"])
        run()
        assert "operation.started" in kinds(reader.until("operation.completed"))


@pytest.mark.parametrize("after", ["abc", "-5", "9" * 23])
def test_what_is_no_number_of_an_event_is_refused_with_a_reason(door: str, after: str) -> None:
    code, reason = closed_at(door, "demo", query=f"?after={after}")
    assert code == sockets.BAD_INPUT
    assert "`after`" in reason


def test_only_what_was_asked_for_is_told(door: str, run: Run, engine: Engine) -> None:
    with reading(door) as reader:
        reader.next()
        assert reader.ask(events=["operation.completed"], syncs=["docs"])["type"] == "subscribed"
        run()
        assert kinds(reader.until("operation.completed")) == ["operation.completed"]
        configure_another(engine, "demo")
        reader.ask(events=["*"], syncs=["another"])
        run()
        with engine.database.pooled() as connection:
            _ask_whom(connection, "anna", sync_id="another")
        assert reader.next()["kind"] == "conflict"


def configure_another(engine: Engine, project_id: str) -> None:
    """The sync `another`, of this project."""
    folder = Connection(
        name="more", project_id=project_id, platform="folder", options={"path": "/nowhere"}
    )
    capsule = Capsule(name="more", project_id=project_id)
    sync = SyncConfig(
        sync_id="another",
        project_id=project_id,
        connection="more",
        capsule="more",
        schedule="manual",
    )
    with engine.database.pooled() as connection:
        wanted = Desired(connections=(folder,), capsules=(capsule,), syncs=(sync,))
        catalog.apply(connection, wanted)


def test_a_sync_that_the_project_does_not_have_is_told_and_the_wish_before_it_stands(
    door: str, run: Run, engine: Engine
) -> None:
    """Whether another project has it is not told."""
    configure_another(engine, "sales")
    with reading(door) as reader:
        reader.next()
        reader.ask(events=["operation.completed"])
        told = [reader.ask(syncs=["docs", name]) for name in ("another", "nobody's")]
        run()
        assert kinds(reader.until("operation.completed")) == ["operation.completed"]
    assert told[0]["message"].replace("another", "nobody's") == told[1]["message"]
    assert told[1]["message"] == "The project 'demo' has no sync called nobody's."
    assert [each["hint"] for each in told] == 2 * ["Configured: docs."]


@pytest.mark.parametrize("project", ["nowhere", "n%00where", "ü" * 200])
def test_a_project_that_is_not_there_is_told(door: str, project: str) -> None:
    assert closed_at(door, project) == (sockets.NO_PROJECT, "There is no such project.")


def closed_at(door: str, project: str, **more: Any) -> tuple[int, str]:
    """With which code and reason the door of this project closes."""
    with reading(door, project, **more) as reader, pytest.raises(ConnectionClosed) as closed:
        reader.next()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


@pytest.mark.parametrize(
    "text",
    [
        "words",
        "[]",
        '{"subscribe": {"events": ["operation.finished"]}}',
        '{"subscribe": {"events": "all"}}',
        '{"subscribe": {"colour": 1}}',
        '{"subscribe": {"syncs": ["\\u0000"]}}',
        '{"subscribe": 5}',
        '{"resume": 3}',
        b"\x00\xff",
        b'{"subscribe": {}}',
    ],
)
def test_a_wish_that_is_not_understood_says_what_there_is(door: str, text: str | bytes) -> None:
    with reading(door) as reader:
        reader.next()
        reader.socket.send(text)
        told = reader.next()
        assert told["type"] == "error"
        assert "operation." in told["hint"]
        assert "Wish" not in told["message"]


def test_who_hears_nothing_hears_a_heartbeat(door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "HEARTBEAT_S", 0.2)
    with reading(door) as reader:
        assert [reader.next()["type"] for _ in range(3)] == ["hello", "heartbeat", "heartbeat"]


def test_a_listener_that_was_cut_off_reads_what_it_missed(
    door: str, run: Run, engine: Engine
) -> None:
    with reading(door) as reader:
        reader.next()
        with psycopg.connect(engine.database.url, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where query like 'listen livesync_events%'"
            )
        run()
        heard = [each for each in reader.until("operation.completed") if each["seq"]]
    assert [each["kind"] for each in heard] == ["operation.started", "operation.completed"]


def test_who_reads_too_slowly_is_told_and_let_go(
    door: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "WAITING", 2)
    monkeypatch.setattr(sockets, "HEARTBEAT_S", 0.2)
    heard: list[Told] = []
    with reading(door) as reader:
        assert [reader.next()["type"] for _ in range(2)] == ["hello", "heartbeat"]
        with engine.database.connect() as connection, connection.transaction():
            for name in ("anna", "ben", "carl", "dora"):
                _ask_whom(connection, name)
        with pytest.raises(ConnectionClosed) as closed:
            heard.extend(iter(reader.next, None))
    assert [each["owner"] for each in heard if each["type"] != "heartbeat"] == ["anna", "ben"]
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == sockets.TOO_SLOW
    assert "resume after" in closed.value.rcvd.reason


def test_two_servers_tell_the_same(engine: Engine, run: Run) -> None:
    with (
        serving(create_app(engine, SETTINGS)) as one,
        serving(create_app(engine, SETTINGS)) as other,
        reading(one) as first,
        reading(other) as second,
    ):
        first.next()
        second.next()
        run()
        heard = [each.until("operation.completed")[-1] for each in (first, second)]
    assert heard[0] == heard[1]


@dataclass(frozen=True, slots=True)
class Guarded:
    door: str
    token: Callable[..., str]
    file: Path


@pytest.fixture
def guarded(engine: Engine, docs: Path, tmp_path: Path) -> Iterator[Guarded]:
    file = tmp_path / "tokens"
    file.touch()
    settings = Settings.load({"EXTERNAL_SYNC_ENABLED": "true", "LIVESYNC_API_TOKENS": str(file)})
    with serving(create_app(engine, settings)) as door:
        yield Guarded(door, lambda *words: tokens.make(file, *words), file)


def test_without_a_token_nobody_hears_anything(guarded: Guarded) -> None:
    with pytest.raises(InvalidStatus) as refused, reading(guarded.door):
        pass
    assert refused.value.response.status_code == 401


def test_a_token_of_another_project_hears_nothing(guarded: Guarded) -> None:
    """Nor whether there is such a project."""
    headers = {"authorization": f"Bearer {guarded.token('sales', 'viewer')}"}
    told = [
        closed_at(guarded.door, name, additional_headers=headers) for name in ("demo", "nowhere")
    ]
    assert told == 2 * [(sockets.FORBIDDEN, "This token is for another project.")]


@pytest.mark.parametrize("line", ["", "another project"])
def test_a_token_that_is_taken_out_hears_no_more(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(sockets, "HEARTBEAT_S", 0.2)
    headers = {"authorization": f"Bearer {guarded.token('demo', 'viewer')}"}
    with reading(guarded.door, additional_headers=headers) as reader:
        assert [reader.next()["type"] for _ in range(3)] == ["hello", "heartbeat", "heartbeat"]
        kept = guarded.file.read_text().replace(" demo ", " sales ") if line else ""
        guarded.file.write_text(kept)
        with pytest.raises(ConnectionClosed) as closed:
            list(islice(iter(reader.next, None), 100))
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == sockets.FORBIDDEN
    assert closed.value.rcvd.reason == "This token was taken out, or says something else now."


def test_a_page_sends_its_token_as_a_subprotocol(guarded: Guarded) -> None:
    offered = ["livesync", f"bearer.{guarded.token('demo', 'viewer')}"]
    with reading(guarded.door, subprotocols=offered) as reader:
        assert reader.next()["type"] == "hello"
        assert reader.socket.subprotocol == "livesync"


def test_a_page_of_another_origin_is_refused(door: str) -> None:
    with pytest.raises(InvalidStatus) as refused, reading(door, origin="https://example.com"):
        pass
    assert refused.value.response.status_code == 403


def test_a_user_may_ask_for_his_own_questions_only(
    guarded: Guarded, engine: Engine, run: Run
) -> None:
    headers = {"authorization": f"Bearer {guarded.token('demo', 'viewer', 'anna')}"}
    with reading(guarded.door, additional_headers=headers) as reader:
        reader.next()
        reader.ask(events=["*"], mine=True)
        run()
        with engine.database.pooled() as connection:
            for owner in ("ben", "anna"):
                _ask_whom(connection, owner)
        (heard,) = reader.until("conflict")
    assert heard["owner"] == "anna"


def _ask_whom(connection: Any, owner: str, sync_id: str = "docs") -> None:
    connection.execute(
        "with e as (insert into livesync.events (at, project_id, sync_id, operation_id, kind,"
        " owner, document) values (now(), 'demo', %s, gen_random_uuid(), 'conflict', %s, '{}')"
        " returning seq) select pg_notify(%s, json_build_object('project_id', 'demo', 'seq',"
        " seq)::text) from e",
        (sync_id, owner, events.CHANNEL),
    )


def test_a_socket_that_breaks_off_leaves_nobody_listening(door: str, engine: Engine) -> None:
    with reading(door) as reader:
        reader.next()
        reader.socket.socket.shutdown(socket.SHUT_RDWR)
    with psycopg.connect(engine.database.url, autocommit=True) as connection:
        while _listeners(connection):
            sleep(0.05)


def _listeners(connection: psycopg.Connection) -> int:
    return connection.execute(
        "select from pg_stat_activity where query like 'listen livesync_events%'"
        " and datname = current_database()"
    ).rowcount


def page_of(door: str, token: str = "") -> httpx.Response:
    """The status page, as a browser with this token is shown it."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.get(f"{door}/", headers={"accept": "text/html", **headers})


def ticket_in(answer: httpx.Response) -> str:
    cookie: str = answer.headers["set-cookie"]
    return cookie.partition(";")[0]


def test_the_status_page_brings_along_where_to_follow_from(door: str, run: Run) -> None:
    run()
    shown = page_of(door).text
    (after,) = re.findall(r'data-after="([0-9]+)"', shown)
    assert 'data-projects="[&#34;demo&#34;]"' in shown
    with reading(door, query=f"?after={after}", origin=door) as reader:
        assert reader.next()["seq"] == int(after)
        run()
        assert kinds(reader.until("operation.completed"))[0] == "operation.started"


def test_without_tokens_a_page_brings_no_ticket_and_its_policy_lets_only_its_own_script_run(
    door: str, docs: Path
) -> None:
    answer = page_of(door)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert f"connect-src 'self' {door.replace('http', 'ws')} " in policy
    assert "set-cookie" not in answer.headers
    script = httpx.get(f"{door}/static/status.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "innerHTML" not in script.text


def test_a_page_that_was_shown_to_a_token_follows_with_its_ticket(
    guarded: Guarded, run: Run
) -> None:
    token = guarded.token("*", "viewer")
    answer = page_of(guarded.door, token)
    kept = "; Max-Age=60; Path=/ws/; HttpOnly; SameSite=Strict"
    assert answer.headers["set-cookie"].endswith(kept)
    assert token not in answer.headers["set-cookie"]
    with reading(
        guarded.door, origin=guarded.door, additional_headers={"cookie": ticket_in(answer)}
    ) as reader:
        assert reader.next()["type"] == "hello"
        run()
        assert reader.until("operation.completed")


@pytest.mark.parametrize("where", ["another page", "no page", "bent", "no token"])
def test_a_ticket_is_good_for_a_socket_of_its_own_page_only(
    guarded: Guarded, tmp_path: Path, docs: Path, where: str
) -> None:
    door = guarded.door
    cookie = ticket_in(page_of(door, guarded.token("*", "viewer")))
    origin = {"another page": "http://localhost:1", "no page": None}.get(where, door)
    if where == "bent":
        cookie = f"{cookie[:-1]}{'0' if cookie[-1] != '0' else '1'}"
    if where == "no token":
        (tmp_path / "tokens").write_text("")
    with (
        pytest.raises(InvalidStatus) as refused,
        reading(door, origin=origin, additional_headers={"cookie": cookie}),
    ):
        pass
    assert refused.value.response.status_code == 401


def test_a_ticket_opens_no_other_door(guarded: Guarded) -> None:
    cookie = ticket_in(page_of(guarded.door, guarded.token("*", "viewer")))
    for path in ("/", "/sync/status"):
        answer = httpx.get(f"{guarded.door}{path}", headers={"cookie": cookie})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "cookies",
    ["", "livesync_ticket=", "livesync_ticket=..", "a=b; =;", "\x00", "livesync_ticket=é.é.é"],
)
def test_no_ticket_is_made_of_what_is_none(cookies: str) -> None:
    assert Tickets().digest_of(cookies) is None


def test_a_ticket_is_good_for_a_minute_and_in_its_own_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issued = Tickets()
    cookie = issued.issue("d").partition(";")[0]
    assert (issued.digest_of(cookie), Tickets().digest_of(cookie)) == ("d", None)
    later = time() + 61
    monkeypatch.setattr("time.time", lambda: later)
    assert issued.digest_of(cookie) is None
