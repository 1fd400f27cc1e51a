"""Which addresses a camera's stream may be fetched from.

An address comes from a site file or a command line, and its name from a DNS that others may run: it
could lead to this machine's own services, to a neighbour by link-local address, or to the metadata
service of a cloud, which hands out keys. So the name is looked up once, each answer is judged, and
the one that was judged is connected to. A camera on this machine (a tunnel, a relay) is said to be
one in the site file; our own simulator has proven to be here, and is looked for nowhere else.
Source: reliability row S8; OWASP SSRF prevention; RFC 6890 (special addresses), RFC 6052, 3056
and 4380 (IPv4 within IPv6).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from veilleur.cameras.source import Reach, Source
from veilleur.errors import CameraRefused

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
"""All addresses of a host's name, best first. Raises OSError where it has none."""

METADATA = frozenset(
    ipaddress.ip_address(one)
    for one in (
        "169.254.169.254",  # most clouds
        "169.254.170.2",  # containers at Amazon
        "fd00:ec2::254",
        "fd20:ce::254",  # Google
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure
    )
)
_NOWHERE = tuple(
    ipaddress.ip_network(one) for one in ("0.0.0.0/8", "240.0.0.0/4", "::/128", "100::/64")
)
_TRANSLATED = tuple(ipaddress.IPv6Network(one) for one in ("64:ff9b::/96", "::/96"))


def settled(source: Source, resolve: Resolve | None = None) -> Source:
    """The camera at the one address to be connected to; a source without a host stays as it is.

    Errors: CameraRefused where the name has no address, or none that may be connected to.
    """
    if not source.host:
        return source
    found = [source.host] if _literal(source.host) else _looked_up(source, resolve or _resolve)
    objections = []
    for address in found:
        wrong = objection(address, source.reach)
        if wrong is None:
            return source.at(address)
        objections.append(wrong)
    raise _refusal(source.host, objections[0] if objections else Objection.NOBODY)


class Objection(StrEnum):
    """What is at an address instead of a camera."""

    METADATA = "metadata"  # a cloud's, with its keys
    LINK_LOCAL = "link-local"
    MANY = "many"  # multicast
    NOBODY = "nobody"  # "this network", reserved, discarded
    THIS_MACHINE = "this machine"
    ANOTHER = "another machine"  # where our simulator can't be


def objection(text: str, reach: Reach) -> Objection | None:
    """None: a camera may be there.

    >>> objection("10.0.0.5", Reach.NETWORK), str(objection("169.254.169.254", Reach.EITHER))
    (None, 'metadata')
    """
    address = _literal(text)
    if address is None:
        return Objection.NOBODY
    address = _plain(address)
    if address in METADATA:
        return Objection.METADATA
    if address.is_link_local:
        return Objection.LINK_LOCAL
    if address.is_multicast:
        return Objection.MANY
    if any(address in network for network in _NOWHERE if network.version == address.version):
        return Objection.NOBODY
    if address.is_loopback:
        return Objection.THIS_MACHINE if reach is Reach.NETWORK else None
    return Objection.ANOTHER if reach is Reach.HERE else None


def _refusal(host: str, wrong: Objection) -> CameraRefused:
    told = {
        Objection.METADATA: "is where a cloud keeps its keys: no camera is looked for there",
        Objection.LINK_LOCAL: "is a link-local address: no camera is looked for there",
        Objection.MANY: "is an address of many, multicast: no camera is looked for there",
        Objection.NOBODY: "is an address of nobody",
        Objection.THIS_MACHINE: "is this machine itself: no camera is looked for here unasked",
        Objection.ANOTHER: "is not on this machine, where our simulator is",
    }
    asked = "for a tunnel, write allow_loopback: true under this camera in the site file"
    remedy = asked if wrong is Objection.THIS_MACHINE else "check the camera's address"
    return CameraRefused(f"{host} {told[wrong]}", remedy=remedy, cause="address")


def _looked_up(source: Source, resolve: Resolve) -> Sequence[str]:
    try:
        return resolve(source.host, source.port)
    except OSError:
        raise CameraRefused(
            f"{source.host} is not known to the network",
            remedy="check the camera's address",
            cause="address",
        ) from None


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def _literal(text: str) -> Address | None:
    """An address in digits; one with a zone ("fe80::1%eth0") counts as without."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for: mapped, of NAT64, of 6to4 or of Teredo."""
    if isinstance(address, IPv4Address) or address in (IPv6Address("::1"), IPv6Address("::")):
        return address
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    tunnelled = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or tunnelled or address
