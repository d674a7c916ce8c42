"""Which network addresses are public: those that the whole internet may be asked for, one host at a time.

Used by `destinations.py`. It knows no names and opens nothing. `ipaddress.is_global` alone is not enough: it calls
carrier-grade NAT neither private nor global, and multicast, NAT64, 6to4 and site-local addresses global.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this host; many systems take it for loopback
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT
            "127.0.0.0/8",
            "168.63.129.16/32",  # a public number by which a cloud serves its machines' secrets
            "169.254.0.0/16",  # link-local, and most clouds' metadata
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)

_GLOBAL_UNICAST_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols' own, such as Teredo
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: an IPv4 address inside
            "3fff::/20",  # documentation
        ),
    )
)


def unwrapped(address: Address) -> Address:
    """An IPv4 address that came as an IPv6 one (`::ffff:1.2.3.4`); any other as it is."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def is_public(address: Address) -> bool:
    """Whether it is a public unicast address. IPv6 addresses with an IPv4 address inside are not, save mapped ones."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    address = unwrapped(address)
    if address.is_multicast or address.is_unspecified or not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _GLOBAL_UNICAST_6 and not any(address in network for network in _NOT_PUBLIC_6)
