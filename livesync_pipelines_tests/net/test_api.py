"""One vendor's API: its addresses, whose credentials go where, its pages."""

from __future__ import annotations

import json
import math
from base64 import b64decode
from collections.abc import Mapping
from io import BytesIO
from itertools import islice

import pytest

from livesync_pipelines.model.errors import BadInput, CursorExpired, LiveSyncError, Unavailable
from livesync_pipelines.net.api import Anonymous, Api, Basic, Bearer, paged
from livesync_pipelines.net.asking import Terms
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.judging import Refusal
from livesync_pipelines.net.verdict import BadAnswer, Gone, Unauthorised

from .site import Reply, Site


class Renewable:
    """Has so many tokens, one after the other."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)

    def headers(self) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self._tokens[0]}"}

    def renewed(self) -> bool:
        if len(self._tokens) == 1:
            return False
        del self._tokens[0]
        return True


def api(site: Site, client: Client, account: Renewable | Bearer | Anonymous) -> Api:
    return Api(client, site.url("/v3"), account, headers={"vendor-version": "7"})


def test_paths_lie_below_the_base_and_parameters_are_spelled(site: Site, client: Client) -> None:
    site.put("/v3/files/a%20b?fields=a%2Cb&trashed=false&n=3", '{"id": 1}')
    found = api(site, client, Bearer("t")).get(
        "files/a%20b", {"fields": "a,b", "trashed": False, "n": 3}
    )
    assert found == {"id": 1}
    (call,) = site.calls
    assert (call.headers["authorization"], call.headers["vendor-version"]) == ("Bearer t", "7")


def test_an_address_that_the_vendor_gave_keeps_its_own_query(site: Site, client: Client) -> None:
    site.put("/v3/next?token=1&n=2", "[]")
    assert api(site, client, Anonymous()).get(site.url("/v3/next?token=1"), {"n": 2}) == []


@pytest.mark.parametrize("odd", [math.nan, math.inf, "\ud800"])
def test_what_json_cannot_say_is_not_sent(site: Site, client: Client, odd: float | str) -> None:
    with pytest.raises(BadInput, match="JSON cannot say"):
        api(site, client, Anonymous()).post("a", {"values": [odd]})
    assert not site.calls


def test_a_body_is_json_unless_it_is_bytes(site: Site, client: Client) -> None:
    site.put("/v3/a", '{"ok": true}')
    calls = api(site, client, Anonymous())
    assert calls.post("a", {"name": "Käse"}) == {"ok": True}
    calls.call("PUT", "a", body=b"raw", headers={"content-type": "text/plain"})
    said, raw = site.calls
    assert (json.loads(said.body), said.headers["content-type"]) == (
        {"name": "Käse"},
        "application/json",
    )
    assert (raw.body, raw.headers["content-type"]) == (b"raw", "text/plain")


def test_credentials_that_are_refused_are_renewed_and_tried_once_more(
    site: Site, client: Client
) -> None:
    site.queue("/v3/a", [Reply(status=401), Reply(body=b"1")])
    assert api(site, client, Renewable("old", "new")).post("a", {}) == 1
    assert [c.headers["authorization"] for c in site.calls] == ["Bearer old", "Bearer new"]


def test_renewed_credentials_that_are_refused_too_are_tried_again_later(
    site: Site, client: Client
) -> None:
    site.put("/v3/a", status=401)
    with pytest.raises(Unavailable, match="given a moment ago"):
        api(site, client, Renewable("old", "new", "newer")).get("a")
    assert len(site.calls) == 2


def test_a_token_that_nothing_renews_is_tried_once(site: Site, client: Client) -> None:
    site.put("/v3/a", status=401)
    with pytest.raises(Unauthorised) as told:
        api(site, client, Bearer("hunter2")).get("a")
    assert len(site.calls) == 1
    assert "hunter2" not in repr(told.value) + told.value.hint


def test_no_credentials_go_to_an_address_elsewhere(site: Site, other: Site, client: Client) -> None:
    other.put("/file", "bytes")
    into = BytesIO()
    api(site, client, Renewable("hunter2")).download(other.url("/file"), into)
    assert into.getvalue() == b"bytes"
    assert "hunter2" not in repr(other.calls[0].headers)


def test_a_download_is_renewed_for_as_well(site: Site, client: Client) -> None:
    site.queue("/v3/file?alt=media", [Reply(status=401), Reply(body=b"bytes")])
    into = BytesIO()
    api(site, client, Renewable("old", "new")).download("file", into, params={"alt": "media"})
    assert into.getvalue() == b"bytes"


def expired(refusal: Refusal) -> LiveSyncError | None:
    if refusal.status == 410:
        return CursorExpired(refusal.said(), where=refusal.where)
    return None


def test_a_vendor_is_heard_before_http(site: Site, client: Client) -> None:
    site.put("/v3/changes", status=410)
    site.put("/v3/files/1", status=404)
    calls = Api(client, site.url("/v3"), Anonymous(), expired)
    with pytest.raises(CursorExpired):
        calls.get("changes")
    with pytest.raises(Gone):
        calls.call("GET", "files/1", terms=Terms(max_bytes=10))


def test_a_login_page_is_no_answer(site: Site, client: Client) -> None:
    site.put("/v3/a", "<html>please log in</html>")
    with pytest.raises(BadAnswer, match="no JSON"):
        api(site, client, Anonymous()).get("a")


def test_no_body_is_no_json(site: Site, client: Client) -> None:
    site.put("/v3/a", status=204)
    assert api(site, client, Anonymous()).get("a") is None


PAGES: dict[str | None, tuple[str, str | None]] = {
    None: ("first", "b"),
    "b": ("second", "c"),
    "c": ("last", None),
}


def test_pages_are_read_until_none_follows() -> None:
    found = paged(lambda token: PAGES[token], lambda page: page[1])
    assert [text for text, _ in found] == ["first", "second", "last"]


def test_reading_may_begin_at_a_page() -> None:
    found = paged(lambda token: PAGES[token], lambda page: page[1], start="c")
    assert [text for text, _ in found] == ["last"]


@pytest.mark.parametrize("back_to", ["b", "c"])
def test_a_listing_that_goes_round_in_circles_is_noticed(back_to: str) -> None:
    circle = {**PAGES, "c": ("last", back_to)}
    pages = paged(lambda token: circle[token], lambda page: page[1])
    assert [text for text, _ in islice(pages, 3)] == ["first", "second", "last"]
    with pytest.raises(BadAnswer, match="no end"):
        next(pages)


def test_a_token_shows_nothing_of_itself() -> None:
    assert "hunter2" not in repr(Bearer("hunter2"))
    assert "hunter2" not in repr(Basic("ada@example.com", "hunter2"))


def test_a_name_and_its_token_are_spelled_as_basic_credentials() -> None:
    said = Basic("ada@example.com", "käse").headers()["authorization"]
    assert b64decode(said.removeprefix("Basic ")).decode() == "ada@example.com:käse"
    assert not Basic("ada@example.com", "käse").renewed()
