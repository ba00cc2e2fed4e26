"""Calls of an API: what is an answer, what a refusal means, and what is made a second time."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from livesync_pipelines.model.errors import LiveSyncError, RateLimited, Reauthorise, Unavailable
from livesync_pipelines.net.asking import Terms
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.judging import Refusal
from livesync_pipelines.net.pace import Unpaced
from livesync_pipelines.net.reading import REFUSAL_BYTES
from livesync_pipelines.net.verdict import (
    BadAnswer,
    Conflict,
    Forbidden,
    Gone,
    TooLarge,
    Unauthorised,
    Unclear,
    Unsent,
)

from .site import Reply, Site, Watch

BUSY = Reply(status=500)
GOOD = Reply(body=b"good")
HANGS_UP = Reply(raw=b"")
LATER = Reply(status=429, headers={"retry-after": "1"})


def test_a_call_carries_method_headers_and_body_and_brings_the_answer(
    site: Site, client: Client
) -> None:
    site.put("/a", "done", status=201)
    answer = client.call("PATCH", site.url("/a"), headers={"x-a": "1"}, content=b"{}")
    (call,) = site.calls
    assert (call.method, call.body, call.headers["x-a"]) == ("PATCH", b"{}", "1")
    assert (answer.status, answer.content) == (201, b"done")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadAnswer),
        (401, Unauthorised),
        (403, Forbidden),
        (404, Gone),
        (409, Conflict),
        (410, Gone),
        (412, Conflict),
        (422, BadAnswer),
    ],
)
def test_a_refusal_is_named_for_what_comes_next(
    status: int, kind: type[LiveSyncError], site: Site, client: Client
) -> None:
    site.put("/a", "no", status=status)
    with pytest.raises(kind) as told:
        client.call("POST", site.url("/a"))
    assert type(told.value) is kind
    assert len(site.calls) == 1


def test_only_401_is_worth_other_credentials() -> None:
    assert issubclass(Unauthorised, Reauthorise)
    assert not issubclass(Forbidden, Reauthorise)


def says_limited(refusal: Refusal) -> LiveSyncError | None:
    """As Google does, which says 403 for "too many calls"."""
    reason = refusal.word("reason")
    return refusal.limited(reason) if reason == "userRateLimitExceeded" else None


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ('{"error": {"errors": [{"reason": "full"}, {"reason": "late"}]}}', "full"),
        ('{"error": {"errors": [{"reason": 7}]}}', "7"),
        ('{"error": {"errors": [{"reason": ["full"]}]}}', ""),
        ('{"error": {"errors": [{}]}}', ""),
        ('{"error": {"errors": []}}', ""),
        ('{"error": {"errors": null}}', ""),
        ('{"error": "full"}', ""),
        ('["full"]', ""),
        ("<html>full</html>", ""),
        ("", ""),
    ],
)
def test_a_word_of_a_refusal_is_empty_wherever_the_vendor_says_something_else(
    body: str, word: str
) -> None:
    refusal = Refusal(
        status=403, headers={}, content=body.encode(), where="GET x", at=datetime.now(UTC)
    )
    assert refusal.word("error", "errors", 0, "reason") == word


class Told(Unpaced):
    """Notes who was to be left alone."""

    def __init__(self) -> None:
        self.held: list[tuple[str, float]] = []

    def hold(self, host: str, for_s: float) -> None:
        self.held.append((host, for_s))


def test_a_vendor_says_what_its_refusals_mean_and_a_limit_is_told_to_all(
    site: Site, watch: Watch
) -> None:
    limited = Reply(
        status=403,
        body=b'{"reason": "userRateLimitExceeded"}',
        headers={"retry-after": "3"},
    )
    site.queue("/a", [limited, GOOD])
    pacer = Told()
    with Client(allow_private=True, pacer=pacer, world=watch.world()) as client:
        answer = client.call("POST", site.url("/a"), terms=Terms(judge=says_limited))
    assert answer.content == b"good"
    assert watch.slept_s[0] >= 3
    assert pacer.held == [("127.0.0.1", 3.0)]


def test_the_body_of_a_refusal_is_there_to_judge_by_and_in_no_message(
    site: Site, client: Client
) -> None:
    heard: list[Refusal] = []
    body = gzip.compress(b"your token hunter2 is wrong")
    packed = {"content-encoding": "gzip", "x-request-id": "r1"}
    site.put("/a?key=hunter3", body, status=400, headers=packed)

    def judge(refusal: Refusal) -> LiveSyncError:
        heard.append(refusal)
        return BadAnswer(refusal.said("invalid_token"), where=refusal.where)

    with pytest.raises(BadAnswer) as told:
        client.call("POST", site.url("/a?key=hunter3"), terms=Terms(judge=judge))
    assert heard[0].content == b"your token hunter2 is wrong"
    assert told.value.message == f"POST {site.url('/a')} answered 400 invalid_token (request r1)"
    assert "hunter" not in repr(heard)


def test_what_a_vendor_calls_an_error_is_shown_only_where_it_is_a_word() -> None:
    site = Site()
    with site, Client(allow_private=True) as client:
        site.put("/a", status=400)
        judge = Terms(judge=lambda r: BadAnswer(r.said("no <b>word</b> at all")))
        with pytest.raises(BadAnswer, match=r"answered 400$"):
            client.call("GET", site.url("/a"), terms=judge)


@pytest.mark.parametrize("body", [b"w" * (2 * REFUSAL_BYTES), b""], ids=["endless", "none"])
def test_of_a_long_refusal_the_start_is_kept(body: bytes, site: Site, client: Client) -> None:
    heard: list[bytes] = []
    site.put("/a", body, status=400)

    def judge(refusal: Refusal) -> None:
        heard.append(refusal.content)

    client.call("GET", site.url("/a"), terms=Terms(judge=judge))
    assert heard == [body[:REFUSAL_BYTES]]


def test_a_refusal_that_breaks_off_is_a_refusal_all_the_same(site: Site, client: Client) -> None:
    site.queue("/a", [Reply(raw=b"HTTP/1.1 404 No\r\ncontent-length: 100\r\n\r\nshort")])
    with pytest.raises(Gone):
        client.call("GET", site.url("/a"))


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("trouble", [BUSY, HANGS_UP], ids=["500", "hang-up"])
def test_what_does_no_harm_twice_is_made_again(
    method: str, trouble: Reply, site: Site, client: Client
) -> None:
    site.queue("/a", [trouble, Reply(status=204)])
    assert client.call(method, site.url("/a")).status == 204
    assert len(site.calls) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
@pytest.mark.parametrize("trouble", [BUSY, HANGS_UP], ids=["500", "hang-up"])
def test_what_may_have_been_done_is_not_done_again_unlooked(
    method: str, trouble: Reply, site: Site, client: Client
) -> None:
    site.queue("/a", [trouble, GOOD])
    with pytest.raises(Unclear, match="not known"):
        client.call(method, site.url("/a"), content=b"{}")
    assert len(site.calls) == 1


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("PUT", {"if-match": '"1"'}),
        ("PUT", {"If-None-Match": "*"}),
        ("POST", {"Idempotency-Key": "k1"}),
    ],
)
def test_a_precondition_or_a_key_makes_it_safe_to_ask_again(
    method: str, headers: dict[str, str], site: Site, client: Client
) -> None:
    site.queue("/a", [BUSY, GOOD])
    assert client.call(method, site.url("/a"), headers=headers).content == b"good"
    assert [call.headers.get("idempotency-key") for call in site.calls] == (
        ["k1", "k1"] if method == "POST" else [None, None]
    )


def test_a_post_that_only_asks_is_made_again_where_its_caller_says_so(
    site: Site, client: Client
) -> None:
    site.queue("/query", [BUSY, HANGS_UP, GOOD])
    assert client.call("POST", site.url("/query"), terms=Terms(repeats=True)).content == b"good"


@pytest.mark.parametrize("status", [429, 503])
def test_a_post_that_was_turned_away_is_made_again_when_it_may_be(
    status: int, site: Site, client: Client, watch: Watch
) -> None:
    site.queue("/a", [Reply(status=status, headers={"retry-after": "4"}), GOOD])
    assert client.call("POST", site.url("/a"), content=b"{}").content == b"good"
    assert [call.body for call in site.calls] == [b"{}", b"{}"]
    assert watch.slept_s[0] >= 4


def test_a_post_that_nobody_received_is_tried_again_and_not_unclear(
    client: Client, watch: Watch
) -> None:
    with Site() as gone:
        url = gone.url("/a")
    with pytest.raises(Unsent):
        client.call("POST", url, content=b"{}")
    assert len(watch.slept_s) == 2


def test_a_conflict_with_what_an_earlier_try_may_have_done_is_unclear(
    site: Site, client: Client
) -> None:
    site.queue("/a", [HANGS_UP, Reply(status=412), GOOD])
    with pytest.raises(Unclear, match="412"):
        client.call("PUT", site.url("/a"), headers={"if-match": '"1"'})
    assert len(site.calls) == 2


def test_a_conflict_after_a_pause_that_was_asked_for_is_a_conflict(
    site: Site, client: Client
) -> None:
    site.queue("/a", [LATER, Reply(status=412)])
    with pytest.raises(Conflict):
        client.call("PUT", site.url("/a"), headers={"if-match": '"1"'})


def test_a_limit_that_lasts_too_long_is_for_the_engine(site: Site, client: Client) -> None:
    site.queue("/a", [Reply(status=429, headers={"retry-after": "100"})])
    with pytest.raises(RateLimited) as told:
        client.call("POST", site.url("/a"))
    assert told.value.after_s == 100


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_redirect_is_followed_where_nothing_changes_and_takes_no_credentials_along(
    method: str, site: Site, other: Site, client: Client
) -> None:
    site.redirect("/a", other.url("/b"))
    other.put("/b", status=204)
    secret = {"authorization": "Bearer hunter2", "x-key": "hunter3", "accept": "text/plain"}
    assert client.call(method, site.url("/a"), headers=secret).status == 204
    (call,) = other.calls
    assert call.method == method
    assert "hunter" not in repr(call.headers)
    assert call.headers["accept"] == "text/plain"


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_redirect_of_what_changes_something_is_an_answer(
    status: int, site: Site, client: Client
) -> None:
    site.redirect("/a", "/b", status=status)
    answer = client.call("PUT", site.url("/a"), content=b"x")
    assert (answer.status, answer.headers["location"]) == (status, "/b")
    assert site.targets() == ["/a"]


def test_half_a_body_is_never_taken_for_a_whole_one(site: Site, client: Client) -> None:
    cut = Reply(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort")
    site.queue("/a", [cut, GOOD])
    assert client.call("GET", site.url("/a")).content == b"good"
    site.queue("/a", [cut])
    with pytest.raises(Unavailable):
        client.call("GET", site.url("/a"))


def test_a_longer_answer_than_its_terms_allow_is_too_large(site: Site, client: Client) -> None:
    site.put("/a", b"w" * 11)
    with pytest.raises(TooLarge):
        client.call("GET", site.url("/a"), terms=Terms(max_bytes=10))


def test_how_long_something_is_can_be_asked_whatever_its_length(site: Site, client: Client) -> None:
    site.put("/a", b"w" * 11)
    answer = client.call("HEAD", site.url("/a"), terms=Terms(max_bytes=10))
    assert (answer.headers["content-length"], answer.content) == ("11", b"")
