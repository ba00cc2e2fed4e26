"""Native documents of more than ten megabytes: by the link that Drive gives, and by no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest

from livesync_pipelines.connectors._google_calls import TooLargeToExport
from livesync_pipelines.connectors._google_drive_api import drive_of
from livesync_pipelines.connectors._google_files import EXPORTS, Remembered
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.google_drive import (
    GoogleDrive,
    GoogleDriveConnection,
    GoogleDriveSelection,
)
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Entry
from livesync_pipelines.net.api import Bearer
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.verdict import TooLarge
from livesync_pipelines.sandbox.google.files import SPREADSHEET
from livesync_pipelines_tests.net.site import Site

TOKEN = "ya29.of-ada"
EXPORT = EXPORTS[SPREADSHEET]
LIMITS: dict[str, Any] = {"account": Bearer(TOKEN), "timeout_s": 5.0}


@pytest.fixture
def site() -> Iterator[Site]:
    """Where the API is found. It exports nothing, for all is too large."""
    with Site() as running:
        why = {"error": {"errors": [{"reason": "exportSizeLimitExceeded"}]}}
        asked = "/drive/v3/files/1/export?" + urlencode({"mimeType": EXPORT.media_type})
        running.put(asked, json.dumps(why), status=403)
        yield running


@pytest.fixture
def other() -> Iterator[Site]:
    """A host that is not Google's."""
    with Site() as running:
        running.put("/book", "not to be had")
        yield running


def shows(site: Site, link: str | None) -> None:
    """The file's link for this format; None where it has but others."""
    links = {"application/pdf": site.url("/pdf")} | ({EXPORT.media_type: link} if link else {})
    asked = "/drive/v3/files/1?fields=exportLinks&supportsAllDrives=true"
    site.put(asked, json.dumps({"exportLinks": links}))


def limits_at(site: Site) -> FetchLimits:
    return FetchLimits(api_url=site.url(""), max_bytes=100, **LIMITS)


def exported(site: Site) -> bytes:
    into = BytesIO()
    with Client(allow_private=True, timeout_s=5.0) as client:
        drive_of(client, limits_at(site)).export("1", EXPORT, into, 100)
    return into.getvalue()


def tokens(site: Site) -> list[str | None]:
    """What each call brought."""
    return [call.headers.get("authorization") for call in site.calls]


def test_a_link_of_googles_is_followed_with_the_token(site: Site) -> None:
    shows(site, site.url("/export?id=1"))
    site.put("/export?id=1", "PK the book", headers={"content-type": EXPORT.media_type})
    assert exported(site) == b"PK the book"
    assert tokens(site) == [f"Bearer {TOKEN}"] * 3


def test_a_link_to_another_host_is_never_called(site: Site, other: Site) -> None:
    shows(site, other.url("/book"))
    with pytest.raises(TooLargeToExport, match="elsewhere than to Google"):
        exported(site)
    assert other.calls == []


@pytest.mark.parametrize("link", ["http://[", "/export?id=1", "ftp://127.0.0.1/book"])
def test_a_link_that_is_none_is_never_called(site: Site, link: str) -> None:
    shows(site, link)
    with pytest.raises(TooLargeToExport):
        exported(site)


def test_without_a_link_it_fails_alone_and_under_its_name(site: Site) -> None:
    shows(site, None)
    entry = Entry(key="1", version="1", state=Remembered("Beds", SPREADSHEET, "", "").written())
    drive = GoogleDrive(
        GoogleDriveConnection(account="ada"), GoogleDriveSelection(), limits_at(site)
    )
    with closing(drive):
        (failed,) = drive.fetch([entry])
    assert isinstance(failed, ItemFailure)
    assert (failed.key, failed.code) == ("1", "too_large_to_export")
    assert failed.reason.endswith("403 exportSizeLimitExceeded; it has no link for larger exports")


def test_a_redirect_to_another_host_is_followed_without_the_token(site: Site, other: Site) -> None:
    shows(site, site.url("/export?id=1"))
    site.redirect("/export?id=1", other.url("/signed"))
    other.put("/signed", "PK the book", headers={"content-type": EXPORT.media_type})
    assert exported(site) == b"PK the book"
    assert tokens(other) == [None]
    assert TOKEN not in repr(other.calls)


def test_a_page_to_sign_in_is_no_document(site: Site) -> None:
    shows(site, site.url("/export?id=1"))
    site.put("/export?id=1", "<html>Sign in</html>")
    with pytest.raises(TooLargeToExport, match="a page"):
        exported(site)


def test_what_is_longer_than_allowed_is_not_taken_by_its_link_either(site: Site) -> None:
    shows(site, site.url("/export?id=1"))
    site.put("/export?id=1", "P" * 101, headers={"content-type": EXPORT.media_type})
    with pytest.raises(TooLarge):
        exported(site)


def test_googles_own_links_lead_to_docs_google_com_and_no_lookalike() -> None:
    with Client() as client:
        drive = drive_of(client, FetchLimits(**LIMITS))
        assert drive.follows("https://docs.google.com/feeds/download/documents/export/Export?id=1")
        for link in (
            "http://docs.google.com/export?id=1",
            "https://docs.google.com:8443/export?id=1",
            "https://docs.google.com.example.com/export?id=1",
            "https://docs.google.com@example.com/export?id=1",
            "https://example.com/docs.google.com",
        ):
            assert not drive.follows(link)
