"""The pretend Dropbox as its own client sees it."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Any

import pytest
from dropbox import Dropbox
from dropbox.exceptions import (
    ApiError,
    AuthError,
    InternalServerError,
    RateLimitError,
)
from dropbox.files import (
    CommitInfo,
    DeletedMetadata,
    FileMetadata,
    FolderMetadata,
    UploadSessionCursor,
    WriteMode,
)

from livesync_pipelines.sandbox.clock import Ids
from livesync_pipelines.sandbox.dropbox.door import LOOK
from livesync_pipelines.sandbox.dropbox.nodes import BLOCK_BYTES, hash_of
from livesync_pipelines.sandbox.oauth import CLIENT_SECRET

from ..net.site import Call, Site
from .dropbox_client import dropbox_of, entries, latest, told_after
from .served import ADA, BEN, Sandbox


@pytest.fixture
def box(sandbox: Sandbox) -> Iterator[Dropbox]:
    with dropbox_of(sandbox) as client:
        yield client


def truth(sandbox: Sandbox, person: str = ADA) -> dict[str, str]:
    """Each path, and the hash of the file there; empty for a folder."""
    shown = sandbox.control("GET", "/truth/dropbox")["accounts"][person]["entries"]
    return {entry["path_lower"]: entry.get("content_hash", "") for entry in shown}


def tag_of(error: ApiError) -> str:
    """The tags of an error, down to the last one."""
    found, tags = error.error, []
    while hasattr(found, "_tag"):
        tags.append(found._tag)
        found = getattr(found._value, "reason", found._value)
    return "/".join(tags)


def test_a_listing_shows_everything_folders_first_page_by_page(box: Dropbox) -> None:
    for number in range(5):
        box.files_upload(b"fern", f"/Plants/Deep/fern {number}.md")
    shown = entries(box, limit=2)
    assert [entry.path_display for entry in shown[:2]] == ["/Plants", "/Plants/Deep"]
    assert len(shown) == 7
    assert isinstance(shown[0], FolderMetadata)
    assert isinstance(shown[2], FileMetadata)
    assert [entry.name for entry in box.files_list_folder("/plants").entries] == ["Deep"]


def test_a_file_comes_back_as_it_was_written_whole_or_from_a_place_on(
    box: Dropbox, sandbox: Sandbox
) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5)
    made = box.files_upload(b"a fern", "/F\u00e4rn.md", client_modified=at)
    assert (made.size, made.client_modified, made.content_hash) == (6, at, hash_of(b"a fern"))
    shown, answer = box.files_download("/f\u00e4rn.md")
    assert (shown.id, shown.path_display, answer.content) == (made.id, "/F\u00e4rn.md", b"a fern")
    assert box.files_download(f"rev:{made.rev}")[1].content == b"a fern"
    token = sandbox.tokens(ADA, "files.content.read", vendor="dropbox")["access_token"]
    headers = {
        "authorization": f"Bearer {token}",
        "dropbox-api-arg": f'{{"path": "{made.id}"}}',
        "range": "bytes=2-",
    }
    part = sandbox.client.post("/dropbox/2/files/download", headers=headers)
    assert (part.status_code, part.content) == (206, b"fern")
    assert part.headers["content-range"] == "bytes 2-5/6"


def test_a_content_hash_is_made_of_blocks() -> None:
    assert hash_of(b"") == sha256(b"").hexdigest()
    two = b"a" * BLOCK_BYTES + b"b"
    parts = sha256(b"a" * BLOCK_BYTES).digest() + sha256(b"b").digest()
    assert hash_of(two) == sha256(parts).hexdigest()


def test_case_does_not_count_and_is_kept(box: Dropbox) -> None:
    made = box.files_upload(b"one", "/Plants/Fern.md")
    again = box.files_upload(b"two", "/PLANTS/fern.MD", mode=WriteMode.overwrite)
    assert (again.id, again.path_display) == (made.id, "/Plants/Fern.md")
    assert again.rev != made.rev
    with pytest.raises(ApiError) as caught:
        box.files_move_v2("/plants/fern.md", "/plants/FERN.md")
    assert tag_of(caught.value) == "to/conflict/file"


def test_each_answer_names_its_call(box: Dropbox) -> None:
    named = set()
    for _ in range(2):
        with pytest.raises(ApiError) as caught:
            box.files_get_metadata("/nothing")
        named.add(caught.value.request_id)
    assert len(named) == 2
    assert None not in named


def test_the_modes_of_an_upload_hold_to_what_is_there(box: Dropbox) -> None:
    made = box.files_upload(b"one", "/fern.md")
    assert box.files_upload(b"one", "/fern.md").rev == made.rev, "the same bytes are no conflict"
    with pytest.raises(ApiError) as added:
        box.files_upload(b"two", "/fern.md")
    assert tag_of(added.value) == "path/conflict/file"
    assert box.files_upload(b"two", "/fern.md", autorename=True).name == "fern (1).md"
    newer = box.files_upload(b"three", "/fern.md", mode=WriteMode.update(made.rev))
    with pytest.raises(ApiError) as stale:
        box.files_upload(b"four", "/fern.md", mode=WriteMode.update(made.rev))
    assert tag_of(stale.value) == "path/conflict/file"
    copy = box.files_upload(b"4", "/fern.md", mode=WriteMode.update(made.rev), autorename=True)
    assert copy.name == "fern (conflicted copy 1).md"
    with pytest.raises(ApiError) as folder:
        box.files_upload(b"five", "/fern.md/leaf.md")
    assert tag_of(folder.value) == "path/conflict/file_ancestor"
    with pytest.raises(ApiError) as deleted:
        box.files_delete_v2("/fern.md", parent_rev=made.rev)
    assert tag_of(deleted.value) == "path_write/conflict/file"
    assert box.files_delete_v2("/fern.md", parent_rev=newer.rev).metadata.id == made.id


def test_a_file_comes_in_pieces_and_is_there_when_it_is_finished(
    box: Dropbox, sandbox: Sandbox
) -> None:
    begun = box.files_upload_session_start(b"one ", content_hash=hash_of(b"one "))
    cursor = UploadSessionCursor(begun.session_id, 4)
    box.files_upload_session_append_v2(b"two ", cursor)
    assert truth(sandbox) == {}
    with pytest.raises(ApiError) as again:
        box.files_upload_session_append_v2(b"two ", cursor)
    assert again.value.error.get_incorrect_offset().correct_offset == 8
    cursor.offset = 8
    made = box.files_upload_session_finish(b"three", cursor, CommitInfo("/Plants/fern.md"))
    assert (made.path_display, made.content_hash) == (
        "/Plants/fern.md",
        hash_of(b"one two three"),
    )
    assert truth(sandbox)["/plants/fern.md"] == made.content_hash


def test_a_session_that_cannot_be_finished_says_why(box: Dropbox, sandbox: Sandbox) -> None:
    held = box.files_upload(b"held", "/fern.md")
    begun = box.files_upload_session_start(b"new", close=True)
    cursor = UploadSessionCursor(begun.session_id, 3)
    with pytest.raises(ApiError) as closed:
        box.files_upload_session_append_v2(b"more", cursor)
    assert tag_of(closed.value) == "closed"
    with pytest.raises(ApiError) as taken:
        box.files_upload_session_finish(b"", cursor, CommitInfo("/fern.md"))
    assert tag_of(taken.value).startswith("path/")
    newer = CommitInfo("/fern.md", mode=WriteMode.update(held.rev))
    assert box.files_upload_session_finish(b"", cursor, newer).id == held.id
    with pytest.raises(ApiError) as over:
        box.files_upload_session_finish(b"", cursor, newer)
    assert over.value.error.get_lookup_failed().is_not_found()
    late = UploadSessionCursor(box.files_upload_session_start(b"late").session_id, 4)
    sandbox.control("POST", "/clock", {"advance_s": 8 * 24 * 3_600})
    with pytest.raises(ApiError) as expired:
        box.files_upload_session_append_v2(b"!", late)
    assert tag_of(expired.value) == "not_found"


def test_bytes_that_are_not_what_their_sender_says_are_refused(
    box: Dropbox, sandbox: Sandbox
) -> None:
    with pytest.raises(ApiError) as caught:
        box.files_upload(b"one", "/fern.md", content_hash=hash_of(b"two"))
    assert "content_hash_mismatch" in tag_of(caught.value)
    token = sandbox.tokens(ADA, "files.content.write", vendor="dropbox")["access_token"]
    headers = {"authorization": f"Bearer {token}", "dropbox-api-arg": '{"path": "/fern.md"}'}
    answer = sandbox.client.post("/dropbox/2/files/upload", headers=headers, content=b"one")
    assert (answer.status_code, "Content-Type" in answer.text) == (400, True)
    assert truth(sandbox) == {}


def test_deletions_have_no_id_and_come_in_order(box: Dropbox) -> None:
    box.files_upload(b"one", "/Plants/fern.md")
    cursor = latest(box)
    box.files_delete_v2("/plants")
    box.files_upload(b"two", "/Plants/moss.md")
    told = told_after(box, cursor)
    assert [(type(e), e.path_lower) for e in told] == [
        (DeletedMetadata, "/plants"),
        (FolderMetadata, "/plants"),
        (FileMetadata, "/plants/moss.md"),
    ]
    assert told[0].path_display == "/Plants"


def test_a_move_keeps_ids_and_tells_of_everything_that_is_below(box: Dropbox) -> None:
    made = box.files_upload(b"one", "/Plants/fern.md")
    cursor = latest(box)
    box.files_move_v2("/Plants", "/Garden/Beds")
    told = told_after(box, cursor)
    shown = [(e.path_display, isinstance(e, DeletedMetadata)) for e in told]
    assert shown[0] == ("/Garden", False)
    assert shown[1:] == [
        ("/Plants", True),
        ("/Garden/Beds", False),
        ("/Garden/Beds/fern.md", False),
    ]
    assert told[-1].id == made.id
    with pytest.raises(ApiError) as caught:
        box.files_move_v2("/Garden", "/Garden/Beds/Garden")
    assert tag_of(caught.value) == "cant_move_folder_into_itself"


def test_a_cursor_of_a_folder_tells_of_that_folder_alone(box: Dropbox) -> None:
    box.files_create_folder_v2("/Plants")
    cursor = latest(box, "/plants")
    box.files_upload(b"one", "/Plants/fern.md")
    box.files_upload(b"one", "/Plants 2/fern.md")
    box.files_delete_v2("/Plants")
    assert [e.path_lower for e in told_after(box, cursor)] == ["/plants/fern.md", "/plants"]


def test_a_cursor_that_is_forgotten_is_reset(box: Dropbox, sandbox: Sandbox) -> None:
    cursor = latest(box)
    sandbox.client.post("/dropbox/console/reset", json={"person": ADA}).raise_for_status()
    for ask in (box.files_list_folder_continue, box.files_list_folder_longpoll):
        with pytest.raises(ApiError) as caught:
            ask(cursor)
        assert tag_of(caught.value) == "reset"


def test_a_longpoll_ends_when_something_happens(box: Dropbox, sandbox: Sandbox) -> None:
    cursor = latest(box)
    with ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(box.files_list_folder_longpoll, cursor, 480)
        with dropbox_of(sandbox) as other:
            other.files_upload(b"one", "/fern.md")
        assert waiting.result().changes is True
    assert box.files_list_folder_longpoll(cursor, 30).changes is True


def test_what_is_not_there_or_not_asked_for_rightly_is_told_so(box: Dropbox) -> None:
    for ask in (box.files_get_metadata, box.files_list_folder, box.files_download):
        with pytest.raises(ApiError) as caught:
            ask("/nothing")
        assert tag_of(caught.value) == "path/not_found"
    box.files_upload(b"one", "/fern.md")
    with pytest.raises(ApiError) as folder:
        box.files_list_folder("/fern.md")
    assert tag_of(folder.value) == "path/not_folder"


def test_a_request_that_does_not_fit_is_answered_in_plain_text(sandbox: Sandbox) -> None:
    token = sandbox.tokens(ADA, LOOK, vendor="dropbox")["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    refused: list[Any] = [{"path": "/"}, {"path": "", "limit": 2_001}, {}, []]
    for asked in refused:
        answer = sandbox.client.post("/dropbox/2/files/list_folder", json=asked, headers=headers)
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("text/plain")
        assert 'API function "files/list_folder"' in answer.text


def test_a_token_that_has_expired_is_renewed_by_the_client(box: Dropbox, sandbox: Sandbox) -> None:
    assert box.users_get_current_account().email == ADA
    sandbox.control("POST", "/oauth/dropbox/expire")
    assert box.users_get_current_account().email == ADA
    assert sandbox.count("POST /dropbox/oauth2/token") == 1


def test_a_scope_that_is_missing_is_named(sandbox: Sandbox) -> None:
    with dropbox_of(sandbox, ADA, LOOK) as client, pytest.raises(AuthError) as caught:
        client.files_download("/fern.md")
    assert caught.value.error.get_missing_scope().required_scope == "files.content.read"


def test_limits_and_faults_have_dropboxs_shape(box: Dropbox, sandbox: Sandbox) -> None:
    sandbox.control("POST", "/limits/dropbox", {"calls": 1, "per_s": 60, "burst": 1})
    latest(box)
    with pytest.raises(RateLimitError) as limited:
        latest(box)
    assert limited.value.backoff == 60
    assert limited.value.error.reason.is_too_many_requests()
    sandbox.control("POST", "/limits/dropbox")
    for kind, error in {
        "429": RateLimitError,
        "403": RateLimitError,
        "500": InternalServerError,
        "503": InternalServerError,
    }.items():
        sandbox.fault("POST /dropbox/2/*", kind)
        with pytest.raises(error):
            latest(box)


def test_everybody_has_a_dropbox_of_their_own(box: Dropbox, sandbox: Sandbox) -> None:
    box.files_upload(b"one", "/fern.md")
    with dropbox_of(sandbox, BEN) as client:
        assert entries(client) == []
        console = sandbox.client.post(
            "/dropbox/console/share", json={"person": BEN, "path": "/Greenhouse"}
        )
        (folder,) = entries(client)
        assert folder.sharing_info.shared_folder_id == console.json()["shared_folder_id"]


def test_a_webhook_is_challenged_and_then_told_with_a_signature(
    box: Dropbox, sandbox: Sandbox
) -> None:
    ids = Ids(1)
    _, challenge = (ids.new("dropbox:challenge", 40) for _ in range(2))
    with Site() as site:
        site.put("/hook")
        console = {"address": site.url("/hook")}
        refused = sandbox.client.post("/dropbox/console/webhook", json=console)
        assert refused.json() == {"enabled": False}, "it has not answered the challenge"
        site.put(f"/hook?challenge={challenge}", challenge)
        accepted = sandbox.client.post("/dropbox/console/webhook", json=console)
        assert accepted.json() == {"enabled": True}
        box.files_upload(b"one", "/fern.md")
        call = _posted(site)
    signature = hmac.new(CLIENT_SECRET.encode(), call.body, sha256).hexdigest()
    assert call.headers["x-dropbox-signature"] == signature
    account = box.users_get_current_account().account_id
    assert json.loads(call.body)["list_folder"]["accounts"] == [account]


def _posted(site: Site) -> Call:
    """The first message, as soon as it is here."""
    for _ in range(1_000):
        for call in list(site.calls):
            if call.method == "POST":
                return call
        time.sleep(0.01)
    raise AssertionError("nothing was sent")


class _Gardener:
    """Does at random what can be done."""

    def __init__(self, box: Dropbox, seed: int) -> None:
        self._box = box
        self._chance = Random(seed)

    def step(self) -> None:
        act = self._chance.choice((self._write, self._write, self._write, self._move, self._delete))
        with suppress(ApiError):  # what is not there cannot be moved
            act()

    def _write(self) -> None:
        content = f"{self._chance.random()}".encode()
        self._box.files_upload(content, self._path(), mode=WriteMode.overwrite)

    def _move(self) -> None:
        self._box.files_move_v2(self._path(), self._path())

    def _delete(self) -> None:
        self._box.files_delete_v2(self._path())

    def _path(self) -> str:
        """Of few enough paths that they meet; a third of them are folders."""
        folders = [self._chance.choice(("Bed", "bed", "Pot")) for _ in range(2)]
        name = self._chance.choice(("fern.md", "Fern.md", "moss.md", ""))
        return "/".join(("", *folders[: self._chance.randrange(1, 3)], name)).rstrip("/")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_feed_leads_to_the_truth_for_whoever_follows_it(sandbox: Sandbox, seed: int) -> None:
    known: dict[str, str] = {}
    with dropbox_of(sandbox) as box:
        cursor, gardener = latest(box), _Gardener(box, seed)
        for _ in range(150):
            gardener.step()
        for entry in told_after(box, cursor):
            _apply(known, entry)
    assert known
    assert known == truth(sandbox)


def _apply(known: dict[str, str], entry: Any) -> None:
    """As the description of list_folder says it must be done."""
    if not isinstance(entry, FolderMetadata):
        for path in [path for path in known if f"{path}/".startswith(f"{entry.path_lower}/")]:
            del known[path]
    if not isinstance(entry, DeletedMetadata):
        known[entry.path_lower] = getattr(entry, "content_hash", "")
