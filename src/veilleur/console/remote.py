"""Where a request comes from: the other end of the connection, or what our own proxy says of it.

`X-Forwarded-For` is what anybody writes into a request. Of it counts only what a proxy of ours has
added, at its end; and only where the connection comes from that proxy.
Source: RFC 7239, 8.1 (a list is as good as its last trusted writer).
"""

from __future__ import annotations

import ipaddress

from starlette.requests import HTTPConnection

FORWARDED = "x-forwarded-for"
NOBODYS = "local"
"""Of a connection without an address, as over a local socket."""


def remote_address(connection: HTTPConnection, trusted: str | None = None) -> str:
    """For limits and for the record. trusted: address of the proxy in front, None: there is none.

    Where that proxy says nothing that is an address, it is the proxy's own: then all of those who
    come that way share one limit, and nobody chooses theirs.
    """
    if connection.client is None:
        return NOBODYS
    nearest = connection.client.host
    if trusted is None or as_address(nearest) != as_address(trusted):
        return nearest
    said = ",".join(connection.headers.getlist(FORWARDED)).split(",")
    for one in reversed(said):
        found = as_address(one.strip())
        if found is None:
            return nearest
        if found != as_address(trusted):
            return str(found)
    return nearest


def as_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None: it is none. An IPv4 address within an IPv6 one is that IPv4 address.

    >>> str(as_address("::ffff:10.0.0.1")), as_address("unknown")
    ('10.0.0.1', None)
    """
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
