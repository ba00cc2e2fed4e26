"""POST: once, to the very address, with nothing told of the path."""

from __future__ import annotations

import pytest

from livesync_pipelines.model.errors import BadInput, RateLimited, Unavailable
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.verdict import Refused

from .site import Reply, Site, Watch

PATH = "/services/hunter2?key=hunter3"
HEADERS = {"content-type": "application/json", "webhook-id": "msg_1"}


def test_a_post_carries_its_headers_and_its_body(site: Site, client: Client) -> None:
    site.put(PATH, "thanks")
    answer = client.post(site.url(PATH), content=b"{}", headers=HEADERS)
    (call,) = site.calls
    assert (call.method, call.target, call.body) == ("POST", PATH, b"{}")
    assert (call.headers["webhook-id"], call.headers["content-length"]) == ("msg_1", "2")
    assert (answer.status, answer.content) == (200, b""), "what else it says is not read"


@pytest.mark.parametrize("status", [201, 204, 301, 307, 400, 404, 410])
def test_what_the_receiver_decides_is_an_answer_and_no_redirect_is_followed(
    status: int, site: Site, client: Client
) -> None:
    site.put("/a", status=status, headers={"location": "/b"})
    assert client.post(site.url("/a"), content=b"", headers={}).status == status
    assert site.targets() == ["/a"]


@pytest.mark.parametrize("status", [408, 425, 500, 503])
def test_a_failing_receiver_is_asked_once(
    status: int, site: Site, client: Client, watch: Watch
) -> None:
    site.put(PATH, status=status)
    with pytest.raises(Unavailable, match=str(status)) as told:
        client.post(site.url(PATH), content=b"", headers={})
    assert (len(site.calls), watch.slept_s) == (1, [])
    assert told.value.where == f"POST http://127.0.0.1:{site.port}"
    assert "hunter" not in repr(told.value)


def test_a_receiver_that_wants_us_to_wait_says_how_long(site: Site, client: Client) -> None:
    site.queue("/a", [Reply(status=429, headers={"retry-after": "7"})])
    with pytest.raises(RateLimited) as told:
        client.post(site.url("/a"), content=b"", headers={})
    assert told.value.after_s == 7


def test_a_receiver_that_hangs_up_is_unavailable(site: Site, client: Client) -> None:
    site.queue(PATH, [Reply(raw=b"")])
    with pytest.raises(Unavailable) as told:
        client.post(site.url(PATH), content=b"", headers={})
    assert len(site.calls) == 1
    assert "hunter" not in str(told.value)


def test_a_login_in_the_url_becomes_a_header(site: Site, client: Client) -> None:
    site.put("/a")
    client.post(site.url("/a", host="me:hunter2@127.0.0.1"), content=b"", headers={})
    assert site.calls[0].headers["authorization"].startswith("Basic ")


def test_a_private_address_is_refused_unless_it_is_named(site: Site) -> None:
    with Client() as shy, pytest.raises(Refused):
        shy.post(site.url("/a"), content=b"", headers={})
    assert site.calls == []


def test_what_is_no_web_address_is_not_called(client: Client) -> None:
    with pytest.raises(BadInput):
        client.post("ftp://example.com/a", content=b"", headers={})
