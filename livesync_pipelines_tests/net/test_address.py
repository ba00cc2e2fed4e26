from __future__ import annotations

import pytest

from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.net.address import is_public
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.verdict import Refused

from .site import Site, Watch

CLOSED = [
    *("127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "0.0.0.0", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12::1"),
    *("ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::"),
    *("2002:a00:1::", "2001:0:7f00:1::", "nonsense"),
]
OPEN = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_inside_the_house_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OPEN)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f000001", "0177.0.0.1", "127.1",
     "169.254.169.254", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "0"],
)  # fmt: skip
def test_no_spelling_of_a_private_address_is_called(host: str, site: Site) -> None:
    with Client() as client, pytest.raises(BadInput):
        client.get(site.url("/a", host=host))
    assert site.calls == []


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:{port}/x", "http://[::1]:{port}/x", "http://2130706433:{port}/x",
     "http://169.254.169.254/latest/meta-data", "http://inside.example:{port}/x",
     "file:///etc/passwd", "gopher://127.0.0.1/"],
)  # fmt: skip
def test_no_redirect_leads_inside(target: str, site: Site, watch: Watch) -> None:
    watch.names = {"inside.example": [["10.0.0.7"]]}
    site.redirect("/a", target.format(port=site.port))
    with (
        Client(allow_private=["localhost"], world=watch.world()) as client,
        pytest.raises(Refused),
    ):
        client.get(site.url("/a", host="localhost"))
    assert site.targets() == ["/a"]


def test_a_refusal_says_what_to_do(site: Site) -> None:
    with Client() as client, pytest.raises(Refused) as told:
        client.get(site.url("/a"))
    assert "allow_private" in told.value.hint


def test_an_allowed_host_is_allowed_by_its_own_name_only(site: Site) -> None:
    site.put("/a", "in")
    with Client(allow_private=["LocalHost"]) as client:
        assert client.get(site.url("/a", host="localhost")).content == b"in"
        with pytest.raises(Refused):
            client.get(site.url("/a"))
    with Client(allow_private=["127.0.0.1"]) as client:
        assert client.get(site.url("/a")).content == b"in"
        with pytest.raises(Refused):
            client.get(site.url("/a", host="localhost"))


def test_the_private_ones_among_a_names_addresses_are_left_out(site: Site, watch: Watch) -> None:
    watch.names = {"mixed.example": [["10.0.0.7", "127.0.0.1"]]}
    with (
        Client(world=watch.world()) as client,
        pytest.raises(Refused, match=r"mixed\.example is not an address on the public internet"),
    ):
        client.get(site.url("/a", host="mixed.example"))


def test_a_name_is_asked_once_and_the_call_goes_to_that_very_answer(
    site: Site, watch: Watch
) -> None:
    """A rebinding name: had it been asked a second time, the call would have gone elsewhere."""
    watch.names = {"fickle.example": [["127.0.0.1"], ["203.0.113.9"]]}
    site.put("/a", "once")
    with Client(allow_private=True, world=watch.world()) as client:
        assert client.get(site.url("/a", host="fickle.example")).content == b"once"
    assert watch.asked == ["fickle.example"]
    assert site.calls[0].headers["host"] == f"fickle.example:{site.port}"


def test_the_next_address_is_tried_when_the_first_is_dead(site: Site, watch: Watch) -> None:
    watch.names = {"two.example": [["127.0.0.2", "127.0.0.1"]]}
    site.put("/a", "second")
    with Client(allow_private=True, world=watch.world()) as client:
        assert client.get(site.url("/a", host="two.example")).content == b"second"
