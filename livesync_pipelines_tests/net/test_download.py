"""Bodies onto files: whole, within their limit, and never the same bytes twice."""

from __future__ import annotations

import gzip
from io import BytesIO

import pytest

from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.net.asking import Terms
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.verdict import BadAnswer, Gone, TooLarge

from .site import Reply, Site

WHOLE = b"0123456789"


def cut(after: int, *headers: str) -> Reply:
    """The first bytes of ten, and then nothing more."""
    lines = ["HTTP/1.1 200 OK", "content-length: 10", *headers, "", ""]
    return Reply(raw="\r\n".join(lines).encode() + WHOLE[:after])


def rest(start: int, *, etag: str = '"1"', told: str = "") -> Reply:
    return Reply(
        status=206,
        body=WHOLE[start:],
        headers={"content-range": told or f"bytes {start}-9/10", "etag": etag},
    )


RESUMABLE = ('etag: "1"', "accept-ranges: bytes")


def test_a_body_goes_onto_the_file_and_not_into_the_answer(site: Site, client: Client) -> None:
    site.put("/a", WHOLE, headers={"x-thing": "1"})
    into = BytesIO()
    answer = client.download(site.url("/a"), into)
    assert into.getvalue() == WHOLE
    assert (answer.status, answer.content, answer.headers["x-thing"]) == (200, b"", "1")


def test_a_download_that_breaks_off_goes_on_where_it_ended(site: Site, client: Client) -> None:
    site.queue("/a", [cut(4, *RESUMABLE), rest(4)])
    into = BytesIO()
    client.download(site.url("/a"), into)
    assert into.getvalue() == WHOLE
    again = site.calls[1].headers
    assert (again["range"], again["if-range"]) == ("bytes=4-", '"1"')


def test_a_rest_that_breaks_off_goes_on_as_well(site: Site, client: Client) -> None:
    torn = Reply(
        raw=b'HTTP/1.1 206 Part\r\ncontent-length: 6\r\netag: "1"\r\n'
        b"content-range: bytes 4-9/10\r\n\r\n45"
    )
    site.queue("/a", [cut(4, *RESUMABLE), torn, rest(6)])
    into = BytesIO()
    client.download(site.url("/a"), into)
    assert into.getvalue() == WHOLE
    assert site.calls[2].headers["range"] == "bytes=6-"


@pytest.mark.parametrize(
    "headers",
    [(), ('etag: "1"',), ("accept-ranges: bytes",), ('etag: W/"1"', "accept-ranges: bytes")],
    ids=["neither", "no-ranges", "no-etag", "weak-etag"],
)
def test_without_a_promise_that_it_is_the_same_file_it_begins_anew(
    headers: tuple[str, ...], site: Site, client: Client
) -> None:
    site.queue("/a", [cut(4, *headers), Reply(body=b"another")])
    into = BytesIO()
    client.download(site.url("/a"), into)
    assert into.getvalue() == b"another"
    assert "range" not in site.calls[1].headers


def test_a_file_that_has_changed_since_replaces_what_was_there(site: Site, client: Client) -> None:
    site.queue("/a", [cut(9, *RESUMABLE), Reply(body=b"new", headers={"etag": '"2"'})])
    into = BytesIO()
    client.download(site.url("/a"), into)
    assert into.getvalue() == b"new"


@pytest.mark.parametrize(
    "part",
    [rest(5), rest(4, etag='"2"'), rest(4, told="bytes */10"), rest(4, told="lines 4-9/10")],
    ids=["elsewhere", "of-another", "unsaid", "odd"],
)
def test_a_part_that_is_not_the_rest_is_no_rest(part: Reply, site: Site, client: Client) -> None:
    site.queue("/a", [cut(4, *RESUMABLE), part])
    with pytest.raises(BadAnswer, match="part"):
        client.download(site.url("/a"), BytesIO())


def test_a_rest_that_is_shorter_than_it_says_is_noticed(site: Site, client: Client) -> None:
    short = Reply(status=206, body=b"45", headers={"content-range": "bytes 4-5/10"})
    site.queue("/a", [cut(4, *RESUMABLE), short, rest(6)])
    into = BytesIO()
    client.download(site.url("/a"), into)
    assert into.getvalue() == WHOLE


def test_a_download_that_never_ends_well_is_unavailable(site: Site, client: Client) -> None:
    site.queue("/a", [cut(4)])
    with pytest.raises(Unavailable):
        client.download(site.url("/a"), BytesIO())
    assert len(site.calls) == 3


@pytest.mark.parametrize("said", [True, False], ids=["announced", "unannounced"])
def test_a_download_stops_at_its_limit(said: bool, site: Site, client: Client) -> None:
    length = "content-length: 10" if said else "connection: close"
    site.queue("/a", [Reply(raw=f"HTTP/1.1 200 OK\r\n{length}\r\n\r\n".encode() + WHOLE)])
    into = BytesIO()
    with pytest.raises(TooLarge, match="longer than 9 bytes"):
        client.download(site.url("/a"), into, terms=Terms(max_bytes=9))
    assert len(into.getvalue()) <= 9
    assert len(site.calls) == 1


def test_what_comes_packed_all_the_same_is_unpacked(site: Site, client: Client) -> None:
    packed = {"content-encoding": "gzip", "etag": '"1"', "accept-ranges": "bytes"}
    site.put("/a", gzip.compress(WHOLE), headers=packed)
    into = BytesIO()
    client.download(site.url("/a"), into)
    assert into.getvalue() == WHOLE
    assert site.calls[0].headers["accept-encoding"] == "identity"


def test_a_refusal_leaves_the_file_alone(site: Site, client: Client) -> None:
    site.put("/a", "no such file", status=404)
    into = BytesIO()
    with pytest.raises(Gone):
        client.download(site.url("/a"), into)
    assert into.getvalue() == b""


def test_a_download_from_another_host_gets_no_credentials(
    site: Site, other: Site, client: Client
) -> None:
    site.redirect("/a", other.url("/file?signed=yes"))
    other.queue("/file?signed=yes", [cut(4, *RESUMABLE), rest(4)])
    into = BytesIO()
    client.download(site.url("/a"), into, headers={"authorization": "Bearer hunter2"})
    assert into.getvalue() == WHOLE
    assert "hunter2" not in repr([call.headers for call in other.calls])
    assert site.targets() == ["/a"], "the address that was given for the bytes is asked on"


def test_some_vendors_hand_out_files_to_a_post(site: Site, client: Client) -> None:
    site.queue("/a", [cut(0), Reply(body=WHOLE)])
    into = BytesIO()
    client.download(site.url("/a"), into, method="POST")
    assert (into.getvalue(), site.calls[1].method) == (WHOLE, "POST")
