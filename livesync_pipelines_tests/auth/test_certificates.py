"""Certificates that strangers may ask for, from a server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from livesync_pipelines.auth.certificates import AT_ONCE, FAILED_S, KEPT, PER_MINUTE, Certificates
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines_tests.auth.amazon import CERT_URL, SLOW, Amazon


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    with Amazon(datetime.now(UTC)) as amazon:
        yield amazon
        amazon.let_go.set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def certificates(amazon: Amazon, clock: Clock) -> Certificates:
    return Certificates(client=amazon.client(), clock=clock)


def address(name: str) -> str:
    return CERT_URL.replace("0123456789abcdef", name)


def test_what_is_there_is_found_while_strangers_have_others_fetched(
    amazon: Amazon, certificates: Certificates
) -> None:
    certificates.at(CERT_URL)
    fetching = [certificates.ask(address(f"{SLOW}{number}")) for number in range(AT_ONCE)]
    assert certificates.ask(CERT_URL).done()
    assert certificates.at(CERT_URL) == amazon.certificate
    assert not any(one.done() for one in fetching)


def test_all_who_ask_for_one_that_is_being_fetched_get_it_of_one_call(
    amazon: Amazon, certificates: Certificates
) -> None:
    amazon.certify(address(SLOW))
    asked = [certificates.ask(address(SLOW)) for _ in range(50)]
    amazon.let_go.set()
    assert {one.result() for one in asked} == {amazon.certificate}
    assert amazon.calls == 1


def test_only_a_few_are_fetched_at_once_and_more_is_to_be_sent_again(
    amazon: Amazon, certificates: Certificates
) -> None:
    fetching = [certificates.ask(address(f"{SLOW}{number}")) for number in range(AT_ONCE)]
    with pytest.raises(Unavailable):
        certificates.at(CERT_URL)
    amazon.let_go.set()
    assert [one.result() for one in fetching] == [None] * AT_ONCE
    assert certificates.at(CERT_URL) == amazon.certificate
    assert amazon.calls == AT_ONCE + 1


def test_only_so_many_are_fetched_in_a_minute(
    amazon: Amazon, certificates: Certificates, clock: Clock
) -> None:
    for number in range(PER_MINUTE):
        assert certificates.at(address(f"forged{number}")) is None
    with pytest.raises(Unavailable):
        certificates.at(CERT_URL)
    assert amazon.calls == PER_MINUTE
    clock.now_s += 60 / PER_MINUTE
    assert certificates.at(CERT_URL) == amazon.certificate


@pytest.mark.parametrize("away", [True, False])
def test_what_could_not_be_had_is_not_asked_for_again_for_a_while(
    amazon: Amazon, clock: Clock, away: bool
) -> None:
    certificates = Certificates(client=amazon.client(away=away), clock=clock)
    url = address("forged")
    for calls in (1, 2):
        for _ in range(3):
            if away:
                with pytest.raises(Unavailable):
                    certificates.at(url)
            else:
                assert certificates.at(url) is None
        assert amazon.calls == calls
        clock.now_s += FAILED_S


def test_so_many_are_kept_and_those_that_are_of_use_stay(
    amazon: Amazon, certificates: Certificates, clock: Clock
) -> None:
    for number in range(2 * KEPT):
        amazon.certify(address(f"another{number}"))
        certificates.at(address(f"another{number}"))
        certificates.at(CERT_URL)
        clock.now_s += 60
    assert len(certificates._kept) == KEPT
    assert amazon.targets.count(CERT_URL) == 1


def test_what_could_not_be_had_is_forgotten(certificates: Certificates, clock: Clock) -> None:
    for number in range(50):
        certificates.at(address(f"forged{number}"))
        clock.now_s += FAILED_S
    assert len(certificates._asked) == 1


def test_one_subscription_is_confirmed_at_a_time(
    amazon: Amazon, certificates: Certificates
) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(certificates.confirm, f"https://sns.example/?{SLOW}")
        assert amazon.begun.wait(30)
        with pytest.raises(Unavailable):
            certificates.confirm("https://sns.example/?other")
        amazon.let_go.set()
    first.result()
    certificates.confirm("https://sns.example/?other")
