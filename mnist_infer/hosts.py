"""Which hosts an image URL may name, and which addresses it may lead to: the table behind `download`."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

METADATA_NAMES = {"metadata", "metadata.tencentyun.com", "metadata.google.internal"}
"""Where clouds hand out keys, whatever address their DNS gives for them."""

# Letters, digits, hyphens, and underscores, which DNS has in names of buckets and containers; and a last
# label that begins with a letter: a name whose last label is a number is another spelling of an address
# (decimal, octal, hexadecimal, short). No dot at the end, and of internationalised names not even the
# ASCII form, which looks like what it is not.
_NAME = re.compile(r"(?!(.*\.)?xn--)([a-z0-9_][a-z0-9_-]*\.)*[a-z][a-z0-9_-]*")

# What is not global unicast. `ipaddress.is_global` differs between Python versions and misses some.
# Sources: IANA's special-purpose address registries for IPv4 and IPv6; RFC 5771; RFC 6052.
_NOT_PUBLIC_V4 = [
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
        *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # a cloud's own host agent, at a public address
        # Registered to others, and used by Tencent Cloud inside its network. Source: its Direct Connect's documents, on
        # routes that are not to be published.
        *("9.0.0.0/8", "11.0.0.0/8", "30.0.0.0/8", "131.87.0.0/16"),
    )
]
_GLOBAL_V6 = IPv6Network("2000::/3")  # mapped, compatible and NAT64 addresses are outside of it
_NOT_PUBLIC_V6 = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF's protocols, Teredo among them: an IPv4 address inside
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
]


def is_plain(host: str) -> bool:
    """Return whether a host is a name in plain letters, or an address in its standard spelling."""
    return _NAME.fullmatch(host) is not None or is_plain_address(host)


def is_plain_address(host: str) -> bool:
    """Return whether a host is an address as the standard writes it."""
    try:
        return str(ip_address(host)) == host
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Return whether an address is global unicast and has no other address embedded in it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _NOT_PUBLIC_V4)
    return parsed.scope_id is None and parsed in _GLOBAL_V6 and not any(parsed in network for network in _NOT_PUBLIC_V6)
