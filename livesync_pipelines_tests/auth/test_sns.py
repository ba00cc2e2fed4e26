"""Messages of SNS, signed with a key of our own whose certificate lies where Amazon's would."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.auth.call import Call, Told, verify
from livesync_pipelines.auth.certificates import Certificates
from livesync_pipelines.auth.sns import _signed, scheme
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines_tests.auth.amazon import CERT_URL, TOPIC, Amazon, a_message, as_body
from livesync_pipelines_tests.auth.calls import bits

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPTIONAL = ("Subject", "SubscribeURL", "Token")
NAMES = ("Message", "MessageId", *OPTIONAL[:2], "Timestamp", OPTIONAL[2], "TopicArn", "Type")
OTHER = TOPIC.replace("changes", "strangers")


@pytest.fixture(scope="module")
def amazon() -> Iterator[Amazon]:
    with Amazon(AT) as amazon:
        yield amazon


def told(amazon: Amazon, body: bytes, *, topic: str = TOPIC, at: datetime = AT) -> Told | None:
    found = scheme(Certificates(client=amazon.client()))
    call = Call(method="POST", url="https://x/", headers={}, body=body, at=at)
    return verify(found, call, (found.key(topic),))


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_notification_of_the_topic_tells_which_objects_have_changed(
    amazon: Amazon, version: str
) -> None:
    found = told(amazon, as_body(amazon.signed(a_message(), version=version)))
    assert found == Told(delivery="m-1", hints=("guides/leave early.md",))


def test_each_certificate_is_fetched_once(amazon: Amazon) -> None:
    client = amazon.client()
    found = scheme(Certificates(client=client))
    body = as_body(amazon.signed(a_message()))
    call = Call(method="POST", url="https://x/", headers={}, body=body, at=AT)
    before = amazon.calls
    for _ in range(3):
        assert verify(found, call, (TOPIC.encode(),)) is not None
    assert amazon.calls == before + 1


def test_a_test_event_is_answered_and_no_more(amazon: Amazon) -> None:
    message = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})
    found = told(amazon, as_body(amazon.signed(a_message(Message=message))))
    assert found is not None
    assert found.test


def test_a_subscription_is_to_be_confirmed_where_amazon_says(amazon: Amazon) -> None:
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
    said = a_message(Type="SubscriptionConfirmation", Token="abc", SubscribeURL=url)
    found = told(amazon, as_body(amazon.signed(said)))
    assert found is not None
    assert (found.test, found.confirm) == (True, url)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/?Token=abc",
        "HTTPS://sns.eu-west-1.amazonaws.com/?Token=abc",
        "https://SNS.eu-west-1.amazonaws.com/?Token=abc",
        "https://sns.eu-west-1.amazonaws.com.evil.example/?Token=abc",
        "https://sns.us-east-1.amazonaws.com/?Token=abc",
        "https://evil.example/sns.eu-west-1.amazonaws.com/",
        "https://169.254.169.254/latest",
    ],
)
def test_no_other_address_is_called_to_confirm(amazon: Amazon, url: str) -> None:
    said = a_message(Type="SubscriptionConfirmation", Token="abc", SubscribeURL=url)
    found = told(amazon, as_body(amazon.signed(said)))
    assert found is not None
    assert found.confirm is None


def test_the_end_of_a_subscription_confirms_nothing(amazon: Amazon) -> None:
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
    said = a_message(Type="UnsubscribeConfirmation", Token="abc", SubscribeURL=url)
    found = told(amazon, as_body(amazon.signed(said)))
    assert found == Told(delivery="m-1", test=True)


@pytest.mark.parametrize(
    "url",
    [
        CERT_URL.replace("https:", "http:"),
        CERT_URL.replace("https:", "HTTPS:"),
        CERT_URL.replace("sns.", "SNS."),
        CERT_URL.replace("amazonaws", "AmazonAWS"),
        CERT_URL.replace(".com/", ".com:443/"),
        CERT_URL.replace(".com/", ".com./"),
        f" {CERT_URL}",
        f"{CERT_URL}\n",
        f"{CERT_URL}?again=1",
        f"{CERT_URL}#again",
        CERT_URL.replace("amazonaws.com", "amazonaws.com.evil.example"),
        CERT_URL.replace("sns.", "sns.evil."),
        CERT_URL.replace("eu-west-1", "us-east-1"),
        CERT_URL.replace("https://", "https://sns.eu-west-1.amazonaws.com@evil.example/"),
        CERT_URL.replace(".com/", ".com:444/"),
        CERT_URL.replace("SimpleNotificationService", "../x"),
        "https://[::1",
        7,
    ],
)
def test_no_certificate_is_fetched_from_elsewhere(amazon: Amazon, url: Any) -> None:
    before = amazon.calls
    assert told(amazon, as_body({**amazon.signed(a_message()), "SigningCertURL": url})) is None
    assert amazon.calls == before


def test_amazon_signs_for_everybody_so_only_the_topic_that_is_named_may_call(
    amazon: Amazon,
) -> None:
    before = amazon.calls
    assert told(amazon, as_body(amazon.signed(a_message(TopicArn=OTHER)))) is None
    assert told(amazon, as_body(amazon.signed(a_message())), topic=OTHER) is None
    assert amazon.calls == before


def test_a_certificate_holds_for_its_time_only(amazon: Amazon) -> None:
    body = as_body(amazon.signed(a_message()))
    assert told(amazon, body, at=AT + timedelta(days=400)) is None
    assert told(amazon, body, at=AT - timedelta(days=400)) is None


def test_without_the_certificate_the_sender_is_to_come_again(amazon: Amazon) -> None:
    found = scheme(Certificates(client=amazon.client(away=True)))
    body = as_body(amazon.signed(a_message()))
    call = Call(method="POST", url="https://x/", headers={}, body=body, at=AT)
    with pytest.raises(Unavailable) as refused:
        verify(found, call, (TOPIC.encode(),))
    assert "amazonaws" not in f"{refused.value.as_dict()}"


def test_every_bit_of_the_signed_fields_and_of_the_signature_counts(amazon: Amazon) -> None:
    said = amazon.signed(a_message(Subject="Amazon S3 Notification"))
    certificates = Certificates(client=amazon.client())
    found = scheme(certificates)
    call = Call(method="POST", url="https://x/", headers={}, body=b"", at=AT)
    for name in ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Signature"):
        for turned in bits(said[name].encode()):
            body = as_body({**said, name: turned.decode("latin-1")})
            assert verify(found, replace(call, body=body), (TOPIC.encode(),)) is None, name


def test_a_bit_of_the_whole_body_is_refused_or_changes_nothing_that_is_told(
    amazon: Amazon,
) -> None:
    """Amazon leaves some fields out of what it signs, the one for unsubscribing among them."""
    body = as_body(amazon.signed(a_message()))
    certificates = Certificates(client=amazon.client())
    found = scheme(certificates)
    call = Call(method="POST", url="https://x/", headers={}, body=body, at=AT)
    good = verify(found, call, (TOPIC.encode(),))
    for turned in bits(body):
        try:
            assert verify(found, replace(call, body=turned), (TOPIC.encode(),)) in (None, good)
        except Unavailable:
            continue  # the address of the certificate is another one, and nothing lies there


@pytest.mark.parametrize(
    "turned",
    [
        {"MessageId": "m-1\nSubject\nS"},
        {"Message": "M\nMessageId\nm-1\nSubject\nS", "MessageId": None},
        {"MessageId": "m-1\nSubject\nS\nTimestamp\n2026", "Timestamp": 7},
    ],
)
def test_a_message_that_was_overheard_passes_under_no_other_name(
    amazon: Amazon, turned: dict[str, Any]
) -> None:
    """Its signature fits also where a field has been drawn into the one before it."""
    said = amazon.signed(a_message(Message="M", Subject="S", Timestamp="2026"))
    assert told(amazon, as_body(said)) == Told(delivery="m-1")
    kept = {name: value for name, value in said.items() if name != "Subject"}
    assert told(amazon, as_body({**kept, **turned})) is None


@pytest.mark.parametrize("name", ["MessageId", "Subject", "Timestamp", "SubscribeURL", "Token"])
@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n"])
def test_fields_of_one_line_have_no_breaks(amazon: Amazon, name: str, line_break: str) -> None:
    said = a_message(Type="SubscriptionConfirmation", Token="abc", SubscribeURL="https://x/")
    assert told(amazon, as_body(amazon.signed({**said, name: "one"}))) is not None
    broken = {**said, name: f"one{line_break}two"}
    assert told(amazon, as_body(amazon.signed(broken))) is None


def test_what_people_publish_may_have_several_lines(amazon: Amazon) -> None:
    text = "One.\nMessageId\nm-2\r\n\nTwo."
    found = told(amazon, as_body(amazon.signed(a_message(Message=text, Subject="S"))))
    assert found == Told(delivery="m-1")


def readings(lines: list[str], names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Every message whose signed text would be these lines, with these fields and no others."""
    if not names:
        yield from [{}] if not lines else []
        return
    if lines[:1] != [names[0]]:
        return
    for end in range(2, len(lines) + 1):
        for rest in readings(lines[end:], names[1:]):
            yield {names[0]: "\n".join(lines[1:end]), **rest}


@given(data=st.data())
def test_no_two_messages_have_the_same_text_signed(data: st.DataObject) -> None:
    value = st.lists(st.sampled_from((*NAMES, "x")), min_size=1, max_size=5).map("\n".join)
    said = {name: data.draw(value) for name in NAMES} | {"Type": "SubscriptionConfirmation"}
    for name in data.draw(st.sets(st.sampled_from(OPTIONAL))):
        del said[name]
    lines = "".join(f"{name}\n{text}\n" for name, text in said.items()).split("\n")[:-1]
    found = [
        reading
        for left_out in range(len(NAMES))
        for gone in combinations(NAMES, left_out)
        for reading in readings(lines, [name for name in NAMES if name not in gone])
        if reading.get("Type") == said["Type"] and _signed(reading) is not None
    ]
    assert len(found) <= 1


def test_a_signature_is_taken_only_as_it_is_spelled(amazon: Amazon) -> None:
    said = amazon.signed(a_message())
    assert b64encode(b64decode(said["Signature"])).decode() == said["Signature"]
    for spelled in (said["Signature"] + "\n", said["Signature"].rstrip("="), "", None, 7):
        assert told(amazon, as_body({**said, "Signature": spelled})) is None
    other = amazon.key.sign(b"something else", PKCS1v15(), hashes.SHA256())
    assert told(amazon, as_body({**said, "Signature": b64encode(other).decode()})) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"TopicArn": []}', b"\xff", b"{" * 9_999])
def test_what_is_no_message_is_refused(amazon: Amazon, body: bytes) -> None:
    assert told(amazon, body) is None


def test_fields_of_other_kinds_are_no_fault(amazon: Amazon) -> None:
    said = amazon.signed(a_message())
    for name in {*said} - {"UnsubscribeURL"}:  # which Amazon does not sign
        for value in (None, 7, [], {}, [1], {"a": 1}):
            assert told(amazon, as_body({**said, name: value})) is None
