"""Objects in a bucket, against a real S3 server."""

from __future__ import annotations

import gzip
import socket
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from pydantic import ValidationError

from livesync_pipelines.connectors._s3_answers import is_archived
from livesync_pipelines.connectors._s3_errors import item_failure, named
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.s3 import S3, S3Connection, S3Selection
from livesync_pipelines.model.errors import (
    BadInput,
    Broken,
    ItemFailure,
    LiveSyncError,
    Reauthorise,
    Unavailable,
)
from livesync_pipelines.model.records import Body, Entry, ListingPage

from ..contracts.memory import FakeMemory, all_entries, entries_of
from ..net.site import Reply, Site
from .s3_world import ACCESS_KEY, SECRET_KEY, client, endpoint, new_bucket, seed


def bucket_of(bucket: str, *, max_bytes: int = 1_000_000, **options: Any) -> S3:
    selection = {k: options.pop(k) for k in ("include", "exclude") if k in options}
    connection = {
        "bucket": bucket,
        "endpoint_url": endpoint(),
        "region": "us-east-1",
        "access_key_id": ACCESS_KEY,
        "secret_access_key": SECRET_KEY,
        **options,
    }
    return S3(
        S3Connection.model_validate(connection),
        S3Selection.model_validate(selection),
        FetchLimits(max_bytes=max_bytes, timeout_s=5.0),
    )


def put(bucket: str, *keys: str) -> None:
    for key in keys:
        client().put_object(Bucket=bucket, Key=key, Body=key.encode())


def pages(source: S3, resume: str | None = None) -> list[ListingPage]:
    return list(source.listing(FakeMemory(), resume))


def test_a_bucket_that_did_not_change_says_what_it_said() -> None:
    bucket = new_bucket()
    put(bucket, "a.md", "b.md")
    with closing(bucket_of(bucket)) as source:
        first = source.probe(FakeMemory())
        assert source.probe(FakeMemory()) == first
        put(bucket, "c.md")
        assert source.probe(FakeMemory()) != first


def keys(source: S3, resume: str | None = None) -> list[str]:
    return [e.key for page in pages(source, resume) for e in entries_of(page)]


def read(source: S3, entry: Entry) -> Body | ItemFailure:
    (answer,) = source.fetch([entry])
    return answer


def body(source: S3, key: str) -> Body:
    answer = read(source, all_entries(pages(source))[key])
    assert isinstance(answer, Body)
    return answer


def failure(source: S3, key: str) -> ItemFailure:
    answer = read(source, all_entries(pages(source))[key])
    assert isinstance(answer, ItemFailure)
    assert answer.key == key
    return answer


@pytest.fixture
def bucket() -> str:
    return new_bucket()


def test_more_than_a_thousand_objects_come_in_pages_in_order(bucket: str) -> None:
    seed(bucket, (f"{n:04}" for n in range(1005)))
    first, last = pages(bucket_of(bucket))
    assert (first.entries.num_rows, last.entries.num_rows) == (1000, 5)
    assert (first.complete, first.resume, last.complete) == (False, "0999", True)
    assert keys(bucket_of(bucket), resume="1001") == ["1002", "1003", "1004"]


ODD_KEYS = [
    "a b",
    "a+b",
    "a%2Bb",
    "a//b",
    "../up",
    "/root",
    "é/ü",
    "\U0001f600",
    "q?x=1&y#z",
    "<&>",
]


def test_a_key_is_whatever_its_owner_wrote(bucket: str) -> None:
    """Spaces, plus signs, escapes, dots and slashes are characters, not syntax."""
    put(bucket, *ODD_KEYS)
    source = bucket_of(bucket)
    listed = list(all_entries(pages(source)).values())
    assert [e.key for e in listed] == sorted(ODD_KEYS)
    answers = list(source.fetch(listed))
    assert [a.content.decode() for a in answers if isinstance(a, Body)] == sorted(ODD_KEYS)


def test_a_prefix_and_globs_select(bucket: str) -> None:
    put(bucket, "docs/a.md", "docs/x/b.md", "docs/x/c.txt", "docs/drafts/d.md", "docs2/e.md")
    selected = bucket_of(bucket, prefix="docs/", include=["**/*.md"], exclude=["drafts/**"])
    assert keys(selected) == ["docs/a.md", "docs/x/b.md"]
    assert keys(bucket_of(bucket, prefix="docs", include=["x/**"])) == [
        "docs/x/b.md",
        "docs/x/c.txt",
    ]
    assert keys(bucket_of(bucket, include=["docs2/*"])) == ["docs2/e.md"]


def test_keys_that_stand_for_folders_are_left_out(bucket: str) -> None:
    client().put_object(Bucket=bucket, Key="folder/", Body=b"")
    client().put_object(Bucket=bucket, Key="real/", Body=b"x")
    client().put_object(Bucket=bucket, Key="empty", Body=b"")
    assert keys(bucket_of(bucket)) == ["empty", "real/"]
    assert body(bucket_of(bucket), "real/").name == "real"


def test_a_version_is_the_content_and_not_the_writing(bucket: str) -> None:
    put(bucket, "a")
    before = all_entries(pages(bucket_of(bucket)))["a"]
    put(bucket, "a")
    assert all_entries(pages(bucket_of(bucket)))["a"].version == before.version
    client().put_object(Bucket=bucket, Key="a", Body=b"b")
    assert all_entries(pages(bucket_of(bucket)))["a"].version != before.version


def test_a_multipart_etag_is_a_version_too(bucket: str) -> None:
    upload = client().create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    part = client().upload_part(
        Bucket=bucket, Key="big", PartNumber=1, UploadId=upload, Body=b"x" * 100
    )
    client().complete_multipart_upload(
        Bucket=bucket,
        Key="big",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    source = bucket_of(bucket)
    entry = all_entries(pages(source))["big"]
    assert entry.version.endswith("-1:100")
    assert body(source, "big").version == entry.version


def test_what_changed_since_the_listing_is_read_as_it_is_now(bucket: str) -> None:
    put(bucket, "a")
    source = bucket_of(bucket)
    listed = all_entries(pages(source))["a"]
    client().put_object(Bucket=bucket, Key="a", Body=b"newer")
    answer = read(source, listed)
    assert isinstance(answer, Body)
    assert answer.content == b"newer"
    assert answer.version == all_entries(pages(source))["a"].version != listed.version


def test_what_went_away_since_the_listing_says_so(bucket: str) -> None:
    put(bucket, "a", "b")
    source = bucket_of(bucket)
    listed = list(all_entries(pages(source)).values())
    client().delete_object(Bucket=bucket, Key="a")
    gone, there = source.fetch(listed)
    assert isinstance(gone, ItemFailure)
    assert (gone.key, gone.code) == ("a", "vanished")
    assert isinstance(there, Body)


def test_a_versioned_bucket_names_the_version_that_was_read(bucket: str) -> None:
    client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(bucket, "a", "gone")
    written = client().put_object(Bucket=bucket, Key="a", Body=b"2", Metadata={"owner": "Ada"})
    client().delete_object(Bucket=bucket, Key="gone")
    source = bucket_of(bucket)
    assert keys(source) == ["a"]
    assert body(source, "a").attributes == {"owner": "Ada", "version_id": written["VersionId"]}


def test_archived_objects_are_listed_and_fail_alone(bucket: str) -> None:
    put(bucket, "a")
    client().put_object(Bucket=bucket, Key="GLACIER", Body=b"x", StorageClass="GLACIER")
    client().put_object(Bucket=bucket, Key="DEEP", Body=b"x", StorageClass="DEEP_ARCHIVE")
    client().put_object(Bucket=bucket, Key="INSTANT", Body=b"x", StorageClass="GLACIER_IR")
    source = bucket_of(bucket)
    answers = {a.key: a for a in source.fetch(list(all_entries(pages(source)).values()))}
    failed = {k: a.code for k, a in answers.items() if isinstance(a, ItemFailure)}
    assert failed == {"GLACIER": "archived", "DEEP": "archived"}
    assert set(answers) == {"a", "GLACIER", "DEEP", "INSTANT"}


def test_an_object_restored_from_its_archive_is_read(bucket: str) -> None:
    client().put_object(Bucket=bucket, Key="old", Body=b"x", StorageClass="GLACIER")
    client().restore_object(Bucket=bucket, Key="old", RestoreRequest={"Days": 1})
    assert body(bucket_of(bucket), "old").content == b"x"
    assert is_archived({"StorageClass": "GLACIER"})
    assert is_archived({"StorageClass": "GLACIER", "RestoreStatus": {"IsRestoreInProgress": True}})


def test_amazon_is_not_asked_for_what_its_listing_calls_archived() -> None:
    source = bucket_of("nobody-is-called", endpoint_url=None)
    answer = read(source, Entry("a", "etag:1", state="archived"))
    assert isinstance(answer, ItemFailure)
    assert answer.code == "archived"


def test_what_is_too_large_is_not_read(bucket: str) -> None:
    client().put_object(Bucket=bucket, Key="a", Body=b"x" * 1000)
    assert failure(bucket_of(bucket, max_bytes=999), "a").code == "too_large"
    grown = read(bucket_of(bucket, max_bytes=999), Entry("a", "old:1", size=1))
    assert isinstance(grown, ItemFailure)
    assert grown.code == "too_large"


def test_a_body_says_where_it_is_from(bucket: str) -> None:
    client().put_object(Bucket=bucket, Key="d/a b.bin", Body=b"x", ContentType="text/html")
    client().put_object(Bucket=bucket, Key="d/b.md", Body=b"x")
    html = body(bucket_of(bucket), "d/a b.bin")
    assert (html.name, html.media_type) == ("a b.bin", "text/html")
    assert html.url == f"s3://{bucket}/d/a%20b.bin"
    assert html.modified_at is not None
    assert body(bucket_of(bucket), "d/b.md").media_type is None


@pytest.mark.parametrize("encoding", ["gzip", "aws-chunked, gzip"])
def test_packed_content_is_unpacked(bucket: str, encoding: str) -> None:
    packed = gzip.compress(b"words " * 1000)
    client().put_object(Bucket=bucket, Key="a", Body=packed, ContentEncoding=encoding)
    assert body(bucket_of(bucket), "a").content == b"words " * 1000
    assert failure(bucket_of(bucket, max_bytes=5000), "a").code == "too_large"


def test_a_wrong_content_encoding_costs_at_most_its_own_object(bucket: str) -> None:
    client().put_object(Bucket=bucket, Key="charset", Body=b"x", ContentEncoding="utf-8")
    client().put_object(Bucket=bucket, Key="torn", Body=b"x", ContentEncoding="gzip")
    client().put_object(Bucket=bucket, Key="brotli", Body=b"x", ContentEncoding="br")
    assert body(bucket_of(bucket), "charset").content == b"x"
    assert failure(bucket_of(bucket), "torn").code == "unreadable"
    assert failure(bucket_of(bucket), "brotli").code == "unreadable"


def test_a_bucket_that_is_not_there_is_bad_input() -> None:
    with pytest.raises(BadInput, match="NoSuchBucket") as caught:
        pages(bucket_of("no-such-bucket"))
    assert "bucket" in caught.value.hint


@pytest.mark.parametrize("options", [{"bucket": "NOT A BUCKET"}, {"endpoint_url": "nonsense"}])
def test_a_connection_that_makes_no_sense_is_bad_input(options: dict[str, Any]) -> None:
    source = bucket_of(**{"bucket": "some-bucket", **options})
    with pytest.raises(BadInput):
        pages(source)


def test_nobody_listening_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        where = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(Unavailable, match="EndpointConnectionError"):
            pages(bucket_of("some-bucket", endpoint_url=where))


def answer_of(code: str, status: int) -> ClientError:
    """What boto raises for such an answer; S3 may quote what it was sent."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": f"you sent {SECRET_KEY}"},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "R1",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 2,
            },
        },
        "ListObjectsV2",
    )


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDenied", 403, Reauthorise),
        ("InvalidAccessKeyId", 403, Reauthorise),
        ("SignatureDoesNotMatch", 403, Reauthorise),
        ("ExpiredToken", 400, Reauthorise),
        ("NoSuchBucket", 404, BadInput),
        ("PermanentRedirect", 301, BadInput),
        ("RequestTimeTooSkewed", 403, Broken),
        ("SlowDown", 503, Unavailable),
        ("InternalError", 500, Unavailable),
        ("SomethingNew", 400, Broken),
    ],
)
def test_an_error_is_named_for_what_comes_next(
    code: str, status: int, kind: type[LiveSyncError]
) -> None:
    with pytest.raises(LiveSyncError) as caught, named("s3 bucket b"):
        raise answer_of(code, status)
    assert type(caught.value) is kind
    assert caught.value.message == f"s3 bucket b answered {code} ({status}), request R1"
    assert SECRET_KEY not in repr(caught.value.as_dict())


def test_without_any_keys_the_owner_is_asked() -> None:
    with pytest.raises(Reauthorise) as caught, named("s3 bucket b"):
        raise NoCredentialsError
    assert "access_key_id" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("NoSuchKey", "vanished"),
        ("InvalidObjectState", "archived"),
        ("AccessDenied", "unreadable"),
        ("InvalidRequest", "unreadable"),
    ],
)
def test_what_is_wrong_with_one_object_fails_alone(code: str, means: str) -> None:
    failed = item_failure("a", answer_of(code, 403))
    assert failed is not None
    assert (failed.key, failed.code) == ("a", means)


def test_what_is_wrong_with_the_bucket_is_no_objects_fault() -> None:
    assert item_failure("a", answer_of("NoSuchBucket", 404)) is None


def listing_xml(*keys: str, more: bool = False) -> str:
    objects = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        f'<ETag>"e"</ETag><Size>1</Size></Contents>'
        for key in keys
    )
    return (
        '<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType>'
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{objects}</ListBucketResult>"
    )


def pretended(site: Site) -> closing[S3]:
    """A bucket `b` on a server whose every answer the test decides."""
    return closing(bucket_of("b", endpoint_url=site.url(""), path_style=True))


LISTING = "/b?list-type=2&prefix=&encoding-type=url"


@pytest.mark.parametrize(
    "said", [listing_xml("b", "a"), listing_xml("a", "a"), listing_xml(more=True)]
)
def test_a_server_that_lists_in_no_order_is_refused(said: str) -> None:
    """Trusting it would take what it shows too late for absent."""
    with Site() as site, pretended(site) as source:
        site.put(LISTING, said, headers={"content-type": "application/xml"})
        with pytest.raises(Broken, match="in order"):
            pages(source)


def test_a_page_that_repeats_itself_is_refused() -> None:
    with Site() as site, pretended(site) as source:
        site.put(LISTING, listing_xml("a", more=True))
        site.put("/b?list-type=2&prefix=&start-after=a&encoding-type=url", listing_xml("a"))
        listing = source.listing(FakeMemory())
        assert next(listing).resume == "a"
        with pytest.raises(Broken, match="in order"):
            next(listing)


def test_a_key_that_cannot_be_written_down_is_a_failure() -> None:
    with Site() as site, pretended(site) as source:
        site.put(LISTING, listing_xml("a%00b", "c%0Ad"))
        (page,) = pages(source)
    assert [e.key for e in entries_of(page)] == ["c\nd"]
    assert [(f.key, f.code) for f in page.failures] == [("a\\x00b", "bad_name")]
    assert page.complete


def test_content_that_breaks_off_is_asked_for_again() -> None:
    cut = b'HTTP/1.1 200 OK\r\ncontent-length: 9\r\netag: "e"\r\n\r\nhalf'
    whole = Reply(
        body=b"in full", headers={"etag": '"e"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
    )
    with Site() as site, pretended(site) as source:
        site.queue("/b/a", [Reply(raw=cut), whole])
        answer = read(source, Entry("a", "e:9"))
        assert isinstance(answer, Body)
        assert answer.content == b"in full"
        site.queue("/b/a", [Reply(raw=cut)])
        with pytest.raises(Unavailable, match="broke off 3 times"):
            read(source, Entry("a", "e:9"))


def test_no_secret_shows(bucket: str) -> None:
    source = bucket_of(bucket, session_token="also-secret")
    put(bucket, "a")
    pages(source)
    for shown in (repr(source.connection), str(source.connection), repr(vars(source))):
        assert SECRET_KEY not in shown
        assert "also-secret" not in shown
    source.close()


def test_settings_are_checked_at_the_door() -> None:
    unset = S3Connection.model_validate(
        {"bucket": "b", "access_key_id": "", "secret_access_key": "", "endpoint_url": ""}
    )
    assert (unset.access_key_id, unset.secret_access_key, unset.endpoint_url) == (None, None, None)
    wrong = [{"access_key_id": "A"}, {"session_token": "t"}, {"bucket": ""}, {"colour": "red"}]
    for options in wrong:
        with pytest.raises(ValidationError):
            S3Connection.model_validate({"bucket": "b", **options})
