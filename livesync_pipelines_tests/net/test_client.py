from __future__ import annotations

import base64
import gzip
import zlib

import pytest

from livesync_pipelines.model.errors import BadInput, RateLimited, Unavailable
from livesync_pipelines.net.client import MAX_REDIRECTS, Client
from livesync_pipelines.net.verdict import BadAnswer, TooLarge

from .site import Reply, Site, Watch

BUSY = Reply(status=500)
GOOD = Reply(body=b"good")


def later(seconds: str, status: int = 429) -> Reply:
    return Reply(status=status, headers={"retry-after": seconds})


def test_an_answer_is_status_headers_in_lower_case_and_the_whole_body(
    site: Site, client: Client
) -> None:
    site.put("/a", "words", headers={"X-Thing": "1"})
    answer = client.get(site.url("/a"))
    assert (answer.status, answer.content, answer.headers["x-thing"]) == (200, b"words", "1")
    assert answer.url == answer.permanent_url == site.url("/a")


@pytest.mark.parametrize("status", [304, 400, 401, 403, 404, 410, 418, 451])
def test_what_concerns_one_url_is_an_answer_without_a_body(
    status: int, site: Site, client: Client
) -> None:
    site.put("/a", "not for you", status=status)
    answer = client.get(site.url("/a"))
    assert (answer.status, answer.content) == (status, b"")


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
def test_a_failing_server_is_asked_three_times_with_growing_random_pauses(
    status: int, site: Site, client: Client, watch: Watch
) -> None:
    site.put("/a", status=status)
    with pytest.raises(Unavailable, match=str(status)):
        client.get(site.url("/a"))
    assert len(site.calls) == 3
    assert len(watch.slept_s) == 2
    assert all(0 <= pause_s <= 8 for pause_s in watch.slept_s)


def test_a_server_that_recovers_is_forgiven(site: Site, client: Client) -> None:
    site.queue("/a", [BUSY, BUSY, GOOD])
    assert client.get(site.url("/a")).content == b"good"


@pytest.mark.parametrize("status", [429, 503])
def test_a_short_retry_after_is_waited_for_in_place(
    status: int, site: Site, client: Client, watch: Watch
) -> None:
    site.queue("/a", [later("7", status), GOOD])
    assert client.get(site.url("/a")).content == b"good"
    assert 7 <= watch.slept_s[0] <= 8


def test_a_retry_after_with_a_date_is_a_wait_until_then(
    site: Site, client: Client, watch: Watch
) -> None:
    site.queue("/a", [later("Sat, 21 Nov 2026 00:00:10 GMT"), GOOD])
    client.get(site.url("/a"))
    assert 10 <= watch.slept_s[0] <= 11


def test_a_long_retry_after_is_for_the_engine_to_plan(
    site: Site, client: Client, watch: Watch
) -> None:
    site.queue("/a", [later("120")])
    with pytest.raises(RateLimited) as told:
        client.get(site.url("/a"))
    assert told.value.after_s == 120
    assert watch.slept_s == []


def test_a_429_that_does_not_say_when_is_not_hammered(site: Site, client: Client) -> None:
    site.put("/a", status=429)
    with pytest.raises(RateLimited) as told:
        client.get(site.url("/a"))
    assert told.value.after_s == 60
    assert len(site.calls) == 1


def test_nobody_at_the_port_is_unavailable(client: Client) -> None:
    with Site() as gone:
        url = gone.url("/a")
    with pytest.raises(Unavailable, match="ConnectError"):
        client.get(url)


def test_a_name_that_does_not_resolve_is_unavailable(client: Client) -> None:
    with pytest.raises(Unavailable, match="cannot resolve"):
        client.get("http://no-such-host.invalid/")


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"HTTP/1.0 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + gzip.compress(b"w" * 999)[:-9],
        b"HTTP/1.0 200 OK\r\ncontent-encoding: gzip\r\n\r\nthis is no gzip",
        b"",
        b"nonsense\r\n\r\n",
    ],
    ids=["content-length", "chunked", "gzip-cut", "gzip-torn", "hang-up", "no-http"],
)
def test_half_a_body_is_never_taken_for_a_whole_one(raw: bytes, site: Site, client: Client) -> None:
    site.queue("/a", [Reply(raw=raw)])
    with pytest.raises(Unavailable):
        client.get(site.url("/a"))
    assert len(site.calls) == 3


def test_a_body_cut_short_once_is_fetched_again(site: Site, client: Client) -> None:
    cut = Reply(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort")
    site.queue("/a", [cut, GOOD])
    assert client.get(site.url("/a")).content == b"good"


def test_gzip_is_unpacked_and_several_members_are_one_body(site: Site, client: Client) -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0"
    site.put("/a", packed, headers={"content-encoding": "gzip"})
    assert client.get(site.url("/a")).content == b"one two"


def test_an_encoding_nobody_asked_for_is_a_bad_answer(site: Site, client: Client) -> None:
    site.put("/a", zlib.compress(b"x"), headers={"content-encoding": "br"})
    with pytest.raises(BadAnswer, match="encoding"):
        client.get(site.url("/a"))
    assert len(site.calls) == 1


def test_a_part_nobody_asked_for_is_a_bad_answer(site: Site, client: Client) -> None:
    site.put("/a", "part", status=206)
    with pytest.raises(BadAnswer, match="part"):
        client.get(site.url("/a"))


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"w" * 1001, {}),
        (gzip.compress(b"w" * 50_000_000), {"content-encoding": "gzip"}),
    ],
    ids=["plain", "bomb"],
)
def test_more_than_the_limit_is_too_large_and_names_the_limit(
    body: bytes, headers: dict[str, str], site: Site, client: Client
) -> None:
    site.put("/a", body, headers=headers)
    with pytest.raises(TooLarge, match="1000 bytes") as told:
        client.get(site.url("/a"), max_bytes=1000)
    assert told.value.code == "too_large"
    assert len(site.calls) == 1


def test_a_chunked_body_without_a_length_is_stopped_at_the_limit(
    site: Site, client: Client
) -> None:
    chunk = b"3e8\r\n" + b"w" * 1000 + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    site.queue("/a", [Reply(raw=head + chunk * 3 + b"0\r\n\r\n")])
    with pytest.raises(TooLarge):
        client.get(site.url("/a"), max_bytes=1000)


def test_exactly_the_limit_is_fine(site: Site, client: Client) -> None:
    site.put("/a", b"w" * 1000)
    assert len(client.get(site.url("/a"), max_bytes=1000).content) == 1000


def test_redirects_are_followed_and_the_permanent_part_is_remembered(
    site: Site, client: Client
) -> None:
    site.redirect("/old", "/new", status=301)
    site.redirect("/new", "newer#part", status=308)
    site.redirect("/newer", "/today", status=302)
    site.redirect("/today", "/here", status=301)
    site.put("/here", "found")
    answer = client.get(site.url("/old"))
    assert (answer.url, answer.content) == (site.url("/here"), b"found")
    assert answer.permanent_url == site.url("/newer")


def test_a_circle_of_redirects_ends(site: Site, client: Client) -> None:
    site.redirect("/a", "/b")
    site.redirect("/b", "/a")
    with pytest.raises(BadAnswer, match="redirects more than"):
        client.get(site.url("/a"))
    assert len(site.calls) == MAX_REDIRECTS + 1


def test_a_redirect_to_nowhere_is_a_bad_answer(site: Site, client: Client) -> None:
    site.put("/a", status=302)
    with pytest.raises(BadAnswer, match="without saying where"):
        client.get(site.url("/a"))


def test_credentials_stay_with_their_origin(site: Site, other: Site, client: Client) -> None:
    site.redirect("/a", "/b")
    site.redirect("/b", other.url("/c"))
    other.put("/c", "ok")
    headers = {"Authorization": "Bearer s3cret", "X-Api-Key": "k3y", "Accept": "text/html"}
    client.get(site.url("/a"), headers=headers)
    assert all(c.headers["authorization"] == "Bearer s3cret" for c in site.calls)
    assert all(c.headers["x-api-key"] == "k3y" for c in site.calls)
    [call] = other.calls
    assert not {"authorization", "x-api-key", "cookie"} & set(call.headers)
    assert call.headers["accept"] == "text/html"


def test_userinfo_is_a_login_for_its_origin_and_shows_up_nowhere_else(
    site: Site, other: Site, client: Client
) -> None:
    site.redirect("/a", other.url("/c").replace("//", "//eve:trick@"))
    other.put("/c", "ok")
    answer = client.get(site.url("/a").replace("//", "//ann:s3cret@"))
    login = base64.b64encode(b"ann:s3cret").decode()
    assert site.calls[0].headers["authorization"] == f"Basic {login}"
    assert "authorization" not in other.calls[0].headers
    assert answer.url == other.url("/c")


def test_cookies_are_neither_kept_nor_sent(site: Site, client: Client) -> None:
    site.put("/a", "x", headers={"set-cookie": "session=1; Path=/"})
    client.get(site.url("/a"))
    client.get(site.url("/a"))
    assert "cookie" not in site.calls[1].headers


def test_messages_name_the_call_and_the_request_but_no_secret(site: Site, client: Client) -> None:
    site.put("/a?token=s3cret", "body words", status=500, headers={"x-request-id": "req-7"})
    with pytest.raises(Unavailable) as told:
        client.get(site.url("/a?token=s3cret").replace("//", "//ann:pass@"))
    assert told.value.message == f"GET {site.url('/a')} answered 500 (request req-7)"


@pytest.mark.parametrize("url", ["ftp://a/b", "file:///etc/passwd", "no url", "", "http://", "//a"])
def test_only_http_urls_are_called(url: str, client: Client) -> None:
    with pytest.raises(BadInput):
        client.get(url)


def test_calls_to_one_host_keep_their_distance(site: Site, watch: Watch) -> None:
    with Client(allow_private=True, per_host_s=2, world=watch.world()) as client:
        for _ in range(3):
            client.get(site.url("/a"))
        client.slow_down("127.0.0.1", 5)
        client.get(site.url("/a"))
        client.get(site.url("/a", host="localhost"))
    assert watch.slept_s == [2, 2, 2]


def test_a_host_may_ask_for_a_longer_distance(site: Site, watch: Watch) -> None:
    with Client(allow_private=True, per_host_s=2, world=watch.world()) as client:
        client.slow_down("127.0.0.1", 5)
        client.get(site.url("/a"))
        client.get(site.url("/a"))
    assert watch.slept_s == [5]


def test_a_caller_may_walk_the_redirects_alone(site: Site, client: Client) -> None:
    site.redirect("/a", "/b", status=301)
    answer = client.get(site.url("/a"), follow=False)
    assert (answer.status, answer.headers["location"], answer.url) == (301, "/b", site.url("/a"))
    assert site.targets() == ["/a"]


def test_a_body_that_nobody_wants_is_not_read(site: Site, client: Client) -> None:
    site.put("/film", b"w" * 5_000_000, headers={"content-type": "video/mp4"})
    answer = client.get(
        site.url("/film"), max_bytes=10, wants=lambda headers: "html" in headers["content-type"]
    )
    assert (answer.status, answer.content) == (200, b"")
