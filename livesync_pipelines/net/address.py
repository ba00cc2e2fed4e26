"""Which addresses may be called: the public internet, and what the user allowed by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from .verdict import Refused

NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: an IPv4 address in the last 32 bits."""


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, seen through every IPv6 disguise.

    False for what is private, shared, loopback, link-local (cloud metadata), multicast,
    reserved, documentation, or no address at all.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(map(_plainly_public, _disguised(ip)))


def _disguised(ip: IPv4Address | IPv6Address) -> Sequence[IPv4Address | IPv6Address]:
    """The address that a packet reaches in the end: an IPv4 address inside an IPv6 one."""
    if isinstance(ip, IPv4Address):
        return [ip]
    if ip in NAT64:
        return [IPv4Address(int(ip) & 0xFFFFFFFF)]
    if ip.ipv4_mapped:
        return [ip.ipv4_mapped]
    if ip.sixtofour:
        return [ip.sixtofour]
    return list(ip.teredo) if ip.teredo else [ip]


def _plainly_public(ip: IPv4Address | IPv6Address) -> bool:
    closed = (
        ip.is_private
        or ip.is_loopback
        or ip.is_link_local
        or ip.is_multicast
        or ip.is_reserved
        or ip.is_unspecified
        or (isinstance(ip, IPv6Address) and ip.is_site_local)
    )
    return ip.is_global and not closed


@dataclass(frozen=True, slots=True)
class Gate:
    """Names a host's callable addresses.

    `allow_private` True opens every address; a collection opens those hosts, spelled as in the
    URL: a name that merely resolves to an allowed address stays closed.
    """

    resolve: Callable[[str, int], Sequence[str]]
    allow_private: bool | Collection[str] = False

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses to connect to, in the resolver's order.

        Raises `Refused` when there is none, `OSError` when the name does not resolve.
        """
        found = self.resolve(host, port)
        usable = found if self._allowed(host) else [a for a in found if is_public(a)]
        if not usable:
            raise Refused(
                f"{host} is not an address on the public internet",
                hint="Name the host under `allow_private` of the connection to allow it.",
                where=host,
            )
        return usable

    def _allowed(self, host: str) -> bool:
        if isinstance(self.allow_private, bool):
            return self.allow_private
        names = {name.strip("[]").rstrip(".").lower() for name in self.allow_private}
        return host.strip("[]").rstrip(".").lower() in names
